// What is written and how: one object, kept in the address's fragment, so that a link gives the same ink. No DOM here.

import { crc32 } from "./engine/crc32.js";

export const DEFAULTS = {
  text: "Dear reader,\ntype here, and it is written by hand.\nA network draws every stroke.",
  style: "wide", bias: 0.75, seed: 1, candidates: 4, replace: "", again: "",
  format: "fit", size: 2.2, lineHeight: 0, margin: -1, align: "left", drift: 0,
  slant: 0, letterSpacing: 0, wordSpacing: 0, indent: 0, tab: 12, markup: false,
  paper: "blank", sheet: "#ffffff", pen: 0.35, nib: false, colour: "#1a1a2e",
  view: "write",
};

// Widths and heights of pages in mm; "fit" is cut to the ink.
const FORMATS = {
  fit: null, card: [148, 105], a6: [105, 148], a5: [148, 210], a4: [210, 297], letter: [215.9, 279.4],
};
const PAPERS = ["blank", "ruled", "grid", "dots"];
export const ALIGNMENTS = ["left", "center", "right"];
const VIEWS = ["write", "hand", "dream"];
// Fields that change how the ink looks and not the ink itself.
export const DRESSING = ["pen", "nib", "colour", "paper", "sheet", "view"];
const LINE_HEIGHT = 10 / 2.2; // heights of small letters from baseline to baseline, as the command's defaults have them
export const LONGEST_TEXT = 20000; // characters
const NAME = /^[^,]{1,80}$/;
const COLOUR = /^#[0-9a-f]{6}$/i;
const REWRITTEN = /^([0-9a-f]{1,8}\.\d{1,4}\.\d{1,4}(,|$))*$/; // text, occurrence and number of new attempts of each line

/**
 * The state that a fragment holds; missing or invalid values are replaced by the defaults.
 * @param {string} fragment with or without its #
 */
export function read(fragment) {
  const values = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = { ...DEFAULTS };
  for (const [key, usual] of Object.entries(DEFAULTS)) {
    const value = values.get(key);
    if (value === null) continue;
    if (typeof usual === "number") state[key] = Number.isFinite(Number(value)) ? Number(value) : usual;
    else state[key] = typeof usual === "boolean" ? value === "true" : value;
  }
  // Links of earlier versions name pages by their sizes, and ruled paper by a switch.
  if (values.get("ruled") === "true") state.paper = "ruled";
  return bounded(state);
}

/** The state with every value in its range. */
function bounded(state) {
  const within = (value, low, high) => Math.min(high, Math.max(low, value));
  const among = (key, allowed) => (allowed.includes(state[key]) ? state[key] : DEFAULTS[key]);
  const listed = (key, pattern) => (state[key].split(",").every((part) => pattern.test(part)) ? state[key] : DEFAULTS[key]);
  return {
    ...state,
    text: state.text.slice(0, LONGEST_TEXT),
    style: listed("style", NAME), colour: listed("colour", COLOUR), sheet: listed("sheet", COLOUR),
    bias: within(state.bias, 0, 3), size: within(state.size, 1, 10), pen: within(state.pen, 0.05, 5),
    lineHeight: within(state.lineHeight, 0, 100), margin: within(state.margin, -1, 60), drift: within(state.drift, 0, 3),
    letterSpacing: within(state.letterSpacing, -1, 5), wordSpacing: within(state.wordSpacing, -3, 20), indent: within(state.indent, 0, 60),
    slant: within(state.slant, -60, 60), tab: within(state.tab, 1, 100),
    seed: Math.floor(within(state.seed, 0, 2 ** 32 - 1)), candidates: Math.floor(within(state.candidates, 1, 16)),
    replace: state.replace.slice(0, 20), again: REWRITTEN.test(state.again) ? state.again : "",
    format: sizeOf(state.format) === undefined ? DEFAULTS.format : state.format,
    align: state.align.split(",").every((part) => ALIGNMENTS.includes(part)) ? state.align : DEFAULTS.align,
    paper: among("paper", PAPERS), view: among("view", VIEWS),
  };
}

/** Width and height of a page in mm, null where it is cut to the ink, undefined for an unknown name. */
export function sizeOf(format) {
  if (Object.hasOwn(FORMATS, format)) return FORMATS[format];
  const found = /^(\d{2,3}(?:\.\d)?)x(\d{2,3}(?:\.\d)?)$/.exec(format);
  const sides = found?.slice(1).map(Number);
  return sides && Math.min(...sides) >= 40 ? sides : undefined;
}

/** The fragment that holds a state: the values that differ from the defaults. */
export function fragment(state) {
  const changed = Object.entries(state).filter(([key, value]) => key in DEFAULTS && value !== DEFAULTS[key]);
  return `#${new URLSearchParams(changed.map(([key, value]) => [key, String(value)]))}`;
}

/** The distance of the baselines in mm; 0 stands for one that goes with the size. */
export const lineHeightOf = ({ lineHeight, size }) => lineHeight || Math.round(10 * LINE_HEIGHT * size) / 10;

/** The border in mm; below 0 it goes with the page, as in the command. */
export const marginOf = ({ margin, format }) => (margin >= 0 ? margin : sizeOf(format) ? 15 : 4);

/** The page of a state, in mm (engine/layout.js). */
export function pageOf(state) {
  const [width, height] = sizeOf(state.format) ?? [null, null];
  return {
    width, height, margin: marginOf(state), lineHeight: lineHeightOf(state), xHeight: state.size, align: state.align,
    drift: state.drift, slant: state.slant, tab: state.tab, paper: state.paper, letterSpacing: state.letterSpacing, wordSpacing: state.wordSpacing, indent: state.indent,
  };
}

/** The value of a list that belongs to a paragraph: lists are used in turn. */
export function ofParagraph(list, paragraph) {
  const values = list.split(",");
  return values[paragraph % values.length];
}

/** The list with another value for one of `count` paragraphs; equal values become one. */
export function withParagraph(list, paragraph, count, value) {
  const values = Array.from({ length: Math.max(count, paragraph + 1) }, (_, i) => (i === paragraph ? value : ofParagraph(list, i)));
  return values.every((each) => each === value) ? value : values.join(",");
}

/** A line's name in the field `again`: its text's checksum, and the number of equal lines above. */
export const lineKey = (text, occurrence) => `${crc32(new TextEncoder().encode(text)).toString(16)}.${occurrence}`;

/** How often lines were written again: a Map from lineKey to a number. */
export function rewrittenOf(again) {
  const entries = again.split(",").filter(Boolean).map((part) => part.split("."));
  return new Map(entries.map(([sum, occurrence, count]) => [`${sum}.${occurrence}`, Number(count)]));
}

/** The field `again` in which one line more is written again. */
export function rewritten(again, key) {
  const counts = rewrittenOf(again);
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].map(([line, count]) => `${line}.${count}`).join(",");
}

/** A file name from the first words of a text, without a suffix. */
export function fileName(text) {
  const plain = text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const words = plain.match(/[a-z0-9]+/g) ?? [];
  return words.slice(0, 5).join("-").slice(0, 40).replace(/-$/, "") || "nextstroke";
}

/** The command that writes the same ink into a file. */
export function commandOf(state) {
  const quoted = (value) => `'${String(value).replaceAll("'", String.raw`'\''`)}'`;
  const size = sizeOf(state.format);
  const options = [
    ["style", state.style], ["bias", state.bias], ["seed", state.seed], ["best-of", state.candidates],
    ["page", size ? size.join("x") : null], ["margin", marginOf(state)], ["line-height", lineHeightOf(state)],
    ["size", state.size], ["align", state.align === "left" ? null : state.align], ["drift", state.drift || null],
    ["letter-spacing", state.letterSpacing || null], ["word-spacing", state.wordSpacing || null], ["indent", state.indent || null],
    ["slant", state.slant || null], ["tab", state.tab === DEFAULTS.tab ? null : state.tab], ["markup", state.markup ? "" : null],
    ["paper", state.paper === "blank" ? null : state.paper], ["background", state.sheet === DEFAULTS.sheet ? null : quoted(state.sheet)],
    ["pen", state.pen], ["nib", state.nib ? "" : null], ["colour", quoted(state.colour)], ["replace", state.replace ? quoted(state.replace) : null],
  ];
  const told = options.filter(([, value]) => value !== null).map(([name, value]) => ` --${name} ${value}`.trimEnd());
  return `nextstroke write ${quoted(state.text)}${told.join("")} -o ${fileName(state.text)}.svg`;
}
