// The rail of settings: its tabs, sliders, choices and swatches.

import { app, change, on, sealStep } from "../app.js";
import { language, t } from "../i18n.js";
import { lineHeightOf, marginOf, ofParagraph, sizeOf } from "../state.js";
import { prefer, preferences } from "../store.js";
import { $, all, arrows, make, showTab } from "./dom.js";

const WAIT = 120; // ms after a slider's last step before the text is written
const INKS = { "#1a1a2e": "Blue-black", "#1f4fa3": "Blue", "#000000": "Black", "#8c2f1b": "Sepia", "#1e6b45": "Green", "#6a2c8f": "Violet" };
const SHEETS = { "#ffffff": "White", "#fbf5e6": "Cream", "#fdf3a7": "Yellow", "#e9f1f7": "Pale blue", "#f7e3e3": "Rose" };

/** Numbers as the language writes them. */
const number = (value, digits) => value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const mm = (digits) => (value) => `${number(value, digits)} mm`;
const OUTPUTS = {
  bias: (value) => number(value, 2), pen: mm(2), size: mm(1), lineHeight: mm(1), margin: mm(0), drift: (value) => number(value, 1),
  letterSpacing: mm(2), wordSpacing: mm(1), indent: mm(0), slant: (value) => `${number(value, 0)}°`, tab: mm(0),
};
// Fields that stand for "goes with another one" until they are set.
const SHOWN = { lineHeight: lineHeightOf, margin: marginOf };

export function wireRail(desk) {
  wireTabs();
  for (const input of all("[data-field]")) wireField(input);
  for (const input of all(".rail input[type=radio]")) {
    input.addEventListener("change", () => change({ [input.name]: input.value }));
  }
  addSwatches($("inks"), "colour", INKS);
  addSwatches($("sheets"), "sheet", SHEETS);
  $("settings").addEventListener("submit", (event) => event.preventDefault());
  wirePageSize();
  wirePace(desk);
  $("replay").addEventListener("click", () => desk.replay());
  on("state", show);
  show();
}

function wireTabs() {
  const rail = $("settings");
  const list = rail.querySelector("[role=tablist]");
  const small = matchMedia("(max-width: 900px)");
  const choose = (tab) => {
    // On a phone the rail is a sheet at the lower edge: its open tab closes it.
    const closes = small.matches && rail.classList.contains("open") && tab.getAttribute("aria-selected") === "true";
    rail.classList.toggle("open", !closes);
    showTab(list, tab);
  };
  for (const tab of list.children) tab.addEventListener("click", () => choose(tab));
  arrows(list, "[role=tab]", (tab) => showTab(list, tab));
}

function wireField(input) {
  const field = input.dataset.field;
  if (input.type === "checkbox") {
    input.addEventListener("change", () => change({ [field]: input.checked }));
    return;
  }
  input.addEventListener("input", () => {
    if (!input.value || !input.checkValidity()) return;
    change({ [field]: Number(input.value) }, { wait: input.type === "range" ? WAIT : 0, joins: input.type === "range" });
  });
  // A drag of a slider is one step of the history, however long it takes.
  input.addEventListener("pointerdown", () => sealStep());
  input.addEventListener("change", () => sealStep());
}

function addSwatches(group, field, colours) {
  for (const [colour, name] of Object.entries(colours)) {
    const input = make("input", { type: "radio", name: `${field}-swatch`, value: colour, "aria-label": t(name), title: t(name) });
    const label = make("label", {}, input);
    label.style.setProperty("--swatch", colour);
    input.addEventListener("change", () => change({ [field]: colour }));
    group.append(label);
  }
  const custom = make("input", { type: "color", "aria-label": t("Another colour"), title: t("Another colour") });
  custom.addEventListener("input", () => change({ [field]: custom.value }, { joins: true }));
  custom.addEventListener("change", () => sealStep());
  group.append(make("label", { className: "custom" }, custom));
}

/** Width and height of the page in mm, and a button that turns it. */
function wirePageSize() {
  const sides = [$("page-width"), $("page-height")];
  for (const input of sides) {
    input.addEventListener("change", () => {
      if (sides.every((side) => side.value && side.checkValidity())) change({ format: sides.map((side) => Number(side.value)).join("x") });
    });
  }
  $("turn").addEventListener("click", () => change({ format: [...sizeOf(app.state.format)].reverse().join("x") }));
}

function showPageSize() {
  const size = sizeOf(app.state.format);
  $("turn").disabled = !size;
  $("page-width").value = size?.[0] ?? "";
  $("page-height").value = size?.[1] ?? "";
}

function wirePace(desk) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const show = (pace) => {
    $("pace").value = pace;
    all('output[for="pace"]')[0].value = pace ? `${number(pace, 1)} ×` : t("at once");
    desk.pace = pace;
  };
  $("pace").addEventListener("input", ({ target }) => {
    prefer({ pace: Number(target.value) });
    show(preferences.pace);
  });
  show(calm ? 0 : preferences.pace);
}

function show() {
  const { state } = app;
  showPageSize();
  for (const input of all("[data-field]")) {
    const field = input.dataset.field;
    const value = SHOWN[field]?.(state) ?? state[field];
    if (input.type === "checkbox") input.checked = value;
    else if (document.activeElement !== input || input.type !== "number") input.value = value;
    const [output] = all(`output[for="${field}"]`);
    if (output) output.value = OUTPUTS[field](value);
  }
  for (const input of all(".rail input[type=radio]")) {
    const field = input.name.replace("-swatch", "");
    input.checked = ofParagraph(String(state[field]), 0) === input.value;
  }
}
