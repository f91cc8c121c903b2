// Characters that the model does not know, composed of one it knows and drawn marks (handwriting/glyphs/diacritics.py).

import { constants } from "./constants.js";
import { argmax, bounds, fromStrokes, median, rounded } from "./ink.js";
import { bezier, onCurve } from "./spline.js";

/** A text as it is written: accents joined with their letters, typographic variants replaced by plain characters. */
export function normal(text) {
  const { TWINS } = constants.diacritics;
  return [...text.normalize("NFC")].map((character) => TWINS[character] ?? character).join("");
}

/** For each character of a normal text the one that the model writes: itself, or the one it is composed of. */
export function bases(text, alphabet) {
  return [...text].map((character) => parts(character, alphabet)[0]).join("");
}

/** A character's base and marks; itself without marks where it is known, or cannot be composed. */
function parts(character, alphabet) {
  const { ABOVE, BELOW, BUILT } = constants.diacritics;
  const decomposed = [...character.normalize("NFD")];
  const built = BUILT[character];
  const [base, marks] = built ? [built[0], [character]] : [decomposed[0], decomposed.slice(1)];
  const drawable = marks.length && marks.every((mark) => mark in BUILT || mark in ABOVE || mark in BELOW);
  return drawable && !alphabet.includes(character) && alphabet.includes(base) ? [base, marks] : [character, []];
}

/** A written line with its marks, each after the last stroke of its letter. */
export function withMarks(line, alphabet) {
  const marked = [...line.text]
    .map((character, u) => [u, parts(character, alphabet)[1]])
    .filter(([, marks]) => marks.length);
  if (!marked.length) return line;
  const height = xHeight(line);
  const step = penStep(line.ink);
  for (const [u, marks] of marked.reverse()) {
    const own = owners(line.phi).flatMap((owner, t) => (owner === u ? [t] : []));
    if (own.length) {
      const letter = { points: own.map((t) => line.ink.points[t]) };
      line = inserted(line, marks.flatMap((mark) => strokesOfMark(mark, letter, height)).map((stroke) => paced(stroke, step)), own.at(-1));
    }
  }
  return line;
}

/** The median distance between two points of a stroke: how fast the hand's pen moves; 0 for dots alone. */
export function penStep({ points, ends }) {
  const moves = points.slice(1).flatMap(([x, y], t) => (ends[t] ? [] : [Math.hypot(x - points[t][0], y - points[t][1])]));
  const moving = moves.filter((move) => move > 0);
  return moving.length ? median(moving) : 0;
}

/** A drawn stroke with the points that a pen of the hand's speed leaves, those of the stroke among them. */
export function paced(stroke, step) {
  if (stroke.length < 2 || step <= 0) return stroke;
  const curve = bezier(stroke).flatMap((corners) => {
    const length = Math.hypot(corners[3][0] - corners[0][0], corners[3][1] - corners[0][1]);
    const pieces = Math.max(1, rounded(length / step));
    return Array.from({ length: pieces }, (_, i) => onCurve(corners, (i + 1) / pieces));
  });
  return [stroke[0], ...curve];
}

/** Where letters near a part of a text stand; the lowest point where there are none. */
export function baselineNear(points, owner, characters, [start, end]) {
  const { FEET, NEAR } = constants.diacritics;
  const feet = characters.flatMap((character, u) => {
    const isNear = (u >= start - NEAR && u < start) || (u >= end && u < end + NEAR);
    const own = isNear && FEET.includes(character) ? points.filter((_, t) => owner[t] === u) : [];
    return own.length ? [Math.max(...own.map(([, y]) => y))] : [];
  });
  return feet.length ? median(feet) : Math.max(...points.map(([, y]) => y));
}

/** The character that each point writes: the window that it was drawn with is that after the point before it. */
export function owners(phi) {
  const peaks = phi.map(argmax);
  return [peaks[0], ...peaks.slice(0, -1)];
}

/** Height of a line's small letters, whatever other letters it has; without any, a share of the line's height. */
export function xHeight({ ink, phi, text }) {
  const { FEW, SHARE, TALL, TALLER, X_HEIGHT } = constants.diacritics;
  const owner = owners(phi);
  const heightsOf = (letters) => [...text].flatMap((character, u) => {
    if (!letters.includes(character)) return [];
    const rows = ink.points.filter((_, t) => owner[t] === u).map(([, y]) => y);
    return rows.length ? [Math.max(...rows) - Math.min(...rows)] : [];
  });
  const heights = heightsOf(X_HEIGHT);
  if (heights.length < FEW) heights.push(...heightsOf(TALL).map((height) => height / TALLER));
  const [, low, , high] = bounds(ink);
  return heights.length ? median(heights) : SHARE * (high - low);
}

function strokesOfMark(mark, letter, height) {
  const { ABOVE, BELOW, BUILT, MIN_BOX } = constants.diacritics;
  const [left, top, right, bottom] = bounds(letter);
  if (mark in BUILT) {
    const width = Math.max(right - left, MIN_BOX[0] * height);
    const tall = Math.max(bottom - top, MIN_BOX[1] * height);
    return BUILT[mark][1].map((stroke) => stroke.map(([x, y]) => [left + x * width, top + y * tall]));
  }
  const middle = median(letter.points.map(([x]) => x));
  const edge = mark in ABOVE ? top : bottom;
  const shapes = ABOVE[mark] ?? BELOW[mark];
  return shapes.map((shape) => shape.map(([x, y]) => [middle + x * height, edge + y * height]));
}

/** A line with strokes inserted after the stroke that holds point `last`. */
function inserted(line, strokes, last) {
  const position = line.ink.ends.indexOf(true, last) + 1;
  const ink = fromStrokes(strokes);
  const into = (list, extra) => [...list.slice(0, position), ...extra, ...list.slice(position)];
  const repeated = (list) => into(list, ink.points.map(() => list[last]));
  const points = into(line.ink.points, ink.points);
  const ends = into(line.ink.ends, ink.ends);
  return { ...line, ink: { points, ends }, phi: repeated(line.phi), ys: repeated(line.ys) };
}
