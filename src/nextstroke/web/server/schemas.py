"""Schemas of the HTTP API: the bodies of its requests, checked."""

import base64
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nextstroke.errors import CorruptFile, UsageError
from nextstroke.formats.limits import MAX_COORDINATE
from nextstroke.handwriting.hands import Hand, unpack_hands
from nextstroke.pages.appearance import Look
from nextstroke.pages.layout import CUT_MARGIN, MAX_SLANT, MAX_SPACING, MIN_LENGTH, MIN_SPACING, Page, printed_paper
from nextstroke.pages.plotter import MAX_MOVE, Plotter

Real = Annotated[float, Field(allow_inf_nan=False)]
Margin = Annotated[float, Field(ge=0, le=500, allow_inf_nan=False)]
Bias = Annotated[Real, Field(ge=0, le=1000)]
# Lines of G-code for the pen are written at each stroke; those at the beginning and the end once.
PenLines = Annotated[str, Field(max_length=200)] | None
EndLines = Annotated[str, Field(max_length=4000)] | None
Seed = Annotated[int, Field(ge=0, lt=1 << 63, description="the same seed gives the same result")]
Side = Annotated[Real, Field(ge=10, le=MAX_MOVE)]
Move = Annotated[Real, Field(ge=-MAX_MOVE, le=MAX_MOVE)]
Place = Annotated[Real, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Strokes = list[Annotated[list[Annotated[list[Place], Field(min_length=2, max_length=2)]], Field(min_length=1)]]


MAX_STYLES = 100
# Bodies of POST /v1/write that the description of the API shows.
EXAMPLES: list[Any] = [
    {"text": "Hello", "style": "neat", "seed": 7},
    {
        "text": "->Dear Anna<-\nthank you for the ~~plan~~ __map__.",
        "markup": True,
        "format": "pdf",
        "page": "a5",
        "paper": "grid",
        "margin": [20, 15],
        "word_spacing": 0.5,
    },
    {"text": "With love", "format": "gcode", "machine": "grbl-servo", "page": "148x105", "bed": [300, 200]},
]


class Body(BaseModel):
    """A request body; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Refusal(BaseModel):
    """The error of a refused request, in one line."""

    error: str


class WriteBody(Body):
    """A text to be written; the fields are the options of `nextstroke write`.

    A field that the format has no use for is refused, unless it is null or false.
    """

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES})

    text: str = Field(min_length=1)
    style: str = Field(
        "",
        max_length=200_000,
        description="a name of /v1/styles, a style that POST gave, or the first; several as a,b for the paragraphs",
    )
    bias: Bias | Annotated[list[Bias], Field(min_length=1, max_length=100)] = Field(
        0.75, description="0 varies as much as real hands, 1 is very legible; several for the paragraphs in turn"
    )
    seed: Seed = 1
    best_of: int = Field(4, ge=1, description="candidates of each line, the most legible is taken")
    replace: str | None = Field(None, max_length=100, description="written in place of what cannot be written")
    strict: bool = Field(False, description="refuse a text of which a line is incomplete")
    markup: bool = Field(
        False, description="read ~~struck out~~, __underlined__, ->centred<- and ->aligned to the right->"
    )
    format: Literal["svg", "png", "jpg", "pdf", "gif", "apng", "inkml", "xopp", "json", "gcode", "hpgl", "ndjson"] = (
        "svg"
    )
    page: str | None = Field(
        None, max_length=40, description="a4, a5-landscape, 100x50 in mm, 4x6in …; else cut to the ink"
    )
    size: Annotated[Real, Field(ge=MIN_LENGTH, le=100, description="height of small letters in mm")] = 2.2
    line_height: Annotated[Real, Field(ge=MIN_LENGTH, le=500)] = 10.0
    margin: Margin | list[Margin] | None = Field(
        None, description="one number, or top and bottom, left and right, or top, right, bottom, left"
    )
    align: str = Field("left", max_length=4000, description="left, center or right; several as a,b for the paragraphs")
    paper: Literal["blank", "ruled", "grid", "dots"] = "blank"
    ruled: bool = Field(False, description="the same as paper: ruled")
    drift: Annotated[Real, Field(ge=0, le=3)] = 0.0
    slant: Annotated[Real, Field(ge=-MAX_SLANT, le=MAX_SLANT, description="degrees more to the right")] = 0.0
    letter_spacing: Annotated[Real, Field(ge=MIN_SPACING, le=MAX_SPACING, description="mm more between letters")] = 0.0
    word_spacing: Annotated[Real, Field(ge=MIN_SPACING, le=MAX_SPACING, description="mm more between words")] = 0.0
    indent: Annotated[Real, Field(ge=0, le=MAX_SPACING, description="of the first line of each paragraph")] = 0.0
    tab: Annotated[Real, Field(ge=1, le=MAX_SPACING, description="distance of tab stops")] = 12.0
    pen: Annotated[Real, Field(ge=0.01, le=50)] = 0.35
    colour: str = Field("#1a1a2e", max_length=200)
    nib: bool = False
    background: str = Field("", max_length=40, description="a colour, or none for a transparent picture")
    animate: bool = False
    speed: Annotated[Real, Field(ge=0.1, le=100)] = 1.0
    dpi: Annotated[Real, Field(ge=20, le=300)] | None = None
    shortest: bool = Field(False, description="reorder the strokes to travel less")
    machine: Literal["grbl-servo", "grbl-z", "marlin-servo", "axidraw"] | None = Field(
        None, description="kind of plotter: axidraw for SVG, the others for G-code; else any with a Z axis"
    )
    feed: Annotated[Real, Field(ge=1, le=1e6, description="drawing speed in mm a minute")] = 1500.0
    pen_up: PenLines = Field(None, description="lines of G-code that lift the pen; else those of the machine")
    pen_down: PenLines = Field(None, description="lines of G-code that lower the pen; else those of the machine")
    dwell: Annotated[Real, Field(ge=0, le=60_000)] | None = Field(
        None, description="wait after the pen was lifted or lowered, in ms; else that of the machine"
    )
    header: EndLines = Field(None, description="lines of G-code at the beginning; else those of the machine")
    footer: EndLines = Field(None, description="lines of G-code at the end; else those of the machine")
    tolerance: Annotated[Real, Field(ge=0, le=1, description="largest distance in mm from the curve")] = 0.03
    bed: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = Field(
        None, description="width and height of the machine's bed in mm; the page is placed in its middle"
    )
    offset: Annotated[list[Move], Field(min_length=2, max_length=2)] = Field(
        [0.0, 0.0], description="millimetres that the page is moved to the right and up on the machine"
    )

    @property
    def given(self) -> set[str]:
        """Names of the options that ask for something: neither null nor a switch that is off."""
        return {name for name in self.model_fields_set if getattr(self, name) not in (None, False)}

    @property
    def biases(self) -> list[float]:
        """Biases of the paragraphs in turn."""
        return self.bias if isinstance(self.bias, list) else [self.bias]

    @property
    def styles(self) -> list[str]:
        """Names of hands, or hands in base64, of the paragraphs in turn; raises UsageError."""
        found = [style.strip() for style in self.style.split(",")]
        if len(found) > MAX_STYLES:
            raise UsageError(f"{len(found)} styles: give at most {MAX_STYLES}")
        return found

    def sheet(self) -> Page:
        """Return the page; raises UsageError."""
        shape: dict[str, Any] = {"line_height": self.line_height, "x_height": self.size}
        shape |= {"align": self.align, "paper": printed_paper(self.paper, self.ruled), "drift": self.drift}
        shape |= {"letter_spacing": self.letter_spacing, "word_spacing": self.word_spacing}
        shape |= {"indent": self.indent, "tab": self.tab, "slant": self.slant}
        if self.margin is not None:
            shape["margin"] = self.margin
        return Page(**{"margin": CUT_MARGIN} | shape) if self.page is None else Page.named(self.page, **shape)

    def look(self) -> Look:
        """Return how the ink is drawn; raises UsageError."""
        plain = {"feed": self.feed, "tolerance": self.tolerance, "offset": tuple(self.offset)}
        own = {name: getattr(self, name) for name in ("pen_up", "pen_down", "dwell", "header", "footer")}
        settings = plain | {name: value for name, value in own.items() if value is not None}
        settings |= {"shortest": True} if self.shortest else {}
        settings |= {} if self.bed is None else {"bed": tuple(self.bed)}
        plotter = Plotter.of(self.machine or "", **settings)
        return Look(self.pen, self.colour, self.dpi, self.nib, self.animate, self.background, self.speed, plotter)


class Line(Body):
    """A line of ink with its words; y grows downwards, in any unit."""

    text: str = Field(min_length=1, max_length=200)
    strokes: Strokes = Field(min_length=1)


class LearnBody(Body):
    """Lines of one hand, from which it is learned."""

    lines: list[Line] = Field(min_length=1, max_length=20)
    keep: bool = Field(False, description="keep it in the server's memory and give its name")


class GenerateBody(Body):
    """A text to be continued."""

    prime: str = Field("", max_length=20_000)
    length: int = Field(500, ge=0)
    temperature: Annotated[Real, Field(ge=0, le=100)] = 1.0
    top_k: int | None = Field(None, ge=1)
    top_p: Annotated[Real, Field(gt=0, le=1)] = 1.0
    seed: Seed = 1


def hand_of(style: str) -> Hand:
    """Return the hand in the base64 text that POST /v1/styles gives; raises CorruptFile."""
    try:
        hands = unpack_hands(base64.b64decode(style, validate=True), "style")
    except ValueError as error:
        raise CorruptFile(f"style: neither a name nor a style ({error})") from error
    if len(hands) != 1:
        raise CorruptFile("style: it holds no hand, or several")
    return next(iter(hands.values()))
