// A hand of the user's own: lines of ink, brought to the model's units and learned as a style (handwriting/learn_hand.py).

import { constants } from "./constants.js";
import { normal } from "./diacritics.js";
import { fittedHand } from "./fit_hand.js";
import { learnStyle, NO_STYLE } from "./hands.js";
import { bounds, fromStrokes, median, moved, offsetsOf, rounded, strokesOf } from "./ink.js";
import { levelled, measure } from "./layout.js";
import { prepare, shownText } from "./request.js";
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
 * @param {import("./recogniser.js").Recogniser} recogniser that checks the lines
 */
export function learnHand(network, name, lines, xHeight, recogniser) {
  if (!lines.every(({ strokes, text }) => fits(recogniser, fromStrokes(strokes), text))) {
    throw new Error("The ink does not seem to say these words; please write them once more.");
  }
  const rate = network.about.points_per_character;
  const texts = lines.map(({ text }) => plain(normal(shownText(text)), network.about.alphabet));
  const inks = lines.map(({ strokes }) => fromStrokes(strokes));
  const fitted = inks.map((ink, i) => {
    const wanted = rate * texts[i].replaceAll(" ", "").length;
    return thinned(levelled(ink, xHeight / measure(ink).xHeight), wanted / ink.points.length);
  });
  const primes = fitted.map((ink, i) => learnStyle(network, normalised(network, ink), texts[i]));
  if (primes.length > 1) primes.push(learnStyle(network, normalised(network, joined(fitted, xHeight)), texts.join(" ")));
  return { name, lines, ...fittedHand(network, primes, inks.map((ink, i) => ({ ink, text: texts[i] }))) };
}

function thinned(ink, share) {
  return fromStrokes(strokesOf(ink).map((stroke) => resampled(stroke, share)));
}

/** A stroke with about `share` times its points: smoothed and taken at equal steps, or interpolated on a spline. */
function resampled(stroke, share) {
  if (stroke.length < 3) return stroke;
  const smooth = stroke.map((point, i) => point.map((value, axis) =>
    i && i < stroke.length - 1 ? (stroke[i - 1][axis] + 2 * value + stroke[i + 1][axis]) / 4 : value));
  const curve = share <= 1 ? smooth : polyline(stroke, constants.resample.PIECES);
  const count = Math.max(2, rounded(stroke.length * share));
  return Array.from({ length: count }, (_, i) => {
    const at = (i * (curve.length - 1)) / (count - 1);
    const low = Math.min(Math.floor(at), curve.length - 2);
    return [0, 1].map((axis) => curve[low][axis] + (at - low) * (curve[low + 1][axis] - curve[low][axis]));
  });
}

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

/** Whether a recogniser reads a line as its text (handwriting/ink_check.py). */
function fits(recogniser, ink, text) {
  const { MOST_NATS, MOST_SHARE, STEP, X_HEIGHT } = constants.ink_check;
  const xHeight = X_HEIGHT * recogniser.about.normalisation.std[1];
  const line = levelled(ink, xHeight / measure(ink).xHeight);
  const drawn = offsetsOf(line).reduce((sum, [dx, dy], i) => sum + (line.ends[i] ? 0 : Math.hypot(dx, dy)), 0);
  const share = Math.min(drawn / (STEP * xHeight) / line.points.length, MOST_SHARE);
  return recogniser.ctcNll(thinned(line, share), plain(normal(text), recogniser.about.alphabet)) <= MOST_NATS;
}
