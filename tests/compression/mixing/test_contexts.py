import numpy as np
import pytest

from nextstroke.compression.mixing.contexts import COUNT, Counters, counter, probability


def test_a_counter_that_sees_one_bit_at_a_time_gives_the_mean():
    """(1.5 / 2 + ones) / (n + 1.5): the rate 1 / (n + 1.5) is that of a mean with one and a half bits known before."""
    bits = np.random.default_rng(0).random(200) < 0.3
    counters = Counters(np.zeros(1, np.int32), limit=255)
    mean, index = 0.5, np.array([0])
    for n, bit in enumerate(bits, 1):
        counters.observe(index, counters.entries[index], np.array([bit]))
        mean += (bit - mean) / (n + 1.5)
    assert counters.entries[0] & COUNT == 200
    assert probability(counters.entries)[0] / 65536 == pytest.approx(mean, abs=1e-3)


def test_the_order_of_those_who_meet_changes_nothing():
    rng = np.random.default_rng(1)
    index, bit = rng.integers(0, 9, 60), rng.integers(0, 2, 60)
    told = []
    for order in (np.arange(60), rng.permutation(60)):
        counters = Counters(counter(np.arange(9) * 7000), limit=255)
        for _ in range(50):
            counters.observe(index[order], counters.entries[index[order]], bit[order])
        told.append(counters.entries.tolist())
    assert told[0] == told[1]


@pytest.mark.parametrize(("limit", "meet"), [(255, 64), (511, 512)])
@pytest.mark.parametrize("pattern", ["ones", "zeros", "turns"])
@pytest.mark.parametrize("start", [32768, 32771])  # from the middle, steps end on the bound; else they go beyond it
def test_no_crowd_drives_a_counter_over_its_ends(limit, meet, pattern, start):
    """An overflow would turn what is certain into its opposite."""
    counters, index = Counters(counter(np.array([start])), limit), np.zeros(meet, np.int64)
    for step in range(600):
        bit = {"ones": 1, "zeros": 0, "turns": step // 300}[pattern]
        before = probability(counters.entries)[0]
        counters.observe(index, counters.entries[index], np.full(meet, bit))
        after = probability(counters.entries)[0]
        assert 0 <= after <= 65535
        assert (after >= before) if bit else (after <= before)
        assert counters.entries[0] & COUNT < limit + meet
