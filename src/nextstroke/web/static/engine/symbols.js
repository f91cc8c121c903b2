// Symbols that the model does not know or writes badly, drawn into gaps that it leaves (handwriting/glyphs/symbols.py).

import { constants } from "./constants.js";
import { isComposed, lettersOf } from "./composites.js";
import { baselineNear, bases, owners, paced, penStep, xHeight } from "./diacritics.js";
import { bounds, fromStrokes, slant } from "./ink.js";

/** What the model writes of a normal text: a blank for symbols, letters without their accents. */
export const plain = (text, alphabet) => lettersOf(bases(withoutSymbols(text, alphabet), alphabet), alphabet);

/** A text with a blank for symbols within it; a letter that shows the hand's size, if it has symbols only. */
export function withoutSymbols(text, alphabet) {
  const characters = [...text];
  const gaps = spansOf(characters, alphabet);
  const omitted = omittedIn(gaps, characters);
  const starts = new Set(gaps.map(([start]) => start));
  const written = characters.map((character, u) => (omitted.has(u) ? "" : starts.has(u) ? " " : character));
  return written.join("") || constants.symbols.ALONE;
}

/** Characters of a normal text that cannot be written, each once. */
export function unknown(text, alphabet) {
  const isBlank = (character) => constants.text.WHITESPACE.includes(character);
  return [...new Set(text)].filter((character) => !isBlank(character) && [...plain(character, alphabet)].some((each) => !alphabet.includes(each)));
}

/** Start and end (exclusive) of each run of symbols, with the blanks around them. */
function spansOf(characters, alphabet) {
  const isSymbol = characters.map((character) => isDrawn(character, alphabet));
  const spans = [];
  for (let u = 0; u < characters.length; u++) {
    if (!isSymbol[u]) continue;
    const start = u > (spans.at(-1)?.[1] ?? 0) && characters[u - 1] === " " ? u - 1 : u;
    while (isSymbol[u]) u += characters[u + 1] === " " ? 2 : 1;
    spans.push([start, u]);
    u -= 1;
  }
  return spans;
}

/** Whether a character is drawn by itself: the model writes it badly or not at all, and it cannot be composed. */
function isDrawn(character, alphabet) {
  const { SIGNS, WRITTEN } = constants.symbols;
  const isKnown = WRITTEN.includes(character) && alphabet.includes(character);
  return character in SIGNS && !isKnown && !isComposed(character, alphabet);
}

const isInside = ([start, end], characters) => start > 0 && end < characters.length;

/** Positions in the text that the model does not write: all of a gap but one blank. */
function omittedIn(gaps, characters) {
  const positions = ([start, end]) => Array.from({ length: end - start }, (_, i) => start + i);
  return new Set(gaps.flatMap((span) => positions(span).slice(isInside(span, characters) ? 1 : 0)));
}

/** A written line with its symbols in their gaps; `written` is its text without symbols, which `phi` refers to. */
export function withSymbols(line, written, alphabet) {
  const { MAX_SLANT } = constants.symbols;
  const characters = [...line.text];
  const gaps = spansOf(characters, alphabet);
  if (!gaps.length) return line;
  const height = xHeight({ ...line, text: written });
  const hand = { height, slant: Math.min(MAX_SLANT, Math.max(-MAX_SLANT, slant(line.ink))), step: penStep(line.ink) };
  if (gaps[0][0] === 0 && gaps[0][1] === characters.length) return onlySymbols(line, characters, hand);
  const omitted = omittedIn(gaps, characters);
  const kept = [...characters.keys(), characters.length].filter((u) => !omitted.has(u));
  const phi = line.phi.map((row) => {
    const whole = new Float32Array(characters.length + 1);
    kept.forEach((u, i) => (whole[u] = row[i]));
    return whole;
  });
  return gaps.reduceRight((made, span) => filled(made, characters, span, hand), { ...line, phi });
}

function onlySymbols(line, characters, hand) {
  const { points, ends, positions } = drawn(characters, 0, [0, 0], hand);
  return { ...line, ink: { points, ends }, phi: weightsOn(positions, characters), ys: points.map(() => line.ys[0]) };
}

/** Window weights of points that write the characters at these positions. */
function weightsOn(positions, characters) {
  return positions.map((u) => Float32Array.from({ length: characters.length + 1 }, (_, i) => (i === u ? 1 : 0)));
}

/** The ink and the width of a run of symbols that begins at `first` in the text and at `foot` on the baseline. */
function drawn(run, first, foot, hand) {
  const { BEARING, BLANK, SIGNS } = constants.symbols;
  const strokes = [];
  const positions = [];
  const blanks = run.findIndex((symbol) => symbol !== " ");
  let x = 0;
  [...run.join("").trim()].forEach((symbol, i) => {
    const shapes = SIGNS[symbol] ?? [];
    for (const shape of shapes) {
      const stroke = strokeOf(shape, [foot[0] + x, foot[1]], hand);
      strokes.push(stroke);
      positions.push(...stroke.map(() => first + blanks + i));
    }
    const width = shapes.length ? bounds({ points: shapes.flat() })[2] : BLANK - 2 * BEARING;
    x += (width + BEARING) * hand.height;
  });
  return { ...fromStrokes(strokes), positions, width: x - BEARING * hand.height };
}

/** A stroke in this hand; no two are quite alike: size and shape vary with the position. */
function strokeOf(shape, [left, base], hand) {
  const { SIZE_WAVE, X_WAVE, Y_WAVE } = constants.symbols;
  const turn = left / hand.height;
  const size = hand.height * (1 + SIZE_WAVE[0] * Math.sin(SIZE_WAVE[1] * turn));
  const stroke = shape.map(([x, y]) => {
    const across = x + X_WAVE[0] * Math.sin(X_WAVE[1] * y + X_WAVE[2] * turn);
    const down = y + Y_WAVE[0] * Math.sin(Y_WAVE[1] * x + Y_WAVE[2] * turn);
    return [left + size * (across + hand.slant * down), base + size * down];
  });
  return paced(stroke, hand.step);
}

const leftmost = (points) => Math.min(...points.map(([x]) => x));
const rightmost = (points) => Math.max(...points.map(([x]) => x));

/** A line with the symbols of one gap; what follows it is moved to the right. */
function filled(line, characters, span, hand) {
  const { BEARING, BLANK, NARROWEST } = constants.symbols;
  const { points, ends } = line.ink;
  const owner = owners(line.phi);
  const cut = cutAt(line.ink, owner, span, characters);
  const left = points.slice(0, cut);
  const right = points.slice(cut);
  const run = characters.slice(...span);
  const edge = left.length ? rightmost(left) : leftmost(right);
  const isWithin = isInside(span, characters) && right.length > 0; // a line that was broken off has nothing after the gap
  const blank = isWithin ? Math.max(NARROWEST * hand.height, leftmost(right) - edge) : BLANK * hand.height;
  const room = (character) => (character === " " ? blank : BEARING * hand.height);
  const foot = [edge + (left.length ? room(run[0]) : 0), baselineNear(points, owner, characters, span)];
  const symbols = drawn(run, span[0], foot, hand);
  const shift = right.length ? foot[0] + symbols.width + room(run.at(-1)) - leftmost(right) : 0;
  const endsBefore = ends.slice(0, cut);
  if (cut) endsBefore[cut - 1] = true; // a stroke that goes on across the gap is cut there
  const insert = (list, more) => [...list.slice(0, cut), ...more, ...list.slice(cut)];
  const ink = {
    points: [...left, ...symbols.points, ...right.map(([x, y]) => [x + shift, y])],
    ends: [...endsBefore, ...symbols.ends, ...ends.slice(cut)],
  };
  const expected = line.ys[Math.max(0, cut - 1)];
  const phi = insert(line.phi, weightsOn(symbols.positions, characters));
  return { ...line, ink, phi, ys: insert(line.ys, symbols.points.map(() => expected)) };
}

/** Number of the first point after a gap. */
function cutAt(ink, owner, [start, end], characters) {
  if (start === 0) return 0;
  const following = end === characters.length ? -1 : owner.findIndex((u) => u >= end);
  if (following < 0) return ink.points.length;
  const firsts = [0, ...ink.ends.flatMap((last, t) => (last ? [t + 1] : []))];
  let stroke = firsts.findLastIndex((first) => first <= following);
  if (owner.slice(firsts[stroke], following).some((u) => u < start)) return following;
  while (stroke && beginsWhatFollows(ink, owner, start, firsts[stroke - 1], firsts[stroke])) stroke--;
  return firsts[stroke];
}

/** Whether a stroke that was drawn while the window was on the gap belongs to what follows the gap. */
function beginsWhatFollows(ink, owner, start, first, last) {
  const right = Math.max(-Infinity, rightmost(ink.points.slice(0, first)));
  return owner.slice(first, last).every((u) => u >= start) && leftmost(ink.points.slice(first, last)) > right;
}
