// The traits that tell one hand from another (handwriting/traits.py): slant, width, strokes, gap, tallness, in this order.

import { constants } from "./constants.js";
import { bounds, median, quantile, slant, strokesOf } from "./ink.js";
import { measure } from "./layout.js";

/** The traits of a line of ink that says `text`; lengths in heights of small letters, NaN for a gap that is not there. */
export function traitsOf(ink, text) {
  const { slope, xHeight } = measure(ink);
  const heights = ink.points.map(([x, y]) => y - slope * x);
  const [low, high] = constants.traits.TALL_QUANTILES.map((q) => quantile(heights, q));
  const [left, , right] = bounds(ink);
  const strokes = strokesOf(ink);
  const characters = [...text];
  const gaps = wordGaps(strokes, characters.filter((character) => character === " ").length);
  return [
    slant(ink),
    (right - left) / characters.length / xHeight,
    strokes.length / characters.filter((character) => character !== " ").length,
    gaps.length ? median(gaps) / xHeight : NaN,
    (high - low) / xHeight,
  ];
}

/** The mean of each trait over lines {ink, text}; lines without a trait are left out. */
export function meanTraits(lines) {
  const found = lines.map(({ ink, text }) => traitsOf(ink, text));
  return found[0].map((_, trait) => {
    const known = found.map((traits) => traits[trait]).filter(Number.isFinite);
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}

/** The widest gaps between strokes from left to right, one for each blank. */
function wordGaps(strokes, blanks) {
  const boxes = strokes.map((points) => bounds({ points })).sort((a, b) => a[0] - b[0]);
  let right = -Infinity;
  const gaps = boxes.map(([left, , end]) => {
    const gap = left - right;
    right = Math.max(right, end);
    return gap;
  });
  return gaps.slice(1).sort((a, b) => b - a).slice(0, blanks);
}
