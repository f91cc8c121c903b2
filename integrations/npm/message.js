// Short messages in few bytes, as nextstroke compress --message packs them: the same bytes (compression/message.py and the
// modules of compression/lm that it uses). Numbers are whole, or float32 rounded after every operation by Math.fround.

import { Kernel } from "./engine/kernel.js";

const VECTOR = 16; // columns that the kernel multiplies at once
const { fround } = Math;
const SHIFT = 1.5 * 2 ** 52;
const round = (value) => value + SHIFT - SHIFT; // halves to even

/** A matrix of real numbers, row by row, as whole numbers with a scale for each row (integer_matmul.py). */
class Product {
  constructor(rows, columns, weight, { LEVELS, ONE }) {
    this.rows = rows;
    this.columns = columns;
    this.whole = new Int8Array(rows * columns);
    this.scale = new Float32Array(rows);
    for (let r = 0; r < rows; r++) {
      let most = 0;
      for (let c = 0; c < columns; c++) most = Math.max(most, Math.abs(weight(r, c)));
      const step = most / LEVELS;
      this.scale[r] = step / ONE;
      for (let c = 0; c < columns; c++) this.whole[r * columns + c] = round(weight(r, c) / (step || 1));
    }
  }

  place(kernel) {
    this.matrix = kernel.matrix(this.whole, this.rows, this.columns, VECTOR);
    this.inputs = kernel.array(Int16Array, this.matrix.columns);
    this.sums = kernel.array(Int32Array, this.rows);
  }
}

/** The text network in exact arithmetic, which does not learn (exact_network.py). */
class ExactNetwork {
  constructor(compiled, { weights }, known) {
    this.known = known;
    const values = (name) => weights.get(name).values;
    const count = [...weights.keys()].filter((name) => name.startsWith("tables.")).length;
    this.layers = Array.from({ length: count }, (_, n) => this.layer(n, weights, values));
    const output = weights.get("output.weight");
    const [symbols, width] = output.shape;
    this.output = new Product(symbols, width, (r, c) => output.values[r * width + c], known);
    this.bias = Float32Array.from(values("output.bias"));
    const products = [this.output, ...this.layers.map(({ product }) => product)];
    const arrays = products.map(({ whole }) => [whole, { values: whole }]);
    this.kernel = new Kernel(compiled, new Map(arrays));
    for (const product of products) product.place(this.kernel);
    this.table = frequencies(known);
  }

  layer(n, weights, values) {
    const { shape: [inputs, outputs], values: whole } = weights.get(`layers.${n}.hidden.int8`);
    const scale = values(`layers.${n}.hidden.scale`).map((value) => 127 * value); // float32, as the array is
    const product = new Product(outputs, inputs, (r, c) => fround(whole[c * outputs + r] * scale[r]), this.known);
    const bias = values(`layers.${n}.bias`);
    const symbols = values(`tables.${n}`);
    const table = new Float32Array(256 * outputs);
    for (let i = 0; i < table.length; i++) table[i] = symbols[i] + bias[i % outputs];
    const cells = outputs / 4;
    return { cells, product, table, peepholes: Float32Array.from(values(`layers.${n}.peepholes`)) };
  }

  /** The first 4 bytes of the SHA-256 of every number that decides a bit. */
  async digest() {
    const products = [this.output, ...this.layers.map(({ product }) => product)];
    const arrays = [this.bias, ...products.flatMap(({ whole, scale }) => [whole, scale])];
    arrays.push(...this.layers.flatMap(({ table, peepholes }) => [table, peepholes]));
    const numbers = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
    let place = 0;
    for (const array of arrays) {
      numbers.set(array, place);
      place += array.length;
    }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", numbers)).slice(0, 4);
  }

  start() {
    for (const layer of this.layers) {
      layer.h = new Int16Array(layer.cells);
      layer.c = new Float32Array(layer.cells);
    }
  }

  multiply(product, vectors) {
    let place = 0;
    for (const vector of vectors) {
      product.inputs.set(vector, place);
      place += vector.length;
    }
    this.kernel.whole(product.matrix, product.inputs, product.sums);
    return product.sums;
  }

  /** Frequencies of the next byte (output_layer.py). */
  predict() {
    const { STEP, LEAST_LIKELY } = this.known;
    const sums = this.multiply(this.output, this.layers.map(({ h }) => h));
    const logits = new Float32Array(sums.length);
    for (let i = 0; i < logits.length; i++) {
      logits[i] = fround(fround(sums[i]) * this.output.scale[i]) + this.bias[i];
    }
    const most = logits.reduce((a, b) => Math.max(a, b));
    return Array.from(logits, (logit) => {
      const behind = Math.min(fround(fround(most - logit) * STEP), LEAST_LIKELY * STEP);
      return this.table[round(behind)];
    });
  }

  /** Read a byte (lstm_layer.py). */
  observe(byte) {
    let below = null;
    for (const layer of this.layers) {
      this.step(layer, byte, below);
      below = layer.h;
    }
  }

  step(layer, byte, below) {
    const { cells, table, peepholes, c, product } = layer;
    const { MOST_CELL, ONE } = this.known;
    const sums = this.multiply(product, below ? [below, layer.h] : [layer.h]);
    const first = byte * 4 * cells;
    const z = (i) => fround(fround(fround(sums[i]) * product.scale[i]) + table[first + i]);
    const h = new Int16Array(cells);
    for (let n = 0; n < cells; n++) {
      const input = this.sigmoid(fround(z(n) + fround(c[n] * peepholes[n])));
      const forget = this.sigmoid(fround(z(cells + n) + fround(c[n] * peepholes[cells + n])));
      const g = this.tanh(z(2 * cells + n));
      const cell = fround(fround(forget * c[n]) + fround(input * g));
      c[n] = Math.min(Math.max(cell, -MOST_CELL), MOST_CELL);
      const output = this.sigmoid(fround(z(3 * cells + n) + fround(c[n] * peepholes[2 * cells + n])));
      h[n] = round(fround(fround(output * this.tanh(c[n])) * ONE));
    }
    layer.h = h;
  }

  /** activations.py */
  tanh(x) {
    const { FAR, OVER, UNDER } = this.known;
    x = Math.min(Math.max(x, -FAR), FAR);
    const square = fround(x * x);
    let over = fround(square + OVER[0]);
    let under = fround(fround(square * UNDER[0]) + UNDER[1]);
    for (let n = 1; n < OVER.length; n++) {
      over = fround(fround(over * square) + OVER[n]);
      under = fround(fround(under * square) + UNDER[n + 1]);
    }
    return fround(fround(over * x) / under);
  }

  sigmoid(x) {
    return fround(fround(this.tanh(fround(x * 0.5)) * 0.5) + 0.5);
  }
}

/** Frequencies of symbols that are k steps behind the likeliest (output_layer.py). */
function frequencies({ COARSE, FINE, STEP, LEAST_LIKELY, FINE_PLACES, TOP_PLACES }) {
  const size = LEAST_LIKELY * STEP + 1;
  const fine = FINE.map(BigInt);
  const found = new Float64Array(size);
  const places = BigInt(FINE_PLACES);
  for (let k = 0; k < size; k++) {
    const exact = (BigInt(COARSE[Math.floor(k / fine.length)]) * fine[k % fine.length] + (1n << (places - 1n))) >> places;
    found[k] = Math.max(Number(exact >> (places - BigInt(TOP_PLACES))), 1);
  }
  return found;
}

/** Numbers that begin with what was coded so far: low ≤ x < low + range, in units of 2^−bits. */
class Interval {
  low = 0n;
  range = 1n << 64n;
  bits = 64n;

  narrow(start, size, total) {
    const unit = this.range / BigInt(total);
    this.low += unit * BigInt(start);
    this.range = unit * BigInt(size);
    while (this.range < 1n << 48n) {
      this.low <<= 16n;
      this.range <<= 16n;
      this.bits += 16n;
    }
  }

  /** The fewest bytes that lie in the interval when zeros are appended. */
  shortest() {
    for (let count = 0; ; count++) {
      const unit = 1n << (this.bits - 8n * BigInt(count));
      const whole = (this.low + unit - 1n) / unit;
      if (whole * unit < this.low + this.range) return bytesOf(whole, count);
    }
  }
}

function bytesOf(number, count) {
  const hex = count ? number.toString(16).padStart(2 * count, "0") : "";
  return Uint8Array.from({ length: count }, (_, n) => Number.parseInt(hex.slice(2 * n, 2 * n + 2), 16));
}

const numberOf = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const equal = (a, b) => a.length === b.length && a.every((byte, n) => byte === b[n]);

/** Packs and unpacks messages with the text model of a package. */
export class Messages {
  /** @param {WebAssembly.Module} compiled kernel.wasm @param model as readModel gives it @param known message.json */
  static async of(compiled, model, known) {
    const made = new Messages();
    made.known = known;
    made.network = new ExactNetwork(compiled, model, known);
    made.digest = await made.network.digest();
    return made;
  }

  pack(data, check) {
    const { MOST, CODED, STORED } = this.known;
    if (![0, 1, 2].includes(check)) throw new RangeError(`a checksum of ${check} bytes: there is none; choose 0, 1 or 2`);
    if (data.length > MOST) throw new RangeError(`a message of ${data.length} bytes: at most ${MOST} can be packed`);
    const coded = data.length ? this.encode(data) : data;
    const frame = coded.length < data.length ? joined([CODED[check]], coded) : joined([STORED[check]], data);
    return joined(frame, this.checksum(frame, check));
  }

  unpack(frame) {
    const { MOST, CODED, STORED } = this.known;
    if (!frame.length || frame.length > MOST + 3) throw new Error(`${frame.length} bytes are no message`);
    const isCoded = CODED.includes(frame[0]);
    const check = (isCoded ? CODED : STORED).indexOf(frame[0]);
    if (check < 0) throw new Error("no message of this version");
    const end = frame.length - check;
    const sum = frame.slice(end);
    if (end < 1 || !equal(this.checksum(frame.slice(0, end), check), sum)) {
      throw new Error("the message was altered, or packed with another text model");
    }
    return isCoded ? this.decode(frame.slice(1, end)) : frame.slice(1, end);
  }

  checksum(data, count) {
    if (!count) return new Uint8Array();
    const top = 1 << (8 * count);
    let value = 0;
    for (const byte of joined(this.digest, data)) {
      value ^= byte << (8 * count - 8);
      for (let bit = 0; bit < 8; bit++) {
        value <<= 1;
        if (value & top) value ^= top | this.known.POLYNOMIALS[count];
      }
    }
    return bytesOf(BigInt(value), count);
  }

  begin() {
    this.network.start();
    for (const byte of this.known.PRIME) this.network.observe(byte);
  }

  /** Where the interval of each symbol begins, and the whole. */
  starts() {
    const { RARE, NEWLINE, QUOTE } = this.known;
    const sizes = this.network.predict();
    const total = sizes.reduce((a, b) => a + b);
    const starts = [0];
    for (const size of [...sizes, 1 + Math.floor(total / 2 ** RARE) + sizes[NEWLINE] + sizes[QUOTE]]) {
      starts.push(starts[starts.length - 1] + size);
    }
    return starts;
  }

  encode(data) {
    const interval = new Interval();
    this.begin();
    for (const symbol of [...data, 256]) {
      const starts = this.starts();
      interval.narrow(starts[symbol], starts[symbol + 1] - starts[symbol], starts[257]);
      if (symbol < 256) this.network.observe(symbol);
    }
    return interval.shortest();
  }

  decode(coded) {
    const interval = new Interval();
    const message = [];
    const number = numberOf(coded);
    this.begin();
    while (message.length <= this.known.MOST) {
      const starts = this.starts();
      const shift = interval.bits - 8n * BigInt(coded.length);
      const value = shift >= 0n ? number << shift : number >> -shift;
      const place = Number((value - interval.low) / (interval.range / BigInt(starts[257])));
      let symbol = 0;
      while (symbol < 256 && starts[symbol + 1] <= place) symbol++;
      interval.narrow(starts[symbol], starts[symbol + 1] - starts[symbol], starts[257]);
      if (symbol === 256) break;
      message.push(symbol);
      this.network.observe(symbol);
    }
    if (message.length > this.known.MOST || !equal(interval.shortest(), coded)) {
      throw new Error("no message, or packed with another text model");
    }
    return Uint8Array.from(message);
  }
}

/** Bytes as basE91 (base91.py). */
export function toBase91(data, { ALPHABET }) {
  const base = ALPHABET.length;
  let text = "", bits = 0, count = 0;
  const pair = (number) => ALPHABET[number % base] + ALPHABET[Math.floor(number / base)];
  for (const byte of data) {
    bits |= byte << count;
    count += 8;
    if (count > 13) {
      const width = bits % 8192 < base * base - 8192 ? 14 : 13;
      text += pair(bits % (1 << width));
      bits >>= width;
      count -= width;
    }
  }
  if (count) text += count > 7 || bits >= base ? pair(bits) : ALPHABET[bits];
  return text;
}

export function fromBase91(text, known) {
  const { ALPHABET } = known;
  const base = ALPHABET.length;
  const data = [];
  let bits = 0, count = 0;
  for (let first = 0; first < text.length; first += 2) {
    const pair = [...text.slice(first, first + 2)].map((character) => ALPHABET.indexOf(character));
    if (pair.includes(-1)) throw new Error("the text of a message has a character of no message");
    const number = pair[0] + (pair[1] ?? 0) * base;
    bits |= number << count;
    count += pair.length === 1 ? 7 : number % 8192 < base * base - 8192 ? 14 : 13;
    for (; count > 7; count -= 8) {
      data.push(bits & 255);
      bits >>= 8;
    }
  }
  if (toBase91(data, known) !== text) throw new Error("the text of a message is cut short or altered");
  return Uint8Array.from(data);
}
