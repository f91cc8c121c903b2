// The panel "Your hand": lines are written, learned and tried; hands are kept, renamed, exported, imported and deleted.

import { app, change, emit, explained, on } from "../app.js";
import { ask } from "../ask.js";
import { bounds, fromStrokes, moved, slant, strokesOf } from "../engine/ink.js";
import { measure } from "../engine/layout.js";
import { handInkml, pathData } from "../files.js";
import { addHand, findHand, freeName, OWN, ownHands, ready, removeHand, renameHand } from "../hands.js";
import { language, t } from "../i18n.js";
import { readInk } from "../importers.js";
import { offer } from "../offer.js";
import { fileName, LONGEST_TEXT } from "../state.js";
import { $, button, drawing, make } from "./dom.js";
import { HandPad, joinedLine } from "./handpad.js";

const TWO = ["The quick brown fox jumps", "over a lazy dog at night"];
// For `nextstroke style learn`, which tunes a style on more lines: together they have every letter, figures and marks.
const TEN = [
  ...TWO, "Five wizards jumped quickly", "Who packed my box of jars?", "In 1987 we met 64 times.", "Zoe and Max live by the sea,",
  "Yes! Quite a grey morning.", "“Bring the blue vase,” he said", "Unless it rains on Friday", "Kind regards, your old friend",
];
const TRIAL = "We met by the old harbour";
const SPECIMEN_STYLE = "plain";

let pads = []; // of each line, its pads
let shown = null; // the name of the hand whose trial is shown

/** Letters on one pad, by the width of the window: a finger needs room. */
const lettersOnPad = () => (innerWidth >= 1000 ? 40 : innerWidth >= 600 ? 14 : 9);

export function wireHand() {
  const say = make("p", { id: "learning", role: "status", "aria-live": "polite" });
  const count = make("select", { id: "lines", "aria-label": t("Lines to write") },
    new Option(t("Two lines"), "2"), new Option(t("Ten lines, for tuning"), "10"));
  const follow = make("input", { type: "checkbox", id: "follow", checked: true });
  const file = make("input", { type: "file", id: "bring" });
  const bar = make("div", { className: "hand-bar" }, button(t("Learn my hand"), learn, { id: "learn", className: "primary" }), count,
    make("label", { className: "check" }, follow, t("Faint specimen")), make("label", { className: "file" }, t("Import …"), file), say);
  $("hand").append(
    make("div", { className: "prose" }, make("h2", {}, t("Write in your own hand")),
      make("p", {}, t("Write the lines with a pen, a finger or the mouse. The network reads them and continues in that hand. What you write stays in this browser."))),
    make("div", { id: "own-hands" }), make("div", { id: "beside" }), bar, make("div", { id: "pads" }),
    make("p", { className: "small" }, t("Ten lines can also tune the network itself: export them and run: {command}", { command: "nextstroke style learn" })));
  count.addEventListener("change", layPads);
  follow.addEventListener("change", showSpecimens);
  file.addEventListener("change", () => bring(file));
  let width = innerWidth;
  addEventListener("resize", () => {
    const before = width;
    width = innerWidth;
    if (before !== width && !pads.flat().some((pad) => pad.strokes.length)) layPads();
  });
  for (const name of ["dragover", "dragleave", "drop"]) addEventListener(name, drop);
  on("hands", showHands);
  layPads();
  showHands();
}

const say = (text) => ($("learning").textContent = text);

function layPads() {
  for (const pad of pads.flat()) pad.remove();
  const lines = $("lines").value === "10" ? TEN : TWO;
  pads = lines.map((line) => chunksOf(line, lettersOnPad()).map((text) => new HandPad($("pads"), text)));
  const perRow = innerWidth >= 1000 || innerWidth < 600 ? "100%" : "45%";
  for (const pad of pads.flat()) pad.figure.style.setProperty("--pad", perRow);
  showSpecimens();
}

/** The words of a line in groups of at most `letters` characters. */
function chunksOf(line, letters) {
  const chunks = [];
  for (const word of line.split(" ")) {
    const last = chunks.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= letters) chunks[chunks.length - 1] = `${last} ${word}`;
    else chunks.push(word);
  }
  return chunks;
}

/** Show on each pad how its words may look, faintly; one after the other, when nothing else is written. */
async function showSpecimens() {
  const all = pads.flat();
  for (const pad of all) {
    if (!$("follow").checked) pad.follow(null);
    else if (app.state.view === "hand" && all[0] === pads[0][0]) {
      try {
        const ink = await ask("preview", { text: pad.text, style: SPECIMEN_STYLE, bias: 2, seed: 3 });
        const { xHeight } = measure(ink);
        pad.follow(moved(ink, ([x, y]) => [x / xHeight, y / xHeight]));
      } catch (error) {
        if (error.dropped) return;
      }
    }
  }
}

export function enterHand() {
  if (!pads.flat().some((pad) => pad.specimen)) showSpecimens();
}

async function learn() {
  await take(() => pads.map(joinedLine), freeName(t("Mine")));
}

/** Learn the lines that a function gives, keep them as a hand and try it. */
async function take(linesOf, name) {
  say(t("Reading your hand …"));
  try {
    const lines = await linesOf();
    const kept = await addHand(name, lines);
    emit("hands");
    await tryHand(name);
    say(kept ? t("Learned as “{name}”. It is in the gallery now.", { name }) : t("Learned, but this browser could not keep it: export it."));
  } catch (error) {
    say(explained(error));
  }
}

// Trying a hand: a sentence beside the real lines, and how near it is.

async function tryHand(name, bias = 0.75) {
  const hand = findHand(OWN + name);
  shown = name;
  showHands();
  await ready(OWN + name);
  const seed = Math.floor(Math.random() * 1000);
  const trial = await ask("preview", { text: TRIAL, style: OWN + name, bias, seed });
  const real = fromStrokes(hand.lines[0].strokes);
  const use = button(t("Write with it"), () => change({ style: OWN + name, view: "write" }), { className: "primary" });
  const again = button(t("Another try"), () => tryHand(name, bias));
  const tidy = make("input", { type: "range", min: 0, max: 2, step: 0.25, value: bias, "aria-label": t("Legibility") });
  tidy.addEventListener("change", () => tryHand(name, Number(tidy.value)));
  $("beside").replaceChildren(make("div", { className: "beside" },
    make("h3", {}, t("What you wrote")), picture(real), make("h3", {}, t("A trial in “{name}”", { name })), picture(trial),
    make("p", { id: "nearness", className: "small" }, nearness(real, hand.lines[0].text, trial)),
    make("div", { className: "buttons" }, use, again, make("label", { className: "check" }, t("Legibility"), tidy))));
}

function picture(ink) {
  const [left, top, right, bottom] = bounds(ink);
  const { xHeight } = measure(ink);
  return drawing(strokesOf(ink).map(pathData), [left, top, right - left, bottom - top], xHeight / 10);
}

/** Slant, width and pen lifts of two inks: numbers that do not hang on what they say. */
function features(ink, text) {
  const letters = text.replaceAll(" ", "").length;
  const [left, , right] = bounds(ink);
  return {
    slant: Math.round((Math.atan(-slant(ink)) * 180) / Math.PI),
    width: (right - left) / letters / measure(ink).xHeight,
    lifts: strokesOf(ink).length / letters,
  };
}

function nearness(real, text, trial) {
  const [yours, its] = [features(real, text), features(trial, TRIAL)];
  const number = (value) => value.toLocaleString(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const parts = [
    t("slant {a}° and {b}°", { a: yours.slant, b: its.slant }), t("width of a letter {a} and {b}", { a: number(yours.width), b: number(its.width) }),
    t("strokes per letter {a} and {b}", { a: number(yours.lifts), b: number(its.lifts) }),
  ];
  const near = Math.abs(yours.slant - its.slant) < 10 && ratio(yours.width, its.width) < 1.3 && ratio(yours.lifts, its.lifts) < 1.5;
  return `${near ? t("Near.") : t("Not very near: write more evenly, or write the lines once more.")} ${t("You and the trial")}: ${parts.join(", ")}.`;
}

const ratio = (a, b) => Math.max(a, b) / Math.max(Math.min(a, b), 1e-9);

// The list of hands.

function showHands() {
  const rows = ownHands().map(({ name, lines }) => {
    const input = make("input", { value: name, maxLength: 30, "aria-label": t("Name"), className: "grow" });
    input.addEventListener("change", () => rename(name, input.value));
    const row = make("li", {}, input,
      button(t("Try it"), () => tryHand(name), { className: "quiet" }),
      button(t("Write with it"), () => change({ style: OWN + name, view: "write" }), { className: "quiet" }),
      button(t("Export"), () => offer(`${fileName(name)}.inkml`, new Blob([handInkml(lines)], { type: "application/inkml+xml" })), { className: "quiet" }),
      button(t("Delete"), () => remove(name), { className: "quiet" }));
    if (name === shown) row.setAttribute("aria-current", "true");
    return row;
  });
  $("own-hands").replaceChildren(...(rows.length ? [make("h3", {}, t("Your hands")), make("ul", { className: "list" }, ...rows)] : []));
}

function rename(from, to) {
  const name = renameHand(from, to);
  const styles = app.state.style.split(",").map((style) => (style === OWN + from ? OWN + name : style));
  if (shown === from) shown = name;
  change({ style: styles.join(",") });
  emit("hands");
  showHands();
}

function remove(name) {
  const isUsed = app.state.style.split(",").includes(OWN + name);
  removeHand(name);
  ask("forget", { name: OWN + name });
  if (isUsed) change({ style: "wide" });
  if (shown === name) $("beside").replaceChildren();
  emit("hands");
  showHands();
}

// Files.

async function bring(input) {
  const [file] = input.files;
  input.value = "";
  if (file) await importFile(file);
}

async function importFile(file) {
  const name = freeName(file.name.replace(/\.[^.]*$/, "").replaceAll(/[-_]+/g, " "));
  await take(async () => {
    const lines = await readInk(file);
    if (lines.every(({ text }) => text)) return lines;
    const text = prompt(t("What does the ink in {name} say?", { name: file.name }), "");
    if (!text?.trim()) throw new Error(t("The words of the ink are needed to learn a hand."));
    return [{ text: text.trim(), strokes: lines.flatMap(({ strokes }) => strokes) }];
  }, name);
}

/** A file that is dropped anywhere on the page: ink is a hand, plain text is a text. */
function drop(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.toggle("dropping", event.type === "dragover");
  if (event.type !== "drop") return;
  const [file] = event.dataTransfer.files;
  if (/\.(txt|md)$/i.test(file.name)) file.text().then((text) => change({ text: text.slice(0, LONGEST_TEXT), again: "", view: "write" }));
  else {
    change({ view: "hand" });
    importFile(file);
  }
}
