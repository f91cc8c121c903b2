"""The metadata of a model file, checked: what the program asks of it later is there and fits its graph."""

import json
import math
from typing import Any

import numpy as np

from nextstroke.ink import POINT
from nextstroke.runtime.operators import Shape
from nextstroke.runtime.step_graph import LINES, PLACES, TIMES, Graph

MAX_SYMBOLS = 1 << 20
MAX_RATE = 1000.0  # points of a character
UNITS = {"byte", "character", "word"}
SEQUENCES = {"streams", "sentences"}
REPRESENTATIONS = {"raw", "simplified"}
RECOGNISERS = ("reader", "reader-unipen")  # bundled; the first one reads what any writer writes
MIXTURE = 6  # numbers that each component of the output layer of ink has, besides one for all
PAIR = 2  # points that a reader takes at once


class BadMetadata(ValueError):
    """Metadata that no export of nextstroke has."""


def read_metadata(graph: Graph, name: str, format: str) -> dict[str, Any]:
    """Return the metadata of a model file.

    Args:
        name: Of its entry.
        format: That this version reads.
    Raises:
        BadMetadata: it is missing, of another format, or does not fit the graph.
    """
    try:
        about = json.loads(graph.metadata[name])
    except KeyError:
        raise BadMetadata("it has no metadata of nextstroke") from None
    except (ValueError, RecursionError) as error:
        raise BadMetadata(f"its metadata is not JSON: {error}") from error
    _require(isinstance(about, dict), "its metadata is not an object")
    _require(about.get("format") == format, f"format {about.get('format')!r}; this version reads {format!r}")
    try:
        CHECKS[about["kind"]](about, graph)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, BadMetadata):
            raise
        raise BadMetadata(f"its metadata is incomplete or odd ({type(error).__name__}: {error})") from error
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
    _check_ports(graph, states, inputs, {"y": _mixture(graph), "phi": (LINES, PLACES + 1)})


def _check_pen(about: dict[str, Any], graph: Graph) -> None:
    _check_ink(about)
    _check_ports(graph, _check_states(about), {"point": (LINES, POINT)}, {"y": _mixture(graph)})


def _check_text(about: dict[str, Any], graph: Graph) -> None:
    symbols = _check_alphabet(about, list)
    _require(about["unit"] in UNITS, f"unit {about['unit']!r}")
    _require(about["recipe"]["data"]["sequences"] in SEQUENCES, "its sequences are of no known kind")
    end = about["end"]
    _require(isinstance(end, int) and -1 <= end < symbols, f"its end of a sequence is {end!r}")
    _check_ports(graph, _check_states(about), {"symbol": (LINES,)}, {"y": (LINES, symbols)}, np.int64)


def _check_reader(about: dict[str, Any], graph: Graph) -> None:
    symbols = _check_alphabet(about, str)
    _check_ink(about)
    _require(_check_states(about) == {}, "a reader has no states")
    inputs: dict[str, Shape] = {"pairs": (TIMES, LINES, PAIR * POINT), "lengths": (LINES,)}
    _check_ports(graph, {}, inputs, {"told": (TIMES, LINES, symbols + 1)}, np.int32)


CHECKS = {"writer": _check_writer, "pen": _check_pen, "text": _check_text, "reader": _check_reader}


def _check_alphabet(about: dict[str, Any], kind: type[str] | type[list]) -> int:
    """Check the alphabet; returns how many symbols it has."""
    alphabet: str | list[str] = about["alphabet"]
    _require(isinstance(alphabet, kind) and 0 < len(alphabet) < MAX_SYMBOLS, "its alphabet is of another kind")
    _require(all(isinstance(symbol, str) for symbol in alphabet), "its alphabet has symbols that are no text")
    _require(len(set(alphabet)) == len(alphabet), "its alphabet has a symbol twice")
    return len(alphabet)


def _check_ink(about: dict[str, Any]) -> None:
    """Check the units of the ink that it learned from."""
    mean, std = about["normalisation"]["mean"], about["normalisation"]["std"]
    _require(len(mean) == len(std) == POINT - 1, "its normalisation is not of two axes")
    _require(all(map(_is_number, mean)), "the mean of its ink is no number")
    _require(all(_is_number(value) and value > 0 for value in std), "the deviation of its ink is no number above 0")
    rate = about["points_per_character"]
    _require(_is_number(rate) and 0 < rate <= MAX_RATE, f"{rate!r} points in a character")
    _require(about["recipe"]["data"]["ink"] in REPRESENTATIONS, "its ink is of no known representation")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9


def _check_states(about: dict[str, Any]) -> dict[str, int]:
    """Check the widths of the states."""
    states = about["states"]
    _require(isinstance(states, dict), "its states are no object")
    whole = all(isinstance(width, int) and not isinstance(width, bool) and width > 0 for width in states.values())
    _require(whole, "its states have no widths")
    return states


def _mixture(graph: Graph) -> Shape:
    """The shape of the output layer of ink; raises BadMetadata where it is none."""
    shape = graph.outputs["y"][0]
    _require(len(shape) == 2 and shape[1] > 1 and shape[1] % MIXTURE == 1, "its outputs are no mixture")
    return LINES, shape[1]


def _check_ports(
    graph: Graph,
    states: dict[str, int],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    numbers: type = np.float32,
) -> None:
    """Check that a graph has just these inputs and outputs, besides the states and their successors.

    Args:
        numbers: Type of the inputs of a single axis of lines; all else is float32.
    """
    wanted = inputs | {name: (LINES, width) for name, width in states.items()}
    found = {name: shape for name, (shape, _) in graph.inputs.items()}
    _require(found == wanted, f"its inputs are {found}, not {wanted}"[:300])
    wanted = outputs | {f"{name}.next": (LINES, width) for name, width in states.items()}
    found = {name: shape for name, (shape, _) in graph.outputs.items()}
    _require(found == wanted, f"its outputs are {found}, not {wanted}"[:300])
    for name, (shape, kind) in (graph.inputs | graph.outputs).items():
        _require(kind == (numbers if shape == (LINES,) else np.float32), f"{name} has numbers of another type")
