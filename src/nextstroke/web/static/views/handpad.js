// A canvas to write on with pen, finger or mouse: a baseline, guides, and a faint specimen to follow.

import { bounds, strokesOf } from "../engine/ink.js";
import { pathData } from "../files.js";
import { t } from "../i18n.js";
import { button, make } from "./dom.js";

const HEIGHT = 240; // units of a pad, whose width follows from its shape
const BASELINE = 0.66 * HEIGHT;
const X_HEIGHT = 0.2 * HEIGHT;
const PEN = 3;
const EDGE = 18;
const POINTS_PER_LETTER = 2; // that ink has at least

export class HandPad {
  /** @param {HTMLElement} parent @param {string} text that the user is asked to write */
  constructor(parent, text) {
    this.text = text;
    this.strokes = [];
    this.pointer = null;
    this.penSeen = false;
    this.specimen = null;
    this.width = 0;
    this.canvas = make("canvas", { role: "img", "aria-label": t("Write here: {text}", { text }) });
    const undo = button(t("Undo a stroke"), () => this.undo(), { className: "quiet" });
    const again = button(t("Write it anew"), () => this.clear(), { className: "quiet" });
    const head = make("div", { className: "row" }, make("p", {}, text), make("span", { className: "buttons" }, undo, again));
    this.figure = make("figure", { className: "pad" }, head, this.canvas);
    parent.append(this.figure);
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, (event) => this[name](event));
    }
    this.resizing = new ResizeObserver(() => this.#size());
    this.resizing.observe(this.canvas);
  }

  /** Once a pen was used, touches are ignored: they come from the hand that rests on the screen. */
  pointerdown(event) {
    this.penSeen ||= event.pointerType === "pen";
    if (this.pointer !== null || event.button !== 0 || (this.penSeen && event.pointerType === "touch")) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.#place(event)]);
    this.#ink([this.strokes.at(-1)]);
  }

  pointermove(event) {
    if (event.pointerId !== this.pointer) return;
    const stroke = this.strokes.at(-1);
    const events = event.getCoalescedEvents?.() ?? [];
    const fresh = (events.length ? events : [event]).map((each) => this.#place(each));
    this.#ink([[stroke.at(-1), ...fresh]]);
    stroke.push(...fresh);
  }

  pointerup(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
  }

  /** The system cancelled the pointer: its stroke is removed. */
  pointercancel(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.undo();
  }

  undo() {
    this.strokes.pop();
    this.paint();
  }

  clear() {
    this.strokes = [];
    this.paint();
  }

  /** Show ink below what is written. @param ink levelled, its small letters one unit high, or null */
  follow(ink) {
    this.specimen = ink;
    this.paint();
  }

  get isWritten() {
    return this.strokes.flat().length >= POINTS_PER_LETTER * this.text.length;
  }

  #place({ clientX, clientY }) {
    const { left, top, height } = this.canvas.getBoundingClientRect();
    const unit = HEIGHT / height;
    return [(clientX - left) * unit, (clientY - top) * unit];
  }

  #size() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientHeight) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.width = (clientWidth / clientHeight) * HEIGHT;
    this.paint();
  }

  #pen() {
    const pen = this.canvas.getContext("2d");
    const scale = this.canvas.height / HEIGHT;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    return Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: PEN, strokeStyle: "#1a1a2e" });
  }

  #ink(strokes) {
    const pen = this.#pen();
    for (const stroke of strokes) pen.stroke(new Path2D(`M${[...stroke, stroke.at(-1)].map((point) => point.join(" ")).join("L")}`));
  }

  paint() {
    const pen = this.#pen();
    pen.clearRect(0, 0, this.width, HEIGHT);
    pen.lineWidth = 1;
    for (const [y, colour] of [[BASELINE, "#8fa6c4"], [BASELINE - X_HEIGHT, "#d8e0ea"], [BASELINE - 2 * X_HEIGHT, "#ebe8e0"], [BASELINE + X_HEIGHT, "#ebe8e0"]]) {
      pen.strokeStyle = colour;
      pen.stroke(new Path2D(`M${EDGE} ${y}H${this.width - EDGE}`));
    }
    if (this.specimen) {
      const [left, , right] = bounds(this.specimen);
      const scale = Math.min(X_HEIGHT, (this.width - 2 * EDGE) / (right - left));
      pen.save();
      pen.translate(EDGE - left * scale, BASELINE);
      pen.scale(scale, scale);
      Object.assign(pen, { lineWidth: PEN / scale, strokeStyle: "#1a1a2e1c" });
      pen.stroke(new Path2D(strokesOf(this.specimen).map(pathData).join("")));
      pen.restore();
    }
    this.#ink(this.strokes);
  }

  remove() {
    this.resizing.disconnect();
    this.figure.remove();
  }
}

/** The pads of one line as one line: {text, strokes}; throws where a pad is empty. */
export function joinedLine(pads) {
  const empty = pads.find((pad) => !pad.isWritten);
  if (empty) throw new Error(t("Please write “{text}” first.", { text: empty.text }));
  const strokes = [];
  let right = 0;
  for (const pad of pads) {
    const [left, , end] = bounds({ points: pad.strokes.flat() });
    const shift = right - left;
    strokes.push(...pad.strokes.map((stroke) => stroke.map(([x, y]) => [x + shift, y])));
    right = end + shift + 0.7 * X_HEIGHT; // a blank
  }
  return { text: pads.map((pad) => pad.text).join(" "), strokes };
}
