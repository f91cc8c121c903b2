// range_coder.py, one block at a time, on the arrays of its coders.
#pragma once

#include <algorithm>

#include "exact.h"

constexpr Int BITS = 16;

// A bit's interval of 2^BITS: ones lie below zeros.
struct Interval {
  Word start, size;

  Interval(Int chance, bool one)
      : start(one ? 0 : Word(chance)), size(one ? Word(chance) : (1 << BITS) - Word(chance)) {}
};

struct Encoder {
  Word *low, *range;
  uint32_t* words;  // (blocks, room)
  Int room, *count;

  void encode(Int block, Interval of) const {
    const Word unit = range[block] >> BITS, before = low[block];
    low[block] += unit * of.start;
    range[block] = unit * of.size;
    uint32_t* next = words + block * room + count[block];
    if (low[block] < before)
      for (uint32_t* place = next - 1; ++*place == 0;) --place;
    if (range[block] >> 32) return;
    *next = uint32_t(low[block] >> 32);
    ++count[block];
    low[block] <<= 32, range[block] <<= 32;
  }
};

struct Decoder {
  Word *value, *range;
  const Word* words;  // (blocks, room)
  Int room, *next;

  bool decode(Int block, Int chance) const {
    const Word unit = range[block] >> BITS;
    const bool bit = value[block] / unit < Word(chance);
    const Interval of(chance, bit);
    value[block] -= unit * of.start;
    range[block] = unit * of.size;
    if (range[block] >> 32) return bit;
    value[block] = value[block] << 32 | words[block * room + next[block]];
    range[block] <<= 32;
    next[block] = std::min(next[block] + 1, room - 1);  // the last is a zero that may be read for ever
    return bit;
  }
};
