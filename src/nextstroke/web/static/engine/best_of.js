// Of several candidates of a line the one that reads best (handwriting/best_of.py).

import { constants } from "./constants.js";
import { bounds, median, moved, strokesOf } from "./ink.js";
import { prepare } from "./request.js";
import { isComplete, writeLine } from "./sampler.js";

/**
 * Write one line `candidates` times and keep the best.
 * @param {{network, recogniser, bias, seed, style, occurrence, candidates, draw, pause}} how `draw` is
 *   `writeLine` or remembers its lines; `pause` is awaited between candidates
 */
export async function bestLine(text, how) {
  const request = { ...how, text: prepare(text, how.network.about.alphabet) };
  const drawn = [];
  for (let attempt = 0; attempt < how.candidates; attempt++) {
    drawn.push((how.draw ?? writeLine)(how.network, { ...request, attempt }));
    await how.pause?.();
  }
  const best = drawn.length > 1 ? mostLegible(request, drawn) : drawn[0];
  return isComplete(best) ? best : ((await completeLine(request)) ?? best);
}

function mostLegible({ network, recogniser, text: { plain: expected } }, drawn) {
  const ranked = drawn.map((line) => ({
    line,
    rank: [
      !isComplete(line),
      strayDots(line.bare, expected) > 0,
      recogniser.ctcNll(inSizeOf(recogniser, line.bare, network), expected),
    ],
  }));
  return ranked.reduce((a, b) => (isBefore(b.rank, a.rank) ? b : a)).line;
}

/** Whether one row of values sorts before another; the first values that differ decide. */
function isBefore(a, b) {
  const different = a.findIndex((value, i) => value !== b[i]);
  return different >= 0 && a[different] < b[different];
}

/** A complete line among further attempts, or null; where there was one candidate, it was the first attempt. */
async function completeLine(request) {
  const { ATTEMPTS } = constants.sampler;
  const { candidates } = request;
  const last = candidates > 1 ? candidates + ATTEMPTS : ATTEMPTS;
  for (let attempt = candidates; attempt < last; attempt++) {
    const line = writeLine(request.network, { ...request, attempt });
    if (isComplete(line)) return line;
    await request.pause?.();
  }
  return null;
}

/** Ink in the size that the recogniser knows; lines of one corpus need no change. */
function inSizeOf(recogniser, ink, writer) {
  const scale = recogniser.about.normalisation.std[1] / writer.about.normalisation.std[1];
  const isSame = Math.abs(scale - 1) < constants.best_of.SAME_SIZE;
  return isSame ? ink : moved(ink, ([x, y]) => [x * scale, y * scale]);
}

/** Number of small strokes apart from the larger ones where the text has none: the recogniser ignores them, a reader does not. */
export function strayDots(ink, text) {
  const { ABOVE, BELOW } = constants.best_of;
  const dots = dotsOf(strokesOf(ink));
  const characters = [...text];
  const [left, , right] = bounds(ink);
  const middle = median(ink.points.map((point) => point[1]));
  const width = (right - left) / Math.max(characters.length, 1) || 1;
  const matches = (expected, found) => {
    const positions = characters.flatMap((character, u) => Array(expected[character] ?? 0).fill(u + 0.5));
    return matched(found.map(([x]) => (x - left) / width).sort((a, b) => a - b), positions);
  };
  const above = dots.filter(([, y]) => y < middle);
  const below = dots.filter(([, y]) => y >= middle);
  return dots.length - matches(ABOVE, above) - matches(BELOW, below);
}

/** The centres of the small strokes that are apart from larger ones. */
function dotsOf(strokes) {
  const { APART, DOT, SMALL } = constants.best_of;
  const heights = strokes.filter((stroke) => stroke.length > DOT).map((stroke) => extent(stroke)[1]);
  const unit = heights.length ? median(heights) : 0;
  const isSmall = (stroke) => Math.max(...extent(stroke)) < SMALL * unit;
  const larger = strokes.filter((stroke) => !isSmall(stroke)).flat();
  const centres = strokes.filter(isSmall).map((stroke) => [mean(stroke, 0), mean(stroke, 1)]);
  return centres.filter(([x, y]) => larger.every((point) => Math.hypot(point[0] - x, point[1] - y) > APART * unit));
}

/** Number of dots that have a position of their own within reach, both in order from left to right. */
function matched(dots, positions) {
  const { NEAR } = constants.best_of;
  let count = 0;
  let next = 0;
  for (const dot of dots) {
    while (positions[next] < dot - NEAR) next += 1;
    if (positions[next] <= dot + NEAR) {
      count += 1;
      next += 1;
    }
  }
  return count;
}

/** Width and height of a stroke. */
function extent(stroke) {
  const [left, top, right, bottom] = bounds({ points: stroke });
  return [right - left, bottom - top];
}

function mean(stroke, axis) {
  return stroke.reduce((sum, point) => sum + point[axis], 0) / stroke.length;
}
