import itertools

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nextstroke.nets.recogniser_network import BothWays, RecogniserNetwork, greedy, pairs, reverse


def test_lines_are_turned_within_their_length():
    x = torch.arange(10.0).reshape(2, 5, 1)
    assert reverse(x, torch.tensor([5, 3])).flatten().tolist() == [4, 3, 2, 1, 0, 7, 6, 5, 8, 9]


def test_points_are_paired_and_the_last_one_is_filled_up():
    assert pairs(torch.ones(1, 3, 3)).tolist() == [[[1.0] * 6, [1.0] * 3 + [0.0] * 3]]


def test_both_ways_equal_torch_over_packed_lines():
    torch.manual_seed(1)
    ours, theirs = BothWays(4, 5), torch.nn.LSTM(4, 5, batch_first=True, bidirectional=True)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        for way, end in ((ours.along, ""), (ours.against, "_reverse")):
            getattr(theirs, f"{name}_l0{end}").data.copy_(getattr(way, f"{name}_l0").data)
    x, lengths = torch.randn(3, 7, 4), torch.tensor([7, 4, 6])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    wanted, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    found = ours(x, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], wanted[row, :length])


def all_ways(log_probabilities, text, blank):
    """Sum over every sequence of outputs that reads as the text: what the loss is defined by."""
    total = 0.0
    for way in itertools.product(range(log_probabilities.shape[1]), repeat=len(log_probabilities)):
        merged = [symbol for symbol, _ in itertools.groupby(way)]
        if [symbol for symbol in merged if symbol != blank] == text:
            total += torch.stack([log_probabilities[t, symbol] for t, symbol in enumerate(way)]).sum().exp()
    return total


def test_the_loss_is_the_sum_over_all_ways_to_read_the_text():
    torch.manual_seed(2)
    network = RecogniserNetwork(2, 2, 3, 0.0)
    points, lengths = torch.randn(2, 10, 3), torch.tensor([9, 8])
    text = torch.tensor([[0, 1, 1], [1, -1, -1]])
    log_probabilities = network(points, lengths)
    wanted = -all_ways(log_probabilities[0, :5], [0, 1, 1], 2).log() - all_ways(log_probabilities[1, :4], [1], 2).log()
    torch.testing.assert_close(network.log_loss(points, lengths, text), wanted)


def test_the_other_lines_of_a_batch_do_not_change_a_line():
    torch.manual_seed(3)
    network = RecogniserNetwork(3, 2, 4, 0.0).eval()
    points = torch.randn(2, 12, 3)
    points[1, 7:] = 0  # as batches pad
    both = network(points, torch.tensor([12, 7]))
    alone = network(points[1:, :7], torch.tensor([7]))
    torch.testing.assert_close(both[1:, :4], alone)


def test_greedy_reading_leaves_out_repeats_and_nothing():
    log_probabilities = torch.eye(3)[torch.tensor([[0, 0, 2, 0, 1, 1, 2, 2]])].log()
    assert greedy(log_probabilities, torch.tensor([16]), 2) == [[0, 0, 1]]
    assert greedy(log_probabilities, torch.tensor([3]), 2) == [[0]]
