// The gallery of hands: a sample of each, and one's own first line in the hand that is pointed at.

import { app, change, on } from "../app.js";
import { ask } from "../ask.js";
import { bounds, strokesOf } from "../engine/ink.js";
import { pathData } from "../files.js";
import { isOwn, nameOf, OWN, ownHands, pointsOf, ready } from "../hands.js";
import { t } from "../i18n.js";
import { $, drawing, make } from "./dom.js";

const LINGER = 120; // ms that a hand is pointed at before one's line is written in it
const LONGEST = 22; // characters of a preview
const PEN = 3.4;

let timer = 0;
let samples = null;

/** @param {Promise<void>} constants settled when the engine's constants are there, of which the samples are drawn */
export async function wireGallery(constants) {
  on("hands", fill);
  const found = await (await fetch("samples.json")).json();
  await constants;
  samples = found;
  fill();
  on("state", show);
  $("one-style").addEventListener("click", () => change({ style: app.state.style.split(",")[0] }));
  const group = $("styles");
  group.addEventListener("change", ({ target }) => change({ style: target.value }));
  group.addEventListener("pointerover", ({ target }) => preview(target.closest(".hand-choice")?.dataset.style));
  group.addEventListener("focusin", ({ target }) => preview(target.value));
  group.addEventListener("pointerleave", () => preview(app.state.style.split(",")[0]));
}

function fill() {
  if (!samples) return; // they are shown as soon as the samples are there
  const groups = samples.groups.map(({ group, hands }) => [t(group), hands.map((hand) => choice(hand.name, sample(hand)))]);
  const own = ownHands().map(({ name, lines }) => choice(OWN + name, ownSample(lines)));
  const random = choice("none", make("span", { className: "small" }, "?"));
  const all = [...(own.length ? [[t("yours"), own]] : []), ...groups, [t("any"), [random]]];
  $("styles").replaceChildren(...all.map(([name, choices]) =>
    make("div", { className: "hands", role: "group", "aria-label": name }, make("h3", { "aria-hidden": "true" }, name), ...choices)));
  show();
}

/** The name of a hand as the page shows it. */
export const shownName = (style) => (style === "none" ? t("random hand") : nameOf(style));

function choice(style, picture) {
  const name = shownName(style);
  const input = make("input", { type: "radio", name: "style", value: style, "aria-label": name });
  return make("label", { className: "hand-choice", data: { style } }, picture, make("span", {}, name), input);
}

/** A word in a hand of the gallery; its strokes are steps of whole numbers. */
function sample({ width, strokes }) {
  return drawing(strokes.map((steps) => pathData(pointsOf(steps))), [-4, -4, width + 8, samples.height + 8], PEN);
}

/** The first strokes of an own hand. */
function ownSample(lines) {
  const { strokes } = lines[0];
  const points = strokes.flat();
  const [left, top, right, bottom] = bounds({ points });
  const height = bottom - top || 1;
  return drawing(strokes.map(pathData), [left, top - 0.05 * height, Math.min(right - left, 3 * height), 1.1 * height], height / 28);
}

function show() {
  const styles = app.state.style.split(",");
  for (const input of $("styles").querySelectorAll("input")) input.checked = input.value === styles[0];
  $("several").hidden = styles.length < 2;
  $("several").firstElementChild.textContent = t("Paragraphs in several hands: {names}.", { names: styles.map(nameOf).join(", ") });
  $("preview-name").textContent = shownName(styles[0]);
}

/** Write the first line of the text in a hand, a moment later. */
function preview(style) {
  if (!style) return;
  clearTimeout(timer);
  timer = setTimeout(() => write(style), LINGER);
}

async function write(style) {
  const first = app.state.text.trim().split("\n")[0];
  const text = first.length > LONGEST ? first.slice(0, LONGEST).replace(/\s+\S*$/, "") : first;
  if (!text) return;
  try {
    if (isOwn(style)) await ready(style);
    const ink = await ask("preview", { text, style, bias: app.state.bias, seed: app.state.seed });
    const [left, top, right, bottom] = bounds(ink);
    const svg = drawing(strokesOf(ink).map(pathData), [left - 1, top - 1, right - left + 2, bottom - top + 2], (bottom - top) / 24);
    $("preview").firstElementChild.replaceWith(svg);
    $("preview-name").textContent = shownName(style);
  } catch (error) {
    if (!error.dropped) $("preview").firstElementChild.replaceChildren();
  }
}

/** Show the first line in the hand that is chosen. */
export const previewChosen = () => preview(app.state.style.split(",")[0]);
