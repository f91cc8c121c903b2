// Pages as files that keep the strokes: SVG, InkML, JSON, G-code and HPGL, as the command writes them (pages/svg.py,
// formats/inkml.py, formats/json_ink.py, pages/plotter.py).
//
// A page is {width, height, lines: ink[], paragraphs, baselines}; `about` is {text, written, seed, bias, style, model}; `look`
// is {colour, pen, paper, sheet}.

import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { bezier, polyline } from "./engine/spline.js";
import { printed, widthOf } from "./paper.js";
import { ofParagraph } from "./state.js";

const MOTION = `path[style]{visibility:hidden;stroke-dasharray:1;stroke-dashoffset:1;animation:write linear forwards}
@keyframes write{from{visibility:visible}to{visibility:visible;stroke-dashoffset:0}}
@media (prefers-reduced-motion:reduce){path[style]{visibility:visible;stroke-dashoffset:0;animation:none}}`;
const XML = "<?xml version='1.0' encoding='utf-8'?>\n";
const SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"';
const WHITE = "#ffffff";
const CURVE_PIECES = 4; // straight pieces of a plotter's curve between two points
const HPGL_UNITS = 40; // to the millimetre
const FEED = 1500; // mm a minute

/** Red, green and blue of a colour #rrggbb, 0 to 255. */
export const rgbOf = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

/** A number with at most three decimals, without zeros at its end. */
export function number(value) {
  const text = value.toFixed(3).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}

const pair = ([x, y]) => `${number(x)} ${number(y)}`;
const legal = (text) => text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "");
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text) => legal(text).replace(/[&<>]/g, (sign) => SIGNS[sign]);

/** The values of `about` but the text, as one line. */
function description({ seed, bias, style, model }) {
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
  const group = (line) => `<g>${strokesOf(line).map(path).join("")}</g>`;
  const layers = [...layersOf(page, look.colour)].map(([colour, lines]) =>
    `<g inkscape:groupmode="layer" inkscape:label="${colour}" fill="none" stroke="${colour}" stroke-width="${number(look.pen)}" ` +
    `stroke-linecap="round" stroke-linejoin="round">${lines.map(group).join("")}</g>`);
  const [width, height] = [page.width, page.height].map(number);
  return `${XML}<svg ${SVG} width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}">` +
    `<title>${escaped(about.text)}</title><desc>${escaped(description(about))}</desc>` +
    `${speed ? `<style>${escaped(MOTION)}</style>` : ""}${background(page, look)}${layers.join("")}</svg>\n`;
}

/** The paper's colour and rules. */
function background(page, { paper, sheet }) {
  const filled = sheet === WHITE ? "" : `<rect width="100%" height="100%" fill="${sheet}" />`;
  const lines = printed(page, paper);
  if (!lines.length) return filled;
  const path = ([x, y, right, bottom]) => {
    if (x === right && y === bottom) return `<path d="M${pair([x, y])}l0 0" />`;
    return `<path d="M${pair([x, y])}${y === bottom ? `H${number(right)}` : `V${number(bottom)}`}" />`;
  };
  const cap = paper === "dots" ? ' stroke-linecap="round"' : "";
  return `${filled}<g inkscape:groupmode="layer" inkscape:label="paper" stroke="${constants.layout.RULE}" ` +
    `stroke-width="${number(widthOf(paper))}"${cap}>${lines.map(path).join("")}</g>`;
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

/** Each colour with its strokes as straight pieces, y upwards. */
function* pens(page, colours) {
  for (const [colour, lines] of layersOf(page, colours)) {
    const curves = lines.flatMap(strokesOf).map((stroke) => polyline(stroke, CURVE_PIECES));
    yield [colour, curves.map((curve) => curve.map(([x, y]) => [x, page.height - y]))];
  }
}

/** One page as G-code: absolute millimetres, y upwards from the lower edge, a pause at each change of the pen. */
export function gcode(page, look, about) {
  const told = description(about).split(/\s+/).join(" ").replaceAll(";", ",");
  const out = [`; nextstroke ${told}`, "G21", "G90", "G0 Z5"];
  let changes = 0;
  for (const [colour, strokes] of pens(page, look.colour)) {
    out.push(changes++ ? `M0 ; change the pen to ${colour}` : `; pen ${colour}`);
    for (const stroke of strokes) {
      const [first, ...rest] = stroke.map(([x, y]) => `X${x.toFixed(3)} Y${y.toFixed(3)}`);
      out.push(`G0 ${first}`, "G1 Z0 F600", `G1 ${rest[0] ?? first} F${FEED}`, ...rest.slice(1).map((to) => `G1 ${to}`), "G0 Z5");
    }
  }
  return [...out, "G0 X0 Y0", "M2", ""].join("\n").replace(/[^\x20-\x7e\n]/gu, "?");
}

/** One page as HPGL: 40 units to the millimetre, y upwards, one pen for each colour. */
export function hpgl(page, look) {
  const out = ["IN;"];
  let pen = 0;
  for (const [, strokes] of pens(page, look.colour)) {
    out.push(`SP${++pen};`);
    for (const stroke of strokes) {
      const [first, ...rest] = stroke.map((point) => point.map((value) => roundHalfEven(value * HPGL_UNITS)).join());
      out.push(`PU${first};PD${(rest.length ? rest : [first]).join()};`);
    }
  }
  return [...out, "PU;SP0;", ""].join("\n");
}

const roundHalfEven = (value) => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)) + 0; // + 0: no -0
