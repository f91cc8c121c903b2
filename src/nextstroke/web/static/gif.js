// Animated GIF (GIF89a): 64 colours, and of each frame only the part that has changed.

const BITS = 6, COLOURS = 1 << BITS, MOST_CODES = 4096;
const short = (value) => [value & 255, value >> 8];
const ascii = (text) => [...text].map((character) => character.charCodeAt(0));
const LOOP = [0x21, 0xff, 11, ...ascii("NETSCAPE2.0"), 3, 1, ...short(0), 0]; // for ever

export class Gif {
  /** @param {number[][]} palette at most 64 colours [red, green, blue]; of others, the nearest is taken */
  constructor(width, height, palette) {
    Object.assign(this, { width, height, palette, nearest: new Map(), before: null });
    const table = Array.from({ length: COLOURS }, (_, i) => palette[i] ?? [0, 0, 0]).flat();
    this.parts = [Uint8Array.of(...ascii("GIF89a"), ...short(width), ...short(height), 0xf0 | (BITS - 1), 0, 0, ...table, ...LOOP)];
  }

  /** @param {Uint32Array} pixels of the whole picture, as a canvas gives them @param {number} delay hundredths of a second */
  add(pixels, delay) {
    const [left, top, right, bottom] = this.changed(pixels), ids = [];
    for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) ids.push(this.colour(pixels[y * this.width + x]));
    const control = [0x21, 0xf9, 4, 1 << 2, ...short(delay), 0, 0]; // the next frame is drawn over this one
    const area = [0x2c, ...[left, top, right - left + 1, bottom - top + 1].flatMap(short), 0];
    this.parts.push(Uint8Array.of(...control, ...area, BITS), blocks(packed(ids)));
    this.before = pixels;
  }

  blob() {
    return new Blob([...this.parts, Uint8Array.of(0x3b)], { type: "image/gif" });
  }

  /** The box around what differs from the frame before; one pixel where nothing does. */
  changed(pixels) {
    if (!this.before) return [0, 0, this.width - 1, this.height - 1];
    let left = this.width, top = this.height, right = -1, bottom = -1;
    for (let i = 0; i < pixels.length; i++) {
      if (pixels[i] === this.before[i]) continue;
      const x = i % this.width, y = (i - x) / this.width;
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), y];
    }
    return right < 0 ? [0, 0, 0, 0] : [left, top, right, bottom];
  }

  colour(pixel) {
    if (!this.nearest.has(pixel)) {
      const parts = [0, 8, 16].map((shift) => (pixel >>> shift) & 255);
      const away = this.palette.map((colour) => colour.reduce((sum, value, part) => sum + (value - parts[part]) ** 2, 0));
      this.nearest.set(pixel, away.indexOf(Math.min(...away)));
    }
    return this.nearest.get(pixel);
  }
}

/** Numbers below COLOURS as the codes of Lempel, Ziv and Welch, the lowest bits first. */
function packed(ids) {
  const out = [], clear = COLOURS;
  let known, size, next, held = 0, bits = 0;
  const put = (code) => {
    held |= code << bits;
    for (bits += size; bits >= 8; bits -= 8, held >>>= 8) out.push(held & 255);
    if (next === 1 << size && next < MOST_CODES) size++; // the reader learns each code one step later
  };
  const begin = () => ([known, size, next] = [new Map(), BITS + 1, clear + 2]);
  begin();
  put(clear);
  const last = ids.reduce((word, id) => {
    const key = (word << 8) | id, longer = known.get(key);
    if (longer !== undefined) return longer;
    put(word);
    if (next < MOST_CODES) known.set(key, next++);
    else put(clear), begin();
    return id;
  });
  for (const code of [last, clear + 1]) put(code);
  return bits ? [...out, held] : out;
}

/** Bytes in blocks of at most 255, each after its length; an empty one ends them. */
function blocks(bytes) {
  const all = Array.from({ length: Math.ceil(bytes.length / 255) }, (_, i) => bytes.slice(255 * i, 255 * (i + 1)));
  return Uint8Array.from([...all.flatMap((block) => [block.length, ...block]), 0]);
}
