// Lanes of numbers, and the product of a step: to oneDNN when the weight was packed for it (product.py), else at::addmm.

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
    if (weight.is_mkldnn()) onednn_ = handle();
    else turned_ = weight.t();
  }
  Tensor operator()(const Tensor& onto, const Tensor& x) {
    if (onednn_) return onednn_->call(x, onto, weight_, std::nullopt, "add");
    return at::addmm_out(spare_, onto, x, turned_);
  }

 private:
  using Signature = Tensor(
      const Tensor&, const Tensor&, const Tensor&, const std::optional<Tensor>&, c10::string_view);
  using Handle = c10::TypedOperatorHandle<Signature>;
  static const Handle* handle() {
    static const Handle found = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("mkldnn::_linear_pointwise", "binary")
                                    .typed<Signature>();
    return &found;
  }
  Tensor weight_, turned_, spare_;
  const Handle* onednn_ = nullptr;
};

}  // namespace
