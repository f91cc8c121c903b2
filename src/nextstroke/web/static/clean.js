// What of a text can be written: marks without a shape are dropped, other signs are found and replaced. No DOM here.

import { normal } from "./engine/diacritics.js";
import { shownText } from "./engine/request.js";
import { unknown } from "./engine/symbols.js";

// Zero-width blanks and joiners, directions, soft hyphens, variation selectors, control characters but line ends and tabs.
const SHAPELESS = /\p{Cf}|\p{Cc}|[\ufe00-\ufe0f]/gu;
const isWritable = (sign, alphabet) => unknown(normal(shownText(sign)), alphabet).length === 0;

/** The signs of a text as a reader counts them: an emoji of several code points is one. */
function signsOf(text) {
  const Segmenter = globalThis.Intl?.Segmenter;
  return Segmenter ? Array.from(new Segmenter().segment(text), ({ segment }) => segment) : [...text];
}

/**
 * A text as it can be written.
 * @param {string} alphabet of the model
 * @param {string} replace what is written in place of a sign that cannot be written
 * @returns {{text: string, strange: string[]}} the text, and each sign that was replaced, once
 */
export function clean(text, alphabet, replace) {
  const strange = new Set();
  const known = new Map();
  const cleaned = (sign) => {
    if (/^\s+$/u.test(sign) || isWritable(sign, alphabet)) return sign;
    const bare = sign.replace(SHAPELESS, "");
    if (isWritable(bare, alphabet)) return bare;
    strange.add(sign);
    return replace;
  };
  const found = signsOf(text).map((sign) => {
    if (!known.has(sign)) known.set(sign, cleaned(sign));
    return known.get(sign);
  });
  return { text: found.join(""), strange: [...strange] };
}
