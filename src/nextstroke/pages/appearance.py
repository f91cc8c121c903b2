"""How ink is drawn, in any format."""

from dataclasses import dataclass

from nextstroke.errors import UsageError
from nextstroke.pages.layout import INK
from nextstroke.pages.plotter import Plotter

PACE = 35.0  # points of ink a second: simplified ink of IAM-OnDB
PLAIN = Plotter()
MAX_COLOURS = 100  # a film has a palette of 256
LIFT = 0.12  # seconds from stroke to stroke


@dataclass(frozen=True)
class Look:
    """How ink is drawn.

    Attributes:
        pen: Width in mm.
        colour: Name or #rrggbb; several, parted by commas, for the paragraphs in turn.
        dpi: Of pictures and films; None takes 200 for pictures and 100 for films.
        nib: Whether the width follows the pen's speed.
        animate: Whether an SVG shows the writing.
        speed: Of films: 2 is twice as fast as a hand.
        plotter: How a machine moves its pen.
    """

    pen: float = 0.35
    colour: str = INK
    dpi: float | None = None
    nib: bool = False
    animate: bool = False
    speed: float = 1.0
    plotter: Plotter = PLAIN

    def __post_init__(self) -> None:
        from PIL import ImageColor

        if not 0.01 <= self.pen <= 50:
            raise UsageError(f"pen {self.pen}: give its width in mm, 0.01 to 50")
        if not 0.01 <= self.speed <= 1000:
            raise UsageError(f"speed {self.speed}: give 0.01 to 1000; 1 is a hand's")
        if self.nib and self.animate:
            raise UsageError("an outline cannot be animated; leave out --nib or --animate")
        if len(self.colours) > MAX_COLOURS:
            raise UsageError(f"{len(self.colours)} colours: give at most {MAX_COLOURS}")
        for colour in self.colours:
            try:
                ImageColor.getrgb(colour)
            except ValueError:
                raise UsageError(f"colour {colour!r}: give a name such as navy, or #rrggbb") from None

    @property
    def colours(self) -> tuple[str, ...]:
        """The colours of the paragraphs in turn."""
        return tuple(colour.strip() for colour in self.colour.split(","))


LOOK = Look()
