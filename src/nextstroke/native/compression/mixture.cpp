// The adaptive model of bit_model.py in one loop: the same whole numbers. As there, all blocks read what they read before
// the first of them changes it.

#include "coder.h"
#include "counters.h"
#include "history.h"
#include "match.h"

class Mixture {
 public:
  explicit Mixture(const Settings& given)
      : of(given), history(of), tables(of), second(of.second, of.second + of.contexts * of.seen * of.levels),
        hashes(of.blocks * of.contexts), rows(hashes.size()), tree(of.opinions * of.blocks * 512), node(of.blocks),
        chances(of.blocks), places(hashes.size() * 8), kinds(places.size()), inputs(of.blocks * 8 * of.inputs),
        vectors(of.blocks * 8 * of.selectors), told(vectors.size()) {
    for (Int n = 0; n < of.matches; ++n) matches.emplace_back(of, of.match + 3 * n, history);
    Int vectors_of_all = 0;
    for (Int n = 0; n < of.selectors; ++n) first.push_back(vectors_of_all), vectors_of_all += of.choices[n];
    for (Int n = 0; n < vectors_of_all; ++n) weights.insert(weights.end(), of.weights, of.weights + of.inputs);
  }

  // Before each byte; a network's frequencies, (opinions, blocks, 256).
  void begin(const Int* frequencies) {
    for (Int row = 0; row < of.opinions * of.blocks; ++row) {
      Int* sums = &tree[row * 512];  // over the tree of bits: node 256 + s is the frequency of s
      std::copy_n(frequencies + row * 256, 256, sums + 256);
      for (Int n = 255; n > 0; --n) sums[n] = sums[2 * n] + sums[2 * n + 1];
    }
    history.hashes(of, hashes);
    std::fill(node.begin(), node.end(), 1);
    for (Match& match : matches) match.begin();
  }

  // Code a byte of each block; those from `active` on have ended.
  void encode(const Encoder& coder, const Int* byte, Int active) {
    for (Int bit = 0; bit < 8; ++bit) {
      predict(bit);
      for (Int block = 0; block < of.blocks; ++block) {
        const bool one = byte[block] >> (7 - bit) & 1;
        if (block < active) coder.encode(block, {chances[block], one});
        node[block] = node[block] * 2 + one;
      }
    }
    learn();
  }

  void decode(const Decoder& coder, Int* byte, Int active) {
    for (Int bit = 0; bit < 8; ++bit) {
      predict(bit);
      for (Int block = 0; block < of.blocks; ++block)
        node[block] = node[block] * 2 + (block < active && coder.decode(block, chances[block]));
    }
    learn();
    std::copy(node.begin(), node.end(), byte);
  }

 private:
  const Settings of;
  History history;
  ContextTables tables;
  std::vector<int32_t> second;
  std::vector<Match> matches;
  std::vector<Word> hashes;
  std::vector<int32_t*> rows;
  std::vector<Int> tree, node, chances, first, weights;
  std::vector<Seen> places;     // (blocks, 8, contexts): counters as they were read
  std::vector<int32_t*> kinds;  // the same: their second opinions
  std::vector<Int> inputs;      // (blocks, 8, inputs)
  std::vector<Int*> vectors;    // (blocks, 8, selectors): weights that were picked
  std::vector<Int> told;        // the same: what each said
  std::vector<Seen> all;
  std::vector<int32_t> steps;

  void predict(Int bit) {
    if (bit % 4 == 0) tables.find(hashes, node, rows);
    for (Int block = 0; block < of.blocks; ++block) {
      Int* x = &inputs[(block * 8 + bit) * of.inputs];
      read_contexts(block, bit, x);
      for (Int n = 0; n < of.matches; ++n) x[2 * of.contexts + n] = matches[n].predict(block, bit, node[block]);
      for (Int n = 0; n < of.opinions; ++n) x[2 * of.contexts + of.matches + n] = branch(n, block);
      x[of.inputs - 1] = 256;
      chances[block] = mix(block, bit, x);
    }
  }

  Int squash(Int logit) const { return of.squash[std::min(std::max(logit, -of.limit), of.limit) + of.limit]; }

  void read_contexts(Int block, Int bit, Int* x) {
    const Int low = (Int(1) << (bit & 3)), half = low | (node[block] & (low - 1));
    for (Int n = 0; n < of.contexts; ++n) {
      int32_t* entry = rows[block * of.contexts + n] + half;
      const Int seen = *entry & COUNT, logit = of.stretch[probability(*entry)];
      const Int kind = (n * of.seen + of.seen_of[seen]) * of.levels + (logit + of.limit) / of.step;
      x[n] = seen ? of.stretch[probability(second[kind])] : 0;
      x[of.contexts + n] = logit;
      const Int place = (block * 8 + bit) * of.contexts + n;
      places[place] = {entry, *entry, false};
      kinds[place] = &second[kind];
    }
  }

  // The logit of a one at a block's node, by one of the network's opinions.
  Int branch(Int opinion, Int block) const {
    const Int* sums = &tree[(opinion * of.blocks + block) * 512];
    return of.stretch[(sums[2 * node[block] + 1] << 16) / sums[node[block]]];
  }

  Int mix(Int block, Int bit, const Int* x) {
    const Word recent = history.past[block].recent;
    const Int choice[] = {node[block], matches[0].bucket_of(block, bit) * 8 + bit, Int(recent & 255) * 8 + bit,
                          Int(recent >> 8 & 255) * 8 + bit};
    Int sum = 0;
    for (Int n = 0; n < of.selectors; ++n) {
      Int *vector = &weights[(first[n] + choice[n]) * of.inputs], logit = 0;
      for (Int i = 0; i < of.inputs; ++i) logit += vector[i] * x[i];
      logit >>= 16;
      vectors[(block * 8 + bit) * of.selectors + n] = vector;
      told[(block * 8 + bit) * of.selectors + n] = squash(logit);
      sum += logit;
    }
    return squash(divide(sum, of.selectors));
  }

  void learn() {
    learn_contexts();
    learn_weights();
    for (Int& byte : node) byte &= 255;
    for (Match& match : matches) match.observe(node, all, steps);
    history.append(node);
  }

  bool bit_of(Int pair) const { return node[pair / 8] >> (7 - pair % 8) & 1; }

  void learn_contexts() {
    all.clear();
    for (size_t n = 0; n < places.size(); ++n) {
      places[n].bit = bit_of(Int(n) / of.contexts);
      if (places[n].before & COUNT) all.push_back({kinds[n], *kinds[n], places[n].bit});
    }
    ::observe(places, int32_t(of.context_limit), of.rates, steps);
    ::observe(all, int32_t(of.second_limit), of.rates, steps);
  }

  void learn_weights() {
    for (Int pair = 0; pair < of.blocks * 8; ++pair) {
      const Int target = Int(bit_of(pair)) << 16, *x = &inputs[pair * of.inputs];
      for (Int n = pair * of.selectors; n < (pair + 1) * of.selectors; ++n) {
        const Int error = (target - told[n]) * of.rate;
        for (Int i = 0; i < of.inputs; ++i) vectors[n][i] += (x[i] * error + (1 << 17)) >> 18;
      }
    }
  }
};

EXPORTED Mixture* mixture_new(const Settings* settings) {
  try {
    return new Mixture(*settings);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
EXPORTED void mixture_delete(Mixture* mixture) { delete mixture; }
EXPORTED void mixture_begin(Mixture* mixture, const Int* sums) { mixture->begin(sums); }
EXPORTED void mixture_encode(
    Mixture* mixture, Word* low, Word* range, uint32_t* words, Int room, Int* count, const Int* byte, Int active) {
  mixture->encode({low, range, words, room, count}, byte, active);
}
EXPORTED void mixture_decode(
    Mixture* mixture, Word* value, Word* range, const Word* words, Int room, Int* next, Int* byte, Int active) {
  mixture->decode({value, range, words, room, next}, byte, active);
}
