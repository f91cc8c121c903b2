// The loops over time of lstm.py and window.py for the CPU: the same equations, NaN included. Time is axis 0. No thread
// starts in here: one worker, one core.

#include <torch/library.h>

#include <vector>

#include "cell.h"
#include "window.h"

namespace {

Tensor row(const Tensor& of, int64_t t) { return of.select(0, t); }

using Tensors = std::vector<Tensor>;

// hidden with the start in front, and the trace.
Tensors lstm_forward(
    const Tensor& below_, const Tensor& weight, const Tensor& peepholes_, const Tensor& h, const Tensor& c) {
  const Tensor below = below_.contiguous(), peepholes = peepholes_.contiguous();
  const Trace trace = make_trace(below, c);
  Tensor hidden = at::empty({below.size(0) + 1, h.size(0), h.size(1)}, h.options());
  hidden.select(0, 0).copy_(h);
  Product onto(weight, at::empty({h.size(0), 4 * h.size(1)}, h.options()));
  AT_DISPATCH_FLOATING_TYPES(h.scalar_type(), "lstm_forward", [&] {
    for (int64_t t = 0; t < below.size(0); ++t)
      trace.advance_all<scalar_t>(t, onto(row(below, t), row(hidden, t)), peepholes, hidden);
  });
  return {hidden, trace.gates, trace.cells, trace.tanh_cells};
}

// dz, and the derivatives by the peepholes and the first h and c; `weight` stands turned.
Tensors lstm_backward(
    const Tensor& d_hidden_, const Tensor& weight, const Tensor& peepholes_, const Tensor& d_h, const Tensor& d_c,
    const Tensor& gates, const Tensor& cells, const Tensor& tanh_cells, double clip) {
  const Tensor d_hidden = d_hidden_.contiguous(), peepholes = peepholes_.contiguous();
  const Trace trace{gates, cells, tanh_cells};
  const auto time = gates.size(0);
  Tensor dz = at::empty_like(gates), dw = at::zeros_like(peepholes), dc = d_c.clone(at::MemoryFormat::Contiguous);
  const Tensor nothing = at::zeros_like(dc);
  Tensor dh = (d_h + row(d_hidden, time - 1)).contiguous();
  Product onto(weight, at::empty_like(dc));
  AT_DISPATCH_FLOATING_TYPES(dc.scalar_type(), "lstm_backward", [&] {
    for (int64_t t = time - 1; t >= 0; --t) {
      trace.retreat_all<scalar_t>(t, static_cast<scalar_t>(clip), dh, peepholes, dz, dc, dw);
      dh = onto(t ? row(d_hidden, t - 1) : nothing, row(dz, t));
    }
  });
  return {dz, dw, dh, dc};
}

// h and w side by side with the start in front, then the trace, then the window's.
Tensors window_forward(
    const Tensor& below_, const Tensor& weight, const Tensor& peepholes_, const Tensor& glance,
    const Tensor& glance_bias, const Tensor& text, const Tensor& h, const Tensor& c, const Tensor& w,
    const Tensor& kappa) {
  const Tensor below = below_.contiguous(), peepholes = peepholes_.contiguous(), turned = glance.t();
  const auto time = below.size(0), batch = h.size(0), n = h.size(1), K = kappa.size(1);
  const Trace trace = make_trace(below, c);
  const Window window{letters_of(text), at::empty({time, batch, 3 * K}, h.options()),
                      at::empty({time + 1, batch, K}, h.options()),
                      at::empty({time, batch, K, text.size(1)}, h.options())};
  window.kappa.select(0, 0).copy_(kappa);
  Tensor both = at::zeros({time + 1, batch, n + w.size(1)}, h.options());
  both.select(0, 0).copy_(at::cat({h, w}, 1));
  Product onto(weight, at::empty({batch, 4 * n}, h.options()));
  AT_DISPATCH_FLOATING_TYPES(h.scalar_type(), "window_forward", [&] {
    for (int64_t t = 0; t < time; ++t) {
      trace.advance_all<scalar_t>(t, onto(row(below, t), row(both, t)), peepholes, both);
      Tensor exponents = row(window.glances, t), after = row(both, t + 1);
      at::addmm_out(exponents, glance_bias, after.narrow(1, 0, n), turned);
      for (int64_t b = 0; b < batch; ++b)
        window.read<scalar_t>(t, b, after.data_ptr<scalar_t>() + b * both.size(2) + n);
    }
  });
  return {both, trace.gates, trace.cells, trace.tanh_cells, window.letters, window.glances, window.kappa, window.masses};
}

// dz, the derivatives by the peepholes and the exponents of the glances, by the first h beside w, c and kappa.
Tensors window_backward(
    const Tensor& d_both_, const Tensor& weight, const Tensor& peepholes_, const Tensor& glance_, const Tensor& d_last,
    const Tensor& d_c, const Tensor& d_kappa, const Tensor& gates, const Tensor& cells, const Tensor& tanh_cells,
    const Tensor& letters, const Tensor& glances, const Tensor& kappa, const Tensor& masses, double clip,
    double glance_clip) {
  const Tensor d_both = d_both_.contiguous(), peepholes = peepholes_.contiguous(), glance = glance_.contiguous();
  const Trace trace{gates, cells, tanh_cells};
  const Window window{letters, glances, kappa, masses};
  const auto time = gates.size(0), batch = cells.size(1), n = cells.size(2), K = kappa.size(2);
  Tensor dz = at::empty_like(gates), dp = at::empty_like(glances), dw = at::zeros_like(peepholes);
  Tensor dc = d_c.clone(at::MemoryFormat::Contiguous), dkappa = d_kappa.clone(at::MemoryFormat::Contiguous);
  Tensor d_next = (d_last + row(d_both, time - 1)).contiguous(), dh = at::empty_like(dc);
  const Tensor nothing = at::zeros_like(d_next);
  Product onto(weight, at::empty_like(d_next));
  AT_DISPATCH_FLOATING_TYPES(dc.scalar_type(), "window_backward", [&] {
    const auto bound = static_cast<scalar_t>(glance_clip);
    for (int64_t t = time - 1; t >= 0; --t) {
      Tensor dp_t = row(dp, t);
      for (int64_t b = 0; b < batch; ++b)
        window.turn<scalar_t>(t, b, bound, d_next.const_data_ptr<scalar_t>() + b * d_next.stride(0) + n,
                              dkappa.data_ptr<scalar_t>() + b * K, dp_t.data_ptr<scalar_t>() + b * 3 * K);
      at::addmm_out(dh, d_next.narrow(1, 0, n), dp_t, glance);
      trace.retreat_all<scalar_t>(t, static_cast<scalar_t>(clip), dh, peepholes, dz, dc, dw);
      d_next = onto(t ? row(d_both, t - 1) : nothing, row(dz, t));
    }
  });
  return {dz, dw, dp, d_next, dc, dkappa};
}

}  // namespace

TORCH_LIBRARY(nextstroke, m) {
  m.def("lstm_forward", &lstm_forward);
  m.def("lstm_backward", &lstm_backward);
  m.def("window_forward", &window_forward);
  m.def("window_backward", &window_backward);
}
