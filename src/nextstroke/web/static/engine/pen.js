// One line being written: what the pen has drawn, and when it is done, as handwriting/sampler.py and handwriting/sampler.py.

import { argmax, fromOffsets } from "./ink.js";
import { withMarks } from "./marks.js";
import { draw } from "./mixture.js";
import { Random } from "./random.js";
import { plain, withoutSigns, withSigns } from "./signs.js";

// A line may take this many times the points that its text takes on average before it counts as stuck.
const PATIENCE = 2.5, SPARE_POINTS = 60;
// Strokes behind the text that go back over the ink: the bar of a last t, the dot of a last i, and no more.
const LATE_STROKES = 2, LATE_POINTS = 15;
// On digits, of which the corpus has few, the bias is 1 + CARE times as large (handwriting/sampler.py).
const DIGITS = "0123456789", CARE = 2;

export const NO_STYLE = { name: "none", text: "", state: null, last: new Float32Array(3) };

/**
 * Write one line.
 * @param {WriterNetwork} network
 * @param {string} text normal (marks.js)
 * @param {{bias: number, seed: number, style: object, line: number, attempt: number}} how
 * @returns {{text, bare, ink, phi: Float32Array[], ys: Float32Array[], stopped: boolean}} as `Written` in Python; `ys[t]` is
 *   what the network expected at point t
 */
export function writeLine(network, text, how) {
  const { bias, style } = how, alphabet = network.about.alphabet;
  const ids = encode(plain(text, alphabet), alphabet), prime = encode(style.text, alphabet);
  const whole = [...prime, ...ids, ...encode(" ", alphabet)];
  const random = new Random([how.seed, how.line, how.attempt]);
  const { mean, std } = network.about.normalisation;
  const limit = Math.trunc(PATIENCE * network.about.points_per_character * ids.length) + SPARE_POINTS;
  const state = style.state ? copied(style.state) : network.start();
  const line = new Line(ids.length, prime.length);
  const digits = whole.map((id) => DIGITS.includes(alphabet[id]));
  let { y, phi } = network.step(style.last, whole, state);
  while (!line.ended && line.points.length < limit) {
    const point = draw(y, bias * careful(phi, digits), [random.next(), random.next(), random.next(), random.next()]);
    const expected = y.slice();
    const seen = network.step(Float32Array.from(point), whole, state);
    line.add([point[0] * std[0] + mean[0], point[1] * std[1] + mean[1], point[2]], seen.phi, expected);
    ({ y, phi } = seen);
  }
  const drawn = line.traced(), marked = withMarks({ text: withoutSigns(text), ...drawn }, alphabet);
  return { ...withSigns({ ...marked, text }, marked.text), bare: drawn.ink };
}

/** How many times the bias, by the share of the window that lies on digits. */
function careful(phi, digits) {
  let all = 0, held = 0;
  digits.forEach((digit, u) => {
    all += phi[u];
    if (digit) held += phi[u];
  });
  return 1 + CARE * held / Math.max(all, 1e-9);
}

/** Whether a written line ended by itself and every character was reached. */
export function sound({ text, phi, stopped }) {
  const peaks = new Set(phi.map(argmax));
  return stopped && [...text].every((character, u) => character === " " || peaks.has(u));
}

const copied = (state) => Object.fromEntries(Object.entries(state).map(([name, row]) => [name, row.slice()]));

/** Ids of characters; throws for one that the model does not know. */
export function encode(text, alphabet) {
  return [...text].map((character) => {
    const id = alphabet.indexOf(character);
    if (id < 0) throw new Error(`the model cannot write “${character}”`);
    return id;
  });
}

/** What has been drawn of a line of so many characters, behind a prime of so many. */
class Line {
  constructor(characters, lead) {
    Object.assign(this, { characters, lead, points: [], phi: [], ys: [], inText: [], x: [] });
    Object.assign(this, { stroke: 0, late: 0, ended: false, cut: null });
  }

  add(point, phi, y) {
    this.x.push((this.x.at(-1) ?? 0) + point[0]);
    this.points.push(point);
    this.ys.push(y);
    this.phi.push(phi.slice(this.lead, this.lead + this.characters + 1));
    // The blank behind the prime counts as text: a first letter may end while the window still rests there.
    this.inText.push(argmax(phi) >= this.lead - 1);
    this.ended = this.finished(point[2] > 0.5);
  }

  behind(t) {
    return argmax(this.phi[t]) === this.characters;
  }

  /** Strokes that begin behind the text stay as long as they go back over the ink; the first other one ends the line. */
  finished(lifted) {
    const late = this.stroke > 0 && this.behind(this.stroke);
    if (late && (this.points.length - this.stroke > LATE_POINTS || (lifted && !this.goesBack()))) {
      this.cut = this.stroke;
      return true;
    }
    if (lifted) {
      this.stroke = this.points.length;
      this.late += late;
    }
    return this.late === LATE_STROKES;
  }

  goesBack() {
    return this.x[this.stroke] < Math.max(...this.x.slice(0, this.stroke));
  }

  /** Number of the first point of the text: a stroke that ends while the window is on the prime belongs to the prime. */
  begins() {
    let start = 0;
    for (let end = 0; end < this.points.length; end++) {
      if (this.points[end][2] <= 0.5) continue;
      if (this.inText[end]) return start;
      start = end + 1;
    }
    return 0;
  }

  traced() {
    const cut = this.cut ?? this.points.length, begins = this.begins();
    const own = [begins < cut ? begins : 0, cut];
    const offsets = this.points.slice(...own);
    offsets[0] = [0, 0, offsets[0][2]]; // from the prime, or from nowhere: not drawn
    return { ink: fromOffsets(offsets), phi: this.phi.slice(...own), ys: this.ys.slice(...own), stopped: this.ended };
  }
}
