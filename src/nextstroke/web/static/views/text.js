// The text box: what is typed, with marks on signs that cannot be written.

import { app, change, on, sealStep } from "../app.js";
import { t } from "../i18n.js";
import { $, make } from "./dom.js";

const WAIT = 50; // ms after the last key before the text is written

export function wireText() {
  const area = $("text");
  let strange = [];
  const show = () => {
    if (area.value !== app.state.text) area.value = app.state.text;
    if ($("replace").value !== app.state.replace) $("replace").value = app.state.replace;
    $("strange-fate").textContent = app.state.replace ? t("replaced with “{sign}”", { sign: app.state.replace }) : t("left out");
    mark(area, strange);
  };
  area.addEventListener("input", ({ data, inputType }) => {
    // A word is a step of the history, and so is what is pasted.
    if (/^\s/.test(data ?? "") || inputType !== "insertText") sealStep();
    change({ text: area.value }, { wait: WAIT, joins: true });
  });
  area.addEventListener("scroll", () => ($("marks").scrollTop = area.scrollTop));
  $("replace").addEventListener("input", ({ target }) => change({ replace: target.value }, { wait: WAIT, joins: true }));
  on("state", show);
  on("strange", (signs) => {
    strange = signs;
    $("strange").hidden = !signs.length;
    $("strange-signs").textContent = signs.map(visible).join(" ");
    mark(area, strange);
  });
  show();
}

/** A sign, or the name of one that cannot be seen. */
function visible(sign) {
  return /^[\p{C}\p{Z}\p{M}]+$/u.test(sign) ? `U+${sign.codePointAt(0).toString(16).toUpperCase()}` : sign;
}

/** Draw marks below the text where it has strange signs. */
function mark(area, strange) {
  const below = $("marks");
  if (!strange.length) return void below.replaceChildren();
  const pattern = new RegExp(`(${strange.map((sign) => sign.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "u");
  const parts = area.value.split(pattern).map((part, i) => (i % 2 ? make("mark", {}, part) : part));
  below.replaceChildren(...parts, "\n");
  below.scrollTop = area.scrollTop;
}
