// All pages as one PDF of curves.

import { compressed } from "./engine/compression.js";
import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { bezier } from "./engine/spline.js";
import { layersOf, number, rgbOf } from "./files.js";
import { printed, widthOf } from "./paper.js";

const POINTS = 72 / 25.4; // a PDF's unit to the millimetre
const HEAD = 5; // objects before those of the pages: 1 catalogue, 2 pages, 3 document information
const encode = (text) => new TextEncoder().encode(text);

/** @returns {Promise<Blob>} */
export async function pdf(pages, look, about) {
  const kids = pages.map((_, i) => `${HEAD + 2 * i} 0 R`).join(" ");
  const objects = [
    encode("<</Type/Catalog/Pages 2 0 R>>"), encode(`<</Type/Pages/Kids[${kids}]/Count ${pages.length}>>`),
    encode(`<</Title ${text(about.written.slice(0, 200))}/Creator(nextstroke)>>`), encode("null"),
  ];
  for (const [i, page] of pages.entries()) {
    const size = [page.width, page.height].map((mm) => number(mm * POINTS)).join(" ");
    objects.push(encode(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${size}]/Resources<<>>/Contents ${HEAD + 2 * i + 1} 0 R>>`));
    const packed = await compressed(content(page, look), "deflate");
    objects.push(encode(`<</Length ${packed.length}/Filter/FlateDecode>>\nstream\n`), packed, encode("\nendstream"));
  }
  return withTable(objects, pages.length);
}

/** A text string of a PDF: UTF-16 in hexadecimal digits. */
function text(value) {
  const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i).toString(16).padStart(4, "0"));
  return `<feff${units.join("")}>`;
}

/** The parts of a colour as shares of 1. */
const shares = (colour) => rgbOf(colour).map((part) => number(part / 255)).join(" ");

function content(page, look) {
  const at = ([x, y]) => `${number(x * POINTS)} ${number((page.height - y) * POINTS)}`;
  const curve = (stroke) => stroke.length === 1 ? `${at(stroke[0])} m ${at(stroke[0])} l S`
    : `${at(stroke[0])} m ${bezier(stroke).map((corners) => `${corners.slice(1).map(at).join(" ")} c`).join(" ")} S`;
  const paper = look.sheet === "#ffffff" ? [] : [`${shares(look.sheet)} rg 0 0 ${at([page.width, 0])} re f`];
  const { lines, dots } = printed(page, look.paper);
  const segments = [...lines, ...dots.map(([x, y]) => [x, y, x, y])];
  const rules = segments.map(([x, y, right, bottom]) => `${at([x, y])} m ${at([right, bottom])} l S`);
  const ruled = rules.length ? [`${shares(constants.layout.RULE)} RG ${number(widthOf(look.paper) * POINTS)} w 1 J`, ...rules] : [];
  const ink = [...layersOf(page, look.colour)].flatMap(([colour, lines]) =>
    [`${shares(colour)} RG ${number(look.pen * POINTS)} w 1 J 1 j`, ...lines.flatMap(strokesOf).map(curve)]);
  return [...paper, ...ruled, ...ink].join("\n");
}

/** Objects with the table of their offsets; a stream is three parts of `parts`. */
function withTable(parts, pages) {
  const file = [encode("%PDF-1.4\n")];
  let length = file[0].length;
  const offsets = [];
  const put = (bytes) => {
    file.push(bytes);
    length += bytes.length;
  };
  const total = HEAD - 1 + 2 * pages;
  let part = 0;
  for (let i = 1; i <= total; i++) {
    offsets.push(length);
    put(encode(`${i} 0 obj\n`));
    const isStream = i > HEAD && (i - HEAD) % 2 === 1;
    for (let count = isStream ? 3 : 1; count > 0; count--) put(parts[part++]);
    put(encode("\nendobj\n"));
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const table = `xref\n0 ${total + 1}\n0000000000 65535 f \n${entries}`;
  const start = length;
  put(encode(`${table}trailer\n<</Size ${total + 1}/Root 1 0 R/Info 3 0 R>>\nstartxref\n${start}\n%%EOF\n`));
  return new Blob(file, { type: "application/pdf" });
}
