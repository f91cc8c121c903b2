// A text as pages of handwriting, line by line (compose.py).

import { bestLine } from "./choose.js";
import { bounds } from "./ink.js";
import { firstLine, levelled, Pages } from "./layout.js";
import { advanceOf, normal, xHeight } from "./marks.js";
import { unknown } from "./signs.js";

const TRIES = 4; // how often a line is wrapped anew when the hand turns out wider than thought
const LONGEST = 400; // characters that a line is looked for in
const TELLING = 8; // characters of a line that tells how wide the hand is
const USUAL = 1.8; // heights of small letters that a character takes, before the hand is known
const SHORT = 0.8; // share of the width that a first line takes at least where more text is there

/**
 * Write a text; gives one row after the other: {number, baseline, ink} of its page, and where it has words {text, line,
 * scale}. `write` is `bestLine`, or one that remembers its lines.
 * @param {{network, page, write}} how and what `bestLine` takes
 */
export async function* compose(text, how) {
  const strange = unknown(normal(text), how.network.about.alphabet);
  if (strange.length) throw new Error(`The model cannot write ${strange.join(" ")}`);
  const pages = new Pages(how.page), hand = { advance: USUAL * how.page.xHeight, scale: null };
  let number = 0;
  for (const paragraph of normal(text).split("\n")) {
    let left = paragraph.split(/\s+/).filter(Boolean).join(" ");
    if (!left) yield pages.put(null);
    while (left) {
      const { line, ink, scale } = await fitting(left, { ...how, line: number++ }, hand, pages);
      left = left.slice(line.text.length).replace(/^ /, "");
      yield { ...pages.put(ink), text: line.text, line, scale };
    }
  }
}

/** The first line of a text and its levelled ink, wrapped again until it fits at the width that the hand has. */
async function fitting(text, how, hand, pages) {
  const level = (line, scale = hand.scale ?? how.page.xHeight / xHeight(line)) => ({ scale, ink: levelled(line.ink, scale) });
  for (let tries = 1; ; tries++) {
    const piece = firstLine(text.slice(0, LONGEST), pages.textWidth, (some) => hand.advance * advanceOf(some)), last = piece.length === 1 || tries === TRIES;
    const unlike = (line) => !last && !suits(level(line).ink, pages, hand.scale === null && piece.length < text.length);
    const line = await (how.write ?? bestLine)(piece, { ...how, unlike }), { scale, ink } = level(line);
    const advance = (1.02 * bounds(ink)[2]) / advanceOf(piece);
    if (!unlike(line)) {
      if (piece.length >= TELLING) Object.assign(hand, { scale, advance: (hand.advance + advance) / 2 });
      return { line, ink, scale };
    }
    hand.advance = pages.fits(ink) ? advance : Math.max(1.05 * hand.advance, advance);
  }
}

/** Whether a line fills the width, where it is to, and no more. */
function suits(ink, pages, filling) {
  return pages.fits(ink) && !(filling && bounds(ink)[2] < SHORT * pages.textWidth);
}
