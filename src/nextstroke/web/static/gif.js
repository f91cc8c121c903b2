// Animated GIF (GIF89a): 64 colours, and of each frame only a part.

const BITS = 6, COLOURS = 1 << BITS, MOST_CODES = 4096;
const short = (value) => [value & 255, value >> 8];
const ascii = (text) => [...text].map((character) => character.charCodeAt(0));
const LOOP = [0x21, 0xff, 11, ...ascii("NETSCAPE2.0"), 3, 1, ...short(0), 0]; // for ever

export class Gif {
  /** @param {number[][]} palette at most 64 colours [red, green, blue] */
  constructor(width, height, palette) {
    const table = Array.from({ length: COLOURS }, (_, i) => palette[i] ?? [0, 0, 0]).flat();
    this.parts = [Uint8Array.of(...ascii("GIF89a"), ...short(width), ...short(height), 0xf0 | (BITS - 1), 0, 0, ...table, ...LOOP)];
  }

  /** @param {Uint8Array} ids of a box's colours @param {number[]} box [left, top, width, height] @param {number} delay in ms */
  add(ids, box, delay) {
    const control = [0x21, 0xf9, 4, 1 << 2, ...short(Math.round(delay / 10)), 0, 0]; // the next frame is drawn over this one
    const area = [0x2c, ...box.flatMap(short), 0];
    this.parts.push(Uint8Array.of(...control, ...area, BITS), blocks(packed(ids)));
  }

  async blob() {
    return new Blob([...this.parts, Uint8Array.of(0x3b)], { type: "image/gif" });
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
  const begin = () => {
    known = new Map();
    size = BITS + 1;
    next = clear + 2;
  };
  begin();
  put(clear);
  const last = ids.reduce((word, id) => {
    const key = (word << 8) | id, longer = known.get(key);
    if (longer !== undefined) return longer;
    put(word);
    if (next < MOST_CODES) known.set(key, next++);
    else {
      put(clear);
      begin();
    }
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
