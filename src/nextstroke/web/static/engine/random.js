// numpy's default generator, so that a seed gives the same ink in the browser as in Python:
// SeedSequence (M. O'Neill's seed_seq_fe, 2015) and PCG64, XSL-RR 128/64 (O'Neill, 2014).

const WORD = 0xffffffffn, U64 = (1n << 64n) - 1n, U128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL = 4;

/** A generator of numbers in [0, 1); `entropy` are whole numbers ≥ 0. */
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

  /** The next number, of 53 bits. */
  next() {
    this.step();
    const mixed = ((this.state >> 64n) ^ this.state) & U64;
    const turn = this.state >> 122n;
    const turned = ((mixed >> turn) | (mixed << (64n - turn))) & U64;
    return Number(turned >> 11n) * 2 ** -53;
  }
}

function inWords(number) {
  const words = [];
  for (let left = BigInt(number); left > 0n || !words.length; left >>= 32n) words.push(Number(left & WORD));
  return words;
}

/** A hash whose constant goes on with each use. */
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
