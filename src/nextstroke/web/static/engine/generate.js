// Text symbol by symbol, from a network whose symbols are bytes (text/generate.py).

import { Random } from "./random.js";

/** Probability of each symbol from ŷ, at a temperature; at 0 the likeliest symbol is certain. */
export function probabilities(y, temperature) {
  const top = Math.max(...y);
  const unscaled = Array.from(y, (value) => {
    if (temperature === 0) return value === top ? 1 : 0;
    return Math.exp((value - top) / temperature);
  });
  const sum = unscaled.reduce((a, b) => a + b);
  return unscaled.map((weight) => weight / sum);
}

/** A text being generated: the state after what the network has read, and ŷ of the next symbol. */
export class Generator {
  constructor(network) {
    this.network = network;
    this.state = network.start();
    this.read(network.none);
  }

  read(symbol) {
    this.y = this.network.step(symbol, this.state).slice();
  }

  /** Read a text, as UTF-8. */
  prime(text) {
    for (const byte of new TextEncoder().encode(text)) this.read(byte);
  }

  /** Draw one symbol with a number in [0, 1), and read it. */
  draw(uniform, temperature) {
    const chances = probabilities(this.y, temperature);
    let left = uniform;
    const found = chances.findIndex((chance) => (left -= chance) < 0);
    const symbol = found < 0 ? chances.indexOf(Math.max(...chances)) : found;
    this.read(symbol);
    return symbol;
  }
}

/** Continue a text by `length` bytes: gives its piece after each of them, empty within a character, and at last what is left. */
export function* generated(network, text, { length, temperature, seed }) {
  const generator = new Generator(network);
  const random = new Random([seed]);
  const decoder = new TextDecoder();
  generator.prime(text);
  for (let i = 0; i < length; i++) {
    yield decoder.decode(Uint8Array.of(generator.draw(random.next(), temperature)), { stream: true });
  }
  yield decoder.decode();
}
