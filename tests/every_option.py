"""Every option that decides what is written: its words in each interface, and the formats that have a use for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from nextstroke.handwriting import best_of, sampler

TEXT = "It\tis\n~~so~~ ☃"
PICTURES = {"png", "jpg"}
FILMS = {"gif", "apng"}
DRAWN = PICTURES | FILMS | {"svg", "pdf"}
MACHINES = {"gcode", "hpgl"}
NOTES = {"xopp"}  # whose program has papers of its own
ALL = DRAWN | NOTES | MACHINES | {"inkml", "json"}


class Option(NamedTuple):
    """An option with a value that changes what is written.

    Attributes:
        words: On the command line.
        value: In Python and in JSON, under the same name.
        formats: That have a use for it.
    """

    words: list[str]
    value: Any
    formats: set[str]


OPTIONS = {
    "style": Option(["--style", "cursive"], "cursive", ALL),
    "bias": Option(["--bias", "0.3"], 0.3, ALL),
    "seed": Option(["--seed", "2"], 2, ALL),
    "replace": Option(["--replace", "b"], "b", ALL),
    "page": Option(["--page", "4x3in"], "4x3in", ALL),
    "margin": Option(["--margin", "5,6,7,8"], [5, 6, 7, 8], ALL),
    "line_height": Option(["--line-height", "12"], 12, ALL),
    "size": Option(["--size", "3"], 3, ALL),
    "align": Option(["--align", "right"], "right", ALL),
    "letter_spacing": Option(["--letter-spacing", "0.5"], 0.5, ALL),
    "word_spacing": Option(["--word-spacing", "2"], 2, ALL),
    "indent": Option(["--indent", "5"], 5, ALL),
    "tab": Option(["--tab", "17"], 17, ALL),
    "markup": Option(["--markup"], True, ALL),
    "drift": Option(["--drift", "2"], 2, ALL),
    "slant": Option(["--slant", "15"], 15, ALL),
    "paper": Option(["--paper", "dots"], "dots", DRAWN),
    "ruled": Option(["--ruled"], True, DRAWN),
    "background": Option(["--background", "ivory"], "ivory", DRAWN),
    "pen": Option(["--pen", "0.9"], 0.9, DRAWN | NOTES),
    "nib": Option(["--nib"], True, (DRAWN | NOTES) - FILMS),
    "colour": Option(["--colour", "red,navy"], "red,navy", DRAWN | NOTES | MACHINES),
    "dpi": Option(["--dpi", "50"], 50, PICTURES | FILMS),
    "animate": Option(["--animate"], True, {"svg"}),
    "speed": Option(["--speed", "2"], 2, FILMS),
    "shortest": Option(["--shortest"], True, MACHINES | {"svg"}),
    "machine": Option(["--machine", "grbl-servo"], "grbl-servo", {"gcode"}),
    "feed": Option(["--feed", "900"], 900, {"gcode"}),
    "pen_up": Option(["--pen-up", "M5"], "M5", {"gcode"}),
    "pen_down": Option(["--pen-down", "M3 S90\\nG4 P1"], "M3 S90\nG4 P1", {"gcode"}),
    "dwell": Option(["--dwell", "200"], 200, {"gcode"}),
    "header": Option(["--header", "G28"], "G28", {"gcode"}),
    "footer": Option(["--footer", "M84"], "M84", {"gcode"}),
    "tolerance": Option(["--tolerance", "0.2"], 0.2, MACHINES),
    "bed": Option(["--bed", "300x200"], [300, 200], MACHINES),
    "offset": Option(["--offset", "5,6"], [5, 6], MACHINES),
}
# What all are written with besides the option; of pictures and films small ones.
BASE: dict[str, Any] = {"best_of": 1, "replace": "a"}
SMALL: dict[str, Any] = {"dpi": 40}


def base(format: str) -> dict[str, Any]:
    """Return the options besides the one that is tried."""
    return BASE | (SMALL if format in PICTURES | FILMS else {})


@contextmanager
def remembered_lines() -> Iterator[None]:
    """Lines that were written before are not written again: here they are drawn in many ways."""
    lines: dict[Any, Any] = {}
    write = sampler.write

    def remembered(model, requests, **more):
        keys = [(each.text.shown, each.hand.name, each.bias, *each.entropy) for each in requests]
        for key, each in zip(keys, requests, strict=True):
            if key not in lines:
                lines[key] = write(model, [each], **more)[0]
        return [lines[key] for key in keys]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_of, "write", remembered)
        yield
