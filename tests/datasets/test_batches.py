import numpy as np
import pytest

from nextstroke.datasets.batches import (
    Augmentation,
    Batch,
    Example,
    Normalisation,
    shuffled_batches,
    sorted_batches,
)
from nextstroke.errors import BadInput

PLAIN = Normalisation((0.0, 0.0), (1.0, 1.0))
RNG = np.random.default_rng(3)


def example(points, characters=2):
    offsets = RNG.normal(size=(points, 3)).astype(np.float32)
    return Example(offsets, np.arange(characters))


@pytest.mark.parametrize(("lines", "batch"), [(64, 8), (640, 16), (5, 1), (3, 8)])
def test_an_epoch_holds_each_line_once(lines, batch):
    order = np.concatenate(shuffled_batches(RNG.integers(1, 99, lines), batch, seed=1, epoch=0))
    assert sorted(order) == list(range(lines))


def test_lines_that_fill_no_batch_are_left_out_at_random():
    lengths, left_out = np.arange(1, 12), set()
    for epoch in range(40):
        batches = shuffled_batches(lengths, 5, seed=1, epoch=epoch)
        assert [len(batch) for batch in batches] == [5, 5]
        left_out |= set(range(11)) - set(np.concatenate(batches))
    assert len(left_out) > 5


def test_order_is_that_of_seed_and_epoch():
    lengths = RNG.integers(1, 99, 200)

    def order(seed, epoch):
        return np.concatenate(shuffled_batches(lengths, 4, seed, epoch)).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(2, 0)
    assert order(1, 0) != order(1, 1)


def test_lines_of_a_batch_are_of_like_length():
    lengths = RNG.integers(1, 1000, 512)
    widest = [np.ptp(lengths[batch]) for batch in shuffled_batches(lengths, 16, seed=1, epoch=0)]
    assert np.mean(widest) < 100


def test_evaluation_takes_every_line_longest_first():
    lengths = np.array([3, 9, 1, 7, 7])
    batches = sorted_batches(lengths, 2)
    assert [lengths[batch].tolist() for batch in batches] == [[9, 7], [7, 3], [1]]


def test_first_input_is_the_null_vector_and_input_is_the_point_before():
    batch = Batch.of([example(6), example(4)], PLAIN)
    (chunk,) = batch.chunks(None)
    assert not chunk.x[:, 0].any()
    assert np.array_equal(chunk.x[:, 1:], chunk.target[:, :-1])


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 100, None])
def test_chunks_join_to_the_whole(steps):
    batch = Batch.of([example(11), example(8)], PLAIN)
    (whole,), pieces = batch.chunks(None), list(batch.chunks(steps))
    for name in ("x", "target", "mask"):
        joined = np.concatenate([getattr(piece, name) for piece in pieces], 1)
        assert np.array_equal(joined, getattr(whole, name))
    assert all(np.array_equal(piece.text, batch.text) for piece in (whole, *pieces))
    lengths = [piece.mask.shape[1] for piece in pieces]
    assert max(lengths) <= (steps or 11)
    assert max(lengths) - min(lengths) <= 1


def test_padding_is_masked():
    short, long = example(3, 1), example(5, 4)
    batch = Batch.of([short, long], PLAIN)
    (chunk,) = batch.chunks(None)
    assert chunk.mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.text.tolist() == [[0, -1, -1, -1], [0, 1, 2, 3]]
    assert np.array_equal(batch.points[0, :3], short.offsets)
    assert not batch.points[0, 3:].any()


@pytest.mark.parametrize("steps", [None, 10])
def test_single_points_have_nothing_to_predict(steps):
    assert list(Batch.of([example(0)], PLAIN).chunks(steps)) == []


def test_normalisation_is_computed_in_float64():
    """A mean far above the deviation, over many rows: float32 sums would be off by more than the deviation."""
    rows = np.zeros((200_000, 3), np.float32)
    rows[:, :2] = 1e4 + RNG.choice([-1, 1], (200_000, 2))
    found = Normalisation.of([rows[:70_000], rows[70_000:]])
    exact = rows[:, :2].astype(np.longdouble)
    np.testing.assert_allclose(found.mean, exact.mean(0).astype(float), rtol=1e-12)
    np.testing.assert_allclose(found.std, exact.std(0).astype(float), rtol=1e-9)


def test_normalised_offsets_have_mean_0_and_deviation_1_and_the_pen_stays():
    lines = [example(50).offsets * (3, 5, 1) + (2, -1, 0) for _ in range(20)]
    normal = np.concatenate([Normalisation.of(lines).apply(line) for line in lines])
    assert normal.dtype == np.float32
    np.testing.assert_allclose(normal[:, :2].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(normal[:, :2].std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(normal[:, 2], np.concatenate(lines)[:, 2], rtol=1e-6)


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.ones((5, 3)), np.outer(np.arange(5), [1, 0, 1])])
def test_ink_without_movement_is_refused(rows):
    with pytest.raises(BadInput, match="nothing to learn from"):
        Normalisation.of([rows])


def test_no_augmentation_is_the_identity_on_a_copy():
    offsets = example(9).offsets
    changed = Augmentation().apply(offsets, np.random.default_rng(0))
    assert np.array_equal(changed, offsets)
    assert changed is not offsets
    assert changed.dtype == np.float32


def test_augmentation_scales_and_slants_but_leaves_the_pen():
    offsets = example(9).offsets
    changed = Augmentation(scale=0.3, shear=0.2).apply(offsets, np.random.default_rng(0))
    size = changed[0, 1] / offsets[0, 1]
    np.testing.assert_allclose(changed[:, 1], size * offsets[:, 1], rtol=1e-5)
    slant = (changed[:, 0] / size - offsets[:, 0]) / offsets[:, 1]
    np.testing.assert_allclose(slant, slant[0], rtol=1e-3)
    assert abs(slant[0]) > 0.001 < abs(size - 1)
    assert np.array_equal(changed[:, 2], offsets[:, 2])


def test_augmentation_stretches_the_width_alone():
    offsets = example(9).offsets
    changed = Augmentation(stretch=0.3).apply(offsets, np.random.default_rng(0))
    assert np.array_equal(changed[:, 1:], offsets[:, 1:])
    width = changed[:, 0] / offsets[:, 0]
    np.testing.assert_allclose(width, width[0], rtol=1e-5)
    assert abs(width[0] - 1) > 0.01


def test_augmentation_tilts_the_baseline():
    offsets = example(9).offsets
    changed = Augmentation(slope=0.3).apply(offsets, np.random.default_rng(0))
    assert np.array_equal(changed[:, 0], offsets[:, 0])
    slope = (changed[:, 1] - offsets[:, 1]) / offsets[:, 0]
    np.testing.assert_allclose(slope, slope[0], rtol=1e-3)
    assert abs(slope[0]) > 0.001


def test_clipping_bounds_the_offsets():
    offsets = np.array([[900.0, -900.0, 1], [1, 2, 0]])
    clipped = Augmentation(clip=100).apply(offsets, np.random.default_rng(0))
    assert clipped.tolist() == [[100, -100, 1], [1, 2, 0]]
