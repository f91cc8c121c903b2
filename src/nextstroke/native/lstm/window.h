// The soft window (equations 46 to 52).

#pragma once

#include <vector>

#include "product.h"

namespace {

// Where each place of the one-hot `text` stands in a row of w; -1 behind the end of shorter texts.
Tensor letters_of(const Tensor& text) {
  const auto [value, index] = text.max(2);
  return at::where(value > 0, index, at::full({}, -1, index.options())).contiguous();
}

// The window (equations 46 to 52): sizes, and what a pass over time keeps of it. `glances` (time, batch, 3 K) hold alpha,
// beta and the move of kappa, `masses` (time, batch, K, places) the alpha exp(-beta (kappa - u)^2).
struct Window {
  Tensor letters, glances, kappa, masses;

  // From the exponents in `glances` at t: kappa at t + 1, the masses, and w into the row `w` of line b.
  template <typename T>
  void read(int64_t t, int64_t b, T* w) const {
    const auto K = kappa.size(2), U = letters.size(1);
    T* glance = of<T>(glances, t, b);
    over_lanes<T>(3 * K, [&](int64_t j, int64_t n) { store(load(glance + j, n).exp(), glance + j, n); });
    std::vector<T> phi(U, T(0));
    for (int64_t k = 0; k < K; ++k) {
      const T place = of<T>(kappa, t + 1, b)[k] = of<T>(kappa, t, b)[k] + glance[2 * K + k];
      const Lane<T> alpha(glance[k]), beta(glance[K + k]);
      T* mass = of<T>(masses, t, b) + k * U;
      over_lanes<T>(U, [&](int64_t u, int64_t n) {
        const auto away = Lane<T>(place) - Lane<T>::arange(T(u + 1), T(1));
        const auto found = (away * away * beta).neg().exp() * alpha;
        store(found, mass + u, n);
        store(load(phi.data() + u, n) + found, phi.data() + u, n);
      });
    }
    const auto* letter = letters.const_data_ptr<int64_t>() + b * U;
    for (int64_t u = 0; u < U; ++u)
      if (letter[u] >= 0) w[letter[u]] += phi[u];
  }

  // Backward of `read`: from the derivative by w, and that by kappa, which it carries on, the one by the exponents.
  template <typename T>
  void turn(int64_t t, int64_t b, T clip, const T* dw, T* dkappa, T* dp) const {
    const auto K = kappa.size(2), U = letters.size(1);
    const T* glance = of<T>(glances, t, b);
    const auto* letter = letters.const_data_ptr<int64_t>() + b * U;
    std::vector<T> d_phi(U);
    for (int64_t u = 0; u < U; ++u) d_phi[u] = letter[u] < 0 ? T(0) : dw[letter[u]];
    for (int64_t k = 0; k < K; ++k) {
      const T place = of<T>(kappa, t + 1, b)[k], beta = glance[K + k];
      const T* mass = of<T>(masses, t, b) + k * U;
      T by_alpha = 0, by_beta = 0, by_kappa = 0;
      for (int64_t u = 0; u < U; ++u) {
        const T away = place - T(u + 1), epsilon = mass[u] * d_phi[u];
        by_alpha += epsilon;
        by_beta += epsilon * away * away;
        by_kappa += epsilon * away;
      }
      dkappa[k] -= 2 * beta * by_kappa;
      dp[k] = bounded(by_alpha, clip);
      dp[K + k] = bounded(-beta * by_beta, clip);
      dp[2 * K + k] = bounded(dkappa[k] * glance[2 * K + k], clip);
    }
  }

 private:
  // Not std::clamp(x, -clip, clip) by name, but the same: comparisons with NaN fail, so that it passes.
  template <typename T>
  static T bounded(T x, T clip) { return x < -clip ? -clip : x > clip ? clip : x; }
  template <typename T>
  static T* of(const Tensor& kept, int64_t t, int64_t b) {
    return kept.data_ptr<T>() + t * kept.stride(0) + b * kept.stride(1);
  }
};

}  // namespace
