// A canvas with a baseline to write on with pen, finger or mouse.

const WIDTH = 1000, HEIGHT = 200, BASELINE = 0.68; // in canvas units; the baseline as a share of the height

export class HandPad {
  /** @param {HTMLElement} parent @param {string} text that the user is asked to write */
  constructor(parent, text) {
    this.text = text;
    this.strokes = [];
    this.pointer = null;
    this.penSeen = false;
    const figure = document.createElement("figure");
    figure.className = "pad";
    figure.innerHTML = '<p></p><canvas width="1000" height="200" tabindex="0"></canvas>';
    figure.querySelector("p").textContent = `“${text}”`;
    this.canvas = figure.querySelector("canvas");
    this.canvas.setAttribute("aria-label", `Write here: ${text}`);
    parent.append(figure);
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, (event) => this[name](event));
    }
    this.paint();
  }

  /** Once a pen was used, touches are ignored: they come from the hand that rests on the screen. */
  pointerdown(event) {
    this.penSeen ||= event.pointerType === "pen";
    if (this.pointer !== null || event.button !== 0 || (this.penSeen && event.pointerType === "touch")) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.positionOf(event)]);
    this.paint();
  }

  pointermove(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).push(...(events.length ? events : [event]).map((each) => this.positionOf(each)));
    this.paint();
  }

  pointerup(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  /** The system cancelled the pointer: its stroke is removed. */
  pointercancel(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.strokes.pop();
    this.paint();
  }

  positionOf({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [((clientX - left) / width) * WIDTH, ((clientY - top) / height) * HEIGHT];
  }

  clear() {
    this.show([]);
  }

  show(strokes) {
    this.strokes = strokes;
    this.paint();
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, WIDTH, HEIGHT);
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: 1, strokeStyle: "#c8d3e0" });
    pen.stroke(new Path2D(`M20 ${BASELINE * HEIGHT}H${WIDTH - 20}`));
    Object.assign(pen, { lineWidth: 3, strokeStyle: "#1a1a2e" });
    for (const stroke of this.strokes) {
      pen.stroke(new Path2D(`M${[...stroke, stroke.at(-1)].map((point) => point.join(" ")).join("L")}`));
    }
  }

  /** The line, {text, strokes}; throws where there is no ink. */
  line() {
    const points = this.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    if (points < 2 * this.text.length) throw new Error(`Please write “${this.text}” first.`);
    return { text: this.text, strokes: this.strokes };
  }
}
