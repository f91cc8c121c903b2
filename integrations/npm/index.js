// The engine of nextstroke as a package: handwriting and text in the browser and in Node. The files next to this one are
// put there by build.py.

import { compose } from "./engine/compose.js";
import { decompressed } from "./engine/compression.js";
import { generated } from "./engine/generate.js";
import { NO_STYLE } from "./engine/hands.js";
import { strokesOf } from "./engine/ink.js";
import { loader, once } from "./engine/load.js";
import { readModel } from "./engine/model_file.js";
import { isComplete } from "./engine/sampler.js";
import { bezier } from "./engine/spline.js";
import { fromBase91, Messages, toBase91 } from "./message.js";

const PAGE = { margin: 4, lineHeight: 10, xHeight: 2.2, align: "left", drift: 0 };

/** The bytes of a file of this package: read in Node, fetched in a browser. */
async function bytes(name) {
  const url = new URL(name, import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

const { writer, recogniser, textNetwork, styles: hands, constants } = loader(bytes);

export async function styles() {
  return [...(await hands()).keys()];
}

async function hand(name) {
  if (name === "none") return NO_STYLE;
  const found = name ? (await hands()).get(name) : (await hands()).values().next().value;
  if (!found) throw new Error(`style ${JSON.stringify(name)}: there is none of that name; styles() lists them`);
  return found;
}

export async function* write(text, { style = "", bias = 0.75, seed = 1, bestOf = 8, page = {}, progress } = {}) {
  await constants();
  const how = {
    network: await writer(),
    recogniser: bestOf > 1 ? await recogniser() : null,
    style: await hand(style),
    bias,
    seed,
    candidates: bestOf,
    page: { ...PAGE, ...page },
    progress,
  };
  for await (const row of compose(text, how)) {
    const { number, width, height, baseline, ink, line } = row;
    yield {
      page: number,
      width,
      height,
      baseline,
      text: row.text ?? "",
      written: row.written ?? "",
      complete: line ? isComplete(line) : true,
      strokes: ink ? strokesOf(ink) : [],
    };
  }
}

export async function writeSvg(text, { pen = 0.35, colour = "#1a1a2e", ...options } = {}) {
  const pages = [];
  for await (const row of write(text, options)) {
    const { width, height } = row;
    const page = (pages[row.page] ??= { width, height, paths: [] });
    page.paths.push(...row.strokes.map((stroke) => `<path d="${pathData(stroke)}"/>`));
  }
  const quoted = colour.replace(/[&"<]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const pens = `fill="none" stroke="${quoted}" stroke-width="${pen}" stroke-linecap="round" stroke-linejoin="round"`;
  return pages.filter(Boolean).map(({ width, height, paths }) => {
    const size = `width="${short(width)}mm" height="${short(height)}mm" viewBox="0 0 ${short(width)} ${short(height)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><g ${pens}>${paths.join("")}</g></svg>\n`;
  });
}

export async function* generate(prime, { length = 200, temperature = 1, seed = 1 } = {}) {
  for (const piece of generated(await textNetwork(), prime, { length, temperature, seed })) if (piece) yield piece;
}

const messages = once(async () => {
  const [wasm, packed, known] = await Promise.all(["engine/kernel.wasm", "models/text.onnx.gz", "message.json"].map(bytes));
  const model = await readModel((await decompressed(packed, "gzip")).buffer);
  const constants = JSON.parse(new TextDecoder().decode(known));
  return Messages.of(await WebAssembly.compile(wasm), model, constants);
});

export async function packMessage(message, { check = 1, text = false } = {}) {
  const packer = await messages();
  const data = typeof message === "string" ? new TextEncoder().encode(message) : message;
  const frame = packer.pack(data, check);
  return text ? toBase91(frame, packer.known) : frame;
}

export async function unpackMessage(frame) {
  const packer = await messages();
  return packer.unpack(typeof frame === "string" ? fromBase91(frame.trim(), packer.known) : frame);
}

const short = (value) => String(Number(value.toFixed(3)));
const pair = (point) => point.map(short).join(" ");

/** The spline through a stroke as cubic curves; a dot is a line of length 0. */
function pathData(stroke) {
  const start = `M${pair(stroke[0])}`;
  if (stroke.length === 1) return `${start}l0 0`;
  return start + bezier(stroke).map((corners) => `C${corners.slice(1).map(pair).join(" ")}`).join("");
}
