// Signs that the model never learned well, drawn into gaps that it leaves, as handwriting/glyphs/symbols.py.

import { bounds, fromStrokes, median, slant } from "./ink.js";
import { bases, owners, tables, xHeight } from "./marks.js";

const ALONE = "n"; // written where a text has signs only, to see the hand; it goes
const BEARING = 0.32, BLANK = 1.5, NARROWEST = 0.5; // in heights of small letters
const NEAR = 8; // characters on both sides of a gap whose feet tell where the baseline is

/** What the model writes of a normal text: a blank for signs, letters without their accents. */
export const plain = (text, alphabet) => bases(withoutSigns(text), alphabet);

/** A text with a blank for signs within it; a letter to see the hand by, if it has signs only. */
export function withoutSigns(text) {
  const characters = [...text], gaps = spans(characters), gone = dropped(gaps, characters);
  const starts = new Set(gaps.map(([start]) => start));
  return characters.map((character, u) => (gone.has(u) ? "" : starts.has(u) ? " " : character)).join("") || ALONE;
}

/** Characters of a normal text that cannot be written, each once. */
export function unknown(text, alphabet) {
  return [...new Set(text)].filter((character) => !/\s/.test(character) && !alphabet.includes(plain(character, alphabet)));
}

/** First place of each run of signs, with the blanks about them, and the place behind it. */
function spans(characters) {
  return [...characters.join("").matchAll(new RegExp(tables.run, "g"))].map(({ index, 0: run }) => [index, index + run.length]);
}

const inside = ([start, end], characters) => start > 0 && end < characters.length;

/** Places in the text that the model does not write: all of a gap but one blank. */
function dropped(gaps, characters) {
  const places = ([start, end]) => Array.from({ length: end - start }, (_, i) => start + i);
  return new Set(gaps.flatMap((span) => places(span).slice(inside(span, characters) ? 1 : 0)));
}

/** A written line with its signs in their gaps; `written` is its text without signs, which `phi` weighs. */
export function withSigns(line, written) {
  const characters = [...line.text], gaps = spans(characters);
  if (!gaps.length) return line;
  const hand = { height: xHeight({ ...line, text: written }), slant: Math.min(0.6, Math.max(-0.6, slant(line.ink))) };
  if (gaps[0][0] === 0 && gaps[0][1] === characters.length) return onlySigns(line, characters, hand);
  const gone = dropped(gaps, characters);
  const kept = [...characters.keys(), characters.length].filter((u) => !gone.has(u));
  const phi = line.phi.map((row) => {
    const whole = new Float32Array(characters.length + 1);
    kept.forEach((u, i) => (whole[u] = row[i]));
    return whole;
  });
  return gaps.reduceRight((made, span) => filled(made, characters, span, hand), { ...line, phi });
}

function onlySigns(line, characters, hand) {
  const { points, ends, places } = drawn(characters, 0, [0, 0], hand);
  return { ...line, ink: { points, ends }, phi: on(places, characters), ys: points.map(() => line.ys[0]) };
}

/** Window weights of points that write the characters at these places. */
function on(places, characters) {
  return places.map((u) => Float32Array.from({ length: characters.length + 1 }, (_, i) => (i === u ? 1 : 0)));
}

/** A run of signs that begins at `first` in the text and at `foot` on the baseline: its ink, and its width. */
function drawn(run, first, foot, hand) {
  const strokes = [], places = [];
  const blanks = run.findIndex((sign) => sign !== " ");
  let x = 0;
  [...run.join("").trim()].forEach((sign, i) => {
    const shapes = tables.signs[sign] ?? [];
    for (const shape of shapes) {
      strokes.push(stroke(shape, [foot[0] + x, foot[1]], hand));
      places.push(...shape.map(() => first + blanks + i));
    }
    x += ((shapes.length ? bounds({ points: shapes.flat() })[2] : BLANK - 2 * BEARING) + BEARING) * hand.height;
  });
  return { ...fromStrokes(strokes), places, width: x - BEARING * hand.height };
}

/** A stroke in this hand; no two are quite alike, by the place they stand at. */
function stroke(shape, [left, base], { height, slant }) {
  const turn = left / height, size = height * (1 + 0.05 * Math.sin(1.7 * turn));
  return shape.map(([x, y]) => {
    const across = x + 0.03 * Math.sin(3.1 * y + turn), down = y + 0.03 * Math.sin(2.7 * x + 1.3 * turn);
    return [left + size * (across + slant * down), base + size * down];
  });
}

/** A line with the signs of one gap; what is behind it has moved to the right. */
function filled(line, characters, span, hand) {
  const { points, ends } = line.ink, owner = owners(line.phi), cut = cutAt(line.ink, owner, span, characters);
  const leftmost = (some) => Math.min(...some.map(([x]) => x)), rightmost = (some) => Math.max(...some.map(([x]) => x));
  const left = points.slice(0, cut), right = points.slice(cut), run = characters.slice(...span);
  const edge = left.length ? rightmost(left) : leftmost(right);
  const blank = inside(span, characters) ? Math.max(NARROWEST * hand.height, leftmost(right) - edge) : BLANK * hand.height;
  const room = (character) => (character === " " ? blank : BEARING * hand.height);
  const foot = [edge + (left.length ? room(run[0]) : 0), baseline(line.ink, owner, characters, span)];
  const signs = drawn(run, span[0], foot, hand);
  const shift = right.length ? foot[0] + signs.width + room(run.at(-1)) - leftmost(right) : 0;
  const before = ends.slice(0, cut);
  if (cut) before[cut - 1] = true; // a stroke that goes on across the gap is cut there
  const put = (list, more) => [...list.slice(0, cut), ...more, ...list.slice(cut)];
  const ink = {
    points: [...left, ...signs.points, ...right.map(([x, y]) => [x + shift, y])],
    ends: [...before, ...signs.ends, ...ends.slice(cut)],
  };
  const expected = line.ys[Math.max(0, cut - 1)];
  return { ...line, ink, phi: put(line.phi, on(signs.places, characters)), ys: put(line.ys, signs.points.map(() => expected)) };
}

/** Number of the first point behind a gap. */
function cutAt(ink, owner, [start, end], characters) {
  if (start === 0) return 0;
  const behind = end === characters.length ? -1 : owner.findIndex((u) => u >= end);
  if (behind < 0) return ink.points.length;
  const firsts = [0, ...ink.ends.flatMap((last, t) => (last ? [t + 1] : []))];
  let stroke = firsts.findLastIndex((first) => first <= behind);
  if (owner.slice(firsts[stroke], behind).some((u) => u < start)) return behind;
  while (stroke && beginsWhatIsBehind(ink, owner, start, firsts[stroke - 1], firsts[stroke])) stroke--;
  return firsts[stroke];
}

/** Whether a stroke that was drawn while the window rested on the gap belongs to what is behind it. */
function beginsWhatIsBehind(ink, owner, start, first, last) {
  const right = Math.max(-Infinity, ...ink.points.slice(0, first).map(([x]) => x));
  return owner.slice(first, last).every((u) => u >= start) && ink.points.slice(first, last).every(([x]) => x > right);
}

/** Where letters near a gap stand; the line's lowest point where there are none. */
function baseline({ points }, owner, characters, [start, end]) {
  const lowest = (some) => Math.max(...some.map(([, y]) => y));
  const feet = characters.flatMap((character, u) => {
    const own = u >= start - NEAR && u < end + NEAR && (tables.x_height + tables.tall).includes(character) ? points.filter((_, t) => owner[t] === u) : [];
    return own.length ? [lowest(own)] : [];
  });
  return feet.length ? median(feet) : lowest(points);
}
