// Characters that are composed of letters the model knows: æ of a and e, ² of a small raised 2 (handwriting/glyphs/composites.py).

import { constants } from "./constants.js";
import { baselineNear, owners, xHeight } from "./diacritics.js";
import { bounds, median } from "./ink.js";

/** Whether a character is composed of letters that the model knows. */
export function isComposed(character, alphabet) {
  const letters = constants.composites.COMPOSITES[character]?.[0];
  return Boolean(letters) && !alphabet.includes(character) && [...letters].every((letter) => alphabet.includes(letter));
}

/** What the model writes of each character; blanks keep small letters apart from those of full size. */
function lettersIn(text, alphabet) {
  const { COMPOSITES } = constants.composites;
  const characters = [...text];
  const letters = characters.map((each) => (isComposed(each, alphabet) ? COMPOSITES[each][0] : each));
  for (const [first, last] of runsIn(characters, alphabet)) {
    if (COMPOSITES[characters[first]][1] === 1) continue;
    if (last < characters.length && characters[last] !== " ") letters[last - 1] += " ";
    if (first && characters[first - 1] !== " ") letters[first] = ` ${letters[first]}`;
  }
  return letters;
}

/** First and last position (exclusive) of composed characters; those of one small size are together. */
function runsIn(characters, alphabet) {
  const form = (u) => String(constants.composites.COMPOSITES[characters[u]].slice(1));
  const runs = [];
  characters.forEach((character, u) => {
    if (!isComposed(character, alphabet)) return;
    const isMore = runs.at(-1)?.[1] === u && form(u) === form(u - 1) && constants.composites.COMPOSITES[character][1] !== 1;
    if (isMore) runs.at(-1)[1] = u + 1;
    else runs.push([u, u + 1]);
  });
  return runs;
}

/** A text with the letters of each composed character in its place, raised and lowered ones between blanks. */
export const lettersOf = (text, alphabet) => lettersIn(text, alphabet).join("");

/** A line, written with `lettersOf` its text, with its composed characters; their weights are the sums of their letters'. */
export function withComposites(line, alphabet) {
  const { COMPOSITES, DOTLESS } = constants.composites;
  const characters = [...line.text];
  const runs = runsIn(characters, alphabet);
  if (!runs.length) return line;
  const letters = lettersIn(line.text, alphabet);
  const firsts = [0];
  for (const each of letters) firsts.push(firsts.at(-1) + [...each].length);
  const written = [...letters.join("")];
  const height = xHeight({ ...line, text: written.join("") });
  let made = line;
  for (const [first, last] of [...runs].reverse()) {
    const place = { written, first: firsts[first], last: firsts[last], height };
    const [, size, raised] = COMPOSITES[characters[first]];
    if (characters[first] === DOTLESS) made = withoutDot(made, place);
    else made = { ...made, ink: size === 1 ? joined(made, place) : small(made, place, size, raised) };
  }
  const phi = made.phi.map((row) => Float32Array.from(firsts, (first, u) => {
    let sum = 0;
    for (let v = first; v < (firsts[u + 1] ?? row.length); v++) sum = Math.fround(sum + row[v]);
    return sum;
  }));
  return { ...made, phi };
}

/** The ink with the second of two letters moved to the first; letters that a stroke joins stay. */
function joined({ ink, phi }, { first, height }) {
  const owner = overStrokes(ink, owners(phi), mostFrequent);
  const xs = (u) => ink.points.filter((_, t) => owner[t] === u).map(([x]) => x);
  const left = xs(first), right = xs(first + 1);
  if (!left.length || !right.length) return ink;
  const shift = Math.max(0, Math.min(...right) - Math.max(...left) + constants.composites.OVERLAP * height);
  return { ...ink, points: ink.points.map(([x, y], t) => [owner[t] > first ? x - shift : x, y]) };
}

/** The ink with some letters made smaller, and raised by a number of heights of small letters. */
function small({ ink, phi }, { written, first, last, height }, size, raised) {
  const { NEAR_STROKE, TIGHT } = constants.composites;
  const owner = overStrokes(ink, owners(phi), mostFrequent);
  const x = ink.points.map((point) => point[0]);
  const extent = (isOwn) => bounds({ points: ink.points.filter((_, t) => isOwn[t]) });
  const isLetter = owner.map((u) => u >= first && u < last && written[u] !== " ");
  if (!isLetter.some(Boolean)) return ink;
  const reach = NEAR_STROKE * height;
  const [low, , high] = extent(isLetter);
  // A stroke that was begun on a blank next to the letters is theirs if it stands where they do.
  const own = owner.map((u, t) => isLetter[t] || (u >= first && u < last && x[t] >= low - reach && x[t] <= high + reach));
  const [left, , right] = extent(own);
  const means = overStrokes(ink, x, (values) => values.reduce((a, b) => a + b, 0) / values.length);
  const after = own.map((is, t) => !is && means[t] > (left + right) / 2);
  const before = own.map((is, t) => !is && !after[t]);
  const base = baselineNear(ink.points, owner, written, [first, last]);
  const tight = TIGHT * height;
  const start = written[first] === " " && before.some(Boolean) ? extent(before)[2] + tight : left;
  const end = start + size * (right - left);
  const shift = written[last - 1] === " " ? end + tight - extent(after)[0] : end - right;
  const points = ink.points.map(([px, py], t) => {
    if (own[t]) return [start + size * (px - left), base - raised * height + size * (py - base)];
    return [after[t] ? px + shift : px, py];
  });
  return { ...ink, points };
}

/** For each point what a function makes of the values of its stroke. */
function overStrokes({ ends }, values, combine) {
  const found = [];
  let start = 0;
  ends.forEach((isEnd, t) => {
    if (!isEnd) return;
    const stroke = values.slice(start, t + 1);
    found.push(...stroke.fill(combine(stroke)));
    start = t + 1;
  });
  return found;
}

/** The most frequent of whole numbers, of several the least. */
function mostFrequent(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0][0];
}

/** A line without the dot nearest to an i, if it has one. */
function withoutDot(line, { first, height }) {
  const { DOT_ABOVE, DOT_ASIDE, DOT_SIZE } = constants.composites;
  const { points, ends } = line.ink;
  const owner = owners(line.phi);
  const body = points.filter((_, t) => owner[t] === first);
  if (!body.length) return line;
  const foot = bounds({ points: body })[3];
  const middle = median(body.map(([x]) => x));
  let limit = DOT_ASIDE * height;
  let nearest = null;
  let start = 0;
  ends.forEach((isEnd, t) => {
    if (!isEnd) return;
    const stroke = points.slice(start, t + 1);
    const [left, top, right, bottom] = bounds({ points: stroke });
    const aside = Math.abs(stroke.reduce((sum, [x]) => sum + x, 0) / stroke.length - middle);
    if (Math.max(right - left, bottom - top) < DOT_SIZE * height && bottom < foot - DOT_ABOVE * height && aside < limit) {
      nearest = [start, t + 1];
      limit = aside;
    }
    start = t + 1;
  });
  if (!nearest) return line;
  const kept = (list) => list && [...list.slice(0, nearest[0]), ...list.slice(nearest[1])];
  return { ...line, ink: { points: kept(points), ends: kept(ends) }, phi: kept(line.phi), ys: kept(line.ys) };
}
