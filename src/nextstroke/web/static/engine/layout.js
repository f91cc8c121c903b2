// Lines of ink on pages, in millimetres, y downwards (pages/layout.py).
//
// A page is {width, height, margin, lineHeight, xHeight, align, paper, drift, slant, letterSpacing, wordSpacing, indent, tab}, as
// the class Page; without width and height it is cut to its ink. `margin` may be a list, `align` several as "left,right",
// and what follows `align` may be missing.

import { constants } from "./constants.js";
import { bounds, median, moved, quantile } from "./ink.js";

const isCut = (page) => !page.width || !page.height;

/** The margins at the top, right, bottom and left. */
export function marginsOf({ margin }) {
  const given = [margin].flat();
  return [0, 1, 2, 3].map((side) => given[side % given.length]);
}

/** The width between the margins; infinite where the page is cut to its ink. */
export function textWidth(page) {
  const [, right, , left] = marginsOf(page);
  return page.width ? page.width - right - left : Infinity;
}

/** The number of lines on a page. */
export function rowsOf(page) {
  const [top, , bottom] = marginsOf(page);
  return page.height ? Math.floor((page.height - top - bottom) / page.lineHeight) : Infinity;
}

/** Height of the baseline of a row of a page of a given size. */
export const baselineOf = (row, page) => marginsOf(page)[0] + (row + constants.layout.FIRST_BASELINE) * page.lineHeight;

/** Width of a blank more than one: that of a mean character before a hand is known. */
export const columnOf = (page) => constants.layout.ADVANCE * page.xHeight;

/** Alignment of a paragraph, which takes those of the page in turn. */
export function alignOf(paragraph, page) {
  const aligns = page.align.split(",");
  return aligns[paragraph % aligns.length].trim();
}

/** The width of a text, in mean widths of a character. */
export function advanceOf(text) {
  const { ADVANCES, USUAL_ADVANCE } = constants.layout;
  const groups = Object.entries(ADVANCES);
  const advance = (character) => groups.find(([group]) => group.includes(character))?.[1] ?? USUAL_ADVANCE;
  return [...text].reduce((sum, character) => sum + advance(character), 0);
}

/** The words of a text, split at what Python takes for whitespace. */
export function wordsOf(text) {
  const words = [""];
  for (const character of text) {
    if (constants.text.WHITESPACE.includes(character)) words.push("");
    else words[words.length - 1] += character;
  }
  return words.filter(Boolean);
}

/**
 * Break a paragraph, with blanks and tabs between its words, into lines no wider than `width`, the first one than `first`; a
 * word wider than a line is cut into pieces.
 */
export function* wrap(paragraph, width, measured, first = width) {
  let line = "";
  let room = first;
  for (const [, blank, word] of paragraph.matchAll(/([ \t]*)([^ \t]+)/g)) {
    if (line && measured(line + blank + word) <= room) {
      line += blank + word;
      continue;
    }
    if (line) {
      yield line;
      room = width;
    }
    line = "";
    for (const piece of pieces(word, room, width, measured)) {
      if (line) {
        yield line;
        room = width;
      }
      line = piece;
    }
  }
  yield line;
}

/** A word cut where it would leave the line; each piece has one character at least. */
function* pieces(word, first, width, measured) {
  let piece = "";
  let room = first;
  for (const character of word) {
    if (piece && measured(piece + character) > room) {
      yield piece;
      piece = "";
      room = width;
    }
    piece += character;
  }
  yield piece;
}

/** Slope and height of a line's baseline and height of its small letters, in the line's own units. */
export function measure(ink) {
  const [low, high] = constants.layout.X_HEIGHT_QUANTILES;
  const slope = slopeOf(ink);
  const heights = ink.points.map(([x, y]) => y - slope * x);
  const baseline = quantile(heights, high);
  return { slope, baseline, xHeight: Math.max(baseline - quantile(heights, low), 1e-9) };
}

/** Drift of the line, dy for each dx, by a robust straight line through all points; 0 for short lines. */
function slopeOf({ points }) {
  const { FLAT, FLAT_QUANTILES, MAX_SLOPE, OUTLIER, SLOPE_ROUNDS } = constants.layout;
  const x = centred(points.map(([value]) => value));
  const y = centred(points.map(([, value]) => value));
  const [low, high] = FLAT_QUANTILES.map((q) => quantile(y, q));
  const [left, , right] = bounds({ points });
  if (right - left <= FLAT * (high - low)) return 0;
  let kept = x.map((_, i) => i);
  let slope = 0;
  for (let round = 0; round < SLOPE_ROUNDS; round++) {
    const xMean = mean(kept.map((i) => x[i]));
    const yMean = mean(kept.map((i) => y[i]));
    const variance = kept.reduce((sum, i) => sum + (x[i] - xMean) ** 2, 0);
    slope = kept.reduce((sum, i) => sum + (x[i] - xMean) * y[i], 0) / variance;
    const distances = x.map((value, i) => Math.abs(y[i] - yMean - slope * (value - xMean)));
    const limit = OUTLIER * median(distances) + 1e-9;
    kept = x.map((_, i) => i).filter((i) => distances[i] <= limit);
  }
  return Math.min(MAX_SLOPE, Math.max(-MAX_SLOPE, slope));
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function centred(values) {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

/** A line with its baseline level at y = 0 and its left edge at x = 0, times `scale`, slanted by degrees to the right. */
export function levelled(ink, scale = 1, slant = 0) {
  const { slope, baseline } = measure(ink);
  const lean = Math.tan((slant * Math.PI) / constants.layout.HALF_TURN);
  const upright = moved(ink, ([x, y]) => [x, y - slope * x - baseline]);
  const leaning = moved(upright, ([x, y]) => [x - lean * y, y]);
  const [left] = bounds(leaning);
  return moved(leaning, ([x, y]) => [(x - left) * scale, y * scale]);
}

/** A levelled line as an unsteady hand leaves it: risen, sloping, larger or smaller, by the page's drift. */
export function drifted(ink, page, random) {
  if (!page.drift) return ink;
  const { DRIFT_RISE, DRIFT_SIZE, DRIFT_SLOPE } = constants.layout;
  const [size, slope, rise] = [DRIFT_SIZE, DRIFT_SLOPE, DRIFT_RISE * page.lineHeight].map(
    (deviation) => page.drift * random.normal() * deviation,
  );
  const scale = Math.exp(size);
  return moved(ink, ([x, y]) => [x * scale, y * scale + slope * x * scale + rise]);
}

/**
 * Put rows, each with levelled `ink` or null, on pages: gives each row with the page's `number`, `width` and `height`, the
 * `baseline`, and its ink moved to its position. Pages of a given size are filled as rows come; a page that is cut to its
 * ink waits for the last row. Pages without any ink are left out.
 */
export async function* placed(rows, page) {
  if (textWidth(page) < constants.layout.MIN_WIDTH || rowsOf(page) < 1) {
    throw new Error("This page has no room for the text; choose a larger page or a smaller size.");
  }
  if (isCut(page)) {
    const all = [];
    for await (const row of rows) all.push(row);
    yield* cut(all, page);
    return;
  }
  const { width, height } = page;
  const [, , , left] = marginsOf(page);
  let number = 0;
  let count = 0; // rows on this page
  let waiting = []; // empty rows of a page that has no ink yet
  for await (const row of rows) {
    const baseline = baselineOf(count, page);
    const ink = row.ink && shifted(row.ink, left + inset(row.ink, textWidth(page), row.align), baseline);
    waiting.push({ ...row, number, width, height, baseline, ink });
    count += 1;
    const hasInk = waiting.length < count || ink;
    if (hasInk) {
      yield* waiting;
      waiting = [];
    }
    if (count === rowsOf(page)) {
      if (hasInk) number += 1;
      waiting = [];
      count = 0;
    }
  }
}

/** How far a line is moved to the right within `width`. */
const inset = (ink, width, align) => constants.layout.ALIGN[align] * (width - bounds(ink)[2]);

const shifted = (ink, dx, dy) => moved(ink, ([x, y]) => [x + dx, y + dy]);

/** All rows on one page just large enough for the ink and its margins. */
function cut(rows, page) {
  const { lineHeight } = page;
  const [above, right, below, left] = marginsOf(page);
  const widest = Math.max(...rows.filter(({ ink }) => ink).map(({ ink }) => bounds(ink)[2]));
  const set = rows.map(({ ink, align }, row) => ink && shifted(ink, inset(ink, widest, align), row * lineHeight));
  const boxes = set.filter(Boolean).map(bounds);
  const top = Math.min(...boxes.map((box) => box[1]));
  const bottom = Math.max(...boxes.map((box) => box[3]));
  const size = { number: 0, width: left + widest + right, height: above + bottom - top + below };
  return rows.map((row, i) => ({
    ...row,
    ...size,
    baseline: above - top + i * lineHeight,
    ink: set[i] && shifted(set[i], left, above - top),
  }));
}
