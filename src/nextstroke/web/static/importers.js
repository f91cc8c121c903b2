// Files of ink, read in the browser: the formats that `formats/` reads. Each reader gives lines [{text, strokes}].

import { decompressed } from "./engine/compression.js";
import { t } from "./i18n.js";

const MOST_BYTES = 20_000_000;
const MOST_POINTS = 200_000;
const LARGEST = 1e6; // coordinate
const SVG_STEPS = 12; // points of each 10 units of a path

/** The lines of a file; the text of a line is empty where the file does not say it. Throws for what is no ink. */
export async function readInk(file) {
  if (file.size > MOST_BYTES) throw new Error(t("This file is too large for ink."));
  const lines = parsed(await textOf(file)).filter(({ strokes }) => strokes.length);
  const points = lines.flatMap(({ strokes }) => strokes.flat());
  if (!points.length) throw new Error(t("There are no strokes in this file."));
  const isPlain = (point) => point.length >= 2 && point.every((value) => Number.isFinite(value) && Math.abs(value) <= LARGEST);
  if (points.length > MOST_POINTS || !points.every(isPlain)) throw new Error(t("The points of this file are not plain numbers."));
  return lines;
}

async function textOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return new TextDecoder().decode(bytes);
  return new TextDecoder().decode(await decompressed(bytes, "gzip"));
}

function parsed(source) {
  const start = source.trimStart();
  if (start.startsWith("<")) return fromXml(start);
  if (start.startsWith("{") || start.startsWith("[")) return fromJson(start);
  if (/^[ \t]*\.[A-Z][A-Z0-9_]*/m.test(start.slice(0, 1000))) return fromUnipen(start);
  return fromCsv(start);
}

const oneLine = (strokes, text = "") => [{ text: text.split(/\s+/).filter(Boolean).join(" "), strokes }];
const numbers = (text) => text.trim().split(/[\s,]+/).filter(Boolean).map(Number);
const pairs = (values) => Array.from({ length: Math.floor(values.length / 2) }, (_, i) => [values[2 * i], values[2 * i + 1]]);

// XML: InkML, SVG, a line of IAM-OnDB, Xournal++.

function fromXml(source) {
  const document = new DOMParser().parseFromString(source, "application/xml");
  if (document.querySelector("parsererror")) throw new Error(t("This file is broken: it is not well-formed XML."));
  const root = document.documentElement;
  const reader = { ink: fromInkml, svg: fromSvg, WhiteboardCaptureSession: fromIam, xournal: fromXournal }[root.localName];
  if (!reader) throw new Error(t("This is no file of ink that the studio knows."));
  return reader(root);
}

function fromInkml(root) {
  const groups = [...root.getElementsByTagNameNS("*", "traceGroup")];
  return (groups.length ? groups : [root]).flatMap((group) => {
    const traces = [...group.getElementsByTagNameNS("*", "trace")];
    const strokes = traces.map(({ textContent }) => textContent.split(",").map((point) => numbers(point).slice(0, 2)));
    return oneLine(strokes, group.getElementsByTagNameNS("*", "annotation")[0]?.textContent);
  });
}

function fromSvg(root) {
  const holder = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  holder.setAttribute("viewBox", root.getAttribute("viewBox") ?? "0 0 1000 1000");
  holder.setAttribute("class", "visually-hidden");
  document.body.append(holder);
  const strokes = [];
  for (const shape of root.querySelectorAll("path[d], polyline[points], line")) {
    const paper = shape.closest("g[*|label=paper]");
    if (paper) continue;
    for (const d of (shape.getAttribute("d") ?? linesOf(shape)).split(/(?=M)/)) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      holder.append(path);
      const length = path.getTotalLength();
      const count = Math.max(1, Math.min(2000, Math.ceil((length * SVG_STEPS) / 10)));
      strokes.push(Array.from({ length: length ? count + 1 : 1 }, (_, i) => {
        const { x, y } = path.getPointAtLength((length * i) / count);
        return [x, y];
      }));
    }
  }
  holder.remove();
  const text = root.querySelector(":scope > title")?.textContent ?? "";
  return oneLine(strokes, text);
}

function linesOf(shape) {
  if (shape.localName === "line") return `M${["x1", "y1"].map((name) => shape.getAttribute(name)).join(" ")}L${["x2", "y2"].map((name) => shape.getAttribute(name)).join(" ")}`;
  return `M${pairs(numbers(shape.getAttribute("points"))).map((point) => point.join(" ")).join("L")}`;
}

function fromIam(root) {
  const point = (each) => [Number(each.getAttribute("x")), Number(each.getAttribute("y"))];
  return oneLine([...root.getElementsByTagName("Stroke")].map((stroke) => [...stroke.getElementsByTagName("Point")].map(point)));
}

function fromXournal(root) {
  const pen = [...root.getElementsByTagName("stroke")].filter((stroke) => (stroke.getAttribute("tool") ?? "pen") === "pen");
  return oneLine(pen.map(({ textContent }) => pairs(numbers(textContent))));
}

// JSON: strokes, MyScript JIIX, Excalidraw, Quick Draw.

function fromJson(source) {
  let value;
  try {
    value = JSON.parse(source);
  } catch {
    value = JSON.parse(source.split("\n")[0]); // a line of Quick Draw
  }
  if (value.type?.startsWith?.("excalidraw")) return oneLine(fromExcalidraw(value.elements));
  if (Array.isArray(value.drawing)) return oneLine(value.drawing.map(([x, y]) => x.map((each, i) => [each, y[i]])));
  if (Array.isArray(value.lines)) return value.lines.flatMap(({ text, strokes }) => oneLine(strokes.map(points), String(text ?? "")));
  if (Array.isArray(value.strokes) || Array.isArray(value)) return oneLine((value.strokes ?? value).map(points), String(value.text ?? ""));
  return oneLine(fromJiix(value), String(value.label ?? ""));
}

/** A stroke as points: a list of them, or lists of x and y. */
function points(stroke) {
  if (Array.isArray(stroke)) return stroke.map((point) => (Array.isArray(point) ? point.slice(0, 2) : [point.x, point.y]));
  const held = stroke.points ?? stroke.pointers;
  if (held) return points(held);
  const [x, y] = [stroke.x ?? stroke.X, stroke.y ?? stroke.Y];
  return x.map((each, i) => [each, y[i]]);
}

function fromExcalidraw(elements) {
  return elements.filter(({ type, isDeleted }) => type === "freedraw" && !isDeleted).map((element) => {
    const { x = 0, y = 0, angle = 0 } = element;
    const middle = [0, 1].map((axis) => {
      const values = element.points.map((point) => point[axis]);
      return (Math.min(...values) + Math.max(...values)) / 2;
    });
    return element.points.map((point) => {
      const [dx, dy] = [point[0] - middle[0], point[1] - middle[1]];
      return [dx * Math.cos(angle) - dy * Math.sin(angle) + middle[0] + x, dx * Math.sin(angle) + dy * Math.cos(angle) + middle[1] + y];
    });
  });
}

function fromJiix(value) {
  const seen = new Set();
  const found = [];
  const walk = (part) => {
    if (Array.isArray(part)) part.forEach(walk);
    else if (part?.type === "stroke") {
      if (!part.id || !seen.has(part.id)) found.push(points(part));
      seen.add(part.id);
    } else if (part && typeof part === "object") Object.values(part).forEach(walk);
  };
  walk(value);
  return found;
}

// Text: UNIPEN, CSV.

function fromUnipen(source) {
  const strokes = [];
  for (const [, keyword, body] of source.matchAll(/^[ \t]*\.([A-Z][A-Z0-9_]*)([\s\S]*?)(?=^[ \t]*\.[A-Z]|$(?![\s\S]))/gm)) {
    if (keyword === "PEN_DOWN") {
      const rows = body.trim().split("\n").map(numbers).filter((row) => row.length >= 2);
      if (rows.length) strokes.push(rows.map(([x, y]) => [x, y]));
    }
  }
  const label = /\.SEGMENT[^"\n]*"((?:[^"\\]|\\.)*)"/.exec(source)?.[1] ?? "";
  return oneLine(strokes.map((stroke) => stroke.map(([x, y]) => [x, -y])), label.replace(/\\(.)/g, "$1"));
}

function fromCsv(source) {
  const cells = (row) => row.trim().split(/\s*[,;\t]\s*|\s+/).map((cell) => cell.replace(/^"|"$/g, "").toLowerCase());
  const rows = source.split(/\r?\n/).filter((row) => row.trim()).map(cells);
  const isHeaded = rows[0]?.includes("x") && rows[0].includes("y");
  const column = (names, otherwise) => (isHeaded ? rows[0].findIndex((cell) => names.includes(cell)) : otherwise);
  const x = column(["x"], 0);
  const y = column(["y"], 1);
  const mark = column(["stroke", "stroke_id", "strokeid", "id"], 2);
  const strokes = [];
  let last;
  for (const row of isHeaded ? rows.slice(1) : rows) {
    const point = [Number(row[x]), Number(row[y])];
    if (row.length < 2 || point.some(Number.isNaN)) throw new Error(t("This is no file of ink that the studio knows."));
    if (!strokes.length || (mark >= 0 && row[mark] !== last)) strokes.push([]);
    strokes.at(-1).push(point);
    last = row[mark];
  }
  return oneLine(strokes);
}
