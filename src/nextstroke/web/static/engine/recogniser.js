// The network that recognises whole lines, to choose the candidate that reads best (handwriting/recogniser.py).

import { constants } from "./constants.js";
import { offsetsOf } from "./ink.js";
import { Kernel } from "./kernel.js";

const sigmoid = (value) => 1 / (1 + Math.exp(-value));

/** A bidirectional LSTM layer without peepholes, in ONNX's order of gates: input, output, forget, cell. */
class BidirectionalLayer {
  constructor(kernel, weights, name) {
    const { shape: [, gates, inputs], values: input } = weights.get(`${name}.ih`);
    const recurrent = weights.get(`${name}.hh`).values;
    const biases = weights.get(`${name}.bias`).values;
    this.cells = gates / 4;
    this.kernel = kernel;
    this.directions = [0, 1].map((direction) => {
      const [own, recurrentBias] = [0, gates].map((from) => half(biases, direction).slice(from, from + gates));
      return {
        input: kernel.matrix(half(input, direction), gates, inputs, 4),
        recurrent: kernel.matrix(half(recurrent, direction), gates, this.cells, 4),
        bias: own.map((value, i) => value + recurrentBias[i]),
      };
    });
    this.input = kernel.array(Float32Array, this.directions[0].input.columns);
    this.h = kernel.array(Float32Array, this.cells);
    this.z = kernel.array(Float32Array, gates);
  }

  /** The hidden vectors of both directions, concatenated, for each row. */
  run(rows) {
    const result = rows.map(() => new Float32Array(2 * this.cells));
    this.directions.forEach((direction, number) => {
      const c = new Float32Array(this.cells);
      this.h.fill(0);
      for (let i = 0; i < rows.length; i++) {
        const t = number ? rows.length - 1 - i : i;
        this.step(direction, rows[t], c);
        result[t].set(this.h, number * this.cells);
      }
    });
    return result;
  }

  step({ input, recurrent, bias }, row, c) {
    const { z, h, cells } = this;
    this.input.set(row);
    z.set(bias);
    this.kernel.real(input, this.input, z);
    this.kernel.real(recurrent, h, z);
    for (let i = 0; i < cells; i++) {
      c[i] = sigmoid(z[2 * cells + i]) * c[i] + sigmoid(z[i]) * Math.tanh(z[3 * cells + i]);
      h[i] = sigmoid(z[cells + i]) * Math.tanh(c[i]);
    }
  }
}

/** The half of an array that belongs to a direction, 0 or 1. */
const half = (values, direction) => values.subarray((direction * values.length) / 2, ((direction + 1) * values.length) / 2);

export class Recogniser {
  constructor(module, { about, weights }) {
    this.about = about;
    this.kernel = new Kernel(module, weights);
    const names = [...weights.keys()].filter((name) => name.endsWith(".ih")).map((name) => name.slice(0, -3));
    this.layers = names.map((name) => new BidirectionalLayer(this.kernel, weights, name));
    const { shape: [inputs, outputs], values } = weights.get("output.weight");
    const rows = Float32Array.from({ length: values.length }, (_, i) => values[(i % inputs) * outputs + Math.floor(i / inputs)]);
    this.output = this.kernel.matrix(rows, outputs, inputs, 4);
    this.outputBias = weights.get("output.bias").values;
    this.top = this.kernel.array(Float32Array, inputs);
    this.sums = this.kernel.array(Float32Array, outputs);
  }

  /** −log probability of a text given the ink, in nats a character (Graves et al. 2006, equations 5 to 8). */
  ctcNll(ink, text) {
    const known = [...text].map((character) => this.about.alphabet.indexOf(character)).filter((id) => id >= 0);
    const blank = this.about.alphabet.length;
    const path = [blank, ...known.flatMap((id) => [id, blank])];
    let alpha = new Array(path.length).fill(-Infinity);
    this.logProbabilities(ink).forEach((row, t) => {
      alpha = alpha.map((value, i) => {
        if (t === 0) return i < 2 ? row[path[i]] : -Infinity;
        // A character may follow another without a blank between them, unless they are the same.
        const skips = i > 2 && i % 2 === 1 && path[i] !== path[i - 2];
        return logSum([value, alpha[i - 1] ?? -Infinity, skips ? alpha[i - 2] : -Infinity]) + row[path[i]];
      });
    });
    return -logSum(alpha.slice(-2)) / text.length;
  }

  /** Log-probabilities of the symbols and of the blank, the last one, at each pair of points. */
  logProbabilities(ink) {
    const hidden = this.layers.reduce((rows, layer) => layer.run(rows), this.pairs(ink));
    return hidden.map((row) => this.logSoftmax(row));
  }

  pairs(ink) {
    const { PAIR } = constants.recogniser;
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

function logSum(values) {
  const top = Math.max(...values);
  return top === -Infinity ? top : top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}
