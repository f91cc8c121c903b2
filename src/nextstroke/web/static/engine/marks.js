// Characters that the model does not know, composed of one it knows and drawn marks, as handwriting/glyphs/diacritics.py.
// The tables are Python's own (marks.json).

import { argmax, bounds, fromStrokes, median } from "./ink.js";

export let tables = { above: {}, below: {}, built: {}, twins: {}, signs: {}, run: "", advances: {}, usual_advance: 1, x_height: "", tall: "" };

const TALLER = 1.95, FEW = 4; // how much taller tall letters are; small letters that tell a line's size by themselves

/** Take the tables of marks.json. */
export function setMarks(read) {
  tables = read;
}

/** A text as it is to be written: accents joined with their letters, typographic signs as a pen makes them. */
export function normal(text) {
  return [...text.normalize("NFC")].map((character) => tables.twins[character] ?? character).join("");
}

/** For each character of a normal text the one that the model writes: itself, or what it is built on. */
export function bases(text, alphabet) {
  return [...text].map((character) => parts(character, alphabet)[0]).join("");
}

/** How wide a text is, in mean widths of a character. */
export function advanceOf(text) {
  const width = (character) => Object.entries(tables.advances).find(([some]) => some.includes(character))?.[1] ?? tables.usual_advance;
  return [...text].reduce((sum, character) => sum + width(character), 0);
}

function parts(character, alphabet) {
  const apart = [...character.normalize("NFD")], built = tables.built[character];
  const [base, marks] = built ? [built[0], [character]] : [apart[0], apart.slice(1)];
  const drawable = marks.length && marks.every((mark) => mark in tables.built || mark in tables.above || mark in tables.below);
  return drawable && !alphabet.includes(character) && alphabet.includes(base) ? [base, marks] : [character, []];
}

/** A written line with its marks, each behind the last stroke of its letter. */
export function withMarks(line, alphabet) {
  const marked = [...line.text].map((character, u) => [u, parts(character, alphabet)[1]]).filter(([, marks]) => marks.length);
  if (!marked.length) return line;
  const height = xHeight(line);
  for (const [u, marks] of marked.reverse()) {
    const own = owners(line.phi).flatMap((owner, t) => (owner === u ? [t] : []));
    if (own.length) {
      const letter = { points: own.map((t) => line.ink.points[t]) };
      line = inserted(line, marks.flatMap((mark) => strokes(mark, letter, height)), own.at(-1));
    }
  }
  return line;
}

/** The character that each point writes: the window it was drawn with is that behind the point before it. */
export function owners(phi) {
  const peaks = phi.map(argmax);
  return [peaks[0], ...peaks.slice(0, -1)];
}

/** Height of a line's small letters, whatever other letters it has; without any, half of the line's. */
export function xHeight({ ink, phi, text }) {
  const owner = owners(phi);
  const heights = (some) => [...text].flatMap((character, u) => {
    const rows = some.includes(character) ? ink.points.filter((_, t) => owner[t] === u).map(([, y]) => y) : [];
    return rows.length ? [Math.max(...rows) - Math.min(...rows)] : [];
  });
  const found = heights(tables.x_height);
  if (found.length < FEW) found.push(...heights(tables.tall).map((height) => height / TALLER));
  const [, low, , high] = bounds(ink);
  return found.length ? median(found) : 0.5 * (high - low);
}

function strokes(mark, letter, height) {
  const [left, top, right, bottom] = bounds(letter);
  if (mark in tables.built) {
    const wide = Math.max(right - left, 0.25 * height), tall = Math.max(bottom - top, 0.08 * height);
    return tables.built[mark][1].map((stroke) => stroke.map(([x, y]) => [left + x * wide, top + y * tall]));
  }
  const middle = median(letter.points.map(([x]) => x)), edge = mark in tables.above ? top : bottom;
  const shapes = tables.above[mark] ?? tables.below[mark];
  return shapes.map((shape) => shape.map(([x, y]) => [middle + x * height, edge + y * height]));
}

/** Strokes put behind the stroke that holds point `last`. */
function inserted(line, more, last) {
  const place = line.ink.ends.indexOf(true, last) + 1, ink = fromStrokes(more);
  const into = (list, extra) => [...list.slice(0, place), ...extra, ...list.slice(place)];
  const repeated = (list) => into(list, ink.points.map(() => list[last]));
  const points = into(line.ink.points, ink.points), ends = into(line.ink.ends, ink.ends);
  return { ...line, ink: { points, ends }, phi: repeated(line.phi), ys: repeated(line.ys) };
}
