// Lanes of numbers, and the product of a step: to oneDNN when the weight was packed for it (matmul.py), else at::addmm.

#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/vec/vec.h>

namespace {

using at::Tensor;
template <typename T>
using Lane = at::vec::Vectorized<T>;

template <typename T>
inline Lane<T> load(const T* from, int64_t count) {
  return count == Lane<T>::size() ? Lane<T>::loadu(from) : Lane<T>::loadu(from, count);
}

template <typename T>
inline void store(Lane<T> value, T* to, int64_t count) {
  if (count == Lane<T>::size()) value.store(to);
  else value.store(to, static_cast<int>(count));
}

// Calls work(start, count) over 0..n in whole lanes, the last perhaps shorter.
template <typename T, typename Work>
inline void over_lanes(int64_t n, const Work& work) {
  constexpr int64_t size = Lane<T>::size();
  int64_t j = 0;
  for (; j + size <= n; j += size) work(j, size);
  if (j < n) work(j, n - j);
}

template <typename T>
inline Lane<T> sigmoid(Lane<T> x) {
  return (Lane<T>(1) + x.neg().exp()).reciprocal();
}

template <typename T>
inline Lane<T> sigmoid_slope(Lane<T> y) {
  return (Lane<T>(1) - y) * y;
}

template <typename T>
inline Lane<T> tanh_slope(Lane<T> y) {
  return Lane<T>(1) - y * y;
}

// onto + x @ weight.T; what it returns may be `spare`, whose content is used up by the next call.
class Product {
 public:
  Product(const Tensor& weight, Tensor spare) : weight_(weight), spare_(std::move(spare)) {
    if (!weight.is_mkldnn()) turned_ = weight.t();
  }
  Tensor operator()(const Tensor& onto, const Tensor& x) {
    if (weight_.scalar_type() == at::kBFloat16) {
      static const auto plain = handle<Plain>("");
      return at::add_out(spare_, onto, plain.call(x.to(at::kBFloat16), weight_, std::nullopt, "none", Scalars(), ""));
    }
    if (weight_.is_mkldnn()) {
      static const auto adding = handle<Adding>("binary");
      return adding.call(x, onto, weight_, std::nullopt, "add");
    }
    return at::addmm_out(spare_, onto, x, turned_);
  }

 private:
  using Scalars = c10::List<std::optional<at::Scalar>>;
  using Maybe = const std::optional<Tensor>&;
  using Adding = Tensor(const Tensor&, const Tensor&, const Tensor&, Maybe, std::string_view);
  using Plain = Tensor(
      const Tensor&, const Tensor&, Maybe, std::string_view, Scalars,
      std::optional<std::string_view>);
  template <typename Signature>
  static c10::TypedOperatorHandle<Signature> handle(const char* overload) {
    return c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", overload).typed<Signature>();
  }
  Tensor weight_, turned_, spare_;
};

}  // namespace
