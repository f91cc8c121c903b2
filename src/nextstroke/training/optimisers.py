"""Networks with initial weights, optimisers, weight noise and learning rates, as a recipe says."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nextstroke.config import Recipe, Training
from nextstroke.errors import WrongModel
from nextstroke.ink import POINT
from nextstroke.nets.lstm import LSTM
from nextstroke.nets.networks import (
    GradientClips,
    Network,
    PredictionNetwork,
    SynthesisNetwork,
    TextNetwork,
    TiedTextNetwork,
)
from nextstroke.nets.recogniser_network import RecogniserNetwork
from nextstroke.nets.rmsprop import SLOTS, GravesRMSProp
from nextstroke.nets.weight_noise import AdaptiveNoise, FixedNoise, NoNoise, WeightDrop, WeightNoise

# Deviation of a symbol's row of a table. The row reaches the gates whole, so that this is about
# what the recurrence contributes.
TABLE = 0.4
UNLIKELY = -5.0  # bias of a recogniser's new characters, whose weights begin at zero
# The tensors that each optimiser keeps for a weight, as checkpoints name them.
SLOTS_OF = {"adamw": ("step", "exp_avg", "exp_avg_sq"), "rmsprop": SLOTS, "sgd": ("momentum_buffer",)}
UNIFORM = 0.1  # RNNLIB's default range of initial weights; the paper does not state its own


def build_network(recipe: Recipe, symbols: int) -> Network:
    """Return the network of a recipe with initial weights, the same for the same seed.

    Args:
        symbols: Size of the alphabet.
    """
    torch.manual_seed(recipe.seed)
    sizes = recipe.network
    if recipe.kind == "reader":
        # Keeps torch's own initial weights.
        return RecogniserNetwork(symbols, sizes.layers, sizes.cells, sizes.dropout)
    network = _build_network(recipe, symbols)
    torch.manual_seed(recipe.seed)
    if sizes.init == "orthogonal":
        _init_orthogonal(network)
    else:
        for weight in network.parameters():
            nn.init.uniform_(weight, -UNIFORM, UNIFORM)
    for layer in network.modules():
        if isinstance(layer, LSTM):
            layer.bias.data[layer.cells : 2 * layer.cells] += sizes.forget_bias
    if isinstance(network, SynthesisNetwork) and sizes.start_step is not None:
        # The window starts at `start_step` characters per point, the K components sharing the
        # weight; else it runs over the text before anything is learned.
        layer = network.windowed
        alpha, _, kappa = layer.glance.bias.data.chunk(3)
        alpha.fill_(-math.log(layer.components))
        kappa.fill_(math.log(sizes.start_step))
    return network


def _build_network(
    recipe: Recipe, symbols: int
) -> PredictionNetwork | SynthesisNetwork | TextNetwork | TiedTextNetwork:
    sizes = recipe.network
    clip = sizes.derivative_clip
    if recipe.kind == "text":
        if sizes.vector:
            return TiedTextNetwork(symbols, sizes.layers, sizes.cells, sizes.vector, clip, sizes.dropout)
        return TextNetwork(symbols, sizes.layers, sizes.cells, clip, sizes.dropout)
    clips = GradientClips(
        gates=clip,
        output=math.inf if sizes.output_clip is None else sizes.output_clip,
        window=math.inf if sizes.window_clip is None else sizes.window_clip,
    )
    if recipe.kind == "pen":
        return PredictionNetwork(sizes.layers, sizes.cells, sizes.components, clips, sizes.dropout)
    return SynthesisNetwork(
        symbols,
        layers=sizes.layers,
        cells=sizes.cells,
        components=sizes.components,
        window_components=sizes.window_components,
        clips=clips,
        dropout=sizes.dropout,
    )


def _init_orthogonal(network: nn.Module) -> None:
    """Make each gate's recurrence orthogonal, scale inputs by their width, zero biases and peepholes."""
    for name, weight in network.named_parameters():
        if name.endswith("recurrent"):
            for gate in weight.data.chunk(4):
                nn.init.orthogonal_(gate)
        elif name.startswith("tables"):
            nn.init.normal_(weight, std=TABLE)
        elif weight.dim() == 2 and weight.numel() and not name.endswith("peepholes"):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        else:
            nn.init.zeros_(weight)


def build_optimiser(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    """Return AdamW, or the paper's RMSProp or gradient descent with momentum."""
    if training.optimiser == "rmsprop":
        return GravesRMSProp(network.parameters(), training.learning_rate)
    if training.optimiser == "sgd":
        return torch.optim.SGD(network.parameters(), training.learning_rate, training.momentum)
    betas = (0.9, training.second_decay)
    return torch.optim.AdamW(
        network.parameters(), training.learning_rate, betas, weight_decay=training.weight_decay, fused=True
    )


def load_optimiser(
    optimiser: torch.optim.Optimizer, training: Training, tensors: Mapping[str, Tensor], source: object
) -> None:
    """Fill an optimiser with its stored state.

    Args:
        tensors: Tensors by NUMBER.SLOT, where NUMBER is that of a weight.
        source: File or folder for the error message.

    Raises:
        WrongModel: a tensor does not fit, is missing or is not part of the optimiser.
    """
    groups = optimiser.state_dict()["param_groups"]
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    wanted = SLOTS_OF[training.optimiser]
    shapes = {f"{i}.{slot}": weight.shape for i, weight in enumerate(weights) for slot in wanted}
    for name, tensor in tensors.items():
        # The number of steps is a number for each weight, whatever the shape of the weight.
        if name not in shapes or tensor.shape != (() if name.endswith(".step") else shapes[name]):
            problem = f"{name} is not part of the optimiser; it was made by another recipe"
            raise WrongModel(f"{source}: {problem}")
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, slot = name.split(".")
        slots.setdefault(int(number), {})[slot] = tensor
    if any(set(found) != set(wanted) for found in slots.values()):
        problem = "a part of the optimiser's state is missing; it was made by another recipe"
        raise WrongModel(f"{source}: {problem}")
    optimiser.load_state_dict({"state": slots, "param_groups": groups})


def build_noise(network: nn.Module, training: Training, sequences: int) -> WeightNoise:
    """Return the weight noise of a recipe.

    Args:
        sequences: Number of training sequences.
    """
    if training.noise == "fixed":
        return FixedNoise(network, training.noise_sigma)
    if training.noise == "drop":
        return WeightDrop(network, training.noise_share)
    if training.noise == "adaptive":
        return AdaptiveNoise(network, training.noise_sigma, sequences)
    return NoNoise()


def rate_at(update: int, training: Training) -> float:
    """Return the learning rate at an update as a share of the full one.

    Linear warm-up, constant, then a cosine in the last share of the updates.
    """
    warm = min(1.0, (update + 1) / max(1, training.warm_up))
    fall = training.fall_share * training.updates
    left = training.updates - update
    # The last batch is read to its end, so that there may be more updates than planned.
    if left >= fall or fall == 0:
        return warm
    done = 1 - max(0, left) / fall
    final = training.final_rate_fraction
    return warm * (final + (1 - final) * (1 + math.cos(math.pi * done)) / 2)


def load_weights(network: nn.Module, tensors: Mapping[str, Any], source: object) -> None:
    """Fill a network with weights.

    Args:
        tensors: Tensors or arrays by name.
        source: File or folder for the error message.

    Raises:
        WrongModel: a tensor does not fit, is missing or is not part of the network; names the
            first.
    """
    surplus = sorted(tensors.keys() - network.state_dict().keys())
    if surplus:
        problem = f"{surplus[0]} is not part of the network; it was made by another recipe"
        raise WrongModel(f"{source}: {problem}")
    for name, weight in network.state_dict().items():
        found = tensors.get(name)
        if found is None or found.shape != weight.shape:
            has = "nothing" if found is None else tuple(found.shape)
            problem = f"{name} should be {tuple(weight.shape)}, the file has {has}"
            raise WrongModel(f"{source}: {problem}; it was made by another recipe")
        weight.copy_(torch.as_tensor(found))


def extend_alphabet(weights: Mapping[str, Tensor], before: int, after: int) -> dict[str, Tensor]:
    """Return the weights of a synthesis network for a larger alphabet; the new ones begin at zero.

    Args:
        weights: The weights by name.
        before, after: Sizes of the alphabet; the further characters come last.
    """
    extended = dict(weights)
    for name, weight in weights.items():
        if name == "layers.0.reading":
            extended[name] = functional.pad(weight, (0, after - before))
        elif re.fullmatch(r"layers\.[1-9]\d*\.weight", name):
            # The columns read x, the window, then h of the layer below.
            read = functional.pad(weight[:, : POINT + before], (0, after - before))
            extended[name] = torch.cat([read, weight[:, POINT + before :]], 1)
    return extended


def extend_recogniser(weights: Mapping[str, Tensor], before: int, after: int) -> dict[str, Tensor]:
    """Return the weights of a recogniser for a larger alphabet; the new characters begin as unlikely ones.

    Args:
        weights: The weights by name.
        before, after: Sizes of the alphabet; the further characters come last, before CTC's blank.
    """
    extended = dict(weights)
    for name, unlikely in (("output.weight", 0.0), ("output.bias", UNLIKELY)):
        weight = weights[name]
        new = weight.new_full((after - before, *weight.shape[1:]), unlikely)
        extended[name] = torch.cat([weight[:before], new, weight[before:]])
    return extended


# Kinds of networks whose alphabet can be extended, with the function that does it.
EXTENSIBLE: dict[str, Callable[[Mapping[str, Tensor], int, int], dict[str, Tensor]]] = {
    "writer": extend_alphabet,
    "reader": extend_recogniser,
}


def load_noise(noise: WeightNoise, tensors: dict[str, Tensor], source: object) -> None:
    """Load the tensors of a noise; raise WrongModel where one is missing or does not fit."""
    try:
        noise.load_state(tensors)
    except KeyError as error:
        problem = f"its noise should have {error.args[0]}, the file has nothing"
        raise WrongModel(f"{source}: {problem}") from error
    except RuntimeError as error:  # a tensor of another shape
        raise WrongModel(f"{source}: its noise does not fit the network ({error})") from error
