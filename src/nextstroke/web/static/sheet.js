// The pages on the screen: shows rows of ink stroke by stroke, or at once.

import { constants } from "./engine/constants.js";
import { bounds, strokesOf } from "./engine/ink.js";
import { baselineOf, marginsOf, rowsOf } from "./engine/layout.js";
import { printed, printedPath, widthOf } from "./paper.js";
import { commonPoints, element, isSame, lengthOf, liftPoints, strokeData } from "./rows.js";
import { ofParagraph } from "./state.js";

const LATER = 6; // how many times faster lines after the first are written
const ROUNDING = 1e-6; // points, more than what is lost by adding lengths up

export class Desk {
  /**
   * @param {HTMLElement} parent
   * @param {{watch: (row, point: number) => void, choose: (row, target: Element, event?: MouseEvent) => void, name: (row) => string}} told
   *   `watch` is called with each point that the pen reaches, `choose` with a row that is clicked
   */
  constructor(parent, told) {
    this.parent = parent;
    this.told = told;
    this.rows = [];
    this.pages = [];
    this.queue = [];
    this.pace = 1;
    this.before = null; // time of the last frame
    this.frame = null;
    this.look = null;
    this.page = null;
  }

  /** A new text, look or layout is about to be written: rows that are not put again are old. */
  begin(look, page) {
    Object.assign(this, { look, page });
    for (const row of this.rows) row?.group?.classList.add("stale");
  }

  /**
   * Put a row on its page, in place of the earlier row with its index.
   * @param {"preview"|"draft"|"best"} stage
   */
  put(row, index, stage) {
    const old = this.rows[index];
    if (stage === "preview" && old?.ink && old.text === row.text && old.ink.points.length === row.ink.points.length) return;
    const page = this.#pageOf(row);
    if (old?.ink && row.ink && isSame(old, row)) {
      const { strokes, paths, group, finished, at } = old;
      Object.assign(old, row, { strokes, paths, group, finished, at, stage });
      if (group.parentNode !== page.layer) page.layer.append(group);
      this.#dressRow(old);
      return;
    }
    const placed = { ...row, index, stage, page, strokes: [], paths: [], finished: !row.ink, at: 0 };
    if (row.ink) this.#draw(placed, old);
    this.#remove(old);
    this.rows[index] = placed;
    if (!row.ink) return;
    this.queue.push(placed);
    this.queue.sort((a, b) => a.index - b.index);
    this.run();
  }

  /** The text is written: rows from `count` on and pages without rows are removed, what is left is named. */
  end(count) {
    for (const row of this.rows.splice(count)) this.#remove(row);
    const last = Math.max(0, ...this.rows.filter((row) => row?.ink).map(({ number }) => number));
    for (const page of this.pages.splice(last + 1)) page.svg.remove();
    this.pages.forEach((page, number) => {
      const text = this.rows.filter((row) => row?.ink && row.number === number).map((row) => row.text).join(" ");
      page.svg.setAttribute("aria-label", this.told.name({ number, text }));
      this.#print(page);
    });
  }

  /** Change pen, colours and paper. */
  dress(look) {
    this.look = look;
    for (const row of this.rows) if (row?.ink) this.#dressRow(row);
    for (const page of this.pages) this.#print(page);
  }

  /** The pages as they are drawn: each {width, height, lines, paragraphs, baselines}. */
  finishedPages() {
    return this.pages.map(({ width, height }, number) => {
      const rows = this.rows.filter((row) => row?.ink && row.number === number);
      return {
        width, height, baselines: this.#baselines(number), squares: this.#squares(), lines: rows.map(({ ink }) => ink),
        paragraphs: rows.map(({ paragraph }) => paragraph ?? 0),
      };
    });
  }

  get isWriting() {
    return this.queue.length > 0;
  }

  /** Show all ink at once. */
  finish() {
    const { pace } = this;
    this.pace = 0;
    this.tick(0);
    this.pace = pace;
  }

  /** Write all rows again from the first stroke. */
  replay() {
    this.queue = this.rows.filter((row) => row?.ink);
    for (const row of this.queue) {
      Object.assign(row, { finished: false, at: 0 });
      for (const path of row.paths) path.removeAttribute("d");
    }
    this.run();
  }

  /** Show the ink up to a moment. @param {number} share of all points, 0 to 1 */
  scrub(share) {
    this.#showUntil(share * this.#length());
  }

  /** Show the ink up to a point of a row; gives the share of all points that is shown. */
  moveTo(row, point) {
    const above = this.rows.slice(0, row.index).filter((other) => other?.ink).reduce((sum, other) => sum + lengthOf(other), 0);
    const lifts = row.ink.ends.slice(0, point).filter(Boolean).length;
    const until = above + point + 1 + lifts * liftPoints();
    this.#showUntil(until + ROUNDING);
    return until / this.#length();
  }

  /** Length of all rows as the pen counts it. */
  #length() {
    return this.rows.filter((row) => row?.ink).reduce((sum, row) => sum + lengthOf(row), 0);
  }

  #showUntil(length) {
    this.finish();
    const inked = this.rows.filter((row) => row?.ink);
    let left = length;
    let watchedRow = null;
    let watchedPoint = 0;
    for (const row of inked) {
      const whole = lengthOf(row);
      row.at = Math.max(0, Math.min(whole, left));
      const point = this.#show(row);
      if (left > 0 && point >= 0) {
        watchedRow = row;
        watchedPoint = point;
      }
      left -= whole;
      if (row.at === whole) this.#lift(row);
    }
    if (watchedRow) this.told.watch(watchedRow, watchedPoint);
  }

  run() {
    if (this.frame) return;
    this.before = null;
    this.frame = requestAnimationFrame((time) => this.tick(time));
  }

  tick(time) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    const passed = Math.min(0.1, (time - (this.before ?? time)) / 1000);
    this.before = time;
    let seconds = this.pace ? passed : Infinity;
    while (this.queue.length && seconds > 0) seconds = this.#advance(this.queue[0], seconds);
    if (this.queue.length) this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  /** Continue to write a row for some seconds; gives how many are left. */
  #advance(row, seconds) {
    const isFirst = !this.rows.slice(0, row.index).some((other) => other?.ink);
    const rate = (this.pace || 1) * constants.appearance.PACE * (isFirst ? 1 : LATER);
    const whole = lengthOf(row);
    const goal = row.at + seconds * rate;
    row.at = Math.min(goal, whole);
    const point = this.#show(row);
    if (point >= 0) this.told.watch(row, point);
    if (row.at < whole) return 0;
    row.finished = true;
    this.#lift(row);
    this.queue.shift();
    return (goal - whole) / rate;
  }

  /** Show a row up to the position of its pen: `at` counts points, and liftPoints between strokes; gives the last point. */
  #show(row) {
    let left = row.at;
    let point = -1;
    row.strokes.forEach((stroke, i) => {
      const count = Math.min(stroke.length, Math.max(0, Math.floor(left)));
      const path = row.paths[i];
      if (count && path.drawn !== count) path.setAttribute("d", strokeData(row, i, count, this.look));
      if (!count) path.removeAttribute("d");
      path.drawn = count;
      point += count;
      left -= stroke.length + liftPoints();
    });
    if (point < 0) return point;
    row.tip ??= element(row.group, "circle", { class: "tip", r: 0.6 });
    const [x, y] = row.ink.points[point];
    row.tip.setAttribute("cx", x);
    row.tip.setAttribute("cy", y);
    return point;
  }

  #lift(row) {
    row.tip?.remove();
    row.tip = null;
  }

  /** Make the paths of a row; what the old one has in common with it is shown at once. */
  #draw(row, old) {
    const group = element(row.page.layer, "g", { class: "line" });
    const [left, top, right, bottom] = bounds(row.ink);
    const box = { x: left - 1, y: top - 1, width: right - left + 2, height: bottom - top + 2, rx: 1 };
    const target = element(group, "rect", { class: "target", tabindex: 0, role: "button", "aria-label": row.text ?? "", ...box });
    target.addEventListener("click", (event) => this.told.choose(row, target, event));
    target.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.told.choose(row, target);
      }
    });
    row.group = group;
    row.strokes = strokesOf(row.ink);
    row.paths = row.strokes.map(() => element(group, "path"));
    this.#dressRow(row);
    if (!old?.ink) return;
    if (old.text === row.text) row.at = old.finished ? lengthOf(row) : (old.at / lengthOf(old)) * lengthOf(row);
    else if (old.finished) row.at = commonPoints(old, row);
    this.#show(row);
  }

  #dressRow(row) {
    row.group.classList.remove("stale");
    const colour = ofParagraph(this.look.colour, row.paragraph ?? 0);
    row.group.setAttribute("stroke", colour);
    row.group.setAttribute("stroke-width", this.look.pen);
    row.group.classList.toggle("nib", this.look.nib);
    row.group.setAttribute("fill", this.look.nib ? colour : "none");
    const drawn = this.look.nib ? `nib ${this.look.pen}` : "pen";
    if (row.drawn === drawn) return;
    // The outlines hang on the pen: what is on the paper is drawn anew.
    Object.assign(row, { drawn, ribbons: null });
    for (const path of row.paths) path.drawn = null;
    if (row.at) this.#show(row);
    if (row.finished) this.#lift(row);
  }

  #remove(row) {
    if (!row) return;
    row.group?.remove();
    this.queue = this.queue.filter((other) => other !== row);
  }

  #pageOf({ number, width, height }) {
    this.pages[number] ??= this.#newPage(number);
    const page = this.pages[number];
    if (page.width !== width || page.height !== height) {
      Object.assign(page, { width, height });
      page.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      page.svg.style.setProperty("--mm", width);
      this.#print(page);
    }
    return page;
  }

  #newPage(number) {
    const svg = element(this.parent, "svg", { role: "group", "aria-label": this.told.name({ number, text: "" }) });
    const sheet = element(svg, "rect", { class: "sheet", width: "100%", height: "100%" });
    const rules = element(svg, "path", { class: "rule" });
    const layer = element(svg, "g", { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" });
    return { number, svg, sheet, rules, layer };
  }

  /** Draw the paper of a page below its ink. */
  #print(page) {
    page.sheet.setAttribute("fill", this.look.sheet);
    const onPaper = printed({ ...page, baselines: this.#baselines(page.number), squares: this.#squares() }, this.look.paper);
    page.rules.setAttribute("d", printedPath(onPaper));
    page.rules.setAttribute("stroke-width", widthOf(this.look.paper));
  }

  /** The left edge of the first square of the paper, and the size of a square. */
  #squares() {
    return [marginsOf(this.page)[3], this.page.lineHeight / 2];
  }

  #baselines(number) {
    if (!this.page.height) return this.rows.filter((row) => row?.number === number).map(({ baseline }) => baseline);
    return Array.from({ length: rowsOf(this.page) }, (_, row) => baselineOf(row, this.page));
  }
}
