// Bytes compressed with Huffman codes alone, as a zlib stream: the same bytes as pages/deflate.py, which says why.

const BLOCK = 1 << 16; // bytes that share one table of codes
const LONGEST = 15; // bits of a code
const END = 256; // the symbol that ends a block
const LENGTH_BITS = 4; // of each code length in the table
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const HEADER = [0x78, 1]; // of a zlib stream
const ADLER = 65521;

/** Bits, the lowest first, as bytes. */
class BitWriter {
  constructor() {
    this.bytes = [];
    this.held = 0;
    this.count = 0;
  }

  put(value, width) {
    this.held |= value << this.count;
    this.count += width;
    while (this.count >= 8) {
      this.bytes.push(this.held & 255);
      this.held >>>= 8;
      this.count -= 8;
    }
  }

  finish() {
    if (this.count) this.bytes.push(this.held & 255);
    return this.bytes;
  }
}

/** A zlib stream of literals in dynamic Huffman codes. @param {Uint8Array} data */
export function deflate(data) {
  const writer = new BitWriter();
  for (let start = 0; start === 0 || start < data.length; start += BLOCK) {
    putBlock(writer, data.subarray(start, start + BLOCK), start + BLOCK >= data.length);
  }
  const sum = adler32(data);
  const packed = writer.finish();
  const file = new Uint8Array(HEADER.length + packed.length + 4);
  file.set(HEADER);
  file.set(packed, HEADER.length);
  file.set([24, 16, 8, 0].map((shift) => (sum >>> shift) & 255), HEADER.length + packed.length);
  return file;
}

function putBlock(writer, block, isLast) {
  const counts = new Array(END + 1).fill(0);
  for (const byte of block) counts[byte] += 1;
  counts[END] = 1;
  const lengths = codeLengths(counts);
  const codes = codesOf(lengths);
  // Type 2: dynamic codes, 257 for literals, two for distances (which do not occur), lengths for all 19 code lengths.
  for (const [value, width] of [[Number(isLast), 1], [2, 2], [0, 5], [1, 5], [LENGTH_ORDER.length - 4, 4]]) writer.put(value, width);
  for (const value of LENGTH_ORDER) writer.put(value <= LONGEST ? LENGTH_BITS : 0, 3);
  for (const length of [...lengths, 1, 1]) writer.put(reversed(length, LENGTH_BITS), LENGTH_BITS);
  for (const byte of block) writer.put(codes[byte], lengths[byte]);
  writer.put(codes[END], lengths[END]);
}

/** The bits of each symbol's code by package-merge; 0 for a symbol that does not occur. @param {number[]} counts */
function codeLengths(counts) {
  const lengths = counts.map(() => 0);
  const byWeight = (items) => items.sort((a, b) => a.weight - b.weight); // equal ones keep their order
  const leaves = byWeight(counts.map((weight, symbol) => ({ symbols: [symbol], weight })).filter(({ weight }) => weight));
  if (leaves.length === 1) lengths[leaves[0].symbols[0]] = 1;
  let items = leaves;
  for (let level = 1; level < LONGEST; level++) {
    const packages = [];
    for (let i = 1; i < items.length; i += 2) {
      packages.push({ symbols: [...items[i - 1].symbols, ...items[i].symbols], weight: items[i - 1].weight + items[i].weight });
    }
    items = byWeight([...leaves, ...packages]);
  }
  for (const { symbols } of items.slice(0, 2 * leaves.length - 2)) {
    for (const symbol of symbols) lengths[symbol] += 1;
  }
  return lengths;
}

/** The canonical code of each symbol, its bits reversed as they are stored. */
function codesOf(lengths) {
  const codes = lengths.map(() => 0);
  let code = 0;
  for (let length = 1; length <= LONGEST; length++) {
    code <<= 1;
    lengths.forEach((bits, symbol) => {
      if (bits === length) codes[symbol] = reversed(code++, length);
    });
  }
  return codes;
}

function reversed(value, bits) {
  let turned = 0;
  for (let bit = 0; bit < bits; bit++) turned |= ((value >> bit) & 1) << (bits - 1 - bit);
  return turned;
}

function adler32(data) {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % ADLER;
    b = (b + a) % ADLER;
  }
  return b * 65536 + a;
}
