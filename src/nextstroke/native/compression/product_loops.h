// The loops of a product, in the namespace and with the instructions that product.cpp gives them. No include guard: it is
// read once for each processor. One template for all would not do: a function has the instructions that are allowed where
// it is defined. The namespace defines
//   ROWS  number of a tile's rows of weights in one vector of sums
//   WIDE  number of rows of inputs that are multiplied at once
//   Unit  type of a prepared byte of the inputs
//   EXTRA number of bytes after each prepared row
//   Sum, Part, Input and what is done with them: none, load, spread, add, store

constexpr Int UNIT = sizeof(Unit);

static void prepare(Int quads, const uint8_t* h, void* prepared) {
  Unit* to = static_cast<Unit*>(prepared);
  for (Int n = 0; n < quads * QUAD; ++n) to[n] = Unit(h[n] - 128);
  if (EXTRA) {
    int32_t sum = 0;
    for (Int n = 0; n < quads * QUAD; ++n) sum += h[n] - 128;
    sum *= 128;
    __builtin_memcpy(to + quads * QUAD, &sum, sizeof sum);
  }
}

// COUNT rows of inputs times VECTORS · ROWS rows of weights.
template <Int COUNT, Int VECTORS>
static void few(Int quads, const char* prepared, Int stride, const int8_t* weights, int32_t* sums) {
  Sum sum[COUNT][VECTORS];
#pragma GCC unroll 16
  for (Int row = 0; row < COUNT; ++row)
#pragma GCC unroll 16
    for (Int n = 0; n < VECTORS; ++n) sum[row][n] = none();
  for (Int quad = 0; quad < quads; ++quad) {
    Part part[VECTORS];
#pragma GCC unroll 16
    for (Int n = 0; n < VECTORS; ++n) part[n] = load(weights + quad * TILE * QUAD + n * ROWS * QUAD);
#pragma GCC unroll 16
    for (Int row = 0; row < COUNT; ++row) {
      const Input h = spread(reinterpret_cast<const Unit*>(prepared + row * stride) + quad * QUAD);
#pragma GCC unroll 16
      for (Int n = 0; n < VECTORS; ++n) sum[row][n] = add(sum[row][n], part[n], h);
    }
  }
#pragma GCC unroll 16
  for (Int row = 0; row < COUNT; ++row) {
#pragma GCC unroll 16
    for (Int n = 0; n < VECTORS; ++n) store(sum[row][n], sums + row * TILE + n * ROWS);
    if (EXTRA) {
      int32_t added;
      __builtin_memcpy(&added, prepared + row * stride + quads * QUAD, sizeof added);
      for (Int n = 0; n < TILE; ++n) sums[row * TILE + n] -= added;
    }
  }
}

// All rows of weights of a tile, VECTORS at a time.
template <Int COUNT, Int VECTORS>
static void tile(Int quads, const char* prepared, Int stride, const int8_t* weights, int32_t* sums) {
  for (Int n = 0; n < TILE / ROWS; n += VECTORS)
    few<COUNT, VECTORS>(quads, prepared, stride, weights + n * ROWS * QUAD, sums + n * ROWS);
}

template <Int COUNT>
static void rest(Int count, Int quads, const char* prepared, Int stride, const int8_t* weights, int32_t* sums) {
  constexpr Int ALL = TILE / ROWS, FEW = ALL < 2 ? ALL : 2, VECTORS = COUNT * ALL <= 8 ? ALL : FEW;
  if (count == COUNT) return tile<COUNT, VECTORS>(quads, prepared, stride, weights, sums);
  if constexpr (COUNT > 1) rest<COUNT - 1>(count, quads, prepared, stride, weights, sums);
}

static void multiply(
    Int count, Int quads, const void* prepared, Int stride, const int8_t* weights, int32_t* sums) {
  const char* rows = static_cast<const char*>(prepared);
  while (count > 0) {
    const Int now = count < WIDE ? count : WIDE;
    rest<WIDE>(now, quads, rows, stride, weights, sums);
    count -= now, rows += now * stride, sums += now * TILE;
  }
}
