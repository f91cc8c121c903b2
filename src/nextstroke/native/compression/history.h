// history.py.
#pragma once

#include <vector>

#include "settings.h"

// What a block has said so far.
struct Past {
  Word recent = 0, earlier = 0, word = 0, before = 0, second_before = 0, first = 0, line = 0;
  bool begins = true;

  void append(Word byte) {
    earlier = earlier << 8 | recent >> 56;
    recent = recent << 8 | byte;
    const Word lower = byte | 32;
    const bool letter = (lower >= 97 && lower <= 122) || byte >= 128, ends = byte == '\n';
    if (!letter && word) second_before = before, before = word;
    if (begins) first = byte;
    if (ends) first = 0;
    line = ends ? 0 : (line + byte + 1) * ODD;
    begins = ends;
    word = letter ? (word + lower) * ODD : 0;
  }
};

struct History {
  std::vector<uint8_t> bytes;
  std::vector<Past> past;
  Int width, step = 0;

  explicit History(const Settings& of) : bytes(of.blocks * of.length), past(of.blocks), width(of.length) {}

  void hashes(const Settings& of, std::vector<Word>& found) const {
    Word* hash = found.data();
    for (const Past& of_block : past) {
      const Word begin = Word(hash - found.data());
      for (Int n = 0; n < of.orders; ++n) *hash++ = of_block.recent & ((Word(1) << (8 * of.order[n])) - 1);
      const Word word = of_block.word * MIX, two = word + of_block.before, before = of_block.second_before;
      const Word begun = word + ((of_block.recent << 8 & 255 << 8) | of_block.first);
      for (const Word context : {of_block.word, two, word + before, two * MIX + before, begun, of_block.line})
        *hash++ = context;
      for (Int n = 0; n < of.contexts; ++n) {
        Word& value = found[begin + n];
        value = scramble(value * ODD + Word(n));
      }
    }
  }

  void append(const std::vector<Int>& byte) {
    for (size_t block = 0; block < past.size(); ++block) {
      bytes[block * width + step] = uint8_t(byte[block]);
      past[block].append(Word(byte[block]));
    }
    ++step;
  }
};
