// Characters that the model does not know, composed of one it knows and drawn marks (handwriting/glyphs/diacritics.py).

import { constants } from "./constants.js";
import { argmax, bounds, fromStrokes, median } from "./ink.js";

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
  for (const [u, marks] of marked.reverse()) {
    const own = owners(line.phi).flatMap((owner, t) => (owner === u ? [t] : []));
    if (own.length) {
      const letter = { points: own.map((t) => line.ink.points[t]) };
      line = inserted(line, marks.flatMap((mark) => strokesOfMark(mark, letter, height)), own.at(-1));
    }
  }
  return line;
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
