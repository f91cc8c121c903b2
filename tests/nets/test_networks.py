import pytest
import torch

from nextstroke.nets import softmax
from nextstroke.nets.networks import GradientClips, PredictionNetwork, SynthesisNetwork, TextNetwork, TiedTextNetwork
from tests.nets import naive


@pytest.mark.parametrize(
    ("network", "weights"),
    [
        (lambda: SynthesisNetwork(57), 3_653_751),
        (lambda: SynthesisNetwork(58), 3_658_551),
        (lambda: PredictionNetwork(3, 400), 3_368_121),
        (lambda: PredictionNetwork(1, 900), 3_366_121),
    ],
)
def test_weight_counts_of_the_paper(network, weights):
    built = network()
    assert sum(weight.numel() for weight in built.parameters()) == weights
    assert built.output.out_features == 121


def pen(**settings):
    return naive.shaken(PredictionNetwork(3, 5, 2, **settings))


def writer(layers=3):
    return naive.shaken(SynthesisNetwork(6, layers, 5, 2, 3))


def only_layer(network, number):
    """Let the output read nothing but one layer."""
    kept = network.output.weight.data.clone()
    network.output.weight.data.zero_()
    own = slice(5 * number, 5 * number + 5)
    network.output.weight.data[:, own] = kept[:, own]
    return network


@pytest.mark.parametrize("number", [0, 1, 2])
def test_input_reaches_each_layer_and_each_layer_the_output(number):
    network = only_layer(pen(), number)
    if number:
        network.layers[number].weight.data[:, 3:] = 0  # cut what comes from the layer below
    x = torch.randn(1, 4, 3, dtype=torch.float64, requires_grad=True)
    y, _ = network(x, network.start(1))
    (dx,) = torch.autograd.grad(y[0, -1].sum(), x)
    assert (dx[0, -1] != 0).all()


def test_nothing_reaches_the_output_past_the_layers():
    network = pen()
    network.output.weight.data.zero_()
    x = torch.randn(1, 4, 3, dtype=torch.float64)
    y, _ = network(x, network.start(1))
    assert torch.equal(y, network.output.bias.expand_as(y))


def by_text(network, time):
    """Whether y-hat of the last of `time` steps depends on the text."""
    x = torch.randn(1, time, 3, dtype=torch.float64)
    one, other = (network(x, torch.tensor([[letter, 0]]), network.start(1))[0][0, -1] for letter in (1, 2))
    return not torch.equal(one, other)


@pytest.mark.parametrize(("number", "time", "reads"), [(0, 1, False), (0, 2, True), (1, 1, True), (2, 1, True)])
def test_layer_1_reads_the_window_a_step_later_than_the_others(number, time, reads):
    network = only_layer(writer(), number)
    if number:
        network.layers[number].weight.data[:, 9:] = 0
    assert by_text(network, time) == reads


def test_windows_do_not_reach_the_output():
    assert not by_text(writer(layers=1), 1)


def test_derivatives_by_the_output_are_clipped():
    network = pen(clips=GradientClips(output=100.0))
    y, _ = network(torch.randn(1, 1, 3, dtype=torch.float64), network.start(1))
    y.backward(torch.linspace(-300, 300, y.numel(), dtype=y.dtype).view_as(y))
    expected = torch.linspace(-300, 300, y.numel(), dtype=y.dtype).clamp(-100, 100)
    torch.testing.assert_close(network.output.bias.grad, expected, rtol=0, atol=0)


@pytest.mark.parametrize("build", [pen, writer])
def test_stepping_is_the_whole_sequence(build):
    network = build()
    x, more = torch.randn(2, 6, 3, dtype=torch.float64), ()
    if build is writer:
        more = (torch.tensor([[1, 2, 3], [4, -1, -1]]),)
    whole, last = network(x, *more, network.start(2))
    state, steps = network.start(2), []
    for t in range(6):
        y, state = network(x[:, t : t + 1], *more, state)
        steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole, rtol=0, atol=1e-13)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-13)


def test_dropout_is_for_learning_only():
    network, x = pen(dropout=0.5), torch.randn(1, 4, 3, dtype=torch.float64)
    once, again = (network(x, network.start(1))[0] for _ in range(2))
    assert not torch.equal(once, again)
    network.eval()
    once, again = (network(x, network.start(1))[0] for _ in range(2))
    assert torch.equal(once, again)


@pytest.mark.parametrize(
    ("sizes", "weights"),
    [
        ((49, 1, 1000), 4_252_049),
        ((10_000, 1, 1000), 54_017_000),
        ((205, 5, 700), 21_252_205),
        ((205, 7, 700), 30_537_005),
    ],
)
def test_weight_counts_of_the_text_networks(sizes, weights):
    """Five layers fit the 21.3 million weights that section 3.2 states for its seven."""
    assert sum(weight.numel() for weight in TextNetwork(*sizes).parameters()) == weights


def text_network(**settings):
    return naive.shaken(TextNetwork(6, 3, 5, **settings))


def dense(network, x):
    """The same with one-hot vectors and skip connections written out."""
    one_hot = torch.eye(6, dtype=torch.float64)[x.clamp(min=0)] * (x >= 0)[..., None]
    below, hidden = None, []
    for layer, table in zip(network.layers, network.tables, strict=True):
        whole = type(layer)(6 + (5 if hidden else 0), 5, layer.clip).double()
        inside = [layer.weight] if hidden else []
        whole.weight = torch.nn.Parameter(torch.cat([table.t(), *inside], 1).detach())
        for name in ("recurrent", "peepholes", "bias"):
            setattr(whole, name, getattr(layer, name))
        zeros = torch.zeros(len(x), 5, dtype=torch.float64)
        below, *_ = naive.lstm(whole, torch.cat([one_hot, *hidden[-1:]], 2), zeros, zeros)
        hidden.append(below)
    return torch.cat(hidden, 2) @ network.output.weight.T + network.output.bias


def test_rows_of_tables_are_products_with_one_hot_vectors():
    network = text_network()
    x = torch.tensor([[-1, 2, 5, 0], [-1, 1, 1, 3]])
    y, _ = network(x, network.start(2))
    torch.testing.assert_close(y, dense(network, x), rtol=1e-12, atol=1e-12)


def tied_network(**settings):
    return naive.shaken(TiedTextNetwork(6, 3, 5, 4, **settings))


def test_tied_vectors_are_tables_and_an_output_of_few_weights():
    tied, whole = tied_network(), text_network()
    vectors = tied.output.weight
    for number, layer in enumerate(tied.layers):
        whole.tables[number].data = vectors @ layer.weight[:, :4].T
        whole.layers[number].load_state_dict(layer.state_dict() | {"weight": layer.weight[:, 4:]})
    whole.output.weight.data = vectors @ tied.narrow.weight
    whole.output.bias.data = tied.output.bias + vectors @ tied.narrow.bias
    x = torch.tensor([[-1, 2, 5, 0], [-1, 1, 1, 3]])
    torch.testing.assert_close(tied(x, tied.start(2)), whole(x, whole.start(2)), rtol=1e-12, atol=1e-12)


def test_tied_vectors_are_dropped_from_while_learning_only():
    network, x = tied_network(dropout=0.5), torch.randint(0, 6, (2, 9))
    assert not torch.equal(*(network(x, network.start(2))[0] for _ in range(2)))
    network.eval()
    assert torch.equal(*(network(x, network.start(2))[0] for _ in range(2)))


@pytest.mark.parametrize("build", [text_network, tied_network])
def test_a_text_in_two_pieces_gives_what_it_gives_whole(build):
    network, x = build(), torch.randint(0, 6, (2, 9))
    whole, end = network(x, network.start(2))
    first, between = network(x[:, :4], network.start(2))
    second, last = network(x[:, 4:], between)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, end, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("network", [TextNetwork(6, 2, 2), TiedTextNetwork(6, 2, 2, 3)])
def test_derivatives_of_a_text_network_are_those_of_finite_differences(network):
    network, x = naive.shaken(network), torch.tensor([[-1, 2, 5, 0]])
    names = [name for name, weight in network.named_parameters() if weight.numel()]

    def loss(*weights):
        named = dict(zip(names, weights, strict=True))
        y, _ = torch.func.functional_call(network, named, (x, network.start(1)))
        return softmax.log_loss(y, torch.tensor([[2, 5, 0, -1]])).sum()

    assert torch.autograd.gradcheck(loss, tuple(map(network.get_parameter, names)))
