// match.py.
#pragma once

#include <algorithm>
#include <vector>

#include "counters.h"
#include "history.h"

class Match {
 public:
  Match(const Settings& of, const Int* own, const History& history)
      : settings(of), history(history), keyed(own[0]), shortest(own[1]), looked_back(own[2]),
        seen(Int(1) << of.key_bits, -1), place(of.blocks), length(of.blocks), expected(of.blocks), key(of.blocks),
        bucket(of.blocks * 8), counters(of.buckets, int32_t(of.match_begin)) {}

  void begin() {
    if (history.step >= keyed) {
      for (size_t block = 0; block < key.size(); ++block) key[block] = hash(history.past[block]);
      for (size_t block = 0; block < key.size(); ++block)
        if (!length[block]) search(block, seen[key[block]]);
      remember();
    }
    for (size_t block = 0; block < key.size(); ++block) {
      length[block] *= place[block] % history.width < history.step;
      expected[block] = history.bytes[place[block] * (length[block] > 0)] | 256;
    }
  }

  // The logit of the next bit of a block, whose byte so far is `node`.
  Int predict(Int block, Int bit, Int node) {
    const Int ahead = expected[block] >> (7 - bit), long_ = length[block];
    const bool holds = long_ > 0 && ahead >> 1 == node;
    const Int found = !holds ? 0 : long_ > 15 ? 16 + std::min<Int>(long_ >> 3, 15) : long_;
    bucket[block * 8 + bit] = found;
    const Int logit = settings.stretch[probability(counters[found])];
    return !holds ? 0 : ahead & 1 ? logit : -logit;
  }

  Int bucket_of(Int block, Int bit) const { return bucket[block * 8 + bit]; }

  void observe(const std::vector<Int>& byte, std::vector<Seen>& all, std::vector<int32_t>& steps) {
    all.clear();
    for (size_t block = 0; block < byte.size(); ++block) {
      const Int same = ~(expected[block] ^ byte[block]) & 255;
      for (Int bit = 0; bit < 8; ++bit)
        if (const Int n = bucket[block * 8 + bit])
          all.push_back({&counters[n], counters[n], bool(same >> (7 - bit) & 1)});
      length[block] = same == 255 && length[block] > 0 ? std::min(length[block] + 1, settings.longest) : 0;
      ++place[block];
    }
    ::observe(all, int32_t(settings.match_limit), settings.rates, steps);
  }

 private:
  const Settings& settings;
  const History& history;
  Int keyed, shortest, looked_back;
  std::vector<Int> seen, place, length, expected, key, bucket;
  std::vector<int32_t> counters;

  static Word last(Int count) { return count >= 8 ? ~Word(0) : (Word(1) << (8 * count)) - 1; }

  Int hash(const Past& past) const {
    const Word earlier = past.earlier & last(std::max<Int>(keyed - 8, 0));
    const Word hashed = ((past.recent & last(keyed)) ^ earlier * MIX) * ODD;
    return Int((hashed ^ hashed >> 32) * MIX >> (64 - settings.key_bits));
  }

  void search(size_t block, Int candidate) {
    if (candidate < 0) return;
    const uint8_t *bytes = history.bytes.data(), *here = bytes + block * history.width + history.step;
    const Int most = std::min({looked_back, history.step, candidate % history.width});
    Int same = 0;
    while (same < most && here[-1 - same] == bytes[candidate - 1 - same]) ++same;
    place[block] = candidate, length[block] = same >= shortest ? same : 0;
  }

  void remember() {
    for (const Int one : key) seen[one] = -1;
    for (size_t block = 0; block < key.size(); ++block)
      seen[key[block]] = std::max(seen[key[block]], Int(block) * history.width + history.step);
  }
};
