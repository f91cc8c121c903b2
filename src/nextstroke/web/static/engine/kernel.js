// Room for the weights of one network, and the products with them (kernel.wat).

const PAGE = 65536;

export class Kernel {
  /** @param {WebAssembly.Module} module kernel.wasm @param {number} bytes room for all that will be placed */
  constructor(module, bytes) {
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) + 1 });
    this.functions = new WebAssembly.Instance(module, { room: { memory: this.memory } }).exports;
    this.free = 0;
  }

  /** An array in the room: zeros, `count` of a kind, at a place that suits vectors of 16 bytes. */
  array(Kind, count) {
    const placed = new Kind(this.memory.buffer, this.free, count);
    this.free += Math.ceil((count * Kind.BYTES_PER_ELEMENT) / 16) * 16;
    return placed;
  }

  /** A matrix in the room, its rows filled up with zeros to a multiple of `step` columns. */
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
