// Memory for the weights of one network, and the products with them (kernel.wat).

const PAGE = 65536; // bytes of a page of WebAssembly's memory
const SPARE = 1.25; // matrices are padded, and vectors of the states are added to the weights

export class Kernel {
  /** @param {WebAssembly.Module} module kernel.wasm @param {Map} weights of the network, by name as {values} */
  constructor(module, weights) {
    const bytes = [...weights.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((SPARE * bytes) / PAGE) + 2 });
    /** @type {any} */
    this.functions = new WebAssembly.Instance(module, { room: { memory: this.memory } }).exports;
    this.free = 0;
  }

  /** An array of `count` zeros, aligned to vectors of 16 bytes. */
  array(Kind, count) {
    const placed = new Kind(this.memory.buffer, this.free, count);
    this.free += Math.ceil((count * Kind.BYTES_PER_ELEMENT) / 16) * 16;
    return placed;
  }

  /** A matrix with its rows padded with zeros to a multiple of `step` columns. */
  matrix(values, rows, columns, step) {
    const wide = Math.ceil(columns / step) * step;
    const placed = this.array(values.constructor, rows * wide);
    for (let row = 0; row < rows; row++) {
      placed.set(values.subarray(row * columns, (row + 1) * columns), row * wide);
    }
    return { values: placed, rows, columns: wide };
  }

  /** sums = matrix · inputs, int8 with int16. */
  whole(matrix, inputs, sums) {
    const { values, rows, columns } = matrix;
    this.functions.whole(values.byteOffset, inputs.byteOffset, sums.byteOffset, rows, columns);
  }

  /** sums += matrix · inputs, float32. */
  real(matrix, inputs, sums) {
    const { values, rows, columns } = matrix;
    this.functions.real(values.byteOffset, inputs.byteOffset, sums.byteOffset, rows, columns);
  }
}
