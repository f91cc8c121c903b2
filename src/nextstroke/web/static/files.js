// Pages as files that keep the strokes: SVG, InkML and JSON, as the command writes them (pages/svg.py, formats/inkml.py,
// formats/json_ink.py).
//
// A page is {width, height, lines: ink[], paragraphs, baselines}; `about` is {text, written, seed, bias, style, model}; `look`
// is {colour, pen, nib, paper, sheet}.

import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { outline, ribbons } from "./engine/nib.js";
import { bezier } from "./engine/spline.js";
import { printed } from "./paper.js";
import { ofParagraph } from "./state.js";

const MOTION = `path[style]{visibility:hidden;stroke-dasharray:1;stroke-dashoffset:1;animation:write linear forwards}
@keyframes write{from{visibility:visible}to{visibility:visible;stroke-dashoffset:0}}
@media (prefers-reduced-motion:reduce){path[style]{visibility:visible;stroke-dashoffset:0;animation:none}}`;
const XML = "<?xml version='1.0' encoding='utf-8'?>\n";
const SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"';
const WHITE = "#ffffff";

/** Red, green and blue of a colour #rrggbb, 0 to 255. */
export const rgbOf = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

/** A number with at most three decimals, without zeros at its end. */
export function number(value) {
  const text = value.toFixed(3).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}

/** @param {number[]} point */
const pair = ([x, y]) => `${number(x)} ${number(y)}`;
const legal = (text) => text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "");
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text) => legal(text).replace(/[&<>]/g, (sign) => SIGNS[sign]);

/** The values of `about` but the text, as one line. */
export function description({ seed, bias, style, model }) {
  return `seed ${seed}, bias ${pythonNumber(bias)}, style ${style}, model ${model}`;
}

/** A floating point number as Python writes it. */
const pythonNumber = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));

/** The d attribute of a stroke: its spline as cubic curves; a dot is a line to itself. */
export function pathData(stroke) {
  const start = `M${pair(stroke[0])}`;
  if (stroke.length === 1) return `${start}l0 0`;
  return start + bezier(stroke).map((curve) => `C${curve.slice(1).map(pair).join(" ")}`).join("");
}

/** The d attribute of a border, such as that of a nib's stroke. */
export const polygonData = (places) => `M${places.map(pair).join("L")}Z`;

/** Lines by their colours, in the order in which the colours are used first: a Map. */
export function layersOf(page, colours) {
  const layers = new Map();
  page.lines.forEach((line, i) => {
    const colour = ofParagraph(colours, page.paragraphs[i]);
    layers.set(colour, [...(layers.get(colour) ?? []), line]);
  });
  return layers;
}

/** One page as SVG in millimetres; `speed` above 0 makes it one that shows the writing. */
export function svg(page, look, about, speed = 0) {
  const { PACE, LIFT } = constants.appearance;
  let now = 0;
  const timing = (stroke) => {
    const takes = stroke.length / PACE / speed;
    const begins = now;
    now += takes + LIFT / speed;
    return ` pathLength="1" style="animation-duration:${takes.toFixed(2)}s;animation-delay:${begins.toFixed(2)}s"`;
  };
  const path = (stroke) => `<path d="${pathData(stroke)}"${speed ? timing(stroke) : ""} />`;
  const filled = ({ curve, widths }) => `<path d="${polygonData(outline(curve, widths))}" />`;
  const drawn = (line) => (look.nib ? ribbons(line, look.pen).map(filled) : strokesOf(line).map(path));
  const group = (line) => `<g>${drawn(line).join("")}</g>`;
  const style = (colour) => look.nib ? `fill="${colour}" stroke="none"`
    : `fill="none" stroke="${colour}" stroke-width="${number(look.pen)}" stroke-linecap="round" stroke-linejoin="round"`;
  const layers = [...layersOf(page, look.colour)].map(([colour, lines]) =>
    `<g inkscape:groupmode="layer" inkscape:label="${colour}" ${style(colour)}>${lines.map(group).join("")}</g>`);
  const [width, height] = [page.width, page.height].map(number);
  return `${XML}<svg ${SVG} width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}">` +
    `<title>${escaped(about.written)}</title><desc>${escaped(description(about))}</desc>` +
    `${speed ? `<style>${escaped(MOTION)}</style>` : ""}${background(page, look)}${layers.join("")}</svg>\n`;
}

/** The paper's colour and what is printed on it. */
function background(page, { paper, sheet }) {
  const { lines, dots } = printed(page, paper);
  const filled = sheet === WHITE ? "" : `<rect width="${number(page.width)}" height="${number(page.height)}" fill="${sheet}" stroke="none" />`;
  const path = ([x, y, right, bottom]) => `<path d="M${pair([x, y])}${y === bottom ? `H${number(right)}` : `V${number(bottom)}`}" />`;
  const dotted = dots.map((dot) => `M${pair(dot)}h0`).join("");
  const content = filled + lines.map(path).join("") + (dotted && `<path d="${dotted}" stroke-width="${number(constants.layout.DOT)}" stroke-linecap="round" />`);
  if (!content) return "";
  return `<g inkscape:groupmode="layer" inkscape:label="paper" stroke="${constants.layout.RULE}" stroke-width="0.15">${content}</g>`;
}

const INK = '<ink xmlns="http://www.w3.org/2003/InkML">';
const FORMAT = `<traceFormat>${["X", "Y"].map((axis) => `<channel name="${axis}" type="decimal" units="mm" />`).join("")}</traceFormat>`;
const trace = (stroke) => `<trace>${stroke.map((point) => point.map((value) => value.toFixed(3)).join(" ")).join(", ")}</trace>`;
const strokesOn = (page) => page.lines.flatMap(strokesOf);

/** One page as InkML. */
export function inkml(page, _look, about) {
  return `${XML}${INK}${FORMAT}<annotation type="truth">${escaped(about.written)}</annotation>${strokesOn(page).map(trace).join("")}</ink>\n`;
}

/** Lines of one's own hand as InkML: a group of traces with its text for each. */
export function handInkml(lines) {
  const groups = lines.map(({ text, strokes }) =>
    `<traceGroup><annotation type="truth">${escaped(text)}</annotation>${strokes.map(trace).join("")}</traceGroup>`);
  return `${XML}${INK}${FORMAT}${groups.join("\n")}</ink>\n`;
}

/** One page as JSON. */
export function json(page, _look, { text, written, seed, bias, style, model }) {
  const rounded = (value) => pythonNumber(Number(value.toFixed(3)));
  const points = (stroke) => `[${stroke.map(([x, y]) => `[${rounded(x)}, ${rounded(y)}]`).join(", ")}]`;
  const parts = [
    ["text", JSON.stringify(text)], ["written", JSON.stringify(written)], ["seed", seed], ["bias", pythonNumber(bias)],
    ["style", JSON.stringify(style)], ["model", JSON.stringify(model)], ["unit", '"mm"'], ["width", rounded(page.width)],
    ["height", rounded(page.height)], ["strokes", `[${strokesOn(page).map(points).join(", ")}]`],
  ];
  return `{${parts.map(([name, value]) => `"${name}": ${value}`).join(", ")}}\n`;
}
