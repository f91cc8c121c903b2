import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from nextstroke.api import write_lines
from nextstroke.errors import CorruptFile
from nextstroke.handwriting.adaptation import BOUNDS, Adaptation
from nextstroke.handwriting.fit_hand import SPREADS, fitted_hand
from nextstroke.handwriting.hands import gallery_hand, pack_hands, unpack_hands
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import write
from nextstroke.handwriting.traits import Traits, mean_traits, traits_of
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures
from nextstroke.runtime.model_file import load_model

TEXTS = ["we met in the garden", "bring me some water", "a long way from home"]


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


@pytest.fixture(scope="module")
def hand():
    return gallery_hand("plain", "writer")


@pytest.fixture(scope="module")
def plain_lines(writer, hand):
    return write(writer, line_requests(writer, TEXTS, hand, 1.0, 1), attempts=1)


def traits(lines):
    return Traits(*mean_traits([line.ink for line in lines], [line.written for line in lines]))


@pytest.mark.parametrize(
    ("adaptation", "expected"),
    [
        (Adaptation(shear=-0.3), lambda before: before._replace(slant=before.slant - 0.3)),
        (Adaptation(gap=0.8), lambda before: before._replace(gap=before.gap + 0.8)),
        (Adaptation(tall=1.2), lambda before: before._replace(tallness=1 + 1.2 * (before.tallness - 1))),
    ],
    ids=["shear", "gap", "tall"],
)
def test_each_number_changes_its_trait(plain_lines, adaptation, expected):
    before = traits(plain_lines)
    wanted = expected(before)
    changed = [replace(line, ink=adaptation.apply(line.ink, line.phi, line.written)) for line in plain_lines]
    found = traits(changed)
    # Leaning letters reach into the gaps, and a wider gap widens the line.
    for name in ("slant", "tallness", "gap") if adaptation.shear == 0 else ("slant", "tallness", "strokes"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=0.12), name


def test_stretch_changes_widths_and_nothing_vertical(plain_lines):
    line = plain_lines[0]
    ink = Adaptation(stretch=1.25).apply(line.ink, line.phi, line.written)
    assert np.ptp(ink.points[:, 0]) == pytest.approx(1.25 * np.ptp(line.ink.points[:, 0]))
    assert Measures.of(ink).x_height == pytest.approx(Measures.of(line.ink).x_height, rel=0.02)


def test_lift_changes_the_number_of_strokes_only_while_it_is_drawn(writer, hand, plain_lines):
    joined = replace(hand, adaptation=Adaptation(lift=-1.0))
    lines = write(writer, line_requests(writer, TEXTS, joined, 1.0, 1), attempts=1)
    assert traits(lines).strokes < traits(plain_lines).strokes - 0.05
    line = plain_lines[0]
    assert Adaptation(lift=-1.0).apply(line.ink, line.phi, line.written) is line.ink


def test_the_network_s_own_ink_stays_bare(writer, hand, plain_lines):
    """The recogniser reads what the network drew."""
    sheared = replace(hand, adaptation=Adaptation(shear=0.4))
    line = write(writer, line_requests(writer, TEXTS[:1], sheared, 1.0, 1), attempts=1)[0]
    np.testing.assert_allclose(line.bare.points, plain_lines[0].bare.points, atol=0.1)
    assert line.ink.slant() == pytest.approx(plain_lines[0].ink.slant() + 0.4, abs=0.12)


def test_an_adaptation_is_stored_with_the_hand_and_a_hand_without_is_stored_as_before(hand):
    adapted = replace(hand, adaptation=Adaptation(lift=-0.5, gap=0.25))
    assert unpack_hands(pack_hands([adapted]), "a.style")[hand.name].adaptation == adapted.adaptation
    assert b"adaptation" not in pack_hands([hand])


@pytest.mark.parametrize("stored", [{"gap": 9.2}, {"gap": float("nan")}, {"pag": 0.5}, {"gap": "x"}, {"gap": []}, [1]])
def test_an_altered_adaptation_is_refused(hand, stored):
    tensors = load(pack_hands([hand]))
    entry = {"name": hand.name, "text": hand.text, "adaptation": stored}
    with pytest.raises(CorruptFile):
        unpack_hands(save(tensors, {"nextstroke": json.dumps([entry])}), "a.style")


def test_numbers_beyond_the_bounds_are_brought_within_and_what_is_not_finite_is_left_out():
    assert Adaptation.bounded(lift=-9, stretch=9, gap=float("nan")) == Adaptation(
        lift=BOUNDS["lift"][0], stretch=BOUNDS["stretch"][1]
    )
    with pytest.raises(ValueError, match="stretch 9"):
        Adaptation(stretch=9)


def test_a_fitted_hand_comes_nearer_to_the_lines(writer, hand):
    """The lines are in a hand that leans, is narrow and has wide spaces; the prime does none of it."""
    given = replace(hand, adaptation=Adaptation(shear=-0.3, stretch=0.8, gap=1.2))
    lines = write_lines(writer, TEXTS, 0.75, 1, given)
    fitted = fitted_hand(writer, [hand], [line.ink for line in lines], TEXTS)
    wanted = traits(lines)
    before, after = (traits(write_lines(writer, TEXTS, 0.75, 9, each)) for each in (hand, fitted))
    distance = [np.mean(abs(np.array(found) - wanted) / SPREADS) for found in (before, after)]
    assert distance[1] < 0.6 * distance[0]


def test_the_prime_that_writes_most_alike_is_taken(writer):
    hands = [gallery_hand(name, "writer") for name in ("wide", "cursive")]
    for number, own in enumerate(hands):
        lines = write_lines(writer, TEXTS, 0.75, 1, own)
        assert fitted_hand(writer, hands, [line.ink for line in lines], TEXTS).name == hands[number].name


def test_traits_of_a_line_that_is_known():
    """Two words of two upright strokes each, ten high and five apart, and a gap of twenty."""
    strokes = [np.column_stack([np.full(11, x), np.arange(11.0)]) for x in (0, 5, 25, 30)]
    found = traits_of(Ink.from_strokes(strokes), "ab cd")
    height = Measures.of(Ink.from_strokes(strokes)).x_height
    assert found.slant == 0
    assert found.width == pytest.approx(30 / 5 / height)
    assert found.strokes == 1
    assert found.gap == pytest.approx(20 / height)
    assert np.isnan(traits_of(Ink.from_strokes(strokes[:2]), "ab").gap)
