// Dots of ink that stand alone where the text has none (engine/specks.py).

import { median, strokesOf } from "./ink.js";

const DOTS = { ...Object.fromEntries([..."ij!?.,;'"].map((character) => [character, 1])), ":": 2, '"': 2, ";": 2 };
const SMALL = 0.35, APART = 0.4, DOT = 3;

/** How many small strokes stand apart from all others, beyond those that the text asks for. */
export function specks(ink, text) {
  const strokes = strokesOf(ink);
  const heights = strokes.filter((stroke) => stroke.length > DOT).map((stroke) => extent(stroke, 1));
  const unit = heights.length ? median(heights) : 0;
  const small = strokes.filter((stroke) => Math.max(extent(stroke, 0), extent(stroke, 1)) < SMALL * unit);
  const alone = small.filter((stroke) => distance(stroke, strokes) > APART * unit).length;
  return Math.max(0, alone - [...text].reduce((sum, character) => sum + (DOTS[character] ?? 0), 0));
}

function extent(stroke, axis) {
  const values = stroke.map((point) => point[axis]);
  return Math.max(...values) - Math.min(...values);
}

/** From the middle of a stroke to the nearest point of another. */
function distance(stroke, strokes) {
  const [x, y] = [0, 1].map((axis) => stroke.reduce((sum, point) => sum + point[axis], 0) / stroke.length);
  const others = strokes.filter((other) => other !== stroke).flat();
  return Math.min(...others.map((point) => Math.hypot(point[0] - x, point[1] - y)));
}
