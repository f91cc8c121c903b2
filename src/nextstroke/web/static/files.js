// Pages as files that keep the strokes: SVG, InkML, JSON, G-code, PDF. A page is {width, height, lines: ink[], baselines}.

import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { bezier, polyline } from "./engine/spline.js";

const MOTION = `path[style]{visibility:hidden;stroke-dasharray:1;stroke-dashoffset:1;animation:write linear forwards}
@keyframes write{from{visibility:visible}to{visibility:visible;stroke-dashoffset:0}}
@media (prefers-reduced-motion:reduce){path[style]{visibility:visible;stroke-dashoffset:0;animation:none}}`;

/** Red, green and blue of a colour #rrggbb, 0 to 255. */
export const rgbOf = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

const number = (value) => String(Math.round(value * 1000) / 1000);
const pair = ([x, y]) => `${number(x)} ${number(y)}`;
const allStrokes = (page) => page.lines.flatMap(strokesOf);
const escaped = (text) => text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
  .replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The d attribute of a stroke: its spline as cubic curves; a dot is a line to itself. */
export function pathData(stroke) {
  const start = `M${pair(stroke[0])}`;
  return stroke.length === 1 ? `${start}l0 0` : start + bezier(stroke).map((curve) => `C${curve.slice(1).map(pair).join(" ")}`).join("");
}

/** One page as SVG in millimetres; `speed` makes it one that shows the writing. */
export function svg(page, { colour, pen, text, speed = 0 }) {
  const { PACE, LIFT } = constants.appearance;
  let now = 0;
  const path = (stroke) => {
    const takes = stroke.length / PACE / speed;
    const begins = now;
    now += takes + LIFT / speed;
    const timed = speed ? ` pathLength="1" style="animation-duration:${takes.toFixed(2)}s;animation-delay:${begins.toFixed(2)}s"` : "";
    return `<path d="${pathData(stroke)}"${timed}/>`;
  };
  const [width, height] = [page.width, page.height].map(number);
  const rules = page.baselines.map((y) => `<path d="M0 ${number(y)}H${width}"/>`).join("");
  return `<?xml version="1.0" encoding="utf-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}">
<title>${escaped(text)}</title>${speed ? `<style>${MOTION}</style>` : ""}
<g stroke="${constants.layout.RULE}" stroke-width="0.15">${rules}</g>
<g fill="none" stroke="${escaped(colour)}" stroke-width="${number(pen)}" stroke-linecap="round" stroke-linejoin="round">
${page.lines.map((line) => `<g>${strokesOf(line).map(path).join("")}</g>`).join("\n")}
</g></svg>
`;
}

const INKML = `<?xml version="1.0" encoding="utf-8"?>
<ink xmlns="http://www.w3.org/2003/InkML"><traceFormat><channel name="X" type="decimal" units="mm"/><channel name="Y" type="decimal" units="mm"/></traceFormat>`;
const traces = (strokes) => strokes.map((stroke) => `<trace>${stroke.map(pair).join(", ")}</trace>`).join("\n");

/** One page as InkML. */
export function inkml(page, { text }) {
  return `${INKML}<annotation type="truth">${escaped(text)}</annotation>\n${traces(allStrokes(page))}\n</ink>\n`;
}

/** Lines of one's own hand as InkML: a group of traces with its text for each. */
export function handInkml(lines) {
  const groups = lines.map(({ text, strokes }) =>
    `<traceGroup><annotation type="truth">${escaped(text)}</annotation>\n${traces(strokes)}\n</traceGroup>`);
  return `${INKML}\n${groups.join("\n")}\n</ink>\n`;
}

/** The lines of such a file: {text, strokes}; traces without groups are one line. */
export function readInkml(source) {
  const document = new DOMParser().parseFromString(source, "application/xml");
  if (document.querySelector("parsererror") || document.documentElement.localName !== "ink") throw new Error("This is not InkML.");
  const groups = [...document.getElementsByTagName("traceGroup")];
  return (groups.length ? groups : [document.documentElement]).map((group) => ({
    text: group.getElementsByTagName("annotation")[0]?.textContent.trim() ?? "",
    strokes: [...group.getElementsByTagName("trace")].map(({ textContent }) => textContent.split(",").map(readPoint)),
  }));
}

function readPoint(text) {
  const point = text.trim().split(/\s+/).slice(0, 2).map(Number);
  if (point.length < 2 || !point.every((value) => Math.abs(value) < 1e6)) throw new Error("A point of this InkML is not two plain numbers.");
  return point;
}

/** One page as JSON, as `nextstroke write -o page.json` makes it. */
export function json(page, { text, style, bias, seed }) {
  const strokes = allStrokes(page).map((stroke) => stroke.map((point) => point.map((value) => Math.round(value * 1000) / 1000)));
  return `${JSON.stringify({ text, seed, bias, style, unit: "mm", width: page.width, height: page.height, strokes })}\n`;
}

/** One page as G-code: absolute millimetres, y upwards from the lower edge. */
export function gcode(page, { seed, style, bias }) {
  const words = ([x, y]) => `X${x.toFixed(3)} Y${(page.height - y).toFixed(3)}`;
  const out = [`; nextstroke seed ${seed}, bias ${bias}, style ${style.replace(/[;\s]+/g, " ")}`, "G21", "G90", "G0 Z5"];
  for (const stroke of allStrokes(page).map((points) => polyline(points, 4))) {
    const [first, ...rest] = stroke.map(words);
    out.push(`G0 ${first}`, "G1 Z0 F600", `G1 ${rest[0] ?? first} F1500`, ...rest.slice(1).map((to) => `G1 ${to}`), "G0 Z5");
  }
  return [...out, "G0 X0 Y0", "M2", ""].join("\n");
}

const POINTS = 72 / 25.4; // a PDF's unit to the millimetre

/** All pages as one PDF of curves. */
export function pdf(pages, { colour, pen }) {
  const rgb = shares(colour);
  const kids = pages.map((_, i) => `${3 + 2 * i} 0 R`).join(" ");
  const objects = ["<</Type/Catalog/Pages 2 0 R>>", `<</Type/Pages/Kids[${kids}]/Count ${pages.length}>>`];
  pages.forEach((page, i) => {
    const size = [page.width, page.height].map((mm) => number(mm * POINTS)).join(" "), drawn = content(page, rgb, pen);
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${size}]/Resources<<>>/Contents ${4 + 2 * i} 0 R>>`);
    objects.push(`<</Length ${drawn.length}>>\nstream\n${drawn}\nendstream`);
  });
  return withTable(objects);
}

/** The parts of a colour as shares of 1. */
const shares = (colour) => rgbOf(colour).map((part) => number(part / 255)).join(" ");

function content(page, rgb, pen) {
  const at = ([x, y]) => `${number(x * POINTS)} ${number((page.height - y) * POINTS)}`;
  const curve = (stroke) => stroke.length === 1 ? `${at(stroke[0])} m ${at(stroke[0])} l S`
    : `${at(stroke[0])} m ${bezier(stroke).map((corners) => `${corners.slice(1).map(at).join(" ")} c`).join(" ")} S`;
  const rules = page.baselines.map((y) => `${at([0, y])} m ${at([page.width, y])} l S`);
  return [`${shares(constants.layout.RULE)} RG 0.4 w`, ...rules, `${rgb} RG ${number(pen * POINTS)} w 1 J 1 j`, ...allStrokes(page).map(curve)].join("\n");
}

function withTable(objects) {
  let file = "%PDF-1.4\n";
  const entries = objects.map((object, i) => {
    const offset = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries.join("")}`;
  return `${file}${table}trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${file.length}\n%%EOF\n`;
}
