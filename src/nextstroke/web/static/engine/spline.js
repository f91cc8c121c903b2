// Strokes as smooth curves: the uniform Catmull-Rom spline through the points (pages/spline.py).

import { constants } from "./constants.js";

/** Cubic segments [start, handle, handle, end] that pass through all points; none for a single point. */
export function bezier(stroke) {
  const { TENSION } = constants.spline;
  const at = (i) => stroke[Math.min(stroke.length - 1, Math.max(0, i))];
  const tangent = (i, axis) => (at(i + 1)[axis] - at(i - 1)[axis]) / TENSION;
  const handle = (i, sign) => [0, 1].map((axis) => at(i)[axis] + sign * tangent(i, axis));
  return stroke.slice(1).map((end, i) => [stroke[i], handle(i, 1), handle(i + 1, -1), end]);
}

/** The point of a cubic segment at t, 0 at its start and 1 at its end. */
export function onCurve(corners, t) {
  const s = 1 - t;
  const weights = [s ** 3, 3 * s * s * t, 3 * s * t * t, t ** 3];
  return [0, 1].map((axis) => weights.reduce((sum, weight, i) => sum + weight * corners[i][axis], 0));
}

/** The curve as straight pieces, `pieces` for each segment. */
export function polyline(stroke, pieces) {
  const curve = [stroke[0]];
  for (const corners of bezier(stroke)) {
    for (let piece = 1; piece <= pieces; piece++) curve.push(onCurve(corners, piece / pieces));
  }
  return curve;
}
