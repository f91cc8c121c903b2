// All pages as one PDF of curves, the command's byte for byte (pages/pdf.py).

import { deflate } from "./deflate.js";
import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { outline, ribbons } from "./engine/nib.js";
import { bezier } from "./engine/spline.js";
import { description, layersOf, number, rgbOf } from "./files.js";
import { printed, widthOf } from "./paper.js";

const POINTS = 72 / 25.4; // points in a millimetre
const MICROMETRE = "0.002834646"; // points: the unit of ink, whose coordinates are whole numbers
const NIB_PARTS = 100; // of a millimetre: the unit of outlines
const TITLE = 200; // characters of a title
const FIRST = 4; // number of the first page's object
const HEAD = [..."%PDF-1.4\n%"].map((sign) => sign.charCodeAt(0)).concat(0xe2, 0xe3, 0xcf, 0xd3, 10);
const encode = (text) => new TextEncoder().encode(text);

/** @returns {Uint8Array<ArrayBuffer>} */
export function pdf(pages, look, about) {
  const kids = pages.map((_, i) => `${FIRST + 2 * i} 0 R`).join(" ");
  const title = text([...about.written].slice(0, TITLE).join(""));
  const objects = [
    encode("<</Type/Catalog/Pages 2 0 R>>"), encode(`<</Type/Pages/Kids[${kids}]/Count ${pages.length}>>`),
    encode(`<</Title ${title}/Subject ${text(description(about))}/Creator(nextstroke)>>`),
  ];
  for (const [i, page] of pages.entries()) {
    objects.push(encode(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${sizeOf(page)}]/Resources<<>>/Contents ${FIRST + 2 * i + 1} 0 R>>`));
    const packed = deflate(encode(content(page, look)));
    objects.push(joined([encode(`<</Length ${packed.length}/Filter/FlateDecode>>\nstream\n`), packed, encode("\nendstream")]));
  }
  return file(objects);
}

/** A text string of a PDF: UTF-16 in hexadecimal digits. */
function text(value) {
  const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i).toString(16).padStart(4, "0"));
  return `<feff${units.join("")}>`;
}

const sizeOf = ({ width, height }) => [width, height].map((mm) => number(mm * POINTS)).join(" ");
/** The parts of a colour as shares of 1. */
const shares = (colour) => rgbOf(colour).map((part) => number(part / 255)).join(" ");
const whole = (millimetres, parts = 1000) => Math.floor(millimetres * parts + 0.5);
const at = ([x, y]) => `${whole(x)} ${whole(y)}`;

/** The operators that draw a page. */
function content(page, look) {
  const size = sizeOf(page);
  const background = look.sheet === "#ffffff" ? "" : `${shares(look.sheet)} rg 0 0 ${size} re f\n`;
  const units = `${MICROMETRE} 0 0 -${MICROMETRE} 0 ${size.split(" ")[1]} cm 1 J 1 j\n`;
  const { lines, dots } = printed(page, look.paper);
  const segments = [...lines, ...dots.map(([x, y]) => [x, y, x, y])];
  const rules = segments.map(([x, y, right, bottom]) => `${at([x, y])} m ${at([right, bottom])} l S\n`).join("");
  const ruled = rules && `${shares(constants.layout.RULE)} RG ${whole(widthOf(look.paper))} w\n${rules}`;
  const finer = look.nib ? `${1000 / NIB_PARTS} 0 0 ${1000 / NIB_PARTS} 0 0 cm\n` : "";
  const layers = [...layersOf(page, look.colour)].map(([colour, inked]) => look.nib
    ? `${shares(colour)} rg\n${inked.map((line) => filled(line, look.pen)).join("")}`
    : `${shares(colour)} RG ${whole(look.pen)} w\n${inked.map(stroked).join("")}`);
  return [background, units, ruled, finer, ...layers].join("");
}

function stroked(line) {
  const paths = strokesOf(line).map((stroke) => {
    const start = `${at(stroke[0])} m\n`;
    if (stroke.length === 1) return `${start}${at(stroke[0])} l\n`;
    return start + bezier(stroke).map((corners) => `${corners.slice(1).map(at).join(" ")} c\n`).join("");
  });
  return `${paths.join("")}S\n`;
}

/** The outlines of a nib, without places that are equal to the one before. */
function filled(line, pen) {
  const paths = ribbons(line, pen).map(({ curve, widths }) => {
    const places = outline(curve, widths).map((place) => place.map((value) => whole(value, NIB_PARTS)).join(" "));
    const [first, ...rest] = places.filter((place, i) => place !== places[i - 1]);
    return `${first} m\n${rest.map((place) => `${place} l\n`).join("")}h\n`;
  });
  return `${paths.join("")}f\n`;
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let length = 0;
  for (const part of parts) {
    all.set(part, length);
    length += part.length;
  }
  return all;
}

/** Objects, numbered from 1, as a file with the table of their offsets. */
function file(objects) {
  const parts = [Uint8Array.from(HEAD)];
  let length = HEAD.length;
  const offsets = objects.map((object, i) => {
    const start = length;
    const written = joined([encode(`${i + 1} 0 obj\n`), object, encode("\nendobj\n")]);
    parts.push(written);
    length += written.length;
    return start;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const count = objects.length + 1;
  parts.push(encode(`xref\n0 ${count}\n0000000000 65535 f \n${table}trailer\n<</Size ${count}/Root 1 0 R/Info 3 0 R>>\nstartxref\n${length}\n%%EOF\n`));
  return joined(parts);
}
