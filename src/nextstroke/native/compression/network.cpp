// What lstm_layer.py, adaptive_layer.py, online_weights.py and output_layer.py do between two products: float32, one operation on one number at
// a time, in the order that stands there, and so the same numbers.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "exact.h"

static_assert(FLT_EVAL_METHOD == 0, "floats must be rounded after every operation");

namespace {

// Arrays that do not overlap.
template <class T>
using In = const T* __restrict;
template <class T>
using Out = T* __restrict;

inline float bounded(float value, float most) { return std::min(std::max(value, -most), most); }

// activations.py's.
struct Gates {
  float far, over0, over1, over2, under0, under1, under2, under3;

  float tanh(float x) const {
    x = bounded(x, far);
    const float square = x * x;
    const float over = ((square + over0) * square + over1) * square + over2;
    return over * x / (((square * under0 + under1) * square + under2) * square + under3);
  }

  float sigmoid(float x) const { return tanh(x * 0.5f) * 0.5f + 0.5f; }
};

}  // namespace

// What lstm_layer.py knows of a step but for its sums: `rows` rows of cells, `blocks` of them for each pass through the
// layer; of the last pass the gates are kept. Mirrors lstm_layer.py's.
struct Step {
  Int rows, blocks, cells;
  const float *scale, *table;
  const Int* byte;
  float unit;
  const float *before, *peepholes;
  float far;
  const float *over, *under;
  float most, one, zero;
  float* after;
  uint8_t* h;
  float* gates;
};

// Through the gates from sums (rows, 4 cells); to all passes comes `beneath`, to the last one `learned`, both
// (blocks, 4 cells), if there are any.
EXPORTED FAST void layer_advance(const Step* step, In<int32_t> sums, In<int32_t> beneath, In<int32_t> learned) {
  const Step of = *step;
  const Gates gate{of.far, of.over[0], of.over[1], of.over[2], of.under[0], of.under[1], of.under[2], of.under[3]};
  const Int cells = of.cells;
  const std::vector<int32_t> nothing(4 * cells);
  std::vector<float> unkept(5 * cells), all(4 * cells);
  Out<float> z = all.data();
  for (Int row = 0; row < of.rows; ++row) {
    const Int last = row - (of.rows - of.blocks), apart = last < 0 ? cells : of.blocks * cells;
    In<int32_t> sum = sums + row * 4 * cells;
    In<int32_t> below = beneath ? beneath + row % of.blocks * 4 * cells : nothing.data();
    In<int32_t> more = learned && last >= 0 ? learned + last * 4 * cells : nothing.data();
    In<float> symbol = of.table + of.byte[row % of.blocks] * 4 * cells, before = of.before + row * cells;
    Out<float> after = of.after + row * cells, kept = last < 0 ? unkept.data() : of.gates + last * cells;
    Out<uint8_t> h = of.h + row * cells;
    for (Int n = 0; n < 4 * cells; ++n)
      z[n] = (float(sum[n] + below[n]) * of.scale[n] + symbol[n]) + float(more[n]) * of.unit;
#pragma GCC ivdep  // none of these arrays overlap
    for (Int n = 0; n < cells; ++n) {
      const float i = gate.sigmoid(z[n] + before[n] * of.peepholes[n]);
      const float f = gate.sigmoid(z[cells + n] + before[n] * of.peepholes[cells + n]);
      const float g = gate.tanh(z[2 * cells + n]), c = bounded(f * before[n] + i * g, of.most);
      const float o = gate.sigmoid(z[3 * cells + n] + c * of.peepholes[2 * cells + n]), squashed = gate.tanh(c);
      after[n] = c;
      h[n] = uint8_t(std::rint(o * squashed * of.one) + of.zero);
      kept[n] = i, kept[apart + n] = f, kept[2 * apart + n] = g, kept[3 * apart + n] = o;
      kept[4 * apart + n] = squashed;
    }
  }
}

// adaptive_layer.py: by how much the pre-activations were too low.
EXPORTED FAST void layer_errors(
    Int blocks, Int cells, In<float> slope, In<float> gates, In<float> before, float unit, float most,
    Out<int8_t> errors) {
  const Int size = blocks * cells;
  for (Int block = 0; block < blocks; ++block)
    for (Int n = 0; n < cells; ++n) {
      const Int place = block * cells + n;
      const float* gate = gates + place;
      const float i = gate[0], f = gate[size], g = gate[2 * size], o = gate[3 * size], squashed = gate[4 * size];
      const float by_h = slope[place] * unit, by_c = by_h * o * (1 - squashed * squashed);
      int8_t* error = errors + 4 * block * cells + n;
      error[0] = int8_t(std::rint(bounded(by_c * g * (i * (1 - i)), most)));
      error[cells] = int8_t(std::rint(bounded(by_c * before[place] * (f * (1 - f)), most)));
      error[2 * cells] = int8_t(std::rint(bounded(by_c * i * (1 - g * g), most)));
      error[3 * cells] = int8_t(std::rint(bounded(by_h * squashed * (o * (1 - o)), most)));
    }
}

// online_weights.py: squares of h (steps, inputs) and of errors (steps, rows) are added up, and h is turned.
EXPORTED FAST void learned_look(
    Int steps, Int inputs, Int rows, In<uint8_t> h, In<int8_t> errors, Int zero, Out<Int> input_squares,
    Out<Int> row_squares, Out<uint8_t> turned) {
  constexpr Int AT_ONCE = 32;
  std::vector<int32_t> by_input(inputs), by_row(rows);
  for (Int step = 0; step < steps; ++step) {
    for (Int n = 0; n < inputs; ++n) {
      const int32_t away = h[step * inputs + n] - int32_t(zero);
      by_input[n] += away * away;
    }
    for (Int n = 0; n < rows; ++n) by_row[n] += int32_t(errors[step * rows + n]) * errors[step * rows + n];
  }
  for (Int n = 0; n < inputs; ++n) input_squares[n] += by_input[n];
  for (Int n = 0; n < rows; ++n) row_squares[n] += by_row[n];
  for (Int first = 0; first < inputs; first += AT_ONCE)
    for (Int step = 0; step < steps; ++step)
      for (Int n = first; n < std::min(first + AT_ONCE, inputs); ++n) turned[n * steps + step] = h[step * inputs + n];
}

// online_weights.py: add a step to some columns of the additions.
EXPORTED FAST void learned_move(
    Int inputs, Int rows, Int first, Int count, In<int32_t> steps, In<float> by_row, In<float> by_input,
    float most, Out<float> kept, Out<int8_t> used) {
  for (Int input = 0; input < inputs; ++input)
    for (Int n = 0; n < count; ++n) {
      const Int place = input * rows + first + n;
      const float step = float(steps[input * count + n]) * by_row[first + n] * by_input[input];
      kept[place] = bounded(kept[place] + step, most);
      used[place] = int8_t(std::rint(kept[place]));
    }
}

// output_layer.py: frequencies of all symbols; to the last `blocks` rows is added what was learned.
EXPORTED FAST void output_frequencies(
    Int rows, Int blocks, Int symbols, In<int32_t> sums, In<float> scale, In<float> bias, In<int32_t> learned,
    float unit, float step, Int count, In<Int> table, Out<Int> frequencies) {
  std::vector<float> logits(symbols);
  for (Int row = 0; row < rows; ++row) {
    const Int last = row - (rows - blocks);
    float most = -INFINITY;
    for (Int n = 0; n < symbols; ++n) {
      float logit = float(sums[row * symbols + n]) * scale[n] + bias[n];
      if (last >= 0) logit += float(learned[last * symbols + n]) * unit;
      logits[n] = logit, most = std::max(most, logit);
    }
    for (Int n = 0; n < symbols; ++n)
      frequencies[row * symbols + n] = table[int32_t(std::rint(std::min((most - logits[n]) * step, float(count - 1))))];
  }
}

// output_layer.py: by how much each logit was too low.
EXPORTED FAST void output_errors(
    Int blocks, Int symbols, In<Int> frequencies, In<Int> byte, Int places, Out<int8_t> errors) {
  for (Int block = 0; block < blocks; ++block) {
    const Int* of_symbol = frequencies + block * symbols;
    Int total = 0;
    for (Int n = 0; n < symbols; ++n) total += of_symbol[n];
    for (Int n = 0; n < symbols; ++n)
      errors[block * symbols + n] = int8_t(-(((of_symbol[n] << places) + total / 2) / total));
    errors[block * symbols + byte[block]] += int8_t(1 << places);
  }
}
