// Rows of ink on the desk (sheet.js): their lengths, what two of them share, and their strokes as paths.

import { constants } from "./engine/constants.js";
import { outline, ribbons } from "./engine/nib.js";
import { pathData, polygonData } from "./files.js";

const SVG = "http://www.w3.org/2000/svg";
const SAME = 0.05; // mm, within which two inks are the same

/** An element of SVG in a parent. */
export function element(parent, name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
}

/** The time between two strokes, in points. */
export const liftPoints = () => constants.appearance.LIFT * constants.appearance.PACE;

/** The first `count` points of a stroke as the d attribute of its path. */
export function strokeData(row, i, count, look) {
  if (!look.nib) return pathData(row.strokes[i].slice(0, count));
  row.ribbons ??= ribbons(row.ink, look.pen);
  const { curve, widths } = row.ribbons[i];
  const length = (count - 1) * constants.spline.SMOOTH + 1;
  return polygonData(outline(curve.slice(0, length), widths.slice(0, length)));
}

/** Length of a row as the pen counts it: points, and liftPoints between strokes. */
export const lengthOf = (row) => row.ink.points.length + (row.strokes.length - 1) * liftPoints();

/** Whether two rows have the same ink in the same place. */
export function isSame(old, row) {
  if (old.number !== row.number || old.ink.points.length !== row.ink.points.length) return false;
  return row.ink.points.every(([x, y], i) => Math.hypot(x - old.ink.points[i][0], y - old.ink.points[i][1]) < SAME);
}

/** Points at the beginning that two rows share, counted as the pen does. */
export function commonPoints(old, row) {
  const differs = row.ink.points.findIndex(([x, y], i) => {
    const other = old.ink.points[i];
    return !other || Math.hypot(x - other[0], y - other[1]) > 0.5;
  });
  const same = differs < 0 ? row.ink.points.length : differs;
  return same + row.ink.ends.slice(0, Math.max(0, same - 1)).filter(Boolean).length * liftPoints();
}
