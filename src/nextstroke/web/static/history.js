// Undo and redo: earlier and later states. No DOM here.

const TOGETHER = 600; // ms within which changes of the same fields are one step
const MOST = 200;

export class History {
  constructor() {
    this.past = [];
    this.future = [];
    this.last = null; // the fields and the time of the last change
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  /**
   * Record the state before a change.
   * @param {object} before the state
   * @param {string[]} fields that change
   * @param {number} time of the change in ms
   * @returns {boolean} whether the change is a step of its own; else it belongs to the last one
   */
  record(before, fields, time) {
    const key = [...fields].sort().join();
    const joins = this.last?.key === key && time - this.last.time < TOGETHER && this.canUndo;
    this.last = { key, time };
    this.future = [];
    if (!joins) this.past = [...this.past, before].slice(-MOST);
    return !joins;
  }

  /** End the present step: the next change is one of its own. */
  seal() {
    this.last = null;
  }

  /** @returns the state before the last step, or null */
  undo(now) {
    return this.#move(this.past, this.future, now);
  }

  /** @returns the state that was undone last, or null */
  redo(now) {
    return this.#move(this.future, this.past, now);
  }

  #move(from, to, now) {
    if (!from.length) return null;
    to.push(now);
    this.last = null;
    return from.pop();
  }
}
