// A line to be written: its text, prepared once, and what seeds its random numbers (handwriting/request.py).

import { constants } from "./constants.js";
import { crc32 } from "./crc32.js";
import { normal } from "./diacritics.js";
import { encode } from "./hands.js";
import { wordsOf } from "./layout.js";
import { plain } from "./symbols.js";

/** A text as lines show it: accents joined with their letters, single blanks, no invisible characters. */
export const shownText = (text) => wordsOf(visible(text)).join(" ");

/** A text with accents joined with their letters, and without invisible characters. */
export function visible(text) {
  const isVisible = (character) => constants.diacritics.TWINS[character] !== "";
  return [...text.normalize("NFC")].filter(isVisible).join("");
}

/**
 * Prepare the text of one line.
 * @returns {{shown, written, plain, ids}} the text as given, what is drawn of it (“ becomes "), what the network writes of
 *   that, and its character ids
 */
export function prepare(text, alphabet) {
  const shown = shownText(text);
  const written = normal(shown);
  const bare = plain(written, alphabet);
  return { shown, written, plain: bare, ids: encode(bare, alphabet) };
}

/** What identifies a line's random numbers: the seed, the text, and the number of equal lines above it. */
export const entropyOf = (seed, shown, occurrence) => [seed, crc32(new TextEncoder().encode(shown)), occurrence];
