// A text as pages of handwriting: the network writes the lines, the layout places them (handwriting/compose.py).

import { bestLine } from "./best_of.js";
import { constants } from "./constants.js";
import { normal, xHeight } from "./diacritics.js";
import { bounds, median } from "./ink.js";
import { advanceOf, drifted, levelled, placed, textWidth, wrap } from "./layout.js";
import { Random } from "./random.js";
import { entropyOf, shownText } from "./request.js";
import { unknown } from "./symbols.js";

/**
 * Write a text on pages; gives one row after the other as `placed` in layout.js does. A row with words also has {text, written,
 * line, scale}: the text of the line, what was drawn of it (ß becomes ss), the line (writeLine in sampler.js), and
 * millimetres for each of its units; every row has the number of its `paragraph`.
 * @param {any} how {network, page, seed, styles, write, progress} and what `bestLine` takes; `styles` are those of the paragraphs
 *   in turn, in place of `style`; `write` is `bestLine` or remembers its lines; `progress(written, lines, line)` is called
 *   after each line of the paragraph being written
 */
export const compose = (text, how) => placed(composeRows(text, how), how.page);

/** The rows of a text with their levelled ink, null for an empty line. */
async function* composeRows(text, how) {
  const { page, seed } = how;
  const styles = how.styles ?? [how.style];
  const hands = styles.map((style) => ({ style, advance: constants.layout.ADVANCE * page.xHeight, scale: null }));
  const counts = new Map(); // lines above, by their text
  for (const [paragraph, words] of paragraphsOf(text, how.network.about.alphabet).entries()) {
    // Paragraphs in one style share what is known of its size.
    const style = styles[paragraph % styles.length];
    const hand = hands.find((each) => each.style.name === style.name);
    let rest = words;
    if (!rest) yield { ink: null, paragraph };
    while (rest) {
      const { pieces, lines, inks } = await writeSome(rest, { ...how, style }, hand, counts);
      for (const [i, text] of pieces.entries()) {
        const random = new Random(entropyOf(seed, text, counted(counts, text)));
        const ink = drifted(inks[i], page, random);
        yield { text, written: lines[i].written, line: lines[i], scale: hand.scale, ink, paragraph };
        // A line ends at a blank, which is left out, or within a word that is too long.
        rest = rest.slice(text.length).replace(/^ /, "");
      }
    }
  }
}

/** The paragraphs with single blanks between their words; throws for characters that cannot be written. */
function paragraphsOf(text, alphabet) {
  const paragraphs = text.replace(/^\n+|\n+$/g, "").split("\n").map(shownText);
  const strange = unknown(normal(paragraphs.join(" ")), alphabet);
  if (strange.length) throw new Error(`The model cannot write ${strange.join(" ")}`);
  if (!paragraphs.some(Boolean)) throw new Error("The text is empty.");
  return paragraphs;
}

/** The number of equal lines above a line, which it is added to. */
function counted(counts, text) {
  const occurrence = counts.get(text) ?? 0;
  counts.set(text, occurrence + 1);
  return occurrence;
}

/** The first lines of a text and their levelled ink, wrapped again until they fit at the width that the hand has. */
async function writeSome(text, how, hand, counts) {
  const { LONGEST, MAX_LINE } = constants.layout;
  const { OVERHANG, ROOM, TOGETHER, TRIES, WIDER } = constants.compose;
  const { page } = how;
  let pieces, lines, inks, scale;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const width = page.width ? Math.min(textWidth(page), MAX_LINE * hand.advance) : LONGEST * hand.advance;
    pieces = first(TOGETHER, wrap(text, width, (piece) => hand.advance * widthOf(piece)));
    lines = await writeLines(pieces, how, new Map(counts));
    scale = hand.scale ?? scaleOf(lines, page);
    inks = lines.map(({ ink }) => levelled(ink, scale));
    const widths = inks.map((ink) => bounds(ink)[2]);
    const longest = Math.max(...pieces.map((piece) => [...piece].length));
    if (Math.max(...widths) <= OVERHANG * textWidth(page) || longest === 1) break;
    hand.advance = Math.max(WIDER * hand.advance, (ROOM * sum(widths)) / sum(pieces.map(widthOf)));
  }
  hand.scale = scale;
  return { pieces, lines, inks };
}

async function writeLines(pieces, how, counts) {
  const lines = [];
  for (const text of pieces) {
    lines.push(await (how.write ?? bestLine)(text, { ...how, occurrence: counted(counts, text) }));
    how.progress?.(lines.length, pieces.length, lines.at(-1));
  }
  return lines;
}

/** The first `count` values of an iterator. */
function first(count, values) {
  const found = [];
  for (const value of values) {
    found.push(value);
    if (found.length === count) break;
  }
  return found;
}

/** The width of a text as it is drawn, in mean widths of a character. */
const widthOf = (text) => advanceOf(normal(text));

const sum = (values) => values.reduce((a, b) => a + b, 0);

/** Millimetres for each unit, by the small letters of all lines. */
const scaleOf = (lines, page) => page.xHeight / Math.max(median(lines.map((line) => xHeight({ ...line, text: line.written }))), 1e-9);
