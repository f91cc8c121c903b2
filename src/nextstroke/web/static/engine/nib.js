// Ink of a nib: broad where the pen is slow, thin where it is fast (pages/nib.py).

import { constants } from "./constants.js";
import { median, strokesOf } from "./ink.js";
import { polyline } from "./spline.js";

/**
 * The strokes of a line as smooth centre lines with a width for each point: {curve, widths} each.
 * @param {{points: number[][], ends: boolean[]}} line
 * @param {number} pen width at the line's median speed
 */
export function ribbons(line, pen) {
  const curves = strokesOf(line).map((stroke) => polyline(stroke, constants.spline.SMOOTH));
  // The points of a curve are equally spaced in time, so their distance is the speed.
  const speeds = curves.map(speedOf);
  const moving = speeds.flat().filter((speed) => speed > 0);
  const usual = moving.length ? median(moving) : 1;
  return curves.map((curve, i) => ({ curve, widths: widthsOf(speeds[i].map((speed) => speed / usual)).map((width) => pen * width) }));
}

/** The border of a ribbon, a polygon for the non-zero fill rule; a dot is a disc. */
export function outline(curve, widths) {
  const pieces = curve.slice(1).map((point, i) => minus(point, curve[i]));
  const lengths = pieces.map(([x, y]) => Math.hypot(x, y));
  if (!lengths.some(Boolean)) return disc(curve[0], widths[0] / 2);
  const kept = curve.map((_, i) => i).filter((i) => i === 0 || lengths[i - 1] > 0);
  const ahead = kept.slice(1).map((i) => pieces[i - 1].map((part) => part / lengths[i - 1]));
  const across = ahead.map(([x, y]) => [y, -x]);
  const left = [];
  const right = [];
  kept.forEach((index, i) => {
    // A point has the border of the piece before it and of the piece after it, so that turns stay full on the outside.
    for (const side of [across[Math.max(0, i - 1)], across[Math.min(across.length - 1, i)]]) {
      left.push(beside(curve[index], side, widths[index] / 2));
      right.push(beside(curve[index], side, -widths[index] / 2));
    }
  });
  const end = kept.at(-1);
  const cap = beside(curve[end], ahead.at(-1), widths[end] / 2);
  const start = beside(curve[0], ahead[0], -widths[0] / 2);
  return [...left, cap, ...right.reverse(), start];
}

const minus = ([x, y], [left, top]) => [x - left, y - top];
const beside = ([x, y], [dx, dy], distance) => [x + distance * dx, y + distance * dy];

function disc([x, y], radius) {
  const { CORNERS } = constants.nib;
  const turns = Array.from({ length: CORNERS }, (_, i) => (2 * Math.PI * i) / CORNERS);
  return turns.map((turn) => [x + radius * Math.cos(turn), y + radius * Math.sin(turn)]);
}

/** The speed at each point: half the distance of its neighbours. */
function speedOf(curve) {
  const last = curve.length - 1;
  if (!last) return [0];
  return curve.map((_, i) => {
    const before = Math.max(0, i - 1);
    const after = Math.min(last, i + 1);
    const [dx, dy] = minus(curve[after], curve[before]);
    return Math.hypot(dx / (after - before), dy / (after - before));
  });
}

/** Smoothed widths, in widths of the pen, at speeds in units of the median speed. */
function widthsOf(speeds) {
  const { BROAD, ENDS, SMOOTHING, THIN } = constants.nib;
  const widths = speeds.map((speed) => THIN + (BROAD - THIN) / (1 + speed));
  if (widths.length <= 2) return widths;
  widths[0] *= ENDS;
  widths[widths.length - 1] *= ENDS;
  const reach = (SMOOTHING - 1) / 2;
  const at = (i) => widths[Math.min(widths.length - 1, Math.max(0, i))];
  return widths.map((_, i) => {
    let sum = 0;
    for (let step = -reach; step <= reach; step++) sum += at(i + step);
    return sum / SMOOTHING;
  });
}
