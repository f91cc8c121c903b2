// The look inside on the paper: weights of the window over the letters, the density at the pen, and a slider along the line.

import { argmax, bounds } from "../engine/ink.js";
import { pathData } from "../files.js";
import { t } from "../i18n.js";
import { element } from "../rows.js";

const NARROWEST = 0.6; // mm, of a letter's shade
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

export class OnPaper {
  /** @param {(row, point: number) => void} goTo called when the user moves the pen to a point of a row */
  constructor(goTo) {
    this.goTo = goTo;
    this.row = null;
    this.ink = null;
    this.group = null;
  }

  /**
   * Show a point of a row.
   * @param row of the desk, with ink and phi
   * @param {number} point index
   * @param expected components of the density at the pen (expectedAt in inside.js)
   * @param {string} words what the network does there
   */
  show(row, point, expected, words) {
    if (row !== this.row || row.ink !== this.ink || !this.group?.isConnected) this.#begin(row);
    this.point = point;
    const weights = row.phi[point];
    for (const [u, shade] of this.shades.entries()) {
      const weight = Math.min(1, weights[u]);
      shade.setAttribute("opacity", weight.toFixed(3));
      this.letters[u].setAttribute("opacity", (0.3 + 0.7 * weight).toFixed(3));
    }
    const [x, y] = row.ink.points[point];
    this.density.setAttribute("transform", `translate(${x} ${y})`);
    this.density.replaceChildren();
    for (const { x: dx, y: dy, rx, ry, degrees, lean, weight } of expected) {
      const turned = element(this.density, "g", { transform: `matrix(1 0 ${-lean} 1 0 0) translate(${dx} ${dy}) rotate(${degrees})` });
      for (const sigmas of [2, 1]) element(turned, "ellipse", { rx: sigmas * rx, ry: sigmas * ry, opacity: Math.min(0.6, 0.6 * weight).toFixed(3) });
    }
    for (const [name, value] of Object.entries({ cx: x, "aria-valuenow": point, "aria-valuetext": words })) this.handle.setAttribute(name, value);
  }

  remove() {
    this.group?.remove();
    Object.assign(this, { group: null, row: null, ink: null });
  }

  #begin(row) {
    this.remove();
    Object.assign(this, { row, ink: row.ink });
    const [left, top, right, bottom] = bounds(row.ink);
    const size = Math.max(1, (bottom - top) / 4);
    this.group = element(row.page.svg, "g", { class: "look" });
    element(this.group, "path", { class: "ghost", d: row.strokes.map(pathData).join("") });
    const boxes = letterBoxes(row);
    this.shades = boxes.map(([from, to]) => element(this.group, "rect", { class: "shade", x: from, y: top - 0.5, width: to - from, height: bottom - top + 1, rx: 0.4 }));
    const written = [...row.written];
    this.letters = boxes.map(([from, to], u) => {
      const letter = element(this.group, "text", { class: "letter", x: (from + to) / 2, y: bottom + 1.2 * size, "font-size": size, "aria-hidden": "true" });
      letter.textContent = written[u] === " " ? "·" : written[u];
      return letter;
    });
    this.density = element(this.group, "g", { class: "density" });
    const level = bottom + 2.1 * size;
    element(this.group, "line", { class: "track", x1: left, x2: right, y1: level, y2: level });
    const area = element(this.group, "rect", { class: "area", x: left - 2, y: top - 1, width: right - left + 4, height: level - top + size + 1 });
    this.handle = element(this.group, "circle", {
      class: "handle", cy: level, r: 0.55 * size, tabindex: 0, role: "slider", "aria-label": t("Moment of writing"), "aria-valuemin": 0,
      "aria-valuemax": lastPoint(row),
    });
    for (const part of [area, this.handle]) this.#wireDrag(part);
    this.handle.addEventListener("keydown", (event) => this.#press(event));
  }

  #wireDrag(part) {
    const follow = (event) => this.goTo(this.row, nearestPoint(this.row, event));
    part.addEventListener("pointerdown", (event) => {
      part.setPointerCapture(event.pointerId);
      follow(event);
    });
    part.addEventListener("pointermove", (event) => part.hasPointerCapture(event.pointerId) && follow(event));
  }

  #press(event) {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.goTo(this.row, Math.max(0, Math.min(lastPoint(this.row), this.point + step)));
  }
}

/** The last point that something was expected after. */
const lastPoint = (row) => row.ys.length - 2;

/** The point of a row's ink that is nearest to the pointer; above and below the line only its place along the line counts. */
export function nearestPoint(row, { clientX, clientY }) {
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(row.page.svg.getScreenCTM().inverse());
  const [, top, , bottom] = bounds(row.ink);
  const level = Math.min(bottom, Math.max(top, y));
  const within = y >= top && y <= bottom ? 1 : 0.05; // below the line, on the slider, heights hardly count
  const away = row.ink.points.slice(0, lastPoint(row) + 1).map(([px, py]) => -Math.hypot(px - x, within * (py - level)));
  return argmax(away);
}

/** Left and right edge of each letter: of the ink at which the window is on it, else between its neighbours. */
function letterBoxes(row) {
  const boxes = [...row.written].map(() => [Infinity, -Infinity]);
  row.phi.forEach((weights, point) => {
    const box = boxes[argmax(weights)];
    const place = row.ink.points[point];
    if (!box || !place) return;
    box[0] = Math.min(box[0], place[0]);
    box[1] = Math.max(box[1], place[0]);
  });
  const [left, , right] = bounds(row.ink);
  return boxes.map(([from, to], u) => {
    if (from <= to) return widened(from, to);
    const before = boxes.slice(0, u).reverse().find((box) => box[0] <= box[1])?.[1] ?? left;
    const after = boxes.slice(u + 1).find((box) => box[0] <= box[1])?.[0] ?? right;
    return widened(Math.min(before, after), Math.max(before, after));
  });
}

function widened(from, to) {
  const more = Math.max(0, NARROWEST - (to - from)) / 2;
  return [from - more, to + more];
}
