// Exact products of bytes and int8 weights, as integer_matmul.py has them: (h − 128) · W in sums of 32 bits.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "exact.h"

constexpr Int TILE = 16, QUAD = 4;  // rows and inputs that lie together

// Both rows and inputs are filled up to whole tiles.
inline Int tiles_of(Int count) { return (count + TILE - 1) / TILE; }
inline Int quads_of(Int inputs) { return tiles_of(inputs) * (TILE / QUAD); }

// To the nearest whole number, halves to the even one, as numpy's rint: for values below 2^22.
constexpr float HALVES_TO_EVEN = 12582912.0f;  // 1.5 · 2^23: a float of that size holds whole numbers only
inline float rounded(float value) { return (value + HALVES_TO_EVEN) - HALVES_TO_EVEN; }

// A step of one tile of inputs of `rows` rows (online_weights.py): to `kept` (rows, TILE) comes steps · by_row · by_input,
// between −most and most; `used`, a tile of weights, is the same in whole numbers.
struct Move {
  Int rows;
  const int32_t* steps;
  const float *by_row, *by_input;
  float most;
  float* kept;
  int8_t* used;
};

// The instructions of one kind of processor.
struct Kernel {
  const char* name;
  Int unit;   // bytes of one input as `prepare` leaves it
  Int extra;  // bytes after each row of them
  bool (*runs)();
  // One row of bytes, `quads` · QUAD of them, becomes what `multiply` reads.
  void (*prepare)(Int quads, const uint8_t* h, void* prepared);
  // sums (count, TILE) of `count` prepared rows, `stride` bytes apart, and one tile of weights, (quads, TILE, QUAD).
  void (*multiply)(Int count, Int quads, const void* prepared, Int stride, const int8_t* weights, int32_t* sums);
  void (*move)(const Move& of);
};

// The fastest that runs on this processor, or the one named in NEXTSTROKE_INSTRUCTIONS.
const Kernel& kernel();

// Memory that begins at a multiple of 64 bytes, all zeros.
template <class T>
class Aligned {
 public:
  explicit Aligned(Int size) {
    const size_t bytes = (size_t(size) * sizeof(T) / 64 + 1) * 64;
    void* made = nullptr;
    if (posix_memalign(&made, 64, bytes)) throw std::bad_alloc();
    memory.reset(static_cast<T*>(made));
    std::memset(made, 0, bytes);
  }
  T* data() { return memory.get(); }
  const T* data() const { return memory.get(); }
  T& operator[](Int n) { return memory.get()[n]; }
  const T& operator[](Int n) const { return memory.get()[n]; }

 private:
  struct Free {
    void operator()(T* place) const { free(place); }
  };
  std::unique_ptr<T[], Free> memory;
};

// int8 weights (rows, inputs) as (tiles, quads, TILE, QUAD), with zeros where there are none.
struct Weights {
  Int rows, inputs, tiles, quads;
  Aligned<int8_t> all;

  Weights(Int rows, Int inputs)
      : rows(rows), inputs(inputs), tiles(tiles_of(rows)), quads(quads_of(inputs)), all(tiles * quads * TILE * QUAD) {}

  // From some columns of a matrix whose rows are `stride` apart.
  Weights(Int rows, Int inputs, const int8_t* whole, Int stride) : Weights(rows, inputs) {
    for (Int row = 0; row < rows; ++row)
      for (Int n = 0; n < inputs; ++n) all[place(row, n)] = whole[row * stride + n];
  }

  Int place(Int row, Int input) const {
    return ((row / TILE * quads + input / QUAD) * TILE + row % TILE) * QUAD + input % QUAD;
  }
  const int8_t* tile(Int n) const { return all.data() + n * quads * TILE * QUAD; }
  int8_t* tile(Int n) { return all.data() + n * quads * TILE * QUAD; }
};

// Rows of bytes, ready to be multiplied.
class Rows {
 public:
  Rows(Int count, Int inputs)
      : count(count), quads(quads_of(inputs)), inputs(inputs), stride(quads * QUAD * kernel().unit + kernel().extra),
        padded(quads * QUAD), prepared(count * stride) {}

  // Row `row` becomes these bytes.
  void set(Int row, const uint8_t* h) {
    std::memset(padded.data() + inputs, 128, quads * QUAD - inputs);
    std::memcpy(padded.data(), h, inputs);
    kernel().prepare(quads, padded.data(), prepared.data() + row * stride);
  }
  void set_all(const uint8_t* h) {
    for (Int row = 0; row < count; ++row) set(row, h + row * inputs);
  }

  // sums (count, TILE) with one tile of weights.
  void times(const int8_t* tile, int32_t* sums) const {
    kernel().multiply(count, quads, prepared.data(), stride, tile, sums);
  }

 private:
  Int count, quads, inputs, stride;
  Aligned<uint8_t> padded, prepared;
};

// sums (count, W's rows) of rows of bytes (count, W's inputs).
inline void multiply(Int count, const uint8_t* h, const Weights& weights, int32_t* sums) {
  if (!weights.inputs) std::memset(sums, 0, count * weights.rows * sizeof(int32_t));
  if (!weights.inputs) return;
  Rows rows(count, weights.inputs);
  rows.set_all(h);
  Aligned<int32_t> part(count * TILE);
  for (Int tile = 0; tile < weights.tiles; ++tile) {
    rows.times(weights.tile(tile), part.data());
    const Int width = std::min(TILE, weights.rows - tile * TILE);
    for (Int row = 0; row < count; ++row)
      std::copy_n(part.data() + row * TILE, width, sums + row * weights.rows + tile * TILE);
  }
}
