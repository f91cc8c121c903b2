// A text as pages of handwriting: the network writes the lines, the layout places them (handwriting/compose.py).

import { bestLine } from "./best_of.js";
import { constants } from "./constants.js";
import { normal, xHeight } from "./diacritics.js";
import { bounds, median, moved } from "./ink.js";
import { advanceOf, alignOf, columnOf, drifted, levelled, placed, textWidth, wrap } from "./layout.js";
import { gapAfter, gapsOf, indentOf, markedCharacters, paragraphsOf, partOf, shownOf, tabOf } from "./paragraphs.js";
import { Random } from "./random.js";
import { entropyOf, shownText } from "./request.js";
import { fitted, marked, spaced } from "./spacing.js";
import { unknown } from "./symbols.js";

/**
 * Write a text on pages; gives one row after the other as `placed` in layout.js does. A row with words also has {text, written,
 * line, scale}: the text of the line, what was drawn of it (“ becomes "), the line (writeLine in sampler.js), and
 * millimetres for each of its units.
 * @param {any} how {network, page, seed, styles, markup, write, progress} and what `bestLine` takes; `styles` are those of the
 *   paragraphs in turn, in place of `style`; `markup` reads
 *   `~~struck out~~`, `__underlined__`, `->centred<-` and `->aligned to the right->`; `write` is `bestLine` or remembers its
 *   lines; `progress(written, lines, line)` is called after each line of the paragraph being written
 */
export const compose = (text, how) => placed(composeRows(text, how), how.page);

/** The rows of a text with their ink in millimetres, null for an empty line. */
async function* composeRows(text, how) {
  const { page } = how;
  const styles = how.styles ?? [how.style];
  const above = new Map(); // the number of equal lines, by their text
  // Paragraphs in one style share what is known of its size.
  const composers = new Map(styles.map((style) => [style.name, new Composer({ ...how, style }, above)]));
  const paragraphs = paragraphsOf(text, how.markup);
  check(paragraphs, how.network.about.alphabet);
  for (const [index, paragraph] of paragraphs.entries()) {
    const composer = composers.get(styles[index % styles.length].name);
    const row = { paragraph: index, align: paragraph.align || alignOf(index, page) };
    const indent = indentOf(paragraph.indent, page);
    let rest = paragraph;
    if (!rest.text) yield { ...row, ink: null };
    while (rest.text) {
      const indents = [indent + (rest === paragraph ? page.indent ?? 0 : 0), indent];
      for (const { part, line, ink } of await composer.nextLines(rest, indents)) {
        yield { ...row, text: shownOf(part), written: line.written, line, scale: composer.scale, ink };
        counted(composer.above, shownOf(part));
        // A line ends at blanks, which are left out, or within a word that is too long.
        const end = part.text.length;
        rest = partOf(rest, end + leadingBlanks(rest.text.slice(end)), rest.text.length);
      }
    }
  }
}

const leadingBlanks = (text) => text.length - text.replace(/^[ \t]+/, "").length;

/** Throw for a text that is empty, or has characters that cannot be written. */
function check(paragraphs, alphabet) {
  const shown = paragraphs.map(shownOf).join(" ");
  const strange = unknown(normal(shown), alphabet);
  if (strange.length) throw new Error(`The model cannot write ${strange.join(" ")}`);
  if (!shown.trim()) throw new Error("The text is empty.");
}

/** The number of equal lines above a line, which it is added to. */
function counted(counts, text) {
  const occurrence = counts.get(text) ?? 0;
  counts.set(text, occurrence + 1);
  return occurrence;
}

/** Breaks paragraphs into lines and writes them; a piece is {part, line, ink, occurrence}, `ink` being levelled, in mm. */
class Composer {
  constructor(how, above) {
    this.how = how;
    this.page = how.page;
    this.above = above;
    this.scale = null;
    this.latest = new Map();
    this.advance = constants.layout.ADVANCE * how.page.xHeight;
  }

  /** The next lines of a paragraph, each filled with as many words as fit; `indents` of the next line and of the others. */
  async nextLines(rest, indents) {
    const { FIRST_TOGETHER, ROOM, TOGETHER, TRIES, WIDER } = constants.compose;
    let pieces, good;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const isKnown = this.scale !== null;
      // Lines are written one after the other: of a known hand, no more than are sure to be kept.
      const count = this.page.width ? (isKnown ? 1 : FIRST_TOGETHER) : TOGETHER;
      const parts = first(count, this.parts(rest, indents));
      pieces = await this.write(parts);
      const verdicts = pieces.map((_, i) => this.verdict(pieces, i, rest, indents));
      good = verdicts.findIndex(Boolean);
      if (good < 0) good = pieces.length;
      if (good) break;
      if (isKnown && shownOf(parts[0]).includes(" ")) {
        return [this.finished(await this.filled(pieces[0], verdicts[0], rest, indents[0]), indents[0])];
      }
      if (verdicts[0] > 0) {
        const width = bounds(pieces[0].ink)[2] / plainWidth(parts[0].text);
        this.advance = Math.max(WIDER * this.advance, ROOM * width);
      }
    }
    return pieces.slice(0, Math.max(good, 1)).map((piece, i) => this.finished(piece, indents[i > 0 ? 1 : 0]));
  }

  /** The lines that a paragraph is expected to have. */
  *parts(rest, indents) {
    const { LONGEST, MAX_LINE } = constants.layout;
    const longest = (this.page.width ? MAX_LINE : LONGEST) * this.advance;
    const [widest, others] = indents.map((indent) => Math.min(constants.compose.AIM * this.room(indent), longest));
    let start = 0;
    for (const text of wrap(rest.text, others, (piece) => this.width(piece), widest)) {
      start += leadingBlanks(rest.text.slice(start));
      yield partOf(rest, start, start + text.length);
      start += text.length;
    }
  }

  /** The width that a line may take; there is always some. */
  room(indent) {
    const width = textWidth(this.page);
    return Math.max(width - indent, Math.min(width, 2 * columnOf(this.page)));
  }

  /** The expected width of a text as it is drawn, in mm. */
  width(text) {
    const { letterSpacing = 0, wordSpacing = 0 } = this.page;
    const gaps = gapsOf({ text });
    const letters = [...shownText(text)].length - 1;
    const width = this.advance * plainWidth(text) + letterSpacing * letters + wordSpacing * gaps.length;
    const wider = (gap) => (tabOf(this.page) * (gap.split("\t").length - 1)) / 2 + columnOf(this.page) * (gap.length - 1);
    return width + sum(gaps.map(wider));
  }

  /** Write the lines that were not among those written last, and learn the size and width of a new hand. */
  async write(parts) {
    const { how, page } = this;
    const counts = new Map(this.above);
    const latest = new Map();
    const occurrences = [];
    for (const text of parts.map(shownOf)) {
      const occurrence = counted(counts, text);
      occurrences.push(occurrence);
      const key = JSON.stringify([text, occurrence]);
      latest.set(key, this.latest.get(key) ?? (await (how.write ?? bestLine)(text, { ...how, occurrence })));
      how.progress?.(latest.size, parts.length, latest.get(key));
    }
    this.latest = latest;
    const lines = [...latest.values()];
    const isFirst = this.scale === null;
    this.scale ??= scaleOf(lines, page);
    const inks = lines.map(({ ink }) => levelled(ink, this.scale, page.slant));
    if (isFirst && page.width) this.advance = sum(inks.map((ink) => bounds(ink)[2])) / sum(parts.map((part) => plainWidth(part.text)));
    return parts.map((part, i) => {
      const ink = this.spaced(part, lines[i], inks[i]);
      return { part, line: lines[i], ink, occurrence: occurrences[i] };
    });
  }

  /** A line with the page's spacing and the blanks and tabs of its text. */
  spaced(part, line, ink) {
    const { letterSpacing = 0, wordSpacing = 0 } = this.page;
    const gaps = gapsOf(part);
    if (!letterSpacing && !wordSpacing && gaps.every((gap) => gap === " ")) return ink;
    return spaced(line, ink, letterSpacing, (i, x, natural) => wordSpacing + gapAfter(x, natural, gaps[i], this.page));
  }

  /** 1 for a line that is too wide, -1 for one that leaves room for the next word, and else 0. */
  verdict(pieces, i, rest, indents) {
    const room = this.room(indents[i > 0 ? 1 : 0]);
    const { part, ink } = pieces[i];
    const width = bounds(ink)[2];
    if (width > constants.compose.OVERHANG * room) return [...part.text].length > 1 ? 1 : 0;
    let following = rest.text;
    for (const each of pieces.slice(0, i + 1)) following = following.replace(/^[ \t]+/, "").slice(each.part.text.length);
    const [, blank, word] = /^([ \t]*)([^ \t]*)/.exec(following);
    if (!blank || !word || plainWidth(part.text) >= constants.layout.MAX_LINE) return 0;
    return width + this.width(`x${blank}${word}`) - this.width("x") <= room ? -1 : 0;
  }

  /** The next line with a word more or less, until it fits. */
  async filled(piece, verdict, rest, indent) {
    for (let attempt = 0; attempt < constants.compose.TRIES; attempt++) {
      const { text } = piece.part;
      let end = text.length;
      if (verdict > 0) end = text.replace(/[ \t]+[^ \t]*$/, "").length;
      else end += /^[ \t]*[^ \t]*/.exec(rest.text.slice(end))[0].length;
      if (verdict > 0 && end === text.length) return piece;
      const [other] = await this.write([partOf(rest, 0, end)]);
      const found = this.verdict([other], 0, rest, [indent, indent]);
      if (verdict < 0 && found > 0) return piece;
      piece = other;
      if (found !== verdict) break;
    }
    return piece;
  }

  /** A line as it is placed: not wider than its room, with marks, indented, and drifted. */
  finished({ part, line: written, ink: natural, occurrence }, indent) {
    const { page } = this;
    const tabs = gapsOf(part).findLastIndex((gap) => gap.includes("\t")) + 1;
    const fit = fitted(written, natural, this.room(indent), tabs);
    const { line, ink } = marked(written, fit, markedCharacters(part), page.xHeight);
    const random = new Random(entropyOf(this.how.seed, shownOf(part), occurrence));
    return { part, line, ink: moved(drifted(ink, page, random), ([x, y]) => [x + indent, y]) };
  }
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

/** The expected width of a text as it is drawn, in mean widths of a character. */
const plainWidth = (text) => advanceOf(normal(shownText(text)));

const sum = (values) => values.reduce((a, b) => a + b, 0);

/** Millimetres for each unit, by the small letters of all lines. */
const scaleOf = (lines, page) => page.xHeight / Math.max(median(lines.map((line) => xHeight({ ...line, text: line.written }))), 1e-9);
