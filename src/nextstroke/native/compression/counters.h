// contexts.py and contexts.py.
#pragma once

#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "settings.h"

constexpr int32_t COUNT = 1023;

inline Int probability(int32_t entry) { return (entry >> 16) + 32768; }

// One bit that a counter is to see.
struct Seen {
  int32_t* entry;
  int32_t before;
  bool bit;
};

// All count first, then each moves by what all have counted, then all moves are added: no order matters.
inline void observe(const std::vector<Seen>& all, int32_t limit, const Int* rates, std::vector<int32_t>& steps) {
  constexpr Int UP = (1 << 21) - 512, DOWN = -UP;
  for (const Seen& one : all) *one.entry += (one.before & COUNT) < limit;
  steps.clear();
  for (const Seen& one : all) {
    const Int entry = *one.entry;
    const Int step = (((one.bit ? UP : DOWN) - (entry >> 10)) * rates[entry & COUNT]) >> 16;
    steps.push_back(int32_t(step * 1024));
  }
  for (size_t n = 0; n < all.size(); ++n) *all[n].entry += steps[n];
}

// One table for each context; a row has a check in front of the 15 nodes of half a byte.
class ContextTables {
 public:
  static constexpr Int ROW = 16;

  explicit ContextTables(const Settings& of) : contexts(of.contexts), bits(of.row_bits, of.row_bits + of.contexts) {
    Int rows = 0;
    for (const Int places : bits) first.push_back(rows), rows += Int(1) << places;
    entries = static_cast<int32_t*>(calloc(rows * ROW, sizeof(int32_t)));  // pages never touched take no memory
    if (!entries) throw std::bad_alloc();
    checks.resize(of.blocks * contexts);
  }
  ContextTables(const ContextTables&) = delete;
  ~ContextTables() { free(entries); }

  // The row of each block and context for the half byte that begins at `node`.
  void find(const std::vector<Word>& hashes, const std::vector<Int>& node, std::vector<int32_t*>& row) {
    for (size_t n = 0; n < row.size(); ++n) {
      const Int context = n % contexts;
      const Word key = scramble(hashes[n] + node[n / contexts]);
      checks[n] = int32_t(key & ((1 << 30) - 1)) + 1;
      row[n] = entries + (Int(key >> (64 - bits[context])) + first[context]) * ROW;
      __builtin_prefetch(row[n], 1);
    }
    for (size_t n = 0; n < row.size(); ++n)
      if (*row[n] == checks[n]) checks[n] = 0;
    for (size_t n = 0; n < row.size(); ++n)
      if (checks[n]) memset(row[n], 0, ROW * sizeof(int32_t));
    for (size_t n = 0; n < row.size(); ++n)
      if (checks[n] > *row[n]) *row[n] = checks[n];
  }

 private:
  Int contexts;
  std::vector<Int> bits, first;
  std::vector<int32_t> checks;  // of foreign rows, else 0
  int32_t* entries;
};
