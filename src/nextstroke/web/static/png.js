// PNG files: the chunks of one, its resolution, and animated ones of indexed colours (APNG).

import { compressed } from "./engine/compression.js";
import { crc32 } from "./engine/crc32.js";

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const HEADER_END = 33; // bytes: the signature and the chunk IHDR
const INCH = 0.0254; // metres

const word = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const half = (value) => [value >> 8, value & 255];

function chunk(name, ...parts) {
  const body = [new TextEncoder().encode(name), ...parts.map((part) => Uint8Array.from(part))];
  const whole = new Uint8Array(body.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of body) {
    whole.set(part, offset);
    offset += part.length;
  }
  return [Uint8Array.from(word(whole.length - 4)), whole, Uint8Array.from(word(crc32(whole)))];
}

/** A PNG with its resolution written into it. */
export async function withDpi(blob, dpi) {
  const dots = Math.round(dpi / INCH);
  return new Blob([blob.slice(0, HEADER_END), ...chunk("pHYs", word(dots), word(dots), [1]), blob.slice(HEADER_END)], { type: "image/png" });
}

/** An animated PNG of indexed colours; of each frame only a part is stored. */
export class Apng {
  constructor(width, height, palette) {
    this.width = width;
    this.height = height;
    this.palette = palette;
    this.frames = [];
  }

  /** @param {Uint8Array} ids of a box's colours @param {number[]} box [left, top, width, height] @param {number} delay in ms */
  add(ids, box, delay) {
    this.frames.push({ ids, box, delay });
  }

  async blob() {
    const header = [...word(this.width), ...word(this.height), 8, 3, 0, 0, 0];
    const parts = [SIGNATURE, ...chunk("IHDR", header), ...chunk("PLTE", this.palette.flat()), ...chunk("acTL", word(this.frames.length), word(0))];
    let sequence = 0;
    for (const [number, { ids, box, delay }] of this.frames.entries()) {
      const [left, top, width, height] = box;
      const control = [...word(sequence++), ...word(width), ...word(height), ...word(left), ...word(top), ...half(delay), ...half(1000), 0, 0];
      parts.push(...chunk("fcTL", control));
      const rows = new Uint8Array((width + 1) * height); // each after a 0: not filtered
      for (let y = 0; y < height; y++) rows.set(ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
      const data = await compressed(rows, "deflate");
      parts.push(...(number ? chunk("fdAT", word(sequence++), data) : chunk("IDAT", data)));
    }
    return new Blob([...parts, ...chunk("IEND")], { type: "image/apng" });
  }
}
