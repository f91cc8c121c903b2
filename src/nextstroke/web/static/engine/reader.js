// The network that reads whole lines, to choose the candidate that reads best (handwriting/recogniser.py).

import { moved, offsetsOf } from "./ink.js";
import { Kernel } from "./kernel.js";

const PAIR = 2; // points that the network takes at once
const sigmoid = (value) => 1 / (1 + Math.exp(-value));

/** A bidirectional LSTM layer without peepholes, in ONNX's order of gates: input, output, forget, cell. */
class BothWays {
  constructor(kernel, weights, name) {
    const { shape: [, gates, inputs], values: outside } = weights.get(`${name}.ih`);
    const inside = weights.get(`${name}.hh`).values, biases = weights.get(`${name}.bias`).values;
    this.cells = gates / 4;
    this.kernel = kernel;
    this.ways = [0, 1].map((way) => ({
      outside: kernel.matrix(part(outside, way), gates, inputs, 4),
      inside: kernel.matrix(part(inside, way), gates, this.cells, 4),
      bias: part(biases, way).slice(0, gates).map((value, i) => value + part(biases, way)[gates + i]),
    }));
    this.input = kernel.array(Float32Array, this.ways[0].outside.columns);
    this.h = kernel.array(Float32Array, this.cells);
    this.z = kernel.array(Float32Array, gates);
  }

  /** The hidden vectors of both directions side by side for each row. */
  over(rows) {
    const result = rows.map(() => new Float32Array(2 * this.cells));
    this.ways.forEach((way, number) => {
      const c = new Float32Array(this.cells);
      this.h.fill(0);
      for (let i = 0; i < rows.length; i++) {
        const t = number ? rows.length - 1 - i : i;
        this.step(way, rows[t], c);
        result[t].set(this.h, number * this.cells);
      }
    });
    return result;
  }

  step({ outside, inside, bias }, row, c) {
    const { z, h, cells } = this;
    this.input.set(row);
    z.set(bias);
    this.kernel.real(outside, this.input, z);
    this.kernel.real(inside, h, z);
    for (let i = 0; i < cells; i++) {
      c[i] = sigmoid(z[2 * cells + i]) * c[i] + sigmoid(z[i]) * Math.tanh(z[3 * cells + i]);
      h[i] = sigmoid(z[cells + i]) * Math.tanh(c[i]);
    }
  }
}

const part = (values, way) => values.subarray((way * values.length) / 2, ((way + 1) * values.length) / 2);

export class Reader {
  constructor(module, { about, weights }) {
    this.about = about;
    const bytes = [...weights.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
    this.kernel = new Kernel(module, 1.25 * bytes + 65536);
    const names = [...weights.keys()].filter((name) => name.endsWith(".ih")).map((name) => name.slice(0, -3));
    this.layers = names.map((name) => new BothWays(this.kernel, weights, name));
    const { shape: [inputs, outputs], values } = weights.get("output.weight");
    const rows = Float32Array.from({ length: values.length }, (_, i) => values[(i % inputs) * outputs + Math.floor(i / inputs)]);
    this.output = this.kernel.matrix(rows, outputs, inputs, 4);
    this.outputBias = weights.get("output.bias").values;
    this.top = this.kernel.array(Float32Array, inputs);
    this.sums = this.kernel.array(Float32Array, outputs);
  }

  /** −log probability of a text given the ink, in nats a character (Graves et al. 2006, equations 5 to 8). */
  misreading(ink, text) {
    const known = [...text].map((character) => this.about.alphabet.indexOf(character)).filter((id) => id >= 0);
    const nothing = this.about.alphabet.length;
    const path = [nothing, ...known.flatMap((id) => [id, nothing])];
    let ways = new Array(path.length).fill(-Infinity);
    this.told(ink).forEach((row, t) => {
      ways = ways.map((way, i) => {
        if (t === 0) return i < 2 ? row[path[i]] : -Infinity;
        // A character may follow another without nothing between them, unless they are the same.
        const leaps = i > 2 && i % 2 === 1 && path[i] !== path[i - 2];
        return logSum([way, ways[i - 1] ?? -Infinity, leaps ? ways[i - 2] : -Infinity]) + row[path[i]];
      });
    });
    return -logSum(ways.slice(-2)) / text.length;
  }

  /** Log-probabilities of each symbol, the last one being none, at each pair of points. */
  told(ink) {
    return this.layers.reduce((rows, layer) => layer.over(rows), this.pairs(ink)).map((hidden) => this.logSoftmax(hidden));
  }

  pairs(ink) {
    const { mean, std } = this.about.normalisation;
    const offsets = offsetsOf(ink).map(([dx, dy, end]) => [(dx - mean[0]) / std[0], (dy - mean[1]) / std[1], end]);
    if (offsets.length % PAIR || !offsets.length) offsets.push([0, 0, 0]);
    return Array.from({ length: offsets.length / PAIR }, (_, i) => offsets.slice(PAIR * i, PAIR * (i + 1)).flat());
  }

  logSoftmax(hidden) {
    this.top.set(hidden);
    this.sums.set(this.outputBias);
    this.kernel.real(this.output, this.top, this.sums);
    const all = logSum(this.sums);
    return this.sums.map((value) => value - all);
  }
}

/** Ink in the size that a reader knows; lines of one corpus need no change. */
export function asRead(ink, reader, writer) {
  const scale = reader.about.normalisation.std[1] / writer.about.normalisation.std[1];
  return Math.abs(scale - 1) < 0.3 ? ink : moved(ink, ([x, y]) => [x * scale, y * scale]);
}

function logSum(values) {
  const top = Math.max(...values);
  return top === -Infinity ? top : top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}
