// What all of the compressor's loops need to give the same numbers everywhere.
#pragma once

#include <cstdint>

using Int = int64_t;
using Word = uint64_t;

// The widest vectors of the processor that it runs on, chosen when the library is loaded.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Constants of hashes, as in history.py.
constexpr Word ODD = 0x9E3779B97F4A7C15, MIX = 0xD6E8FEB86659FD93;

inline Word scramble(Word value) {
  value *= MIX;
  return (value ^ value >> 32) * ODD;
}

// numpy's division rounds down.
inline Int divide(Int a, Int b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
