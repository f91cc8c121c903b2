// A hand of one's own: lines of ink brought to the model's units and learned as a style (learn_hand.py, handwriting/hands.py).

import { argmax, bounds, fromStrokes, median, moved, offsetsOf, strokesOf } from "./ink.js";
import { levelled, measure } from "./layout.js";
import { normal } from "./marks.js";
import { logDensity } from "./mixture.js";
import { encode, NO_STYLE, writeLine } from "./pen.js";
import { Random } from "./random.js";
import { plain } from "./signs.js";
import { polyline } from "./spline.js";

// What the model writes, in eight hands, to show the size it knows: all heights of letters.
const SPECIMEN = "the quick brown fox jumps over the lazy dog", SPECIMENS = 8;
const GAP = 1.2; // between joined lines, in heights of small letters
const DECOYS = 12;

/** Height of small letters in the model's units. */
export function knownSize(network) {
  const lines = Array.from({ length: SPECIMENS }, (_, line) =>
    writeLine(network, SPECIMEN, { bias: 0, seed: 1, style: NO_STYLE, line, attempt: 0 }));
  return median(lines.map(({ ink }) => measure(ink).xHeight));
}

/**
 * Learn a hand from single lines of ink with their texts.
 * @param {{strokes: number[][][], text: string}[]} lines in any unit, y downwards
 * @param {number} xHeight of the model (knownSize)
 */
export function learnHand(network, name, lines, xHeight) {
  const rate = network.about.points_per_character;
  const fitted = lines.map(({ strokes, text }) => {
    const ink = fromStrokes(strokes), wanted = rate * text.replaceAll(" ", "").length;
    return thinned(levelled(ink, xHeight / measure(ink).xHeight), wanted / ink.points.length);
  });
  const text = lines.map((line) => line.text).join(" "), ink = joined(fitted, xHeight);
  const offsets = normalised(network, ink), said = plain(normal(text), network.about.alphabet);
  if (!fits(network, offsets, said)) throw new Error("The ink does not seem to say these words; please write them once more.");
  return { name, lines, ...primed(network, offsets, `${said.trim()} `) };
}

function thinned(ink, share) {
  return fromStrokes(strokesOf(ink).map((stroke) => resampled(stroke, share)));
}

function resampled(stroke, share) {
  if (stroke.length < 3) return stroke;
  const smooth = stroke.map((point, i) => point.map((value, axis) =>
    i && i < stroke.length - 1 ? (stroke[i - 1][axis] + 2 * value + stroke[i + 1][axis]) / 4 : value));
  const curve = share <= 1 ? smooth : polyline(stroke, 8), count = Math.max(2, roundHalfEven(stroke.length * share));
  return Array.from({ length: count }, (_, i) => {
    const at = (i * (curve.length - 1)) / (count - 1), low = Math.min(Math.floor(at), curve.length - 2);
    return [0, 1].map((axis) => curve[low][axis] + (at - low) * (curve[low + 1][axis] - curve[low][axis]));
  });
}

const roundHalfEven = (value) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)); // as Python's round

function joined(inks, xHeight) {
  let right = 0;
  return fromStrokes(inks.flatMap((ink) => {
    const line = moved(ink, ([x, y]) => [x + right, y]);
    right = bounds(line)[2] + GAP * xHeight;
    return strokesOf(line);
  }));
}

function normalised(network, ink) {
  const { mean, std } = network.about.normalisation;
  return offsetsOf(ink).map(([dx, dy, end]) => Float32Array.of((dx - mean[0]) / std[0], (dy - mean[1]) / std[1], end));
}

/** Whether ink is likelier under its text than under the same letters in any of some other orders. */
function fits(network, offsets, text) {
  const random = new Random([1]), own = likelihood(network, offsets, text);
  return Array.from({ length: DECOYS }, () => likelihood(network, offsets, shuffled(text, random))).every((other) => own > other);
}

function likelihood(network, offsets, text) {
  const ids = encode(`${text} `, network.about.alphabet), state = network.start();
  let sum = 0, before = new Float32Array(3);
  for (const point of offsets) {
    sum += logDensity(network.step(before, ids, state).y, point);
    before = point;
  }
  return sum;
}

function shuffled(text, random) {
  const letters = [...text];
  for (let i = letters.length - 1; i > 0; i--) {
    const other = Math.floor(random.next() * (i + 1));
    [letters[i], letters[other]] = [letters[other], letters[i]];
  }
  return letters.join("");
}

/** What the network remembers after it has read the ink, up to its last point (Style in Python). */
function primed(network, offsets, text) {
  const ids = encode(text, network.about.alphabet), state = network.start();
  let phi = null;
  for (const point of [new Float32Array(3), ...offsets.slice(0, -1)]) ({ phi } = network.step(point, ids, state));
  // A window that fell behind is put on the blank after the prime; else what is left of it would be written first.
  const behind = text.length - 1 - argmax(phi);
  if (behind > 1) state.kappa = state.kappa.map((place) => place + behind);
  return { text, state, last: offsets.at(-1) };
}
