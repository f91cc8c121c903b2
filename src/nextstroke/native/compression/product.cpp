// The products of product.h in the instructions of each processor. All sums are of whole numbers and exact, so that all
// of them give the same.

#include "product.h"

#include <cstring>

namespace {

void move_by_numbers(const Move& of) {
  for (Int row = 0; row < of.rows; ++row)
    for (Int n = 0; n < TILE; ++n) {
      float& kept = of.kept[row * TILE + n];
      kept += float(of.steps[row * TILE + n]) * of.by_row[row] * of.by_input[n];
      kept = std::min(std::max(kept, -of.most), of.most);
      of.used[(n / QUAD * TILE + row) * QUAD + n % QUAD] = int8_t(rounded(kept));
    }
}

}  // namespace

namespace plain {
constexpr Int ROWS = 1, WIDE = 4, EXTRA = 0;
using Unit = int16_t;
struct Sum { int32_t all; };
struct Part { int8_t of[QUAD]; };
using Input = const int16_t*;
inline Sum none() { return {0}; }
inline Part load(const int8_t* weights) { Part part; __builtin_memcpy(&part, weights, QUAD); return part; }
inline Input spread(const int16_t* h) { return h; }
inline Sum add(Sum sum, Part part, Input h) {
  for (Int n = 0; n < QUAD; ++n) sum.all += int32_t(part.of[n]) * h[n];
  return sum;
}
inline void store(Sum sum, int32_t* to) { *to = sum.all; }
#include "product_loops.h"
bool runs() { return true; }
const auto move = move_by_numbers;
}  // namespace plain

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET_STRING(of) #of
#if defined(__clang__)
#define BEGIN_TARGET(of) _Pragma(TARGET_STRING(clang attribute push(__attribute__((target(of))), apply_to = function)))
#define END_TARGET _Pragma("clang attribute pop")
#else
#define BEGIN_TARGET(of) _Pragma("GCC push_options") _Pragma(TARGET_STRING(GCC target(of)))
#define END_TARGET _Pragma("GCC pop_options")
#endif

namespace sse2 {  // what every x86-64 has
constexpr Int ROWS = 2, WIDE = 4, EXTRA = 0;
using Unit = int16_t;
using Sum = __m128i;
using Part = __m128i;
using Input = __m128i;
inline Sum none() { return _mm_setzero_si128(); }
inline Part load(const int8_t* weights) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights));
  return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
inline Input spread(const int16_t* h) {
  const __m128i quad = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(h));
  return _mm_unpacklo_epi64(quad, quad);
}
inline Sum add(Sum sum, Part part, Input h) {
  // Written out, as GCC moves sums through memory here, which takes longer than the product.
  __asm__("paddd %1, %0" : "+x"(sum) : "x"(_mm_madd_epi16(part, h)));
  return sum;
}
inline void store(Sum sum, int32_t* to) {
  const __m128i pairs = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));  // of 0, 1 and of 2, 3
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi32(pairs, 0x08));
}
#include "product_loops.h"
bool runs() { return true; }
const auto move = move_by_numbers;
}  // namespace sse2

BEGIN_TARGET("avx2")
namespace avx2 {
constexpr Int ROWS = 4, WIDE = 6, EXTRA = 0;
using Unit = int16_t;
using Sum = __m256i;
using Part = __m256i;
using Input = __m256i;
inline Sum none() { return _mm256_setzero_si256(); }
inline Part load(const int8_t* weights) {
  return _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(weights)));
}
inline Input spread(const int16_t* h) {
  long long quad;
  __builtin_memcpy(&quad, h, sizeof quad);
  return _mm256_set1_epi64x(quad);
}
inline Sum add(Sum sum, Part part, Input h) {
  __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(_mm256_madd_epi16(part, h)));
  return sum;
}
inline void store(Sum sum, int32_t* to) {
  const __m256i pairs = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0xB1));
  const __m256i four = _mm256_permute4x64_epi64(_mm256_shuffle_epi32(pairs, 0x08), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(four));
}
#include "product_loops.h"

static void move(const Move& of) {
  const __m256 upper = _mm256_set1_ps(of.most), lower = _mm256_set1_ps(-of.most);
  const __m256 whole = _mm256_set1_ps(HALVES_TO_EVEN);
  constexpr Int PLACES[] = {0, 4, 1, 5};
  for (Int row = 0; row < of.rows; ++row) {
    const __m256 by_row = _mm256_set1_ps(of.by_row[row]);
    __m256i bytes[2];
    for (Int half = 0; half < 2; ++half) {
      const Int place = row * TILE + half * 8;
      const __m256i steps = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(of.steps + place));
      const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(steps), by_row);
      __m256 kept = _mm256_loadu_ps(of.kept + place);
      kept = _mm256_add_ps(kept, _mm256_mul_ps(scaled, _mm256_loadu_ps(of.by_input + half * 8)));
      kept = _mm256_min_ps(_mm256_max_ps(kept, lower), upper);
      _mm256_storeu_ps(of.kept + place, kept);
      bytes[half] = _mm256_cvttps_epi32(_mm256_sub_ps(_mm256_add_ps(kept, whole), whole));
    }
    // Quads of inputs in the order that packing the two halves of each vector leaves.
    const __m256i pairs = _mm256_packs_epi32(bytes[0], bytes[1]), quads = _mm256_packs_epi16(pairs, pairs);
    int32_t of_quad[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(of_quad), quads);
    for (Int quad = 0; quad < TILE / QUAD; ++quad)
      __builtin_memcpy(of.used + (quad * TILE + row) * QUAD, of_quad + PLACES[quad], QUAD);
  }
}
}  // namespace avx2
END_TARGET

BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl")
namespace avx512 {
constexpr Int ROWS = 8, WIDE = 8, EXTRA = 0;
using Unit = int16_t;
using Sum = __m512i;
using Part = __m512i;
using Input = __m512i;
inline Sum none() { return _mm512_setzero_si512(); }
inline Part load(const int8_t* weights) {
  return _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(weights)));
}
inline Input spread(const int16_t* h) {
  long long quad;
  __builtin_memcpy(&quad, h, sizeof quad);
  return _mm512_set1_epi64(quad);
}
inline Sum add(Sum sum, Part part, Input h) {
  __asm__("vpaddd %1, %0, %0" : "+v"(sum) : "v"(_mm512_madd_epi16(part, h)));
  return sum;
}
inline void store(Sum sum, int32_t* to) {
  const __m512i pairs = _mm512_add_epi32(sum, _mm512_srli_epi64(sum, 32));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi64_epi32(pairs));
}
#include "product_loops.h"
}  // namespace avx512
END_TARGET

// Bytes of four products each in one instruction: one of them has no sign, so that 128 is added to the weights, and
// 128 times the sum of the inputs is taken away at the end.
BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
namespace vnni {
constexpr Int ROWS = 16, WIDE = 12, EXTRA = 64;  // for 128 · the sum of the inputs
using Unit = int8_t;
using Sum = __m512i;
using Part = __m512i;
using Input = __m512i;
inline Sum none() { return _mm512_setzero_si512(); }
inline Part load(const int8_t* weights) {
  return _mm512_xor_si512(_mm512_load_si512(weights), _mm512_set1_epi8(char(0x80)));
}
inline Input spread(const int8_t* h) {
  int quad;
  __builtin_memcpy(&quad, h, sizeof quad);
  return _mm512_set1_epi32(quad);
}
inline Sum add(Sum sum, Part part, Input h) { return _mm512_dpbusd_epi32(sum, part, h); }
inline void store(Sum sum, int32_t* to) { _mm512_storeu_si512(to, sum); }
#include "product_loops.h"
}  // namespace vnni
END_TARGET

namespace avx2 {
bool runs() { return __builtin_cpu_supports("avx2"); }
}  // namespace avx2
namespace avx512 {
const auto move = avx2::move;
bool runs() { return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"); }
}  // namespace avx512
namespace vnni {
const auto move = avx2::move;
bool runs() { return avx512::runs() && __builtin_cpu_supports("avx512vnni"); }
}  // namespace vnni
#endif

#if defined(__aarch64__)
#include <arm_neon.h>

namespace neon {  // what every 64-bit ARM has
constexpr Int ROWS = 4, WIDE = 3, EXTRA = 0;
using Unit = int8_t;
struct Sum { int32x4_t low, high; };
using Part = int8x16_t;
using Input = int8x8_t;
inline Sum none() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
inline Part load(const int8_t* weights) { return vld1q_s8(weights); }
inline Input spread(const int8_t* h) {
  int32_t quad;
  __builtin_memcpy(&quad, h, sizeof quad);
  return vreinterpret_s8_s32(vdup_n_s32(quad));
}
// A product of two bytes fits into 16 bits; only pairs are added in 32.
inline Sum add(Sum sum, Part part, Input h) {
  return {vpadalq_s16(sum.low, vmull_s8(vget_low_s8(part), h)), vpadalq_s16(sum.high, vmull_s8(vget_high_s8(part), h))};
}
inline void store(Sum sum, int32_t* to) { vst1q_s32(to, vpaddq_s32(sum.low, sum.high)); }
#include "product_loops.h"
bool runs() { return true; }
const auto move = move_by_numbers;
}  // namespace neon
#endif

namespace {

#define KERNEL(of) Kernel{#of, of::UNIT, of::EXTRA, of::runs, of::prepare, of::multiply, of::move}
// The fastest first.
const Kernel KERNELS[] = {
#if defined(__x86_64__)
    KERNEL(vnni), KERNEL(avx512), KERNEL(avx2), KERNEL(sse2),
#endif
#if defined(__aarch64__)
    KERNEL(neon),
#endif
    KERNEL(plain),
};

const Kernel& chosen() {
  const char* named = std::getenv("NEXTSTROKE_INSTRUCTIONS");
  for (const Kernel& one : KERNELS)
    if (named && !std::strcmp(named, one.name) && one.runs()) return one;
  for (const Kernel& one : KERNELS)
    if (one.runs()) return one;
  std::abort();  // the last runs everywhere
}

}  // namespace

const Kernel& kernel() {
  static const Kernel& found = chosen();
  return found;
}

// Number `n` of the kernels that run on this processor; null after the last.
EXPORTED const char* product_name(Int n) {
  for (const Kernel& one : KERNELS)
    if (one.runs() && n-- == 0) return one.name;
  return nullptr;
}
EXPORTED const char* product_chosen() { return kernel().name; }
EXPORTED void product_multiply(
    Int count, Int inputs, Int rows, const uint8_t* h, const int8_t* whole, int32_t* sums) {
  multiply(count, h, Weights(rows, inputs, whole, inputs), sums);
}
