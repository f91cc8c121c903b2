"""Appearance of ink in all formats: pen, colours, resolution, animation."""

from dataclasses import dataclass, fields
from typing import Any

from nextstroke.errors import UsageError
from nextstroke.pages.background import TRANSPARENT, Picture, is_colour
from nextstroke.pages.layout import INK
from nextstroke.pages.plotter import Plotter

PACE = 35.0  # points of ink a second: simplified ink of IAM-OnDB
PLAIN = Plotter()
MAX_COLOURS = 100  # a film has a palette of 256
LIFT = 0.12  # seconds from stroke to stroke


@dataclass(frozen=True)
class Look:
    """Appearance of ink.

    Attributes:
        pen: Width of the pen in mm, 0.01 to 50.
        colour: Name or #rrggbb; several, separated by commas, are used for the paragraphs in turn.
        dpi: Dots per inch of pictures and animations; None means 200 for pictures and 100 for animations.
        nib: Whether the width follows the pen's speed.
        animate: Whether an SVG shows the writing.
        background: Colour behind the ink, "none" for a transparent picture, or a Picture; empty for white pictures and
            vector files without a background.
        speed: Speed of animations; 2 is twice as fast as a hand.
        plotter: Settings of a pen plotter.

    Raises:
        UsageError: a value out of its range, an unknown colour, or an animated nib.
    """

    pen: float = 0.35
    colour: str = INK
    dpi: float | None = None
    nib: bool = False
    animate: bool = False
    background: str | Picture = ""
    speed: float = 1.0
    plotter: Plotter = PLAIN

    def __post_init__(self) -> None:
        if not 0.01 <= self.pen <= 50:
            raise UsageError(f"pen {self.pen}: give its width in mm, 0.01 to 50")
        if not 0.01 <= self.speed <= 1000:
            raise UsageError(f"speed {self.speed}: give 0.01 to 1000; 1 is a hand's")
        if self.nib and self.animate:
            raise UsageError("nib and animate: an outline cannot be animated; leave out one of them")
        if self.nib and self.plotter.shortest:
            raise UsageError("nib: a plotter draws centre lines; leave it out, or else shortest and machine")
        if len(self.colours) > MAX_COLOURS:
            raise UsageError(f"{len(self.colours)} colours: give at most {MAX_COLOURS}")
        for colour in self.colours:
            if not is_colour(colour):
                raise UsageError(f"colour {colour!r}: give a name such as navy, or #rrggbb")
        plain = self.background if isinstance(self.background, str) else ""
        if plain not in ("", TRANSPARENT) and not is_colour(plain):
            raise UsageError(f"background {plain!r:.60}: give a colour such as ivory or #fffff0, or none")

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours of the paragraphs in turn."""
        return tuple(colour.strip() for colour in self.colour.split(","))

    @property
    def given(self) -> set[str]:
        """Names of the options, those of the plotter among them, whose values are not the default ones."""
        plotter = self.plotter
        machine = {"machine"} if plotter.machine else set()
        return (_changed(self, LOOK) - {"plotter"}) | _changed(plotter, Plotter.of(plotter.machine)) | machine


def _changed(settings: Any, usual: Any) -> set[str]:
    """Return the names of the attributes of a dataclass that differ from those of another."""
    names = [field.name for field in fields(settings)]
    return {name for name in names if getattr(settings, name) != getattr(usual, name)}


LOOK = Look()
