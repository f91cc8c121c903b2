// Move the letters and words of a written line apart or together, and strike out or underline words (handwriting/spacing.py).

import { constants } from "./constants.js";
import { owners } from "./diacritics.js";
import { bounds, fromStrokes, moved, quantile, strokesOf } from "./ink.js";

/** Where the characters of a line are: {letters: [{u, left, right, low, high} …], written}; `ink` is levelled. */
function lettersOf(line, ink) {
  const written = [...line.written];
  const own = written.map(() => []);
  owners(line.phi).forEach((u, t) => own[u]?.push(ink.points[t][0]));
  const letters = written.flatMap((character, u) => {
    if (character === " " || !own[u].length) return [];
    const [low, high] = constants.spacing.CORE.map((q) => quantile(own[u], q));
    return [{ u, left: Math.min(...own[u]), right: Math.max(...own[u]), low, high }];
  });
  return { letters, written };
}

/** Number in the line of the last blank between two characters, null if there is none. */
function blankBetween(written, first, last) {
  const blanks = (end) => written.slice(0, end).filter((character) => character === " ").length;
  return blanks(last) > blanks(first) ? blanks(last) - 1 : null;
}

/** The blanks of a line: {number, left, right} with the edges of the words at it. */
function blanksOf({ letters, written }) {
  return letters.slice(1).flatMap((after, i) => {
    const number = blankBetween(written, letters[i].u, after.u);
    return number === null ? [] : [{ number, left: letters[i].right, right: after.left }];
  });
}

/** The ink with `letter` mm added between letters, and gap(number, x, natural) mm at each blank. */
export function spaced(line, ink, letter, gap) {
  const { MAX_CLOSER, STEP } = constants.spacing;
  const { letters, written } = lettersOf(line, ink);
  const knots = [];
  let shift = 0;
  letters.slice(1).forEach((after, i) => {
    const before = letters[i];
    const blank = blankBetween(written, before.u, after.u);
    let [start, end] = blank === null ? [before.high, after.low] : [before.right, after.left];
    if (start > end) start = end = (start + end) / 2;
    let added = letter;
    if (blank !== null) added += gap(blank, before.right + shift, Math.max(0, after.left - before.right));
    added = Math.max(added, -MAX_CLOSER * (end - start));
    start = Math.max(start, knots.at(-1)?.[0] ?? -Infinity);
    end = Math.max(start + STEP, end);
    knots.push([start, shift], [end, shift + added]);
    shift += added;
  });
  return knots.some((knot) => knot[1]) ? moved(ink, ([x, y]) => [x + interpolated(x, knots), y]) : ink;
}

function interpolated(x, knots) {
  const i = knots.findIndex((knot) => knot[0] > x);
  if (i === 0) return knots[0][1];
  if (i < 0) return knots.at(-1)[1];
  const [[x0, y0], [x1, y1]] = [knots[i - 1], knots[i]];
  return y0 + ((y1 - y0) / (x1 - x0)) * (x - x0);
}

/** A line no wider than `width` mm: its blanks become narrower, and if that is not enough, all of it after `tabs` blanks. */
export function fitted(line, ink, width, tabs) {
  const over = bounds(ink)[2] - width;
  if (over <= 0) return ink;
  const blanks = blanksOf(lettersOf(line, ink));
  const total = blanks.reduce((sum, { number, left, right }) => sum + (number < tabs ? 0 : Math.max(0, right - left)), 0);
  const part = total ? Math.min(constants.spacing.BLANK_SHRINK, over / total) : 0;
  if (part) ink = spaced(line, ink, 0, (number, _x, natural) => (number < tabs ? 0 : -part * natural));
  const start = blanksOf(lettersOf(line, ink)).find(({ number }) => number === tabs - 1)?.right ?? 0;
  const excess = bounds(ink)[2];
  if (!(start < width && width < excess)) return ink;
  return moved(ink, ([x, y]) => [x > start ? start + ((x - start) * (width - start)) / (excess - start) : x, y]);
}

/** A levelled line with the words of its marks struck out and underlined, and `line` with weights for their points. */
export function marked(line, ink, marks, xHeight) {
  const owner = owners(line.phi);
  const strokes = marks.flatMap(({ kind, first, last }) => {
    const own = ink.points.filter((_, t) => owner[t] >= first && owner[t] < last).map(([x]) => x);
    return own.length ? [mark(kind, Math.min(...own), Math.max(...own), xHeight)] : [];
  });
  if (!strokes.length) return { line, ink };
  const longer = (list) => list && [...list, ...strokes.flat().map(() => list.at(-1))];
  return { line: { ...line, phi: longer(line.phi), ys: longer(line.ys) }, ink: fromStrokes([...strokesOf(ink), ...strokes]) };
}

function mark(kind, firstEdge, lastEdge, xHeight) {
  const { MARK_SLOPE, MARK_STEP, MARK_TURN, MARK_WAVE, OVERRUN, STRIKE, UNDERLINE } = constants.spacing;
  const left = firstEdge - OVERRUN * xHeight;
  const right = lastEdge + OVERRUN * xHeight;
  const pieces = Math.max(2, Math.round((right - left) / (MARK_STEP * xHeight)));
  const level = (kind === "struck" ? STRIKE : UNDERLINE) * xHeight;
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const x = left + ((right - left) * i) / pieces;
    return [x, level + MARK_WAVE * xHeight * Math.sin((MARK_TURN * x) / xHeight) - MARK_SLOPE * (x - left)];
  });
}
