import itertools

import pytest
import torch

from nextstroke.training.random_streams import Stream, stream_seed


def test_seeds_are_those_of_the_checkpoints_that_were_written():
    """A resumed training draws what it would have drawn only if these numbers never change."""
    assert stream_seed(1, Stream.DROPOUT, 2, 3, 4, 0) == 580103990105720048
    assert stream_seed(1, Stream.WEIGHT_NOISE, 2, 3) == 2476437179266711362


def test_no_two_positions_streams_or_recipes_share_a_seed():
    positions = [position for n in range(4) for position in itertools.product((0, 1, 2**33), repeat=n)]
    seeds = [stream_seed(seed, stream, *position) for seed in (0, 1) for stream in Stream for position in positions]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("seed", [-(2**63), -1, 0, 2**63])
def test_any_seed_of_a_recipe_will_do(seed):
    torch.Generator().manual_seed(stream_seed(seed, Stream.DROPOUT, 0))
