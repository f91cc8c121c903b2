// The cell with peepholes (equations 7 to 11): all that stands between two products in one pass over a row.
// Gates stand in the order input, forget, cell, output.

#pragma once

#include "product.h"

namespace {

// Equations 7 to 11 for one row of n cells; `z` are the pre-activations without peepholes.
template <typename T>
void advance(int64_t n, const T* z, const T* w, const T* before, T* gates, T* after, T* tanh_after, T* h) {
  over_lanes<T>(n, [&](int64_t j, int64_t count) {
    auto read = [&](const T* from) { return load(from + j, count); };
    const auto old = read(before);
    const auto i = sigmoid<T>(at::vec::fmadd(old, read(w), read(z)));
    const auto f = sigmoid<T>(at::vec::fmadd(old, read(w + n), read(z + n)));
    const auto g = read(z + 2 * n).tanh();
    const auto c = at::vec::fmadd(i, g, f * old);
    const auto o = sigmoid<T>(at::vec::fmadd(c, read(w + 2 * n), read(z + 3 * n)));
    const auto bent = c.tanh();
    store(i, gates + j, count);
    store(f, gates + n + j, count);
    store(g, gates + 2 * n + j, count);
    store(o, gates + 3 * n + j, count);
    store(c, after + j, count);
    store(bent, tanh_after + j, count);
    store(o * bent, h + j, count);
  });
}

// The same backward: fills `dz` from `dh` and `dc`, turns `dc` into the derivative by the cells before and adds to `dw`,
// the derivative by the peepholes. Clipped before it goes anywhere else; the path along the cells is not. at::vec::clamp
// lets NaN through.
template <typename T>
void retreat(
    int64_t n, T clip, const T* dh, const T* w, const T* gates, const T* before, const T* after,
    const T* tanh_after, T* dz, T* dc, T* dw) {
  const Lane<T> low(-clip), high(clip);
  over_lanes<T>(n, [&](int64_t j, int64_t count) {
    auto read = [&](const T* from) { return load(from + j, count); };
    auto clipped = [&](Lane<T> d) { return at::vec::clamp(d, low, high); };
    auto add = [&](T* to, Lane<T> a, Lane<T> b) { store(at::vec::fmadd(a, b, read(to)), to + j, count); };
    const auto i = read(gates), f = read(gates + n), g = read(gates + 2 * n), o = read(gates + 3 * n);
    const auto up = read(dh), old = read(before), bent = read(tanh_after);
    const auto d_o = clipped(up * bent * sigmoid_slope<T>(o));
    const auto d_c = at::vec::fmadd(d_o, read(w + 2 * n), at::vec::fmadd(up * o, tanh_slope<T>(bent), read(dc)));
    const auto d_i = clipped(d_c * g * sigmoid_slope<T>(i));
    const auto d_f = clipped(d_c * old * sigmoid_slope<T>(f));
    const auto d_g = clipped(d_c * i * tanh_slope<T>(g));
    store(d_i, dz + j, count);
    store(d_f, dz + n + j, count);
    store(d_g, dz + 2 * n + j, count);
    store(d_o, dz + 3 * n + j, count);
    store(at::vec::fmadd(d_f, read(w + n), at::vec::fmadd(d_i, read(w), d_c * f)), dc + j, count);
    add(dw, d_i, old);
    add(dw + n, d_f, old);
    add(dw + 2 * n, d_o, read(after));
  });
}

// What a pass over time keeps of the cell: gates (time, batch, 4 cells), cells (time + 1, ...), tanh of the cells.
struct Trace {
  Tensor gates, cells, tanh_cells;

  template <typename T>
  void advance_all(int64_t t, const Tensor& z, const Tensor& peepholes, Tensor& hidden) const {
    const auto batch = cells.size(1), n = cells.size(2), stride = hidden.stride(1);
    auto* h = hidden.data_ptr<T>() + (t + 1) * hidden.stride(0);
    const auto* pre = z.const_data_ptr<T>();
    for (int64_t b = 0; b < batch; ++b)
      advance<T>(n, pre + b * z.stride(0), peepholes.const_data_ptr<T>(), cell<T>(t, b), gate<T>(t, b),
                 cell<T>(t + 1, b), bent<T>(t, b), h + b * stride);
  }

  template <typename T>
  void retreat_all(
      int64_t t, T clip, const Tensor& dh, const Tensor& peepholes, Tensor& dz, Tensor& dc, Tensor& dw) const {
    const auto batch = cells.size(1), n = cells.size(2);
    for (int64_t b = 0; b < batch; ++b)
      retreat<T>(n, clip, dh.const_data_ptr<T>() + b * dh.stride(0), peepholes.const_data_ptr<T>(), gate<T>(t, b),
                 cell<T>(t, b), cell<T>(t + 1, b), bent<T>(t, b), dz.data_ptr<T>() + (t * batch + b) * 4 * n,
                 dc.data_ptr<T>() + b * n, dw.data_ptr<T>());
  }

 private:
  template <typename T>
  T* cell(int64_t t, int64_t b) const { return cells.data_ptr<T>() + (t * cells.size(1) + b) * cells.size(2); }
  template <typename T>
  T* bent(int64_t t, int64_t b) const { return tanh_cells.data_ptr<T>() + (t * cells.size(1) + b) * cells.size(2); }
  template <typename T>
  T* gate(int64_t t, int64_t b) const { return gates.data_ptr<T>() + (t * cells.size(1) + b) * 4 * cells.size(2); }
};

Trace make_trace(const Tensor& below, const Tensor& c) {
  const auto time = below.size(0), batch = c.size(0), n = c.size(1);
  Trace trace{at::empty({time, batch, 4 * n}, c.options()), at::empty({time + 1, batch, n}, c.options()),
              at::empty({time, batch, n}, c.options())};
  trace.cells.select(0, 0).copy_(c);
  return trace;
}

}  // namespace
