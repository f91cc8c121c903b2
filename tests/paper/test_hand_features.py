from dataclasses import astuple

import numpy as np
import pytest

from nextstroke.ink import Ink
from nextstroke.paper.hand_features import diversity, halves, hand_traits, own_prime_share, roughness, steadiness


def line(slant=0.0, size=10.0, width=8.0, strokes=12, jitter=0.0, seed=0):
    """A row of n's: up and down strokes of a size, apart by a width, leaning by a slant."""
    rng = np.random.default_rng(seed)
    heights = np.linspace(0, size, 6)
    shape = np.concatenate([np.column_stack([slant * -heights, -heights]), [[width / 2 - slant * size, -size]]])
    shape = np.concatenate([shape, np.column_stack([width / 2 - slant * heights[::-1], -heights[::-1]])])
    return Ink.from_strokes(
        [shape + [i * width, 0] + rng.normal(0, max(jitter, 1e-6), shape.shape) for i in range(strokes)]
    )


@pytest.mark.parametrize("slant", [-0.3, 0.0, 0.5])
def test_the_slant_is_that_of_what_goes_up_and_down(slant):
    assert hand_traits(line(slant))[0] == pytest.approx(slant, abs=0.02)


def test_size_and_spacing_are_independent():
    plain, large, wide = hand_traits(line()), hand_traits(line(size=20.0, width=16.0)), hand_traits(line(width=16.0))
    assert large[1] - plain[1] == pytest.approx(np.log(2), abs=0.02)
    assert large[2] == pytest.approx(plain[2], rel=0.02)
    assert wide[1] == pytest.approx(plain[1], abs=0.02)
    assert wide[2] > 1.5 * plain[2]


def test_halves_are_the_line_again():
    whole = line()
    first, second = halves(whole)
    assert len(first) + len(second) == len(whole)
    assert first.end_of_stroke[-1]
    with pytest.raises(ValueError, match="one stroke"):
        halves(line(strokes=1))


def test_hands_that_never_change_are_steady_and_those_that_do_are_not():
    rng = np.random.default_rng(1)
    drawn = [(rng.normal(0, 0.3), rng.uniform(8, 14), rng.uniform(6, 14)) for _ in range(40)]
    steady = [line(*hand, jitter=0.1, seed=i) for i, hand in enumerate(drawn)]
    assert steadiness(steady).least() > 0.9
    mixed = []
    for one, other in zip(drawn, rng.permutation(drawn), strict=True):
        parts = line(*one).strokes()[:6] + [stroke + [200, 0] for stroke in line(*other).strokes()[6:]]
        mixed.append(Ink.from_strokes(parts))
    found = steadiness(mixed)
    assert max(found.slant, found.size, found.spacing) < 0.6


def test_diversity_is_none_among_equals():
    assert astuple(diversity([line()] * 3)) == pytest.approx((0, 0, 0), abs=1e-9)
    assert diversity([line(0.4), line(-0.4)]).slant == pytest.approx(0.4, abs=0.02)


def test_shaky_lines_are_rough():
    t = np.linspace(0, 30, 300)
    even = np.column_stack([t, np.sin(t)])
    shaky = even + np.random.default_rng(0).normal(0, 0.03, even.shape)
    smooth, rough, large = (roughness(Ink.from_strokes([points])) for points in (even, shaky, 5 * shaky))
    assert rough > 5 * smooth
    assert large == pytest.approx(rough)


def test_lines_that_keep_their_prime_are_nearest_to_it():
    hands = [line(-0.4), line(0.4), line(0.0, 20.0), line(0.0, 10.0, 20.0)]
    assert own_prime_share(hands, [[hand, hand] for hand in hands]) == 1
    assert own_prime_share(hands, [[hand] for hand in (*hands[1:], hands[0])]) < 0.5
