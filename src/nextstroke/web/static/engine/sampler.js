// Writing one line: text and style in, ink out (handwriting/sampler.py, sections 5.3 to 5.5).

import { adapted } from "./adaptation.js";
import { withComposites } from "./composites.js";
import { constants } from "./constants.js";
import { withMarks } from "./diacritics.js";
import { encode } from "./hands.js";
import { argmax, fromOffsets } from "./ink.js";
import { draw } from "./mixture_sampling.js";
import { Random } from "./random.js";
import { entropyOf } from "./request.js";
import { withoutSymbols, withSymbols } from "./symbols.js";

/**
 * Write one line.
 * @param {any} network a WriterNetwork
 * @param {{text: object, bias: number, seed: number, style: object, occurrence: number, attempt: number}} request `text` as
 *   `prepare` gives it (request.js); `occurrence` is the number of equal lines above this one
 * @returns {{text, written, bare, ink, phi: Float32Array[], ys: Float32Array[], stopped: boolean}} the text as it was given
 *   and as it was drawn, which `phi` refers to; `bare` is the ink of the network alone; `ys[t]` is ŷ before point t
 */
export function writeLine(network, request) {
  const { UNIFORMS } = constants.mixture_sampling;
  const { DIGITS, PATIENCE, SPARE_POINTS } = constants.sampler;
  const { text: { shown, written, ids }, bias, style } = request;
  const { alphabet, normalisation: { mean, std }, points_per_character: rate } = network.about;
  const prime = encode(style.text, alphabet);
  // A blank after the text gives the window a position to move to when the last letter is complete.
  const whole = [...prime, ...ids, ...encode(" ", alphabet)];
  const random = new Random([...entropyOf(request.seed, shown, request.occurrence), request.attempt]);
  const limit = Math.trunc(PATIENCE * rate * ids.length) + SPARE_POINTS;
  const state = style.state ? copied(style.state) : network.start();
  const trace = new Trace(ids.length, prime.length);
  const digits = whole.map((id) => DIGITS.includes(alphabet[id]));
  let { y, phi } = network.step(style.last, whole, state);
  while (!trace.ended && trace.points.length < limit) {
    const point = draw(y, bias * digitBias(phi, digits), Array.from({ length: UNIFORMS }, () => random.next()), style.adaptation.lift);
    const expected = y.slice();
    const seen = network.step(Float32Array.from(point), whole, state);
    trace.add([point[0] * std[0] + mean[0], point[1] * std[1] + mean[1], point[2]], seen.phi, expected);
    ({ y, phi } = seen);
  }
  const drawn = trace.result();
  const composed = withComposites({ text: withoutSymbols(written, alphabet), ...drawn }, alphabet);
  const marked = withMarks(composed, alphabet);
  const line = withSymbols({ ...marked, text: written }, marked.text, alphabet);
  return { ...line, ink: adapted(style.adaptation, { ...line, text: written }), text: shown, written, bare: drawn.ink };
}

/** The factor of the bias, by the share of the window that is on digits, of which the corpus has few. */
function digitBias(phi, digits) {
  let total = 0;
  let onDigits = 0;
  digits.forEach((isDigit, u) => {
    total += phi[u];
    if (isDigit) onDigits += phi[u];
  });
  return 1 + (constants.sampler.DIGIT_BIAS * onDigits) / Math.max(total, 1e-9);
}

/** Whether a written line ended by itself and every character was reached. */
export function isComplete({ written, phi, stopped }) {
  const peaks = new Set(phi.map(argmax));
  return stopped && [...written].every((character, u) => character === " " || peaks.has(u));
}

const copied = (state) => Object.fromEntries(Object.entries(state).map(([name, row]) => [name, row.slice()]));

/** The points drawn of a line. */
class Trace {
  /** @param {number} characters of the line @param {number} lead characters of the prime */
  constructor(characters, lead) {
    this.characters = characters;
    this.lead = lead;
    this.points = [];
    this.phi = [];
    this.ys = [];
    this.inText = [];
    this.x = [];
    this.stroke = 0; // number of the first point of the present stroke
    this.late = 0; // strokes that began after the text
    this.ended = false;
    this.cut = null;
  }

  add(point, phi, y) {
    this.x.push((this.x.at(-1) ?? 0) + point[0]);
    this.points.push(point);
    this.ys.push(y);
    this.phi.push(phi.slice(this.lead, this.lead + this.characters + 1));
    // The blank after the prime counts as text: a first letter may end while the window is still on it.
    this.inText.push(argmax(phi) >= this.lead - 1);
    this.ended = this.isFinished(point[2] > 0.5);
  }

  isAfterText(t) {
    return argmax(this.phi[t]) === this.characters;
  }

  /** Strokes that begin after the text are kept as long as they go back over the ink; the first other one ends the line. */
  isFinished(lifted) {
    const { LATE_POINTS, LATE_STROKES } = constants.sampler;
    const isLate = this.stroke > 0 && this.isAfterText(this.stroke);
    if (isLate && (this.points.length - this.stroke > LATE_POINTS || (lifted && !this.goesBack()))) {
      this.cut = this.stroke;
      return true;
    }
    if (lifted) {
      this.stroke = this.points.length;
      if (isLate) this.late += 1;
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

  result() {
    const cut = this.cut ?? this.points.length;
    const begins = this.begins();
    const own = [begins < cut ? begins : 0, cut];
    const offsets = this.points.slice(...own);
    offsets[0] = [0, 0, offsets[0][2]]; // leads from the prime, or from nowhere, to the first point: not drawn
    return { ink: fromOffsets(offsets), phi: this.phi.slice(...own), ys: this.ys.slice(...own), stopped: this.ended };
  }
}
