// What is printed on the paper below the ink: rules, squares or dots (the class Sheet of pages/layout.py). No DOM here.

import { constants } from "./engine/constants.js";

const LINE = 0.15; // mm, width of rules

/**
 * What is printed on a page: lines [x, y, x, y] and dots [x, y], in mm.
 * @param {{width: number, height: number, baselines: number[], squares: number[]}} page `squares` are the left edge of the first
 *   square and the size of a square
 * @param {string} kind "blank", "ruled", "grid" or "dots"
 * @returns {{lines: number[][], dots: number[][]}}
 */
export function printed({ width, height, baselines, squares }, kind) {
  if (kind === "ruled") return { lines: baselines.map((y) => [0, y, width, y]), dots: [] };
  if (kind === "blank" || !baselines.length) return { lines: [], dots: [] };
  const [left, size] = squares;
  const steps = (first, end) => Array.from({ length: Math.floor((end - first) / size) + 1 }, (_, i) => first + i * size);
  const xs = steps(left % size, width);
  const ys = steps(baselines[0] % size, height);
  if (kind === "grid") return { lines: [...ys.map((y) => [0, y, width, y]), ...xs.map((x) => [x, 0, x, height])], dots: [] };
  return { lines: [], dots: ys.flatMap((y) => xs.map((x) => [x, y])) };
}

/** Lines and dots as the data of one path; dots are lines of length 0. */
export function printedPath({ lines, dots }) {
  return lines.map(([x, y, right, bottom]) => `M${x} ${y}L${right} ${bottom}`).join("") + dots.map(([x, y]) => `M${x} ${y}l0 0`).join("");
}

/** The width of the pen that prints a kind of paper, in mm. */
export const widthOf = (kind) => (kind === "dots" ? constants.layout.DOT : LINE);
