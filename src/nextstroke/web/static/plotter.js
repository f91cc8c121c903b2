// Pages for pen plotters: G-code and HPGL, as the command writes them (pages/plotter.py, pages/travel.py).

import { rounded, strokesOf } from "./engine/ink.js";
import { polyline } from "./engine/spline.js";
import { description, layersOf } from "./files.js";

const PIECES = 16; // straight pieces of a curve between two points, before they are thinned
const TOLERANCE = 0.03; // mm that what is drawn may be off the curve
const HPGL_UNITS = 40; // to the millimetre
const FEED = 1500; // mm a minute

/** A polyline with the fewest of its points that stay within TOLERANCE of it (Ramer 1972). */
function thinned(curve) {
  const keep = new Set([0, curve.length - 1]);
  const parts = [[0, curve.length - 1]];
  while (parts.length) {
    const [first, last] = parts.pop();
    let worst = -1;
    let most = TOLERANCE;
    for (let i = first + 1; i < last; i++) {
      const off = offSegment(curve[i], curve[first], curve[last]);
      if (off > most) {
        worst = i;
        most = off;
      }
    }
    if (worst >= 0) {
      keep.add(worst);
      parts.push([first, worst], [worst, last]);
    }
  }
  return curve.filter((_, i) => keep.has(i));
}

/** The distance of a point from a straight piece. */
function offSegment([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const share = length ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}

/** Each colour with its strokes as straight pieces, y upwards. */
function* pens(page, colours) {
  for (const [colour, lines] of layersOf(page, colours)) {
    const curves = lines.flatMap(strokesOf).map((stroke) => polyline(stroke, PIECES));
    yield [colour, curves.map((curve) => curve.map(([x, y]) => [x, page.height - y]))];
  }
}

/** One page as G-code: absolute millimetres, y upwards from the lower edge, a pause at each change of the pen. */
export function gcode(page, look, about) {
  const told = description(about).split(/\s+/).join(" ").replaceAll(";", ",");
  const out = [`; nextstroke ${told}`, "G21", "G90", "G0 Z5"];
  let changes = 0;
  for (const [colour, strokes] of pens(page, look.colour)) {
    out.push(changes++ ? `M0 ; change the pen to ${colour}` : `; pen ${colour}`);
    for (const stroke of strokes) {
      const [first, ...rest] = thinned(stroke).map(([x, y]) => `X${x.toFixed(3)} Y${y.toFixed(3)}`);
      out.push(`G0 ${first}`, "G1 Z0 F600", `G1 ${rest[0] ?? first} F${FEED}`, ...rest.slice(1).map((to) => `G1 ${to}`), "G0 Z5");
    }
  }
  return [...out, "G0 X0 Y0", "M2", ""].join("\n").replace(/[^\x20-\x7e\n]/gu, "?");
}

/** One page as HPGL: 40 units to the millimetre, y upwards, one pen for each colour. */
export function hpgl(page, look) {
  const out = ["IN;"];
  let pen = 0;
  for (const [, strokes] of pens(page, look.colour)) {
    out.push(`SP${++pen};`);
    for (const stroke of strokes) {
      const [first, ...rest] = thinned(stroke).map((point) => point.map((value) => rounded(value * HPGL_UNITS)).join());
      out.push(`PU${first};PD${(rest.length ? rest : [first]).join()};`);
    }
  }
  return [...out, "PU;SP0;", ""].join("\n");
}

/** Of each colour, its strokes as few straight pieces, y upwards. */
export function* plotterStrokes(page, look) {
  for (const [, strokes] of pens(page, look.colour)) yield strokes.map(thinned);
}
