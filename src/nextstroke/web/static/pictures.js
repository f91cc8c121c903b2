// Pages as pictures: PNG, and films that show the writing, APNG and GIF (pages/png.py, pages/animation.py).

import { constants } from "./engine/constants.js";
import { strokesOf } from "./engine/ink.js";
import { outline, ribbons } from "./engine/nib.js";
import { polyline } from "./engine/spline.js";
import { pathData, polygonData, rgbOf } from "./files.js";
import { Gif } from "./gif.js";
import { printed, printedPath, widthOf } from "./paper.js";
import { Apng, withDpi } from "./png.js";
import { ofParagraph } from "./state.js";

const INCH = 25.4; // mm
const FILM_DPI = 100;
const FRAMES_A_SECOND = 20;
const LAST = 2500; // ms that the finished page is shown
const FILM_PIXELS = 120_000_000; // in all frames together; a long film has fewer frames a second
const MOST_PIXELS = 60_000_000; // of a picture
const PIECES = 6; // of a curve between two points
const COLOURS = 64;

/** A canvas with the paper of a page. */
function canvasOf(page, look, dpi, isTransparent) {
  const canvas = document.createElement("canvas");
  const scale = dpi / INCH;
  canvas.width = Math.max(1, Math.round(page.width * scale));
  canvas.height = Math.max(1, Math.round(page.height * scale));
  if (canvas.width * canvas.height > MOST_PIXELS) throw new Error("This picture would be too large; choose fewer dots per inch.");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!isTransparent) {
    pen.fillStyle = look.sheet;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }
  pen.scale(scale, scale);
  Object.assign(pen, { strokeStyle: constants.layout.RULE, lineWidth: widthOf(look.paper), lineCap: "round" });
  pen.stroke(new Path2D(printedPath(printed(page, look.paper))));
  Object.assign(pen, { lineWidth: look.pen, lineCap: "round", lineJoin: "round" });
  return { canvas, pen, scale };
}

const blobOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

/** One page as PNG, at some dots per inch, with the paper or without it. */
export async function png(page, look, { dpi, transparent }) {
  const { canvas, pen } = canvasOf(page, look, dpi, transparent);
  page.lines.forEach((line, i) => {
    const colour = ofParagraph(look.colour, page.paragraphs[i]);
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour });
    if (look.nib) for (const { curve, widths } of ribbons(line, look.pen)) pen.fill(new Path2D(polygonData(outline(curve, widths))));
    else for (const stroke of strokesOf(line)) pen.stroke(new Path2D(pathData(stroke)));
  });
  return withDpi(await blobOf(canvas), dpi);
}

/** The straight pieces of a page in the order and at the times of writing, in seconds; a dot is a piece of length 0. */
export function moments(page, look) {
  const { LIFT, PACE } = constants.appearance;
  const found = [];
  let time = 0;
  page.lines.forEach((line, i) => {
    const colour = ofParagraph(look.colour, page.paragraphs[i]);
    for (const stroke of strokesOf(line)) {
      const curve = stroke.length > 1 ? polyline(stroke, PIECES) : [stroke[0], stroke[0]];
      for (let p = 1; p < curve.length; p++) {
        time += 1 / (PACE * PIECES);
        found.push({ time, from: curve[p - 1], to: curve[p], colour });
      }
      time += LIFT;
    }
  });
  return found;
}

/** One page being written, as "gif" or "apng". */
export async function film(page, look, kind) {
  const { canvas, pen, scale } = canvasOf(page, look, FILM_DPI, false);
  const { width, height } = canvas;
  const pieces = moments(page, look);
  const ends = pieces.at(-1).time;
  const count = Math.max(2, Math.min(Math.round(ends * FRAMES_A_SECOND), Math.floor(FILM_PIXELS / (width * height))));
  const palette = paletteOf(look);
  const idOf = nearestOf(palette);
  const made = kind === "gif" ? new Gif(width, height, palette) : new Apng(width, height, palette);
  const step = ends / count;
  let next = 0;
  for (let frame = 1; frame <= count; frame++) {
    const fresh = [];
    while (next < pieces.length && (frame === count || pieces[next].time <= frame * step)) fresh.push(pieces[next++]);
    for (const { from, to, colour } of fresh) {
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.moveTo(from[0], from[1]);
      pen.lineTo(to[0], to[1]);
      pen.stroke();
    }
    const box = frame === 1 ? [0, 0, width, height] : boxOf(fresh, scale, look.pen, canvas);
    const [left, top, wide, high] = box;
    const pixels = new Uint32Array(pen.getImageData(left, top, wide, high).data.buffer);
    made.add(Uint8Array.from(pixels, idOf), box, frame === count ? LAST : Math.max(20, Math.round(1000 * step)));
    if (frame % 20 === 0) await new Promise((resolve) => setTimeout(resolve)); // the page stays alive
  }
  return made.blob();
}

/** The part of the canvas that pieces touch, [left, top, width, height]; one pixel where there are none. */
function boxOf(pieces, scale, width, canvas) {
  if (!pieces.length) return [0, 0, 1, 1];
  const points = pieces.flatMap(({ from, to }) => [from, to]);
  const edge = width * scale + 2;
  const side = (axis, most) => {
    const values = points.map((point) => point[axis] * scale);
    const low = Math.max(0, Math.min(most - 1, Math.floor(Math.min(...values) - edge)));
    const high = Math.max(low + 1, Math.min(most, Math.ceil(Math.max(...values) + edge)));
    return [low, high - low];
  };
  const [left, wide] = side(0, canvas.width);
  const [top, high] = side(1, canvas.height);
  return [left, top, wide, high];
}

/** Colours between the paper, its rules and the inks. */
function paletteOf(look) {
  const inks = [...new Set(look.colour.split(","))].slice(0, 8).map(rgbOf);
  const paper = rgbOf(look.sheet);
  const rule = rgbOf(constants.layout.RULE);
  const steps = Math.floor((COLOURS - 16) / inks.length);
  return [...blends(paper, rule, 4), ...inks.flatMap((ink) => blends(paper, ink, steps)), ...blends(rule, inks[0], 12)];
}

/** `count` colours from one to another, both included. */
function blends(from, to, count) {
  const blend = (share) => from.map((value, part) => Math.round(value + share * (to[part] - value)));
  return Array.from({ length: count }, (_, i) => blend(i / Math.max(1, count - 1)));
}

/** The index of the nearest colour of a palette, of a pixel as a canvas gives it. */
function nearestOf(palette) {
  const known = new Map();
  return (pixel) => {
    if (!known.has(pixel)) {
      const parts = [0, 8, 16].map((shift) => (pixel >>> shift) & 255);
      const away = palette.map((colour) => colour.reduce((sum, value, part) => sum + (value - parts[part]) ** 2, 0));
      known.set(pixel, away.indexOf(Math.min(...away)));
    }
    return known.get(pixel);
  };
}
