// Ink: {points: [[x, y] …], ends: [boolean …]}, y downwards, as ink.py.

/** Ink from rows of dx, dy, end of stroke; the pen starts at the origin. */
export function fromOffsets(offsets) {
  let x = 0, y = 0;
  const points = offsets.map(([dx, dy]) => [(x += dx), (y += dy)]);
  const ends = offsets.map((row) => row[2] > 0.5);
  ends[ends.length - 1] = true;
  return { points, ends };
}

/** Ink from strokes, each a list of points. */
export function fromStrokes(strokes) {
  const kept = strokes.filter((stroke) => stroke.length);
  return { points: kept.flat(), ends: kept.flatMap((stroke) => stroke.map((_, i) => i === stroke.length - 1)) };
}

/** The strokes, each a list of points. */
export function strokesOf({ points, ends }) {
  const strokes = [];
  let start = 0;
  ends.forEach((end, i) => {
    if (end) strokes.push(points.slice(start, (start = i + 1)));
  });
  return strokes;
}

/** Rows of dx, dy, end of stroke between the points. */
export function offsetsOf({ points, ends }) {
  return points.slice(1).map(([x, y], i) => [x - points[i][0], y - points[i][1], ends[i + 1] ? 1 : 0]);
}

/** The ink with every point changed. */
export function moved({ points, ends }, change) {
  return { points: points.map(change), ends };
}

/** Least x, least y, greatest x, greatest y. */
export function bounds({ points }) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

/** dx for each dy of what is drawn more up or down than along: 0 is upright, below 0 leans to the right. */
export function slant({ points, ends }) {
  let product = 0, square = 0;
  for (let t = 1; t < points.length; t++) {
    const dx = points[t][0] - points[t - 1][0], dy = points[t][1] - points[t - 1][1];
    if (ends[t - 1] || Math.abs(dy) <= Math.abs(dx)) continue;
    product += dx * dy;
    square += dy * dy;
  }
  return product / Math.max(square, 1e-9);
}

export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** The quantile q of numbers, between two of them by their distance, as numpy's. */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1), low = Math.floor(at), high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** The nearest whole number; of two the even one, as Python rounds. */
export function rounded(value) {
  const whole = Math.round(value);
  return whole - value === 0.5 && whole % 2 ? whole - 1 : whole;
}

export const median = (values) => quantile(values, 0.5);
