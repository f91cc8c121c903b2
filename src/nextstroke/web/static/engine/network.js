// The networks of a model file, one step at a time (equations 1 to 11 and 46 to 52).

import { Kernel } from "./kernel.js";

const FINE = 254; // a hidden value is 127 × 254 steps to one, as in the model file's own graph
const VECTOR = 16; // columns that the kernel takes at once

const round = (value) => Math.fround(Math.fround(value + 12582912) - 12582912); // halves to even, |value| < 2^22
const sigmoid = (value) => 1 / (1 + Math.exp(-value));

/** One LSTM layer with peepholes; what is hidden comes as int16, its weights as int8. */
class Layer {
  constructor(kernel, weights, number) {
    const name = `layers.${number}`;
    this.kernel = kernel;
    this.bias = weights.get(`${name}.bias`).values;
    this.peepholes = weights.get(`${name}.peepholes`).values;
    this.scale = weights.get(`${name}.hidden.scale`).values;
    this.cells = this.bias.length / 4;
    const { shape: [inputs, outputs], values } = weights.get(`${name}.hidden.int8`);
    this.hidden = kernel.matrix(turned(values, inputs, outputs), outputs, inputs, VECTOR);
    this.inputs = kernel.array(Int16Array, this.hidden.columns);
    this.sums = kernel.array(Int32Array, outputs);
    this.z = kernel.array(Float32Array, outputs);
  }

  /** New h and c from `z`, which holds the rest of the pre-activations, and the hidden vectors from below and before. */
  step(hidden, h, c) {
    let place = 0;
    for (const vector of hidden) for (const value of vector) this.inputs[place++] = inSteps(value);
    this.kernel.whole(this.hidden, this.inputs, this.sums);
    const { z, sums, scale, peepholes, cells } = this;
    for (let i = 0; i < z.length; i++) z[i] += (sums[i] * scale[i]) / FINE;
    for (let i = 0; i < cells; i++) {
      const input = sigmoid(z[i] + c[i] * peepholes[i]);
      const forget = sigmoid(z[cells + i] + c[i] * peepholes[cells + i]);
      c[i] = forget * c[i] + input * Math.tanh(z[2 * cells + i]);
      h[i] = sigmoid(z[3 * cells + i] + c[i] * peepholes[2 * cells + i]) * Math.tanh(c[i]);
    }
  }
}

function inSteps(value) {
  const fine = Math.fround(value * 127), high = round(fine);
  return high * FINE + round((fine - high) * FINE);
}

function turned(values, rows, columns) {
  const result = new values.constructor(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c];
  return result;
}

/** What all networks have: layers, an output, and states by name. */
class Network {
  constructor(module, { about, weights }) {
    this.about = about;
    const bytes = [...weights.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
    this.kernel = new Kernel(module, 1.25 * bytes + 65536);
    const count = Object.keys(about.states).filter((name) => /^h\d+$/.test(name)).length;
    this.layers = Array.from({ length: count }, (_, number) => new Layer(this.kernel, weights, number));
    this.output = this.matrix(weights.get("output.weight"));
    this.outputBias = weights.get("output.bias").values;
    this.top = this.kernel.array(Float32Array, this.output.columns);
    this.sums = this.kernel.array(Float32Array, this.output.rows);
  }

  matrix({ shape, values }) {
    return this.kernel.matrix(values, shape[0], shape[1], 4);
  }

  /** The state before the first step. */
  start() {
    const widths = Object.entries(this.about.states);
    return Object.fromEntries(widths.map(([name, width]) => [name, new Float32Array(width)]));
  }

  /** ŷ from the hidden vectors of all layers (equation 3); the array is used again by the next step. */
  predict(state) {
    this.layers.reduce((place, { cells }, i) => (this.top.set(state[`h${i + 1}`], place), place + cells), 0);
    this.sums.set(this.outputBias);
    this.kernel.real(this.output, this.top, this.sums);
    return this.sums;
  }

  /** One step of a layer whose `z` is set, on the layer below's new hidden vector and its own. */
  stepLayer(number, state) {
    const hidden = [`h${number}`, `h${number + 1}`].filter((name) => name in state).map((name) => state[name]);
    this.layers[number].step(hidden, state[`h${number + 1}`], state[`c${number + 1}`]);
  }
}

/** The synthesis network (section 5.1). */
export class WriterNetwork extends Network {
  constructor(module, file) {
    super(module, file);
    const { weights } = file;
    this.outside = this.layers.map((_, number) => this.matrix(weights.get(`layers.${number}.outside`)));
    this.seen = this.kernel.array(Float32Array, this.outside[0].columns);
    this.glance = this.matrix(weights.get("layers.0.glance.weight"));
    this.glanceBias = weights.get("layers.0.glance.bias").values;
    this.glanceSums = this.kernel.array(Float32Array, this.glance.rows);
    this.first = this.kernel.array(Float32Array, this.glance.columns);
  }

  /**
   * Take in a point and look at the text; changes `state`.
   * @param {Float32Array} point dx, dy normalised, end of stroke; zeros begin a line
   * @param {number[]} text ids of its characters
   * @returns {{y: Float32Array, phi: Float32Array}} ŷ and the window's weights, the last one behind the text
   */
  step(point, text, state) {
    this.seen.set(point);
    for (let number = 0; number < this.layers.length; number++) {
      this.seen.set(state.w, 3); // the window of the step before for the first layer, today's for the others
      this.layers[number].z.set(this.layers[number].bias);
      this.kernel.real(this.outside[number], this.seen, this.layers[number].z);
      this.stepLayer(number, state);
      if (number === 0) this.phi = this.look(text, state);
    }
    return { y: this.predict(state), phi: this.phi };
  }

  /** The window (equations 46 to 51): moves kappa on and sets w. */
  look(text, state) {
    this.first.set(state.h1);
    this.glanceSums.set(this.glanceBias);
    this.kernel.real(this.glance, this.first, this.glanceSums);
    const count = state.kappa.length, parameters = this.glanceSums.map(Math.exp);
    const phi = new Float32Array(text.length + 1);
    for (let k = 0; k < count; k++) {
      state.kappa[k] += parameters[2 * count + k];
      for (let u = 0; u < phi.length; u++) {
        const distance = state.kappa[k] - (u + 1);
        phi[u] += parameters[k] * Math.exp(-parameters[count + k] * distance * distance);
      }
    }
    state.w.fill(0);
    text.forEach((id, u) => (state.w[id] += phi[u]));
    return phi;
  }
}

/** The text network (section 2); its symbols are bytes. */
export class TextNetwork extends Network {
  constructor(module, file) {
    super(module, file);
    this.tables = this.layers.map((_, number) => file.weights.get(`tables.${number}`).values);
    this.nothing = file.weights.get("tables.0").shape[0] - 1; // the null vector's row
  }

  /** Take in a symbol by its number, `nothing` before the first; changes `state`; gives ŷ. */
  step(symbol, state) {
    this.layers.forEach((layer, number) => {
      const width = layer.z.length, row = this.tables[number].subarray(symbol * width, (symbol + 1) * width);
      for (let i = 0; i < width; i++) layer.z[i] = row[i] + layer.bias[i];
      this.stepLayer(number, state);
    });
    return this.predict(state);
  }
}
