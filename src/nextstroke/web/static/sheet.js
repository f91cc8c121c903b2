// The pages on the screen: shows rows of ink stroke by stroke, or at once.

import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { pathData } from "./files.js";

const SVG = "http://www.w3.org/2000/svg";

/** The time between two strokes, in points. */
const liftPoints = () => constants.appearance.LIFT * constants.appearance.PACE;

function element(parent, name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
}

export class Desk {
  /** @param {HTMLElement} parent @param {(row, point: number) => void} watch called with each point that the pen reaches */
  constructor(parent, watch) {
    Object.assign(this, { parent, watch, rows: [], pages: [], queue: [], speed: 1, now: 0, before: null });
  }

  /** Remove all pages; what later rows have in common with the removed ones is shown at once. */
  clear(look, page) {
    this.older = this.rows;
    Object.assign(this, { look, page, rows: [], pages: [], queue: [], now: 0 });
    this.parent.replaceChildren();
  }

  /** Put a row on its page; what the earlier row with the same number has in common with it is shown at once. */
  add(row) {
    const svg = (this.pages[row.number] ??= this.newPage(row.number + 1));
    if (this.look.ruled) element(svg, "path", { class: "rule", d: `M0 ${row.baseline}H${this.page.width}` });
    if (!row.ink) return;
    const old = this.older?.[this.rows.length];
    const shown = old?.finished ? commonPoints(old, row) : 0;
    const strokes = strokesOf(row.ink), paths = strokes.map(() => element(this.layer(svg), "path"));
    const placed = { ...row, strokes, paths, svg, finished: false, shown };
    this.rows.push(placed);
    this.queue.push(placed);
    this.run();
  }

  newPage(number) {
    const { width, height } = this.page;
    const svg = element(this.parent, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Page ${number}` });
    element(svg, "g", { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" });
    return svg;
  }

  layer(svg) {
    const layer = svg.querySelector("g");
    layer.setAttribute("stroke", this.look.colour);
    layer.setAttribute("stroke-width", this.look.pen);
    return layer;
  }

  /** Change pen and colour of all pages. */
  dress(look) {
    this.look = look;
    this.pages.forEach((svg) => this.layer(svg));
  }

  /** Write all rows again from the first stroke. */
  replay() {
    this.queue = [...this.rows];
    this.rows.forEach((row) => {
      Object.assign(row, { finished: false, shown: 0, at: 0 });
      row.paths.forEach((path) => (path.removeAttribute("d"), (path.drawn = 0)));
    });
    this.run();
  }

  run() {
    if (this.frame) return;
    this.before = null;
    this.frame = requestAnimationFrame((time) => this.tick(time));
  }

  tick(time) {
    this.frame = null;
    const passed = Math.min(0.1, (time - (this.before ?? time)) / 1000);
    this.before = time;
    let points = this.speed ? passed * constants.appearance.PACE * this.speed : Infinity;
    while (this.queue.length && points > 0) points = this.advance(this.queue[0], points);
    if (this.queue.length) this.frame = requestAnimationFrame((next) => this.tick(next));
    else this.parent.dispatchEvent(new Event("written"));
  }

  /** Continue to write a row by a number of points; gives how many are left. */
  advance(row, points) {
    row.at ??= 0;
    if (row.shown) [row.at, row.shown] = [Math.max(row.at, row.shown), 0];
    const goal = row.at + points;
    const whole = row.ink.points.length + (row.strokes.length - 1) * liftPoints();
    row.at = Math.min(goal, whole);
    this.draw(row);
    if (row.at < whole) return 0;
    Object.assign(row, { finished: true, at: 0 });
    this.queue.shift();
    row.tip?.remove();
    row.tip = null;
    return goal - whole;
  }

  /** Show a row up to the position of its pen: `at` counts points, and liftPoints between strokes. */
  draw(row) {
    let left = row.at, point = -1;
    row.strokes.forEach((stroke, i) => {
      const count = Math.min(stroke.length, Math.max(0, Math.floor(left)));
      if (count && row.paths[i].drawn !== count) row.paths[i].setAttribute("d", pathData(stroke.slice(0, count)));
      row.paths[i].drawn = count;
      point += count;
      left -= stroke.length + liftPoints();
    });
    if (point < 0) return;
    row.tip ??= element(row.svg, "circle", { class: "tip", r: 0.7 });
    const [x, y] = row.ink.points[point];
    row.tip.setAttribute("cx", x);
    row.tip.setAttribute("cy", y);
    this.watch(row, point);
  }
}

/** Points at the beginning that two rows share, counted as `draw` does. */
function commonPoints(old, row) {
  const differs = row.ink.points.findIndex(([x, y], i) => {
    const other = old.ink.points[i];
    return !other || Math.hypot(x - other[0], y - other[1]) > 0.5;
  });
  const same = differs < 0 ? row.ink.points.length : differs;
  return same + row.ink.ends.slice(0, Math.max(0, same - 1)).filter(Boolean).length * liftPoints();
}
