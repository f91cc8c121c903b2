"""Check the metadata of a model file: every entry that is used is present and fits the graph."""

import json
import math
from typing import Any

import numpy as np

from nextstroke.ink import POINT
from nextstroke.runtime.operators import Shape
from nextstroke.runtime.step_graph import LINES, PLACES, TIMES, Graph

MAX_SYMBOLS = 1 << 20
MAX_RATE = 1000.0  # points per character
UNITS = {"byte", "character", "word"}
SEQUENCES = {"streams", "sentences"}
REPRESENTATIONS = {"raw", "simplified"}
RECOGNISERS = ("reader", "reader-unipen")  # bundled; the first one reads what any writer writes
MIXTURE = 6  # outputs of a mixture component: π, μ1, μ2, σ1, σ2, ρ; the end of stroke is one more
PAIR = 2  # points in a step of the recogniser


class BadMetadata(ValueError):
    """Metadata that no export of nextstroke has."""


def read_metadata(graph: Graph, name: str, format: str) -> dict[str, Any]:
    """Return the metadata of a model file, checked.

    Args:
        graph: Graph of the model file.
        name: Name of the entry that holds the metadata.
        format: Format that this version reads.

    Raises:
        BadMetadata: It is missing, of another format, or does not fit the graph.
    """
    try:
        about = json.loads(graph.metadata[name])
    except KeyError:
        raise BadMetadata("it has no metadata of nextstroke") from None
    except (ValueError, RecursionError) as error:
        raise BadMetadata(f"its metadata is not JSON: {error}") from error
    _require(isinstance(about, dict), "its metadata is not an object")
    found = about.get("format")
    _require(found == format, f"format {found!r}; this version reads {format!r}")
    try:
        CHECKS[about["kind"]](about, graph)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, BadMetadata):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise BadMetadata(f"its metadata is incomplete or odd ({reason})") from error
    return about


def _require(true: bool, complaint: str) -> None:
    if not true:
        raise BadMetadata(complaint)


def _check_writer(about: dict[str, Any], graph: Graph) -> None:
    symbols = _check_alphabet(about, str)
    _check_ink(about)
    states = _check_states(about)
    _require("kappa" in states, "it has no window")
    _require(about.get("recogniser", RECOGNISERS[0]) in RECOGNISERS, "its recogniser is not a bundled one")
    inputs = {"point": (LINES, POINT), "text": (LINES, PLACES, symbols), "places": (PLACES + 1,)}
    _check_ports(graph, states, inputs, {"y": _mixture_shape(graph), "phi": (LINES, PLACES + 1)})


def _check_pen(about: dict[str, Any], graph: Graph) -> None:
    _check_ink(about)
    states = _check_states(about)
    _check_ports(graph, states, {"point": (LINES, POINT)}, {"y": _mixture_shape(graph)})


def _check_text(about: dict[str, Any], graph: Graph) -> None:
    symbols = _check_alphabet(about, list)
    _require(about["unit"] in UNITS, f"unit {about['unit']!r}")
    sequences = about["recipe"]["data"]["sequences"]
    _require(sequences in SEQUENCES, "its sequences are of no known kind")
    end = about["end"]
    _require(isinstance(end, int) and -1 <= end < symbols, f"its end of a sequence is {end!r}")
    states = _check_states(about)
    _check_ports(graph, states, {"symbol": (LINES,)}, {"y": (LINES, symbols)}, np.int64)


def _check_reader(about: dict[str, Any], graph: Graph) -> None:
    symbols = _check_alphabet(about, str)
    _check_ink(about)
    _require(_check_states(about) == {}, "a reader has no states")
    inputs: dict[str, Shape] = {"pairs": (TIMES, LINES, PAIR * POINT), "lengths": (LINES,)}
    _check_ports(graph, {}, inputs, {"told": (TIMES, LINES, symbols + 1)}, np.int32)


CHECKS = {"writer": _check_writer, "pen": _check_pen, "text": _check_text, "reader": _check_reader}


def _check_alphabet(about: dict[str, Any], kind: type[str] | type[list]) -> int:
    """Check the alphabet and return its number of symbols."""
    alphabet: str | list[str] = about["alphabet"]
    valid = isinstance(alphabet, kind) and 0 < len(alphabet) < MAX_SYMBOLS
    _require(valid, "its alphabet is of another kind")
    text = all(isinstance(symbol, str) for symbol in alphabet)
    _require(text, "its alphabet has symbols that are no text")
    _require(len(set(alphabet)) == len(alphabet), "its alphabet has a symbol twice")
    return len(alphabet)


def _check_ink(about: dict[str, Any]) -> None:
    """Check the normalisation, the point rate and the representation of the training ink."""
    mean = about["normalisation"]["mean"]
    std = about["normalisation"]["std"]
    _require(len(mean) == len(std) == POINT - 1, "its normalisation is not of two axes")
    _require(all(map(_is_number, mean)), "the mean of its ink is no number")
    positive = all(_is_number(value) and value > 0 for value in std)
    _require(positive, "the deviation of its ink is no number above 0")
    rate = about["points_per_character"]
    _require(_is_number(rate) and 0 < rate <= MAX_RATE, f"{rate!r} points in a character")
    representation = about["recipe"]["data"]["ink"]
    _require(representation in REPRESENTATIONS, "its ink is of no known representation")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) < 1e9


def _check_states(about: dict[str, Any]) -> dict[str, int]:
    """Check the widths of the states and return them by name."""
    states = about["states"]
    _require(isinstance(states, dict), "its states are no object")
    for width in states.values():
        whole = isinstance(width, int) and not isinstance(width, bool)
        _require(whole and width > 0, "its states have no widths")
    return states


def _mixture_shape(graph: Graph) -> Shape:
    """Return the shape of y-hat, (LINES, 1 + 6 M); raises BadMetadata where it is no mixture."""
    shape = graph.outputs["y"][0]
    valid = len(shape) == 2 and shape[1] > 1 and shape[1] % MIXTURE == 1
    _require(valid, "its outputs are no mixture")
    return LINES, shape[1]


def _check_ports(
    graph: Graph,
    states: dict[str, int],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    numbers: type = np.float32,
) -> None:
    """Check that a graph has these inputs and outputs, the states and the next states, and no others.

    Args:
        graph: Graph of a model file.
        states: Widths of the states by name.
        inputs: Shapes of the inputs by name, without the states.
        outputs: Shapes of the outputs by name, without the next states.
        numbers: Number type of the inputs of shape (LINES,); all others are float32.

    Raises:
        BadMetadata: It has others, or one of another number type.
    """
    wanted = inputs | {name: (LINES, width) for name, width in states.items()}
    found = {name: shape for name, (shape, _) in graph.inputs.items()}
    _require(found == wanted, f"its inputs are {found}, not {wanted}"[:300])
    wanted = outputs | {f"{name}.next": (LINES, width) for name, width in states.items()}
    found = {name: shape for name, (shape, _) in graph.outputs.items()}
    _require(found == wanted, f"its outputs are {found}, not {wanted}"[:300])
    for name, (shape, kind) in (graph.inputs | graph.outputs).items():
        expected = numbers if shape == (LINES,) else np.float32
        _require(kind == expected, f"{name} has numbers of another type")
