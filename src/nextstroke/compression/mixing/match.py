"""The match model: whatever followed the last time these bytes stood anywhere in the segment follows again."""

import numpy as np

from nextstroke.compression.mixing.contexts import Counters, counter, probability
from nextstroke.compression.mixing.history import MIX, ODD, History
from nextstroke.compression.mixing.mixer import stretch_table

LONGEST = 400
BUCKETS = 32
LIMIT, FIRST = 511, 49152  # of counters; how likely the first matches are to hold, of 65536
KEY_BITS = 18  # binary logarithm of the number of places that are remembered


class MatchModel:
    """For each block the place of a match anywhere in the history of all, as long as it holds.

    Args:
        keyed: Bytes that find a candidate, 1 to 16.
        shortest: Bytes that must agree.
        looked_back: Bytes of a candidate that are compared.

    Attributes:
        length: How many bytes agree, (blocks,); 0 is no match.
    """

    def __init__(self, history: History, keyed: int, shortest: int, looked_back: int):
        self._keyed, self._shortest, self._looked_back = keyed, shortest, looked_back
        self._masks = [np.uint64(2 ** (8 * count) - 1) for count in (min(keyed, 8), max(keyed - 8, 0))]
        blocks, self._width = history.bytes.shape
        self._history, self._flat = history, history.bytes.reshape(-1)
        self._seen = np.full(2**KEY_BITS, -1)
        self._place = np.zeros(blocks, np.int64)
        self.length = np.zeros(blocks, np.int64)
        self._counters = Counters(np.zeros(BUCKETS, np.int32) + counter(np.array(FIRST)), LIMIT)

    def begin(self) -> None:
        """Look for matches before the next byte, and remember this place."""
        if self._history.step >= self._keyed:
            key = self._key()
            self._search(np.flatnonzero(self.length == 0), key)
            self._remember(key)
        # A match that has caught up with its source's own present has nothing to tell.
        self.length *= self._place % self._width < self._history.step
        self._expected = self._flat[self._place * (self.length > 0)].astype(np.int64) | 256

    def _key(self) -> np.ndarray:
        recent, earlier = self._history.recent & self._masks[0], self._history.earlier & self._masks[1]
        hashed = (recent ^ earlier * MIX) * ODD
        return ((hashed ^ hashed >> np.uint64(32)) * MIX >> np.uint64(64 - KEY_BITS)).astype(np.int64)

    def _search(self, blocks: np.ndarray, key: np.ndarray) -> None:
        place = self._seen[key[blocks]]
        blocks, place = blocks[place >= 0], place[place >= 0]
        if not len(blocks):
            return
        back = np.arange(1, min(self._looked_back, self._history.step) + 1)
        here = blocks[:, None] * self._width + self._history.step - back
        there = place[:, None] - back
        same = (self._flat[here] == self._flat[there]) & (there >= (place - place % self._width)[:, None])
        length = np.logical_and.accumulate(same, 1).sum(1)
        self._place[blocks], self.length[blocks] = place, length * (length >= self._shortest)

    def _remember(self, key: np.ndarray) -> None:
        """Of blocks with the same key the last stays, whoever comes first."""
        self._seen[key] = -1
        np.maximum.at(self._seen, key, np.arange(len(key)) * self._width + self._history.step)

    def predict(self, node: np.ndarray, bit: int) -> tuple[np.ndarray, np.ndarray]:
        """Logit of the next bit, 0 without a match, and the bucket of its length, 0 to BUCKETS − 1."""
        ahead = self._expected >> (7 - bit)
        holds = (self.length > 0) & (ahead >> 1 == node)
        bucket = np.where(self.length > 15, 16 + np.minimum(self.length >> 3, 15), self.length) * holds
        logit = stretch_table()[probability(self._counters.entries[bucket])]
        return np.where(ahead & 1, logit, -logit) * holds, bucket

    def observe(self, buckets: np.ndarray, bits: np.ndarray) -> None:
        """Learn how far a match is to be trusted, and follow those that held.

        Args:
            buckets, bits: Of all eight bits, (blocks, 8).
        """
        expected = (self._expected[:, None] >> np.arange(7, -1, -1)) & 1
        used = buckets > 0
        index = buckets[used]
        self._counters.observe(index, self._counters.entries[index], (expected == bits)[used])
        held = (expected == bits).all(1) & (self.length > 0)
        self.length = np.minimum(self.length + 1, LONGEST) * held
        self._place += 1
