"""Appearance of ink in all formats: pen, colours, resolution, animation."""

from dataclasses import dataclass

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
        dpi: Dots per inch of pictures and animations; None means 200 for pictures and 100 for
            animations.
        nib: Whether the width follows the pen's speed.
        animate: Whether an SVG shows the writing.
        background: Colour of the paper, "none" for a transparent picture, or a Picture; empty for
            white pictures and vector files without a background.
        speed: Speed of animations; 2 is twice as fast as a hand.
        plotter: Settings of a pen plotter.

    Raises:
        UsageError: A value is out of range, a colour is unknown, or two settings exclude each
            other.
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
            raise UsageError("an outline cannot be animated; leave out --nib or --animate")
        if self.nib and self.plotter.shortest:
            advice = "leave out --nib, or --shortest and --machine"
            raise UsageError(f"a plotter draws centre lines; {advice}")
        if len(self.colours) > MAX_COLOURS:
            raise UsageError(f"{len(self.colours)} colours: give at most {MAX_COLOURS}")
        for colour in self.colours:
            if not is_colour(colour):
                raise UsageError(f"colour {colour!r}: give a name such as navy, or #rrggbb")
        plain = self.background if isinstance(self.background, str) else ""
        if plain not in ("", TRANSPARENT) and not is_colour(plain):
            wanted = "give a colour such as ivory or #fffff0, or none"
            raise UsageError(f"background {plain!r:.60}: {wanted}")

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours of the paragraphs in turn."""
        return tuple(colour.strip() for colour in self.colour.split(","))


LOOK = Look()
