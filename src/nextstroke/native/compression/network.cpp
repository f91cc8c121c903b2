// exact_network.py and its layers in C++: products of whole numbers, and between them float32, one operation on one
// number at a time, in the order of lstm_layer.py, adaptive_layer.py, online_weights.py and output_layer.py; and so the
// same numbers.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "exact.h"
#include "product.h"

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

// Mirrors of native_network.py's structures: what is known of a layer, of learning while coding, and of a network.
struct LayerNumbers {
  Int cells, below;  // inputs from the layer below
  const int8_t* whole;
  const float *scale, *table, *peepholes;
};
struct Teaching {
  Int first, steps;
  double rate;
  float unit;
};
struct NetworkNumbers {
  Int layers, symbols;
  const LayerNumbers* layer;
  const int8_t *output, *back;
  const float *scale, *bias;
  float far;
  const float *over, *under;
  float most_cell, most_learned, one, zero, error, most_error;
  Teaching top, last;
  float logit_step, back_unit;
  Int error_places, logits;
  const Int* frequencies;
};

namespace {

// A step of a layer but for its sums: `rows` rows of cells, `blocks` of them for each pass through the layer; of the last
// pass the gates are kept.
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
FAST void layer_advance(const Step& of, In<int32_t> sums, In<int32_t> beneath, In<int32_t> learned) {
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
      h[n] = uint8_t(rounded(o * squashed * of.one) + of.zero);
      kept[n] = i, kept[apart + n] = f, kept[2 * apart + n] = g, kept[3 * apart + n] = o;
      kept[4 * apart + n] = squashed;
    }
  }
}

// adaptive_layer.py: by how much the pre-activations were too low.
FAST void layer_errors(
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
      error[0] = int8_t(rounded(bounded(by_c * g * (i * (1 - i)), most)));
      error[cells] = int8_t(rounded(bounded(by_c * before[place] * (f * (1 - f)), most)));
      error[2 * cells] = int8_t(rounded(bounded(by_c * i * (1 - g * g), most)));
      error[3 * cells] = int8_t(rounded(bounded(by_h * squashed * (o * (1 - o)), most)));
    }
}

// online_weights.py: squares of h (steps, inputs) or of errors, both bytes of 128 more, are added up.
FAST void add_squares(Int steps, Int width, In<uint8_t> bytes, Out<Int> squares) {
  std::vector<int32_t> sums(width);
  for (Int step = 0; step < steps; ++step)
    for (Int n = 0; n < width; ++n) {
      const int32_t away = bytes[step * width + n] - 128;
      sums[n] += away * away;
    }
  for (Int n = 0; n < width; ++n) squares[n] += sums[n];
}

// output_layer.py: frequencies of all symbols; to the last `blocks` rows is added what was learned.
FAST void output_frequencies(
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
      frequencies[row * symbols + n] = table[int32_t(rounded(std::min((most - logits[n]) * step, float(count - 1))))];
  }
}

// output_layer.py: by how much each logit was too low.
FAST void output_errors(
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

// online_weights.py.
class Learned {
 public:
  Learned(Int inputs, Int rows, const Teaching& of, float most)
      : of(of), most(most), used(rows, inputs), kept(used.tiles * tiles_of(inputs) * TILE * TILE),
        row_squares(rows, of.first), input_squares(inputs, 127 * 127) {}

  float unit() const { return of.unit; }
  void sums(Int count, const uint8_t* h, int32_t* to) const { multiply(count, h, used, to); }

  // Learn from one byte of each block: h (blocks, inputs), errors (blocks, rows).
  void observe(Int blocks, const uint8_t* h, const int8_t* error) {
    seen.insert(seen.end(), h, h + blocks * used.inputs);
    for (Int n = 0; n < blocks * used.rows; ++n) errors.push_back(uint8_t(error[n]) ^ 128);
    if (++observed < of.steps) return;
    learn(Int(seen.size()) / used.inputs);
    seen.clear(), errors.clear(), observed = 0;
  }

 private:
  const Teaching of;
  const float most;
  Weights used;
  Aligned<float> kept;  // (tiles of rows, tiles of inputs, TILE, TILE)
  std::vector<Int> row_squares, input_squares;
  std::vector<uint8_t> seen, errors;  // errors with 128 more
  Int observed = 0;

  void learn(Int times) {
    add_squares(times, used.inputs, seen.data(), input_squares.data());
    add_squares(times, used.rows, errors.data(), row_squares.data());
    std::vector<float> by_row(used.rows), by_input(tiles_of(used.inputs) * TILE);
    for (Int n = 0; n < used.rows; ++n) by_row[n] = float(of.rate / std::sqrt(double(row_squares[n])));
    Int sum = 0;
    for (const Int squares : input_squares) sum += squares;
    const double mean = double(sum) / double(used.inputs);
    for (Int n = 0; n < used.inputs; ++n) by_input[n] = float(std::sqrt(mean / double(input_squares[n])));
    const Weights inputs = inputs_over_time(times);
    for (Int first = 0; first < used.rows; first += TOGETHER)
      learn_rows(first, std::min(TOGETHER, used.rows - first), times, inputs, by_row.data(), by_input.data());
  }

  static constexpr Int TOGETHER = 3 * TILE;  // rows: a cache holds their errors, and they fill all kernels

  Weights inputs_over_time(Int times) const {
    Weights turned(used.inputs, times);
    for (Int tile = 0; tile < turned.tiles; ++tile) {
      const Int width = std::min(TILE, used.inputs - tile * TILE);
      for (Int time = 0; time < times; ++time) {
        const uint8_t* from = seen.data() + time * used.inputs + tile * TILE;
        int8_t* to = turned.tile(tile) + time / QUAD * TILE * QUAD + time % QUAD;
        for (Int n = 0; n < width; ++n) to[n * QUAD] = int8_t(from[n] ^ 128);
      }
    }
    return turned;
  }

  void learn_rows(Int first, Int count, Int times, const Weights& inputs, const float* by_row, const float* by_input) {
    std::vector<uint8_t> turned(count * times);
    for (Int time = 0; time < times; ++time)
      for (Int row = 0; row < count; ++row) turned[row * times + time] = errors[time * used.rows + first + row];
    Rows rows(count, times);
    rows.set_all(turned.data());
    Aligned<int32_t> steps(count * TILE);
    for (Int tile = 0; tile < inputs.tiles; ++tile) {
      rows.times(inputs.tile(tile), steps.data());
      for (Int row = 0; row < count; row += TILE) {
        const Int above = (first + row) / TILE;
        kernel().move({std::min(TILE, count - row), steps.data() + row * TILE, by_row + first + row,
                       by_input + tile * TILE, most, kept.data() + (above * inputs.tiles + tile) * TILE * TILE,
                       used.tile(above) + tile * TILE * TILE});
      }
    }
  }
};

// lstm_layer.py; of the last layer two passes, of which the second learns (adaptive_layer.py).
class Layer {
 public:
  Layer(const NetworkNumbers& network, const LayerNumbers& of)
      : network(network), of(of), from_below(4 * of.cells, of.below, of.whole, of.below + of.cells),
        recurrent(4 * of.cells, of.cells, of.whole + of.below, of.below + of.cells) {}

  void start(Int blocks, Int passes) {
    this->blocks = blocks, rows = blocks * passes;
    h.assign(rows * of.cells, uint8_t(network.zero));
    c.assign(rows * of.cells, 0), before.assign(rows * of.cells, 0), gates.assign(5 * blocks * of.cells, 0);
    sums.resize(rows * 4 * of.cells), beneath.resize(blocks * 4 * of.cells);
  }

  // One time step; `learned` (blocks, 4 cells) in units of `unit` comes to the last pass.
  void advance(const Int* byte, const uint8_t* below, const int32_t* learned, float unit) {
    multiply(rows, h.data(), recurrent, sums.data());
    if (below) multiply(blocks, below, from_below, beneath.data());
    std::swap(before, c);
    const Step step{rows, blocks, of.cells, of.scale, of.table, byte, unit, before.data(), of.peepholes, network.far,
                    network.over, network.under, network.most_cell, network.one, network.zero, c.data(), h.data(),
                    gates.data()};
    layer_advance(step, sums.data(), below ? beneath.data() : nullptr, learned);
  }

  const NetworkNumbers& network;
  const LayerNumbers of;
  Int blocks = 0, rows = 0;
  std::vector<uint8_t> h;              // (rows, cells)
  std::vector<float> c, before, gates; // (rows, cells), (5, blocks, cells)

 private:
  const Weights from_below, recurrent;
  std::vector<int32_t> sums, beneath;
};

}  // namespace

class Network {
 public:
  explicit Network(const NetworkNumbers& given)
      : of(given), output(of.symbols, width(), of.output, width()), back(cells(), of.symbols) {
    for (Int n = 0; n < of.layers; ++n) layers.push_back(std::make_unique<Layer>(of, of.layer[n]));
    for (Int row = 0; row < cells(); ++row)
      for (Int n = 0; n < of.symbols; ++n) back.all[back.place(row, n)] = of.back[n * cells() + row];
  }

  void start(Int count, bool learning) {
    blocks = count, passes = learning ? 2 : 1;
    for (Int n = 0; n < of.layers; ++n) layers[n]->start(blocks, n + 1 < of.layers ? 1 : passes);
    of_top.reset(), of_output.reset();
    h.assign(passes * blocks * width(), 0), sums.resize(passes * blocks * of.symbols);
    if (!learning) return;
    of_top = std::make_unique<Learned>(of.layer[of.layers - 1].below + cells(), 4 * cells(), of.top, of.most_learned);
    of_output = std::make_unique<Learned>(width(), of.symbols, of.last, of.most_learned);
    learned.resize(blocks * of.symbols);
    adapted.resize(blocks * of.symbols), error.resize(blocks * of.symbols), slope.resize(blocks * cells());
    back_sums.resize(blocks * cells()), top_error.resize(4 * blocks * cells());
    top_learned.resize(4 * blocks * cells());
    top_inputs.clear();
  }

  // Frequencies of the next byte as trained and, with learning, as adapted, (passes, blocks, symbols).
  void predict(Int* frequencies) {
    const Int count = passes * blocks;
    for (Int row = 0; row < count; ++row) {
      uint8_t* to = h.data() + row * width();
      for (Int n = 0; n < of.layers; ++n) {
        const Int cells = of.layer[n].cells, from = n + 1 < of.layers ? row % blocks : row;
        std::memcpy(to, layers[n]->h.data() + from * cells, cells);
        to += cells;
      }
    }
    multiply(count, h.data(), output, sums.data());
    if (!of_output) {
      output_frequencies(count, 0, of.symbols, sums.data(), of.scale, of.bias, nullptr, 0, of.logit_step, of.logits,
                         of.frequencies, frequencies);
      return;
    }
    of_output->sums(blocks, adapted_h(), learned.data());
    output_frequencies(count, blocks, of.symbols, sums.data(), of.scale, of.bias, learned.data(),
                       of_output->unit(), of.logit_step, of.logits, of.frequencies, frequencies);
    std::copy_n(frequencies + blocks * of.symbols, blocks * of.symbols, adapted.begin());
  }

  // Read the byte of each block that `predict` was asked for, and learn from it.
  void observe(const Int* byte) {
    if (of_output) {
      output_errors(blocks, of.symbols, adapted.data(), byte, of.error_places, error.data());
      of_output->observe(blocks, adapted_h(), error.data());
      if (!top_inputs.empty()) teach_top();
    }
    const uint8_t* below = nullptr;
    for (Int n = 0; n + 1 < of.layers; ++n) {
      layers[n]->advance(byte, below, nullptr, 0);
      below = layers[n]->h.data();
    }
    if (!of_top) {
      layers.back()->advance(byte, below, nullptr, 0);
      return;
    }
    read_top_inputs(below);
    of_top->sums(blocks, top_inputs.data(), top_learned.data());
    layers.back()->advance(byte, below, top_learned.data(), of_top->unit());
  }

 private:
  const NetworkNumbers of;
  std::vector<std::unique_ptr<Layer>> layers;
  Weights output, back;
  std::unique_ptr<Learned> of_top, of_output;
  Int blocks = 0, passes = 2;
  std::vector<uint8_t> h, top_inputs, flipped;
  std::vector<int32_t> sums, learned, back_sums, top_learned;
  std::vector<Int> adapted;
  std::vector<int8_t> error, top_error;
  std::vector<float> slope;

  Int cells() const { return of.layer[of.layers - 1].cells; }
  Int width() const {
    Int sum = 0;
    for (Int n = 0; n < of.layers; ++n) sum += of.layer[n].cells;
    return sum;
  }
  const uint8_t* adapted_h() const { return h.data() + blocks * width(); }

  // By how much each adapted h of the top layer was too low, and what follows for its weights.
  void teach_top() {
    flipped.resize(error.size());
    for (size_t n = 0; n < error.size(); ++n) flipped[n] = uint8_t(error[n]) ^ 128;
    multiply(blocks, flipped.data(), back, back_sums.data());
    for (size_t n = 0; n < slope.size(); ++n) slope[n] = float(back_sums[n]) * of.back_unit;
    const Layer& top = *layers.back();
    layer_errors(blocks, cells(), slope.data(), top.gates.data(), top.before.data() + blocks * cells(), of.error,
                 of.most_error, top_error.data());
    of_top->observe(blocks, top_inputs.data(), top_error.data());
  }

  // What the adapted pass of the top layer reads: h from below, and its own.
  void read_top_inputs(const uint8_t* below) {
    const Int first = of.layer[of.layers - 1].below, all = first + cells();
    top_inputs.resize(blocks * all);
    for (Int block = 0; block < blocks; ++block) {
      if (first) std::memcpy(top_inputs.data() + block * all, below + block * first, first);
      std::memcpy(top_inputs.data() + block * all + first, layers.back()->h.data() + (blocks + block) * cells(), cells());
    }
  }
};

EXPORTED Network* network_new(const NetworkNumbers* numbers) {
  try {
    return new Network(*numbers);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
EXPORTED void network_delete(Network* network) { delete network; }
EXPORTED void network_start(Network* network, Int blocks, Int learning) { network->start(blocks, learning); }
EXPORTED void network_predict(Network* network, Int* frequencies) { network->predict(frequencies); }
EXPORTED void network_observe(Network* network, const Int* byte) { network->observe(byte); }
