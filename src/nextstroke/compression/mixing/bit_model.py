"""The adaptive model: the probability of every next bit, from what was seen and, where there is one, a network.

All blocks of a segment go in step and share all they learn: 64 short blocks together know as much as one long one.
What a byte teaches is taken in after its last bit, for all blocks and bits in one go.
"""

import numpy as np

from nextstroke.compression.mixing.contexts import COUNT, ContextTables, Counters, counter, probability
from nextstroke.compression.mixing.history import WORD_CONTEXTS, History
from nextstroke.compression.mixing.match import BUCKETS, MatchModel
from nextstroke.compression.mixing.mixer import BITS, LIMIT, ONE, Mixer, squash, stretch_table
from nextstroke.compression.range_coder import RangeDecoder, RangeEncoder

# Numbers of bytes that contexts look back, without a network and with one, which knows the nearest better.
ORDERS = ((1, 2, 3, 4, 6), (2, 4, 6))
OPINIONS = 2  # of a network: as trained, and as adapted
MOST_BLOCKS = 64
SEEN, LEVELS = 16, 64  # how a context's counter is told apart for its second opinion
STEP = 2 * LIMIT // LEVELS + 1
# Twice the binary logarithm of n + 1, rounded: in whole numbers, as all that decides a bit.
SEEN_OF = np.array([min(((2 * (n + 1) ** 4).bit_length() - 1) // 2, SEEN - 1) for n in range(COUNT + 1)])
_MOST_ROWS = {1: 13, 2: 18, 3: 18, 4: 18, 6: 18}  # binary logarithms
_MOST_ROWS_OF_WORDS = [18, 18, 18, 18, 17, 17]
RATE = 5
CONTEXT_LIMIT, SECOND_LIMIT = 255, 511  # of counters
# Whatever followed last, and what is surely the same again.
MATCHES = [{"keyed": 6, "shortest": 5, "looked_back": 16}, {"keyed": 12, "shortest": 12, "looked_back": 32}]
# By the byte so far, the first match, the last byte and the one before.
SELECTORS = [256, 8 * BUCKETS, 8 * 256, 8 * 256]


def row_bits(size: int, orders: tuple[int, ...]) -> list[int]:
    """Binary logarithm of the rows in each context's table, for a segment of `size` bytes."""
    needed = max((2 * size - 1).bit_length(), 10)
    return [min(needed, most) for most in [*(_MOST_ROWS[order] for order in orders), *_MOST_ROWS_OF_WORDS]]


class BitModel:
    """Predicts the bits of all blocks, most significant first.

    Args:
        blocks: How many go in step, at most MOST_BLOCKS.
        length: Bytes of the longest.
        network: Whether `begin` is given a network's opinions.
    """

    def __init__(self, blocks: int, length: int, network: bool = False):
        orders = ORDERS[network]
        self._contexts = contexts = len(orders) + WORD_CONTEXTS
        self._history = History(blocks, length, orders)
        self._tables = ContextTables(row_bits(blocks * length, orders), CONTEXT_LIMIT)
        self._matches = [MatchModel(self._history, **settings) for settings in MATCHES]
        self._second = second_opinions(contexts)
        self._mixer = Mixer(first_weights(contexts, network), SELECTORS, RATE)
        self._entries = np.zeros((3, blocks, 8, contexts), np.int64)
        self._kinds = np.arange(contexts) * SEEN * LEVELS
        self._inputs = np.zeros((blocks, 8, 2 * contexts + OPINIONS * network + len(MATCHES) + 1), np.int64)
        self._choice, self._told = np.zeros((2, blocks, 8, len(SELECTORS)), np.int64)
        self._bits = np.zeros((blocks, 8), np.int64)
        self._buckets = np.zeros((len(MATCHES), blocks, 8), np.int64)
        self._inputs[:, :, -1] = 256

    def begin(self, frequencies: np.ndarray | None = None) -> None:
        """Before each byte. A network's frequencies, (OPINIONS, blocks, 256): integers > 0 with sums under 2^31."""
        self._hashes = self._history.hashes()
        self._node = np.ones(len(self._bits), np.int64)
        for match in self._matches:
            match.begin()
        self._tree = None if frequencies is None else tree_of(frequencies)

    def encode(self, coder: RangeEncoder, byte: np.ndarray, active: int) -> None:
        """Code a byte of each block, (blocks,), and learn from it; blocks from `active` on have ended."""
        for bit in range(8):
            value, probability = byte >> (7 - bit) & 1, self._predict(bit)
            coder.encode(*_interval(probability[:active], value[:active]), BITS)
            self._observe(bit, value)

    def decode(self, coder: RangeDecoder, active: int) -> np.ndarray:
        """The bytes that `encode` was given; zeros in blocks that have ended."""
        for bit in range(8):
            probability = self._predict(bit)
            value = np.zeros(len(probability), np.int64)
            value[:active] = coder.peek(BITS, active) < probability[:active]
            coder.take(*_interval(probability[:active], value[:active]), BITS)
            self._observe(bit, value)
        return self._node & 255

    def _predict(self, bit: int) -> np.ndarray:
        """Probability that bit number `bit` of each block's byte is a one, 1 to 65535 of 65536."""
        if bit % 4 == 0:
            self._row = self._tables.find(self._hashes, self._node)
        inputs, choice = self._inputs[:, bit], self._choice[:, bit]
        self._read_contexts(bit, inputs)
        for place, match in enumerate(self._matches):
            inputs[:, 2 * self._contexts + place], self._buckets[place, :, bit] = match.predict(self._node, bit)
        if self._tree is not None:
            inputs[:, -1 - OPINIONS : -1] = _branch(self._tree, self._node)
        choice[:, 0] = self._node
        choice[:, 1] = self._buckets[0, :, bit] * 8 + bit
        choice[:, 2] = self._history.back(1) * 8 + bit
        choice[:, 3] = self._history.back(2) * 8 + bit
        logit, self._told[:, bit] = self._mixer.predict(inputs, choice)
        return squash(logit)

    def _read_contexts(self, bit: int, inputs: np.ndarray) -> None:
        """Two inputs a context: its counter, and what became of others that looked like it."""
        half = self._node if bit < 4 else self._node & (2 ** (bit - 4) - 1) | 2 ** (bit - 4)
        place = self._row + half[:, None]
        entry = self._tables.counters.entries[place]
        seen = entry & COUNT
        logit = stretch_table()[probability(entry)]
        kind = SEEN_OF[seen] * LEVELS + (logit + LIMIT) // STEP + self._kinds
        second = self._second.entries[kind]
        inputs[:, : self._contexts] = stretch_table()[probability(second)] * (seen > 0)
        inputs[:, self._contexts : 2 * self._contexts] = logit
        self._entries[:, :, bit] = place, entry, kind

    def _observe(self, bit: int, value: np.ndarray) -> None:
        """Tell the value that bit number `bit` had, in each block."""
        self._bits[:, bit] = value
        self._node = self._node * 2 + value
        if bit == 7:
            self._learn()

    def _learn(self) -> None:
        bits = self._bits
        place, entry, kind = self._entries.reshape(3, -1)
        of_contexts = np.repeat(bits, self._contexts)
        self._tables.counters.observe(place, entry, of_contexts)
        known = (entry & COUNT) > 0
        self._second.observe(kind[known], self._second.entries[kind[known]], of_contexts[known])
        inputs, choice, told = (array.reshape(-1, array.shape[2]) for array in (self._inputs, self._choice, self._told))
        self._mixer.observe(inputs, choice, told, bits.reshape(-1))
        for match, buckets in zip(self._matches, self._buckets, strict=True):
            match.observe(buckets, bits)
        self._history.append(self._node & 255)


def _interval(probability: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and size of a bit's interval: ones lie below zeros."""
    return np.where(value, 0, probability), np.where(value, probability, (1 << BITS) - probability)


def tree_of(frequencies: np.ndarray) -> np.ndarray:
    """Sums over the tree of bits, (..., 512): node 1 is the whole, node 256 + s the frequency of s."""
    tree = np.empty((*frequencies.shape[:-1], 512), np.int64)
    tree[..., 256:] = frequencies
    for level in reversed(range(8)):
        below = tree[..., 2 << level : 4 << level]
        tree[..., 1 << level : 2 << level] = below[..., ::2] + below[..., 1::2]
    return tree


def _branch(tree: np.ndarray, node: np.ndarray) -> np.ndarray:
    """Logits of a one at each block's node, (blocks, opinions)."""
    rows = np.arange(len(node))
    return stretch_table()[(tree[:, rows, 2 * node + 1] << BITS) // tree[:, rows, node]].T


def second_opinions(contexts: int) -> Counters:
    """Begin where a look of a counter is worth what it says."""
    middle = (np.arange(LEVELS) * STEP + STEP // 2) - LIMIT
    return Counters(np.tile(counter(squash(middle)), contexts * SEEN), SECOND_LIMIT)


def first_weights(contexts: int, network: bool) -> np.ndarray:
    """A network is believed from the start, contexts need to show what they know."""
    others = 2 * contexts + len(MATCHES)
    if network:
        return np.array([ONE // 20] * others + [ONE * 9 // 20] * OPINIONS + [0])
    return np.array([ONE * 3 // 10] * others + [0])
