"""The Python API for sessions and notebooks: handwriting that displays itself, and text that goes on."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.handwriting.best_of import CANDIDATES, line_writer
from nextstroke.handwriting.compose import Letter, TextRequest, compose_sheets
from nextstroke.handwriting.glyphs.symbols import replaced
from nextstroke.handwriting.hands import Hand, gallery
from nextstroke.handwriting.learn_hand import find_hand
from nextstroke.handwriting.request import NO_HAND, LineRequest, checked_biases, checked_seed, line_requests
from nextstroke.handwriting.sampler import Cancelled, Line
from nextstroke.handwriting.sampler import write as write_requests
from nextstroke.pages.appearance import LOOK, PLAIN, Look
from nextstroke.pages.background import background as background_of
from nextstroke.pages.budget import BUDGET, Budget, estimate, measure
from nextstroke.pages.layout import CUT_MARGIN, Page, printed_paper
from nextstroke.pages.plotter import Plotter
from nextstroke.pages.save import FORMATS, About, check_options, pick_format, render
from nextstroke.pages.save import save as save_sheets
from nextstroke.runtime.model_file import Model, find_model, load_model
from nextstroke.text.generate import Choice, Spelling, until
from nextstroke.text.generate import generate as continued

T = TypeVar("T")
PRINTED = frozenset({"paper", "ruled"})  # options that are not attributes of Look


@dataclass(frozen=True, repr=False)
class Handwriting:
    """A written text; a notebook shows its first page, on white.

    Attributes:
        letter: Its pages and lines.
        about: Text, seed, bias, style and model.
        budget: The most that drawing it may take.
        look: How the ink is drawn where nothing else is given.
        given: Names of the options that were given to `write`; a format that has no use for one of them is refused.
    """

    letter: Letter
    about: About
    budget: Budget = BUDGET
    look: Look = LOOK
    given: Collection[str] = ()

    def __repr__(self) -> str:
        return f"Handwriting({str(self.about.get('text', ''))[:40]!r}, {self.letter!r})"

    def svg(self, look: Look | None = None, page: int = 0) -> str:
        """Return one page as SVG; arguments and errors are those of `render`."""
        return self.render("svg", look, page).decode()

    def render(self, format: str, look: Look | None = None, page: int = 0) -> bytes:
        """Return one page as the bytes of a file.

        Args:
            format: svg, png, jpg, pdf, gif, apng, inkml, xopp, json, gcode or hpgl.
            look: How the ink is drawn; by default as it was given to `write`.
            page: Index of the page.

        Raises:
            UsageError: There is no such format or page, or the format has no use for an option that was given.
            LimitExceeded: It would take more than the budget.
        """
        if format not in FORMATS:
            raise UsageError(f"format {format!r}: is not known; give one of {', '.join(FORMATS)}")
        return self._drawn(format, self._look(format, look), page)

    def save(self, path: str | PathLike[str], look: Look | None = None) -> list[str]:
        """Write all pages into files, and return their names.

        Args:
            path: The file, whose suffix names the format; several pages become NAME-1.svg, NAME-2.svg …, but one PDF.
            look: How the ink is drawn; by default as it was given to `write`.

        Raises:
            UsageError: The format is not known or has no use for an option that was given, or the file cannot be
                written.
            LimitExceeded: It would take more than the budget.
        """
        name = str(_path("path", path))
        format = pick_format(name, None)
        look = self._look(format, look)
        self.budget.check(measure(self.letter.sheets, format, look))
        return save_sheets(self.letter.sheets, name, None, look, self.about)

    def _look(self, format: str, look: Look | None) -> Look:
        """Return the look to draw with; raises UsageError for an option that the format has no use for."""
        given = set(self.given)
        if look is not None:
            given = (given & PRINTED) | _instance("look", look, Look).given
        check_options(format, given)
        return look or self.look

    def _drawn(self, format: str, look: Look, page: int) -> bytes:
        pages = len(self.letter.sheets)
        if isinstance(page, bool) or not isinstance(page, Integral) or not 0 <= page < pages:
            raise UsageError(f"page {page!r}: give a whole number from 0 to {pages - 1}")
        sheet = self.letter.sheets[int(page)]
        self.budget.check(measure([sheet], format, look))
        return render(sheet, format, look, self.about)

    def _repr_svg_(self) -> str:
        # A dark theme would show dark ink on dark ground.
        # What only other formats have a use for must not keep it from being shown.
        shown = self._drawn("svg", changed(self.look, plotter=PLAIN), 0).decode()
        return re.sub(r"(<svg\b[^>]*>)", r'\1<rect width="100%" height="100%" fill="white"/>', shown, count=1)


def write(
    text: str,
    style: str | Hand | Sequence[str | Hand] = "",
    bias: float | Iterable[float] = 0.75,
    seed: int = 1,
    page: str | Page | None = None,
    best_of: int = CANDIDATES,
    model: str | PathLike[str] = "writer",
    budget: Budget = BUDGET,
    *,
    margin: float | Sequence[float] | None = None,
    line_height: float | None = None,
    size: float | None = None,
    align: str | None = None,
    letter_spacing: float | None = None,
    word_spacing: float | None = None,
    indent: float | None = None,
    tab: float | None = None,
    markup: bool = False,
    paper: str | None = None,
    ruled: bool = False,
    drift: float | None = None,
    slant: float | None = None,
    look: Look | None = None,
    pen: float | None = None,
    colour: str | None = None,
    dpi: float | None = None,
    nib: bool | None = None,
    animate: bool | None = None,
    background: str | PathLike[str] | None = None,
    speed: float | None = None,
    shortest: bool | None = None,
    machine: str | None = None,
    feed: float | None = None,
    pen_up: str | None = None,
    pen_down: str | None = None,
    dwell: float | None = None,
    header: str | None = None,
    footer: str | None = None,
    tolerance: float | None = None,
    bed: Sequence[float] | None = None,
    offset: Sequence[float] | None = None,
    replace: str | None = None,
    strict: bool = False,
) -> Handwriting:
    """Write a text by hand: what `nextstroke write` does, with its options as keywords.

    The format is known when the handwriting is saved or rendered; one that has no use for an option is refused then.

    Args:
        text: The text; each line end begins a paragraph.
        style: Name of a hand, a file of ink or .style, or a Hand; several for the paragraphs in turn; empty for the
            first hand of the gallery, "none" for another hand in each line.
        bias: Sampling bias >= 0: 0 varies as much as real hands, 1 is very legible; several for the paragraphs in turn.
        seed: Random seed >= 0; the same seed gives the same ink.
        page: "a4", "a5-landscape", "letter", "WIDTHxHEIGHT" in mm, "4x6in", or a Page; by default cut to the ink.
        best_of: Number of candidates of each line, 1 to 64, of which the most legible is kept.
        model: Model file, or the name of a bundled one.
        budget: The most that writing and drawing may take.
        margin, line_height, size, align, letter_spacing, word_spacing, indent, tab, paper, drift, slant: Layout, in mm
            and degrees, as the attributes of Page (`size` is its `x_height`); those of `page` where not given.
        markup: Whether `~~struck out~~`, `__underlined__`, `->centred<-` and `->aligned to the right->` are read.
        ruled: The same as `paper="ruled"`.
        look: How the ink is drawn.
        pen, colour, dpi, nib, animate, background, speed: The same as keywords, as the attributes of Look; those of
            `look` where not given; `background` may also be a PNG or JPEG file.
        shortest, machine, feed, pen_up, pen_down, dwell, header, footer, tolerance, bed, offset: Settings of a pen
            plotter, as the attributes of Plotter; those of `look.plotter`, or else of `machine`, where not given.
        replace: Text written in place of characters that cannot be written; by default they are refused.
        strict: Whether an incomplete line is an error.

    Raises:
        UsageError: An argument has a wrong type, or is out of range.
        EmptyText, UnknownCharacters: The text cannot be written.
        BadInput, WrongModel: A style or the model cannot be read or used.
        LimitExceeded: It would take more than the budget; or strict, and a line is incomplete.
    """
    _instance("text", text, str)
    name = str(_path("model", model))
    printed = {"paper": paper, "ruled": _instance("ruled", ruled, bool)}
    if ruled:
        paper = printed_paper(_instance("paper", paper or "blank", str), ruled)
    layout = _given(Page, line_height=line_height, x_height=size, align=align, paper=paper, drift=drift, tab=tab)
    layout |= _given(Page, letter_spacing=letter_spacing, word_spacing=word_spacing, indent=indent, slant=slant)
    layout |= {} if margin is None else {"margin": _margin(margin)}
    if page is None:
        sheet = Page(**{"margin": CUT_MARGIN} | layout)
    elif isinstance(page, str):
        sheet = Page.named(page, **layout)
    else:
        sheet = changed(_instance("page", page, Page), **layout)
    drawing = _given(Look, pen=pen, colour=colour, dpi=dpi, nib=nib, animate=animate, speed=speed)
    if background is not None:
        drawing["background"] = background_of(
            background if isinstance(background, str) else _path("background", background)
        )
    plotting = _given(Plotter, machine=machine, feed=feed, dwell=dwell, tolerance=tolerance, shortest=shortest)
    plotting |= _given(Plotter, pen_up=pen_up, pen_down=pen_down, header=header, footer=footer)
    plotting |= {name: _pair(name, pair) for name, pair in {"bed": bed, "offset": offset}.items() if pair is not None}
    drawn = _instance("look", look or LOOK, Look)
    given = _asked(printed) | _asked(drawing) | _asked(plotting) | drawn.given
    given |= {"paper"} if sheet.paper != "blank" and not ruled else set()
    drawn = changed(drawn, **drawing, plotter=drawn.plotter.changed(**plotting))
    biases = checked_biases(bias)
    seed = checked_seed(seed)
    writer = load_model(name, "writer")
    lines = line_writer(best_of, writer)
    words = text if replace is None else replaced(text, writer.alphabet, _instance("replace", replace, str))
    budget.check(estimate(words, sheet, "svg", drawn, writer.metadata["points_per_character"]))
    styles = [style] if isinstance(style, str | Hand) else _listed("style", style)
    hands = [_hand(each, writer, name) for each in styles]
    request = TextRequest(words, sheet, hands, biases, seed, _instance("markup", markup, bool))
    letter = Letter([], [])
    for found, on_sheet in compose_sheets(writer, request, lines):
        letter.sheets.append(found)
        letter.lines.extend(on_sheet)
        if strict and letter.incomplete:
            broken = letter.incomplete[0]
            raise LimitExceeded(f"no attempt at this line is complete, try another seed or style: {broken}")
    return Handwriting(letter, request.metadata(name), budget, drawn, frozenset(given))


def styles(model: str | PathLike[str] = "writer") -> list[str]:
    """Return the names of a model's hands, for the argument `style` of `write`.

    Args:
        model: Model file, or the name of a bundled one.

    Raises:
        BadInput: There is no such model, or its gallery cannot be read.
    """
    return list(gallery(find_model(str(_path("model", model)))))


def write_lines(
    model: Model,
    texts: Iterable[str],
    bias: float = 0.5,
    seed: int = 1,
    style: Hand = NO_HAND,
    attempts: int = 1,
    paper_stop: bool = False,
    cancelled: Cancelled | None = None,
) -> list[Line]:
    """Write lines side by side, each a text of its own, without a page.

    Args:
        model: A writer, as `load_model` returns.
        texts: The text of each line.
        bias: Sampling bias, >= 0; 0 is unbiased.
        seed: Random seed, >= 0.
        style: The hand to write in.
        attempts: Number of attempts at a line that is incomplete; the last stays as it is.
        paper_stop: Stop exactly as the paper does; else finish the last letter, its bars and dots included.
        cancelled: Called before each point; raises to cancel the writing.

    Raises:
        EmptyText, UnknownCharacters: A text cannot be written.
        UsageError: An argument has a wrong type, or is out of range.
        LimitExceeded: A text is too long for one line.
    """
    _instance("model", model, Model)
    _instance("style", style, Hand)
    if isinstance(attempts, bool) or not isinstance(attempts, Integral) or attempts < 1:
        raise UsageError(f"attempts {attempts!r}: give a whole number >= 1")
    words = [_instance("text", text, str) for text in _listed("texts", texts)]
    requests: list[LineRequest] = line_requests(model, words, style, checked_biases(bias)[0], seed)
    return write_requests(model, requests, int(attempts), paper_stop, cancelled)


def generate(
    prime: str = "",
    length: int = 1000,
    temperature: float = 1.0,
    seed: int = 1,
    model: str | PathLike[str] = "text",
    *,
    top_k: int | None = None,
    top_p: float = 1.0,
    stop: str | Sequence[str] = (),
) -> str:
    """Continue a text.

    Args:
        prime: The beginning of the text.
        length: Number of symbols to write: bytes, characters or words, as the model has.
        temperature: Log-probabilities are divided by it; 0 takes the likeliest symbol.
        seed: Random seed >= 0; the same seed gives the same text.
        model: Model file, or the name of a bundled one.
        top_k: Draw from this number of likeliest symbols only.
        top_p: Draw from the fewest likeliest symbols that together have this probability only.
        stop: String, or several, before the first of which the text ends.

    Raises:
        UsageError: An argument has a wrong type, or is out of range.
        UnknownCharacters: The model does not know the prime's characters.
        BadInput, WrongModel: The model cannot be read or used.
    """
    _instance("prime", prime, str)
    if isinstance(length, bool) or not isinstance(length, Integral):
        raise UsageError(f"length {length!r}: give a whole number >= 0")
    network = load_model(str(_path("model", model)), "text")
    spelling = Spelling(network)
    try:
        choice = Choice(temperature, top_k, top_p)
    except TypeError:
        given = f"temperature {temperature!r:.20}, top_k {top_k!r:.20}, top_p {top_p!r:.20}"
        raise UsageError(f"{given}: give numbers") from None
    symbols = continued(network, spelling.read(prime), int(length), choice, checked_seed(seed))
    stops = [stop] if isinstance(stop, str) else list(stop)
    if not all(isinstance(each, str) and each for each in stops):
        raise UsageError(f"stop {stop!r:.40}: give a string that is not empty, or several")
    return "".join(until(spelling.write(symbols), stops))


def load(name: str | PathLike[str]) -> Model:
    """Load a model file of any kind.

    Args:
        name: Model file, or the name of a bundled one.

    Raises:
        BadInput: There is no such file, or it was cut or altered.
        WrongModel: It is not a model of nextstroke, or of another version.
    """
    return Model(find_model(str(_path("model", name))))


def _instance(name: str, value: Any, kind: type[T]) -> T:
    """Return a value of a type; raises UsageError for another."""
    if not isinstance(value, kind):
        raise UsageError(f"{name} {value!r:.60}: give a {kind.__name__}, not a {type(value).__name__}")
    return value


def _path(name: str, value: Any) -> Path:
    if not isinstance(value, str | PathLike):
        raise UsageError(f"{name} {value!r:.60}: give a file or a name, not a {type(value).__name__}")
    return Path(value)


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(f"{name} {values!r:.60}: give a list")
    return list(values)


def _hand(style: Any, writer: Model, model: str) -> Hand:
    if not isinstance(style, Hand):
        return find_hand(str(_path("style", style)) if style != "" else "", writer, model)
    style.check(writer)
    return style


def _margin(margin: Any) -> float | tuple[float, ...]:
    """Return a margin, or one for each side; raises UsageError for another type."""
    several = _listed("margin", margin) if isinstance(margin, Iterable) else [margin]
    for each in several:
        if isinstance(each, bool) or not isinstance(each, Real):
            raise UsageError(f"margin {margin!r:.60}: give a number, or one for each side")
    return tuple(float(each) for each in several) if isinstance(margin, Iterable) else float(margin)


def _pair(name: str, pair: Any) -> tuple[float, float]:
    """Return two numbers; raises UsageError for others."""
    two = _listed(name, pair)
    if len(two) != 2 or any(isinstance(each, bool) or not isinstance(each, Real) for each in two):
        raise UsageError(f"{name} {pair!r:.60}: give two numbers")
    return float(two[0]), float(two[1])


def _asked(options: Mapping[str, Any]) -> set[str]:
    """Return the names of the options that ask for something, as a switch does only where it is on."""
    return {name for name, value in options.items() if value is not None and value is not False}


def _given(kind: type[Page] | type[Look] | type[Plotter], **options: Any) -> dict[str, Any]:
    """Return the attributes of one of these classes that are given; raises UsageError for one of another type."""
    given = {name: option for name, option in options.items() if option is not None}
    for name, option in given.items():
        wanted = type(getattr(kind, name, None))
        numeric = wanted in (float, type(None))
        if numeric and (isinstance(option, bool) or not isinstance(option, Real)):
            raise UsageError(f"{'size' if name == 'x_height' else name} {option!r:.60}: give a number")
        given[name] = float(option) if numeric else _instance(name, option, wanted)
    return given
