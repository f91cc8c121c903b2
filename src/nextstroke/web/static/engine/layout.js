// Lines of ink on pages, in millimetres, y downwards, as pages/layout.py.

import { bounds, median, moved, quantile } from "./ink.js";

const OVERHANG = 1.04; // a line may reach so far beyond the right margin, as a pen does

/** Where a line stands, in its own units: slope and height of its baseline, height of its small letters. */
export function measure(ink) {
  const slope = slopeOf(ink);
  const heights = ink.points.map(([x, y]) => y - slope * x);
  const low = quantile(heights, 0.12), high = quantile(heights, 0.86);
  return { slope, baseline: high, xHeight: Math.max(high - low, 1e-9) };
}

/** Drift of the line, dy for each dx, by a robust straight line through all points; 0 for short lines. */
function slopeOf({ points }) {
  const x = centred(points.map(([value]) => value)), y = centred(points.map(([, value]) => value));
  if (Math.max(...x) - Math.min(...x) <= 6 * (quantile(y, 0.9) - quantile(y, 0.1))) return 0;
  let keep = x.map((_, i) => i), slope = 0;
  for (let round = 0; round < 3; round++) {
    const near = keep.map((i) => x[i]), middle = mean(near), level = mean(keep.map((i) => y[i]));
    const square = keep.reduce((sum, i) => sum + (x[i] - middle) ** 2, 0);
    slope = keep.reduce((sum, i) => sum + (x[i] - middle) * y[i], 0) / square;
    const rest = x.map((value, i) => Math.abs(y[i] - level - slope * (value - middle)));
    const usual = 2 * median(rest) + 1e-9;
    keep = x.map((_, i) => i).filter((i) => rest[i] <= usual);
  }
  return Math.min(0.3, Math.max(-0.3, slope));
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function centred(values) {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

/** A line with its baseline level at y = 0 and its left edge at x = 0, times `scale`. */
export function levelled(ink, scale = 1) {
  const { slope, baseline } = measure(ink), [left] = bounds(ink);
  return moved(ink, ([x, y]) => [(x - left) * scale, (y - slope * x - baseline) * scale]);
}

/** The first words of a text that are at most `width` wide by `measured`; a longer word is cut. */
export function firstLine(text, width, measured) {
  let most = text.length;
  while (most > 1 && measured(text.slice(0, most)) > width) most--;
  const blank = text.lastIndexOf(" ", most);
  return most < text.length && blank > 0 ? text.slice(0, blank) : text.slice(0, most);
}

/** A page: rows of levelled lines, placed as they come. Lengths in mm. */
export class Pages {
  /** @param {{width, height, margin, lineHeight, xHeight}} page */
  constructor(page) {
    this.page = page;
    this.row = -1;
  }

  get textWidth() {
    return this.page.width - 2 * this.page.margin;
  }

  get rows() {
    return Math.max(1, Math.floor((this.page.height - 2 * this.page.margin) / this.page.lineHeight));
  }

  /** Whether a levelled line goes on the page. */
  fits(ink) {
    return bounds(ink)[2] <= OVERHANG * this.textWidth;
  }

  /** Put a levelled line, or none, into the next row; gives the page's number and the line where it stands. */
  put(ink) {
    this.row++;
    const { margin, lineHeight } = this.page, row = this.row % this.rows;
    const baseline = margin + (row + 0.75) * lineHeight;
    return { number: Math.floor(this.row / this.rows), baseline, ink: ink && moved(ink, ([x, y]) => [x + margin, y + baseline]) };
  }
}
