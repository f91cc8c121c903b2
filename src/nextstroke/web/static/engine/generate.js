// Text symbol by symbol, of a network whose symbols are bytes (text/generate.py).

/** Probability of each symbol from ŷ, at a temperature; 0 takes the likeliest. */
export function probabilities(y, temperature) {
  const top = Math.max(...y);
  const masses = Array.from(y, (value) => (temperature ? Math.exp((value - top) / temperature) : Number(value === top)));
  const sum = masses.reduce((a, b) => a + b);
  return masses.map((mass) => mass / sum);
}

/** A text under way: what the network has read, and what it expects next. */
export class Typist {
  constructor(network) {
    this.network = network;
    this.begin();
  }

  begin() {
    this.state = this.network.start();
    this.y = this.network.step(this.network.nothing, this.state).slice();
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
    let left = uniform;
    const masses = probabilities(this.y, temperature), found = masses.findIndex((mass) => (left -= mass) < 0);
    const symbol = found < 0 ? masses.indexOf(Math.max(...masses)) : found;
    this.read(symbol);
    return symbol;
  }
}
