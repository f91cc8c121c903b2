// What is printed on the paper below the ink: rules, a grid or dots. No DOM here.

const STEP = 5; // mm between the lines of a grid, and between dots
export const LINE = 0.15; // mm, width of rules
export const DOT = 0.4; // mm, diameter of dots

/**
 * The lines on a page as [x, y, x, y] in mm; a dot is a line of length 0.
 * @param {{width: number, height: number, baselines: number[]}} page
 * @param {string} kind "plain", "ruled", "grid" or "dots"
 */
export function printed({ width, height, baselines }, kind) {
  if (kind === "ruled") return baselines.map((y) => [0, y, width, y]);
  const steps = (length) => Array.from({ length: Math.max(0, Math.ceil(length / STEP) - 1) }, (_, i) => (i + 1) * STEP);
  if (kind === "grid") {
    return [...steps(width).map((x) => [x, 0, x, height]), ...steps(height).map((y) => [0, y, width, y])];
  }
  if (kind === "dots") return steps(height).flatMap((y) => steps(width).map((x) => [x, y, x, y]));
  return [];
}

/** The width of what is printed, in mm. */
export const widthOf = (kind) => (kind === "dots" ? DOT : LINE);

/** The printed lines as the data of one path. */
export const printedPath = (lines) => lines.map(([x, y, right, bottom]) => `M${x} ${y}L${right} ${bottom}`).join("");
