// Pages as pictures: PNG, and films that show the writing, APNG and GIF.

import { constants } from "./engine/constants.js";
import { crc32 } from "./engine/crc32.js";
import { strokesOf } from "./engine/ink.js";
import { pathData, rgbOf } from "./files.js";
import { Gif } from "./gif.js";

const DPI = 200, MOVING_DPI = 100, FRAMES_A_SECOND = 12, MOST_FRAMES = 400;
const STAYS = 2; // seconds that a finished page is shown
const PAPER = [255, 255, 255];
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

function canvasOf(page, dpi) {
  const canvas = document.createElement("canvas"), scale = dpi / 25.4;
  [canvas.width, canvas.height] = [page.width, page.height].map((mm) => Math.round(mm * scale));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = `rgb(${PAPER})`;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.scale(scale, scale);
  pen.strokeStyle = constants.layout.RULE;
  pen.lineWidth = 0.15;
  for (const y of page.baselines) pen.stroke(new Path2D(`M0 ${y}H${page.width}`));
  return { canvas, pen };
}

function dress(pen, look) {
  Object.assign(pen, { strokeStyle: look.colour, lineWidth: look.pen, lineCap: "round", lineJoin: "round" });
}

const blobOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

/** One page as PNG. */
export async function png(page, look) {
  const { canvas, pen } = canvasOf(page, DPI);
  dress(pen, look);
  for (const stroke of page.lines.flatMap(strokesOf)) pen.stroke(new Path2D(pathData(stroke)));
  return blobOf(canvas);
}

/** One page as APNG. */
export async function apng(page, look) {
  const frames = [];
  for (const { canvas } of film(page, look)) frames.push(chunks(new Uint8Array(await (await blobOf(canvas)).arrayBuffer())));
  return joined(frames);
}

/** One page as GIF: its colours are those between paper, rules and ink. */
export function gif(page, look) {
  const ink = rgbOf(look.colour);
  const rule = rgbOf(constants.layout.RULE);
  const palette = [...blends(PAPER, ink, 40), ...blends(PAPER, rule, 8), ...blends(rule, ink, 16)];
  let made = null;
  for (const { canvas, pen, last } of film(page, look)) {
    made ??= new Gif(canvas.width, canvas.height, palette);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    made.add(new Uint32Array(data.buffer), Math.round(100 * (last ? STAYS : 1 / FRAMES_A_SECOND)));
  }
  return made.blob();
}

/** `count` colours from one to another, both included. */
function blends(from, to, count) {
  const blend = (share) => from.map((value, part) => Math.round(value + share * (to[part] - value)));
  return Array.from({ length: count }, (_, i) => blend(i / (count - 1)));
}

/** A page being written, frame by frame: at the pace of a hand, or faster where that would take too many frames. */
function* film(page, look) {
  const strokes = page.lines.flatMap(strokesOf), total = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
  const step = Math.max((constants.appearance.PACE * (look.speed || 1)) / FRAMES_A_SECOND, total / MOST_FRAMES);
  const { canvas, pen } = canvasOf(page, MOVING_DPI);
  dress(pen, look);
  for (let shown = step; shown < total + step; shown += step) {
    drawBetween(pen, strokes, shown - step, shown);
    yield { canvas, pen, last: shown >= total };
  }
}

/** Draw the strokes' points from the number `from` to the number `to`. */
function drawBetween(pen, strokes, from, to) {
  let start = 0;
  for (const stroke of strokes) {
    const first = Math.max(0, Math.floor(from - start)), last = Math.min(stroke.length, Math.floor(to - start));
    // From two points before, so that the curve goes on as it began.
    if (last > first) pen.stroke(new Path2D(pathData(stroke.slice(Math.max(0, first - 2), last))));
    start += stroke.length;
  }
}

/** The chunks of a PNG file as [name, data]. */
function chunks(file) {
  const found = [], view = new DataView(file.buffer);
  for (let offset = SIGNATURE.length; offset < file.length; ) {
    const size = view.getUint32(offset), name = String.fromCharCode(...file.subarray(offset + 4, offset + 8));
    found.push([name, file.subarray(offset + 8, offset + 8 + size)]);
    offset += size + 12;
  }
  return found;
}

/** One animated file of still ones (the APNG specification: acTL, and fcTL with fdAT for each frame). */
function joined(frames) {
  const header = frames[0].find(([name]) => name === "IHDR")[1];
  const out = [Uint8Array.from(SIGNATURE), chunk("IHDR", header), chunk("acTL", words(frames.length, 0))];
  let sequence = 0;
  frames.forEach((frame, i) => {
    out.push(chunk("fcTL", control(sequence++, header, i === frames.length - 1)));
    for (const [name, data] of frame.filter(([kind]) => kind === "IDAT")) {
      out.push(i === 0 ? chunk(name, data) : chunk("fdAT", words(sequence++), data));
    }
  });
  return new Blob([...out, chunk("IEND", new Uint8Array())]);
}

function control(sequence, header, last) {
  const delay = last ? [STAYS, 1] : [1, FRAMES_A_SECOND]; // seconds as a fraction
  const short = (value) => [value >> 8, value & 255];
  return Uint8Array.of(...words(sequence), ...header.subarray(0, 8), ...words(0, 0), ...delay.flatMap(short), 0, 0);
}

const words = (...values) => Uint8Array.from(values.flatMap((value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255)));

function chunk(name, ...parts) {
  const body = new TextEncoder().encode(name);
  const size = parts.reduce((sum, part) => sum + part.length, 0), whole = new Uint8Array(body.length + size);
  whole.set(body);
  let offset = body.length;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return new Blob([words(size), whole, words(crc32(whole))]);
}
