// numpy's default generator, so that a seed gives the same ink in the browser as in Python:
// SeedSequence (M. O'Neill's seed_seq_fe, 2015), PCG64, XSL-RR 128/64 (O'Neill, 2014), and normal numbers by the ziggurat
// (Marsaglia and Tsang, 2000) with 256 layers.

const WORD = 0xffffffffn;
const U64 = (1n << 64n) - 1n;
const U128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL = 4;

/** A generator of random numbers; `entropy` are whole numbers ≥ 0. */
export class Random {
  constructor(entropy) {
    const words = seeded(pooled(entropy.flatMap(inWords)), 8);
    const [high, low, highStep, lowStep] = [0, 2, 4, 6].map((i) => BigInt(words[i]) | (BigInt(words[i + 1]) << 32n));
    this.increment = ((((highStep << 64n) | lowStep) << 1n) | 1n) & U128;
    this.state = (this.increment + ((high << 64n) | low)) & U128;
    this.step();
  }

  step() {
    this.state = (this.state * MULTIPLIER + this.increment) & U128;
  }

  /** The next 64 random bits. */
  bits() {
    this.step();
    const mixed = ((this.state >> 64n) ^ this.state) & U64;
    const turn = this.state >> 122n;
    return ((mixed >> turn) | (mixed << (64n - turn))) & U64;
  }

  /** The next number in [0, 1), of 53 bits. */
  next() {
    return Number(this.bits() >> 11n) * 2 ** -53;
  }

  /** The next number of the normal distribution with mean 0 and variance 1. */
  normal() {
    const { width, inside, height } = ziggurat();
    for (;;) {
      const bits = this.bits();
      const layer = Number(bits & 255n);
      const sign = bits & 256n ? -1 : 1;
      const size = Number((bits >> 9n) & MANTISSA);
      const x = size * width[layer];
      if (size < inside[layer]) return sign * x;
      if (layer === 0) return (Math.floor(size / 256) % 2 ? -1 : 1) * this.tail();
      const edge = height[layer] + (height[layer - 1] - height[layer]) * this.next();
      if (edge < Math.exp(-0.5 * x * x)) return sign * x;
    }
  }

  /** A number of the normal distribution beyond TAIL. */
  tail() {
    for (;;) {
      const beyond = -Math.log1p(-this.next()) / TAIL;
      const exponential = -Math.log1p(-this.next());
      if (2 * exponential > beyond * beyond) return TAIL + beyond;
    }
  }
}

// Where the lowest layer of the ziggurat passes into the tail, and the area of each layer.
const TAIL = 3.6541528853610088;
const AREA = 0.004928673233974658;
const LAYERS = 256;
const MANTISSA = (1n << 52n) - 1n;
let tables = null;

/**
 * The tables of the layers, from the widest, 0, to the topmost, 1, then 2 … 255 downwards: width of a layer in units of
 * 2⁻⁵², numbers below which a point is inside the curve for certain, height of the curve at the layer's edge.
 */
function ziggurat() {
  if (tables) return tables;
  const curve = (x) => Math.exp(-0.5 * x * x);
  const unit = 2 ** 52;
  const [width, inside, height] = [0, 1, 2].map(() => new Float64Array(LAYERS));
  const lowest = AREA / curve(TAIL);
  width[0] = lowest / unit;
  inside[0] = (TAIL / lowest) * unit;
  height[0] = 1;
  let x = TAIL;
  for (let layer = LAYERS - 1; layer > 0; layer--) {
    width[layer] = x / unit;
    height[layer] = curve(x);
    const above = layer > 1 ? Math.sqrt(-2 * Math.log(AREA / x + curve(x))) : 0;
    inside[layer] = (above / x) * unit;
    x = above;
  }
  tables = { width, inside, height };
  return tables;
}

function inWords(number) {
  const words = [];
  for (let left = BigInt(number); left > 0n || !words.length; left >>= 32n) words.push(Number(left & WORD));
  return words;
}

/** A hash whose constant changes with each use. */
function hash(start, multiplier) {
  let constant = start;
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mix(x, y) {
  const mixed = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function pooled(entropy) {
  const hashed = hash(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: POOL }, (_, i) => hashed(entropy[i] ?? 0));
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mix(pool[to], hashed(pool[from]));
  }
  for (const word of entropy.slice(POOL)) {
    for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to], hashed(word));
  }
  return pool;
}

function seeded(pool, count) {
  const hashed = hash(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: count }, (_, i) => hashed(pool[i % POOL]));
}
