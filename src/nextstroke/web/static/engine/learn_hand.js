// A hand of the user's own: lines of ink, brought to the model's units and learned as a style (handwriting/learn_hand.py).

import { constants } from "./constants.js";
import { normal } from "./diacritics.js";
import { encode, learnStyle, NO_STYLE } from "./hands.js";
import { bounds, fromStrokes, median, moved, offsetsOf, strokesOf } from "./ink.js";
import { levelled, measure } from "./layout.js";
import { logDensity } from "./mixture_sampling.js";
import { Random } from "./random.js";
import { prepare } from "./request.js";
import { writeLine } from "./sampler.js";
import { plain } from "./symbols.js";
import { polyline } from "./spline.js";

/** Height of small letters in the model's units, of a text that it writes in several hands. */
export function knownSize(network) {
  const { SPECIMEN, SPECIMENS } = constants.learn_hand;
  const request = { text: prepare(SPECIMEN, network.about.alphabet), bias: 0, seed: 1, style: NO_STYLE, attempt: 0 };
  const lines = Array.from({ length: SPECIMENS }, (_, occurrence) => writeLine(network, { ...request, occurrence }));
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
    const ink = fromStrokes(strokes);
    const wanted = rate * text.replaceAll(" ", "").length;
    return thinned(levelled(ink, xHeight / measure(ink).xHeight), wanted / ink.points.length);
  });
  const text = plain(normal(lines.map((line) => line.text).join(" ")), network.about.alphabet);
  const offsets = normalised(network, joined(fitted, xHeight));
  if (!fits(network, offsets, text)) throw new Error("The ink does not seem to say these words; please write them once more.");
  return { name, lines, ...learnStyle(network, offsets, text) };
}

function thinned(ink, share) {
  return fromStrokes(strokesOf(ink).map((stroke) => resampled(stroke, share)));
}

/** A stroke with about `share` times its points: smoothed and taken at equal steps, or interpolated on a spline. */
function resampled(stroke, share) {
  if (stroke.length < 3) return stroke;
  const smooth = stroke.map((point, i) => point.map((value, axis) =>
    i && i < stroke.length - 1 ? (stroke[i - 1][axis] + 2 * value + stroke[i + 1][axis]) / 4 : value));
  const curve = share <= 1 ? smooth : polyline(stroke, constants.learn_hand.PIECES);
  const count = Math.max(2, roundHalfEven(stroke.length * share));
  return Array.from({ length: count }, (_, i) => {
    const at = (i * (curve.length - 1)) / (count - 1);
    const low = Math.min(Math.floor(at), curve.length - 2);
    return [0, 1].map((axis) => curve[low][axis] + (at - low) * (curve[low + 1][axis] - curve[low][axis]));
  });
}

const roundHalfEven = (value) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)); // as Python's round

/** Lines one after the other on one baseline. */
function joined(inks, xHeight) {
  let right = 0;
  return fromStrokes(inks.flatMap((ink) => {
    const line = moved(ink, ([x, y]) => [x + right, y]);
    right = bounds(line)[2] + constants.learn_hand.GAP * xHeight;
    return strokesOf(line);
  }));
}

function normalised(network, ink) {
  const { mean, std } = network.about.normalisation;
  return offsetsOf(ink).map(([dx, dy, end]) => Float32Array.of((dx - mean[0]) / std[0], (dy - mean[1]) / std[1], end));
}

/** Whether ink is likelier under its text than under the same letters in any of DECOYS other orders. */
function fits(network, offsets, text) {
  const random = new Random([1]);
  const own = likelihood(network, offsets, text);
  const others = Array.from({ length: constants.learn_hand.DECOYS }, () => shuffled(text, random));
  return others.every((other) => own > likelihood(network, offsets, other));
}

function likelihood(network, offsets, text) {
  const ids = encode(`${text} `, network.about.alphabet);
  const state = network.start();
  let sum = 0;
  let before = new Float32Array(3);
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
