// Dots of ink that stand alone where the text has none (engine/specks.py).

import { median, strokesOf } from "./ink.js";

const ABOVE = { i: 1, j: 1, "'": 1, ":": 1, ";": 1, '"': 2 }, BELOW = { ".": 1, ",": 1, "!": 1, "?": 1, ":": 1, ";": 1 };
const NEAR = 3, SMALL = 0.35, APART = 0.4, DOT = 3;

/** How many small strokes stand apart from the larger ones where the text asks for none. */
export function specks(ink, text) {
  const dots = dotsOf(strokesOf(ink)), [xs, ys] = [0, 1].map((axis) => ink.points.map((point) => point[axis]));
  const characters = [...text], left = Math.min(...xs), middle = median(ys);
  const width = (Math.max(...xs) - left) / Math.max(characters.length, 1) || 1;
  const matches = (asked, there) => {
    const places = characters.flatMap((character, u) => Array(asked[character] ?? 0).fill(u + 0.5));
    return matched(there.map(([x]) => (x - left) / width).sort((a, b) => a - b), places);
  };
  const above = dots.filter(([, y]) => y < middle), below = dots.filter(([, y]) => y >= middle);
  return dots.length - matches(ABOVE, above) - matches(BELOW, below);
}

/** The middles of the small strokes that stand apart. */
function dotsOf(strokes) {
  const heights = strokes.filter((stroke) => stroke.length > DOT).map((stroke) => extent(stroke, 1));
  const unit = heights.length ? median(heights) : 0;
  const isSmall = (stroke) => Math.max(extent(stroke, 0), extent(stroke, 1)) < SMALL * unit;
  const larger = strokes.filter((stroke) => !isSmall(stroke)).flat();
  const middles = strokes.filter(isSmall).map((stroke) => [mean(stroke, 0), mean(stroke, 1)]);
  return middles.filter(([x, y]) => larger.every((point) => Math.hypot(point[0] - x, point[1] - y) > APART * unit));
}

/** How many of the dots can have a place of their own within reach, both in order from left to right. */
function matched(dots, places) {
  let count = 0, following = 0;
  for (const dot of dots) {
    while (places[following] < dot - NEAR) following += 1;
    if (places[following] <= dot + NEAR) count += 1, following += 1;
  }
  return count;
}

function extent(stroke, axis) {
  const values = stroke.map((point) => point[axis]);
  return Math.max(...values) - Math.min(...values);
}

function mean(stroke, axis) {
  return stroke.reduce((sum, point) => sum + point[axis], 0) / stroke.length;
}
