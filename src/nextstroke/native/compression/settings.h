// Everything that bit_model.py settles; mirrors the structure in compression_loops.py field by field.
#pragma once

#include "exact.h"

struct Settings {
  Int blocks, length;
  Int orders, contexts;        // a context of each order, then those of words
  const Int *order, *row_bits; // of each order; of each context's table
  Int context_limit, levels, step, seen, second_limit;
  const int32_t* second; // where second opinions begin, (contexts, seen, levels)
  const Int* seen_of;    // of each count
  Int matches, key_bits, longest, buckets, match_limit, match_begin;
  const Int* match; // keyed, shortest, looked_back of each
  Int selectors, inputs, opinions, rate;
  const Int *choices, *weights; // of each selector; where all vectors begin
  Int limit;                    // of logits
  const Int *squash, *stretch, *rates;
};
