"""The constants of the engine in the browser: those of the Python modules that it ports, as one JSON file."""

import json
import re
import sys
from functools import cache
from types import ModuleType
from typing import Any

from nextstroke.handwriting import (
    adaptation,
    best_of,
    compose,
    fit_hand,
    ink_check,
    learn_hand,
    paragraphs,
    recogniser,
    resample,
    sampler,
    spacing,
    traits,
)
from nextstroke.handwriting.glyphs import composites, diacritics, symbols
from nextstroke.pages import appearance, layout, nib, spline
from nextstroke.runtime import mixture_sampling

# The names that the JavaScript of static/ reads of each module.
CONSTANTS: dict[ModuleType, tuple[str, ...]] = {
    adaptation: ("BOUNDS",),
    appearance: ("PACE", "LIFT"),
    best_of: ("ABOVE", "BELOW", "NEAR", "SMALL", "APART", "DOT", "SAME_SIZE"),
    compose: ("AIM", "FIRST_TOGETHER", "OVERHANG", "ROOM", "TOGETHER", "TRIES", "WIDER"),
    composites: ("COMPOSITES", "DOTLESS", "DOT_ABOVE", "DOT_ASIDE", "DOT_SIZE", "NEAR_STROKE", "OVERLAP", "TIGHT"),
    diacritics: (
        "ABOVE", "BELOW", "BUILT", "FEET", "FEW", "MIN_BOX", "NEAR", "SHARE", "TALL", "TALLER", "TWINS", "X_HEIGHT",
    ),
    layout: (
        "ADVANCE", "ADVANCES", "ALIGN", "DRIFT_RISE", "DRIFT_SIZE", "DRIFT_SLOPE", "DOT", "FIRST_BASELINE", "FLAT",
        "FLAT_QUANTILES", "HALF_TURN", "LONGEST", "MAX_LINE", "MAX_SLOPE", "MIN_WIDTH", "OUTLIER", "RULE",
        "SLOPE_ROUNDS", "TAB", "USUAL_ADVANCE", "X_HEIGHT_QUANTILES",
    ),
    fit_hand: (
        "FURTHER_SEED", "FURTHER_TRIALS", "JOINING", "SPREADS", "TRIALS", "TRIAL_BIAS", "TRIAL_SEED",
    ),
    ink_check: ("MOST_NATS", "MOST_SHARE", "STEP", "X_HEIGHT"),
    learn_hand: ("SPECIMEN", "SPECIMENS", "GAP"),
    paragraphs: ("ALIGNED", "DELIMITER", "DELIMITERS", "MIN_GAP"),
    spacing: (
        "BLANK_SHRINK", "CORE", "MARK_SLOPE", "MARK_STEP", "MARK_TURN", "MARK_WAVE", "MAX_CLOSER", "OVERRUN", "STEP",
        "STRIKE", "UNDERLINE",
    ),
    mixture_sampling: ("UNIFORMS", "ENOUGH"),
    recogniser: ("PAIR",),
    resample: ("PIECES",),
    sampler: ("PATIENCE", "SPARE_POINTS", "LATE_STROKES", "LATE_POINTS", "DIGITS", "DIGIT_BIAS", "ATTEMPTS"),
    nib: ("THIN", "BROAD", "ENDS", "CORNERS", "SMOOTHING"),
    spline: ("TENSION", "SMOOTH"),
    traits: ("TALL_QUANTILES",),
    symbols: (
        "ALONE", "BEARING", "BLANK", "MAX_SLANT", "NARROWEST", "SIGNS", "SIZE_WAVE", "WRITTEN", "X_WAVE", "Y_WAVE",
    ),
}  # fmt: skip


DECIMALS = 9  # a billionth of a small letter, below what rounding in the network changes; the site has to stay small


@cache
def engine_json() -> bytes:
    """Return engine.json: the constants by module and name."""
    constants: dict[str, dict[str, Any]] = {
        module.__name__.rpartition(".")[2]: {name: _plain(getattr(module, name)) for name in names}
        for module, names in CONSTANTS.items()
    }
    # What str.split() splits at: the class \s of JavaScript has other characters.
    whitespace = "".join(filter(str.isspace, map(chr, range(sys.maxunicode + 1))))
    return json.dumps(constants | {"text": {"WHITESPACE": whitespace}}, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """Return a constant as JSON can hold it: a set of characters as a text, a pattern as its source.

    Numbers have DECIMALS decimals: the points of the glyphs are in heights of small letters.
    """
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return "".join(sorted(value))
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, dict):
        # The table of str.translate has code points as keys.
        return {chr(key) if isinstance(key, int) else key: _plain(item) for key, item in value.items()}
    return value
