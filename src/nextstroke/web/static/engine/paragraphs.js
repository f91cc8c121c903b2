// The paragraphs of a text: indents, runs of blanks, tabs, and with markup struck-out and underlined words
// (handwriting/paragraphs.py).
//
// A paragraph, or a part of one, is {text, indent, align, marks: [{kind, first, last} …]}.

import { constants } from "./constants.js";
import { normal } from "./diacritics.js";
import { columnOf } from "./layout.js";
import { shownText, visible } from "./request.js";

/** The paragraphs of a text, one for each of its lines; empty ones at both ends are left out. */
export const paragraphsOf = (text, markup = false) =>
  text.replace(/^\n+|\n+$/g, "").split("\n").map((line) => paragraph(line, markup));

function paragraph(given, markup) {
  const isBlank = (character) => constants.text.WHITESPACE.includes(character);
  const line = [...visible(given)]
    .map((character) => (isBlank(character) && character !== "\t" ? " " : character)).join("").replace(/[ \t]+$/, "");
  let text = line.replace(/^[ \t]+/, "");
  const indent = line.slice(0, line.length - text.length);
  const found = markup && new RegExp(`^${constants.paragraphs.ALIGNED}$`).exec(text);
  if (found) text = found[1];
  const align = found ? (found[2] === "<-" ? "center" : "right") : "";
  return { indent, align, ...(markup ? withoutDelimiters(text) : { text, marks: [] }) };
}

/** A line without the delimiters of its marks; a delimiter without a partner is written as it is. */
function withoutDelimiters(line) {
  const { DELIMITER, DELIMITERS } = constants.paragraphs;
  const found = [...line.matchAll(new RegExp(DELIMITER, "g"))];
  const partners = new Map();
  const opened = {};
  for (const { 2: delimiter, index } of found.filter((match) => match[2])) {
    if (delimiter in opened) {
      partners.set(opened[delimiter], index);
      delete opened[delimiter];
    } else {
      opened[delimiter] = index;
    }
  }
  const paired = new Set([...partners].flat());
  const positions = new Map();
  let text = "";
  let last = 0;
  for (const { 0: all, 1: literal, index } of found) {
    text += line.slice(last, index);
    last = index + all.length;
    if (literal) text += literal;
    else if (paired.has(index)) positions.set(index, text.length);
    else text += all;
  }
  text += line.slice(last);
  const marks = [...partners].sort((a, b) => a[0] - b[0])
    .map(([first, end]) => ({ kind: DELIMITERS[line.slice(first, first + 2)], first: positions.get(first), last: positions.get(end) }))
    .filter((mark) => mark.first < mark.last);
  return { text, marks };
}

/** A part of a paragraph between two positions, with the marks on it. */
export function partOf(paragraph, first, last) {
  const marks = paragraph.marks.filter((mark) => mark.first < last && mark.last > first)
    .map((mark) => ({ ...mark, first: Math.max(mark.first, first) - first, last: Math.min(mark.last, last) - first }));
  return { ...paragraph, text: paragraph.text.slice(first, last), marks };
}

/** The blanks between the words, in order; of one blank, or of several blanks and tabs. */
export const gapsOf = ({ text }) => text.match(/[ \t]+/g) ?? [];

/** The text with single blanks, as a line of writing has it. */
export const shownOf = ({ text }) => shownText(text);

/** The marks with positions, in characters, in what is drawn of the text. */
export function markedCharacters({ text, marks }) {
  const drawn = (part) => [...normal(part.replace(/[ \t]+/g, " "))].length;
  return marks.map((mark) => ({ ...mark, first: drawn(text.slice(0, mark.first)), last: drawn(text.slice(0, mark.last)) }));
}

/** Width in mm of the blanks and tabs before a text. */
export const indentOf = (blanks, page) =>
  [...blanks].reduce((x, blank) => (blank === "\t" ? nextStop(x, page) : x + columnOf(page)), 0);

/** How much wider than one blank, `natural` mm wide, a run of blanks and tabs is after a word that ends at `x`. */
export function gapAfter(x, natural, blanks, page) {
  if (!blanks.includes("\t")) return (blanks.length - 1) * columnOf(page);
  const { MIN_GAP } = constants.paragraphs;
  const step = (end, blank) => blank === "\t" ? nextStop(end + MIN_GAP * columnOf(page), page) : end + columnOf(page);
  return [...blanks].reduce(step, x) - x - natural;
}

const nextStop = (x, page) => (Math.floor(x / tabOf(page)) + 1) * tabOf(page);

export const tabOf = (page) => page.tab ?? constants.layout.TAB;
