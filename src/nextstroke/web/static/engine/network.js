// The networks of a model file, one step at a time (equations 1 to 11 and 46 to 52).

import { Kernel } from "./kernel.js";

const VECTOR = 16; // columns that the kernel multiplies at once

const round = (value) => Math.fround(Math.fround(value + 12582912) - 12582912); // halves to even, |value| < 2^22
const sigmoid = (value) => 1 / (1 + Math.exp(-value));
const tanh = (value) => 1 - 2 / (1 + Math.exp(2 * value)); // half the time of Math.tanh, and within 3e-16 of it

/** One LSTM layer with peepholes; hidden values are multiplied as int16, their weights as int8. */
class Layer {
  constructor(kernel, weights, number) {
    const name = `layers.${number}`;
    this.kernel = kernel;
    this.bias = weights.get(`${name}.bias`).values;
    this.peepholes = weights.get(`${name}.peepholes`).values;
    this.scale = weights.get(`${name}.hidden.scale`).values;
    // A hidden value of 1 is highStep × lowStep, as in the graph of the model file.
    this.highStep = weights.get("high_step").values[0];
    this.lowStep = weights.get("low_step").values[0];
    this.cells = this.bias.length / 4;
    const { shape: [inputs, outputs], values } = weights.get(`${name}.hidden.int8`);
    this.hidden = kernel.matrix(transposed(values, inputs, outputs), outputs, inputs, VECTOR);
    this.inputs = kernel.array(Int16Array, this.hidden.columns);
    this.sums = kernel.array(Int32Array, outputs);
    this.z = kernel.array(Float32Array, outputs);
  }

  /**
   * New h and c from the hidden vectors of the layer below and of the step before; `z` holds the sum of the bias and of the
   * other inputs.
   */
  step(hidden, h, c) {
    let position = 0;
    for (const vector of hidden) for (const value of vector) this.inputs[position++] = this.quantised(value);
    this.kernel.whole(this.hidden, this.inputs, this.sums);
    const { z, sums, scale, peepholes, cells, lowStep } = this;
    for (let i = 0; i < z.length; i++) z[i] += (sums[i] * scale[i]) / lowStep;
    for (let i = 0; i < cells; i++) {
      const input = sigmoid(z[i] + c[i] * peepholes[i]);
      const forget = sigmoid(z[cells + i] + c[i] * peepholes[cells + i]);
      c[i] = forget * c[i] + input * tanh(z[2 * cells + i]);
      h[i] = sigmoid(z[3 * cells + i] + c[i] * peepholes[2 * cells + i]) * tanh(c[i]);
    }
  }

  /** A hidden value as a whole number. */
  quantised(value) {
    const fine = Math.fround(value * this.highStep);
    const high = round(fine);
    return high * this.lowStep + round((fine - high) * this.lowStep);
  }
}

function transposed(values, rows, columns) {
  const result = new values.constructor(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c];
  return result;
}

/** The layers and the output that all networks have; a state is an object of arrays by name. */
class Network {
  constructor(module, { about, weights }) {
    this.about = about;
    this.kernel = new Kernel(module, weights);
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

  /** ŷ from the hidden vectors of all layers (equation 3); the next step overwrites the array. */
  predict(state) {
    let position = 0;
    for (const [i, { cells }] of this.layers.entries()) {
      this.top.set(state[`h${i + 1}`], position);
      position += cells;
    }
    this.sums.set(this.outputBias);
    this.kernel.real(this.output, this.top, this.sums);
    return this.sums;
  }

  /** One step of a layer whose `z` is set, from the new hidden vector of the layer below and its own. */
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
    this.inputWeights = this.layers.map((_, number) => this.matrix(weights.get(`layers.${number}.outside`)));
    this.inputs = this.kernel.array(Float32Array, this.inputWeights[0].columns);
    this.window = this.matrix(weights.get("layers.0.glance.weight"));
    this.windowBias = weights.get("layers.0.glance.bias").values;
    this.windowSums = this.kernel.array(Float32Array, this.window.rows);
    this.first = this.kernel.array(Float32Array, this.window.columns);
  }

  /**
   * Read a point and move the window over the text; changes `state`.
   * @param {Float32Array} point dx, dy normalised, end of stroke; zeros begin a line
   * @param {number[]} text ids of its characters
   * @returns {{y: Float32Array, phi: Float32Array}} ŷ and the window's weights, the last one after the text
   */
  step(point, text, state) {
    this.inputs.set(point);
    for (let number = 0; number < this.layers.length; number++) {
      this.inputs.set(state.w, 3); // for the first layer the window of the step before, for the others this step's
      this.layers[number].z.set(this.layers[number].bias);
      this.kernel.real(this.inputWeights[number], this.inputs, this.layers[number].z);
      this.stepLayer(number, state);
      if (number === 0) this.phi = this.moveWindow(text, state);
    }
    return { y: this.predict(state), phi: this.phi };
  }

  /** The window (equations 46 to 51): advances kappa and sets w. */
  moveWindow(text, state) {
    this.first.set(state.h1);
    this.windowSums.set(this.windowBias);
    this.kernel.real(this.window, this.first, this.windowSums);
    const count = state.kappa.length;
    const parameters = this.windowSums.map(Math.exp);
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
    this.none = file.weights.get("tables.0").shape[0] - 1; // the null vector's row
  }

  /** Read a symbol by its number, `none` before the first; changes `state`; gives ŷ. */
  step(symbol, state) {
    this.layers.forEach((layer, number) => {
      const width = layer.z.length;
      const row = this.tables[number].subarray(symbol * width, (symbol + 1) * width);
      for (let i = 0; i < width; i++) layer.z[i] = row[i] + layer.bias[i];
      this.stepLayer(number, state);
    });
    return this.predict(state);
  }
}
