// Dots of ink that stand alone where the text has none (handwriting/best_of.py).

import { bounds, median, strokesOf } from "./ink.js";

const ABOVE = { i: 1, j: 1, "'": 1, ":": 1, ";": 1, '"': 2 }, BELOW = { ".": 1, ",": 1, "!": 1, "?": 1, ":": 1, ";": 1 };
const NEAR = 3, SMALL = 0.35, APART = 0.4, DOT = 3;

/** How many small strokes stand apart from the larger ones where the text asks for none. */
export function specks(ink, text) {
  const dots = dotsOf(strokesOf(ink)), characters = [...text];
  const [left, , right] = bounds(ink), middle = median(ink.points.map((point) => point[1]));
  const width = (right - left) / Math.max(characters.length, 1) || 1;
  const matches = (asked, there) => {
    const places = characters.flatMap((character, u) => Array(asked[character] ?? 0).fill(u + 0.5));
    return matched(there.map(([x]) => (x - left) / width).sort((a, b) => a - b), places);
  };
  const above = dots.filter(([, y]) => y < middle), below = dots.filter(([, y]) => y >= middle);
  return dots.length - matches(ABOVE, above) - matches(BELOW, below);
}

/** The middles of the small strokes that stand apart. */
function dotsOf(strokes) {
  const heights = strokes.filter((stroke) => stroke.length > DOT).map((stroke) => sizes(stroke)[1]);
  const unit = heights.length ? median(heights) : 0;
  const isSmall = (stroke) => Math.max(...sizes(stroke)) < SMALL * unit;
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

function sizes(stroke) {
  const [left, top, right, bottom] = bounds({ points: stroke });
  return [right - left, bottom - top];
}

function mean(stroke, axis) {
  return stroke.reduce((sum, point) => sum + point[axis], 0) / stroke.length;
}
