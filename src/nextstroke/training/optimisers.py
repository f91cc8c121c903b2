"""Recipes made real: networks with their first weights, optimisers, learning rates."""

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nextstroke.config import Recipe, Training
from nextstroke.errors import WrongModel
from nextstroke.ink import POINT
from nextstroke.nets.networks import PredictionNetwork, SynthesisNetwork, TextNetwork, TiedTextNetwork
from nextstroke.nets.recogniser_network import RecogniserNetwork
from nextstroke.nets.rmsprop import GravesRMSProp
from nextstroke.nets.weight_noise import AdaptiveNoise, FixedNoise, NoNoise, WeightDrop

TABLE = 0.4  # of a symbol's row, which reaches the gates whole: about what the recurrence brings them
UNIFORM = 0.1  # RNNLIB's default range of first weights; the paper does not state its own

Network = PredictionNetwork | TextNetwork | RecogniserNetwork


def build_network(recipe: Recipe, symbols: int) -> Network:
    """The network of a recipe with its first weights; the same seed gives the same weights."""
    torch.manual_seed(recipe.seed)
    if recipe.kind == "reader":  # with torch's own first weights
        return RecogniserNetwork(symbols, recipe.network.layers, recipe.network.cells, recipe.network.dropout)
    network = _network(recipe, symbols)
    torch.manual_seed(recipe.seed)
    (_orthogonal if recipe.network.init == "orthogonal" else _uniform)(network)
    for layer in network.layers:
        lstm = getattr(layer, "lstm", layer)
        lstm.bias.data[lstm.cells : 2 * lstm.cells] += recipe.network.forget_bias
    if isinstance(network, SynthesisNetwork) and recipe.network.start_step is not None:
        _start_window(network, recipe.network.start_step)
    return network


def _network(recipe: Recipe, symbols: int) -> PredictionNetwork | TextNetwork:
    sizes = recipe.network
    if recipe.kind == "text":
        text = sizes.derivative_clip, sizes.dropout
        if sizes.vector:
            return TiedTextNetwork(symbols, sizes.layers, sizes.cells, sizes.vector, *text)
        return TextNetwork(symbols, sizes.layers, sizes.cells, *text)
    pen: dict[str, Any] = {
        "layers": sizes.layers,
        "cells": sizes.cells,
        "components": sizes.components,
        "clip": sizes.derivative_clip,
        "output_clip": _bound(sizes.output_clip),
        "dropout": sizes.dropout,
    }
    if recipe.kind == "pen":
        return PredictionNetwork(**pen)
    return SynthesisNetwork(
        symbols, window_components=sizes.window_components, window_clip=_bound(sizes.window_clip), **pen
    )


def _bound(clip: float | None) -> float:
    return math.inf if clip is None else clip


def _uniform(network: nn.Module) -> None:
    for weight in network.parameters():
        nn.init.uniform_(weight, -UNIFORM, UNIFORM)


def _orthogonal(network: nn.Module) -> None:
    """Orthogonal recurrence of each gate, inputs scaled by their width, biases and peepholes zero."""
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


def _start_window(network: SynthesisNetwork, step: float) -> None:
    """Let the window start at `step` characters per point, K components sharing the weight; else it runs away."""
    alpha, _, kappa = network.layers[0].glance.bias.data.chunk(3)
    alpha.fill_(-math.log(network.layers[0].components))
    kappa.fill_(math.log(step))


def build_optimiser(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    """AdamW, or the paper's RMSProp or gradient descent with momentum."""
    if training.optimiser == "rmsprop":
        return GravesRMSProp(network.parameters(), training.learning_rate)
    if training.optimiser == "sgd":
        return torch.optim.SGD(network.parameters(), training.learning_rate, training.momentum)
    betas = (0.9, training.second_decay)
    return torch.optim.AdamW(
        network.parameters(), training.learning_rate, betas, weight_decay=training.weight_decay, fused=True
    )


def build_noise(network: nn.Module, training: Training, sequences: int) -> NoNoise:
    """The noise on the weights that a recipe asks for.

    Args:
        sequences: How many there are to learn from.
    """
    if training.noise == "fixed":
        return FixedNoise(network, training.noise_sigma)
    if training.noise == "drop":
        return WeightDrop(network, training.noise_share)
    if training.noise == "adaptive":
        return AdaptiveNoise(network, training.noise_sigma, sequences)
    return NoNoise(network)


def rate_at(update: int, training: Training) -> float:
    """Share of the learning rate at an update: linear warm-up, constant, cosine fall in the last share of updates."""
    warm = min(1.0, (update + 1) / max(1, training.warm_up))
    fall = training.fall_share * training.updates
    left = training.updates - update
    if left >= fall or fall == 0:  # nothing may be left, as the last batch is read to its end
        return warm
    done = 1 - max(0, left) / fall
    final = training.final_rate_fraction
    return warm * (final + (1 - final) * (1 + math.cos(math.pi * done)) / 2)


def load_weights(network: nn.Module, tensors: Mapping[str, Any], source: object) -> None:
    """Fill a network; raises WrongModel naming the first tensor or array that does not fit, is missing or too many."""
    surplus = sorted(tensors.keys() - network.state_dict().keys())
    if surplus:
        raise WrongModel(f"{source}: {surplus[0]} has no place in the network; another recipe?")
    for name, weight in network.state_dict().items():
        found = tensors.get(name)
        if found is None or found.shape != weight.shape:
            has = "nothing" if found is None else tuple(found.shape)
            raise WrongModel(f"{source}: {name} should be {tuple(weight.shape)}, the file has {has}; another recipe?")
        weight.copy_(torch.as_tensor(found))


def extend_alphabet(weights: Mapping[str, Tensor], before: int, after: int) -> dict[str, Tensor]:
    """Return a writer's weights with those of further characters, which begin at zero.

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


def load_noise(noise: NoNoise, tensors: dict[str, Tensor], source: object) -> None:
    """Give a noise what it had learned; raises WrongModel where that is missing."""
    try:
        noise.restore(tensors)
    except KeyError as error:
        raise WrongModel(f"{source}: its noise should have {error.args[0]}, the file has nothing") from error
