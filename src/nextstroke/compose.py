"""A text as pages of handwriting: the model writes the lines, the layout places them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nextstroke.engine.modelfile import Model
from nextstroke.engine.styles import Style
from nextstroke.engine.write import Written, write_soundly
from nextstroke.errors import EmptyText
from nextstroke.pages.layout import Measures, Page, Sheet, place, wrap

TRIES = 4  # how often a text is wrapped anew when a hand turns out wider than thought
LONGEST = 70  # characters in one line where the page does not limit it: the length of the corpus's longest lines


@dataclass(frozen=True)
class Letter:
    """A finished text.

    Attributes:
        sheets: The pages.
        lines: Every line that was written, in order.
    """

    sheets: list[Sheet]
    lines: list[Written]

    @property
    def doubtful(self) -> list[str]:
        """Texts of lines that broke off or missed a character even at the last attempt."""
        return [line.text for line in self.lines if not line.sound]


def compose(model: Model, text: str, page: Page, styles: Sequence[Style], bias: float, seed: int) -> Letter:
    """Write a text on pages.

    Args:
        styles: One for each paragraph in turn; a paragraph is what stands between line ends.
    Raises:
        EmptyText, UnknownCharacters: the text cannot be written.
    """
    if not text.strip():
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    text = "\n".join(" ".join(line.split()) for line in text.strip("\n").split("\n"))
    model.alphabet.encode(text.replace("\n", " "))
    lines: list[Written | None] = []
    for number, paragraph in enumerate(text.split("\n")):
        done = sum(line is not None for line in lines)
        style = styles[number % len(styles)] if paragraph else styles[0]
        lines += _paragraph(model, paragraph, page, style, bias, seed, done) if paragraph else [None]
    written = [line for line in lines if line is not None]
    return Letter(place([line and line.ink for line in lines], page), written)


def _paragraph(
    model: Model, text: str, page: Page, style: Style, bias: float, seed: int, first_line: int
) -> list[Written | None]:
    """A paragraph's lines, wrapped again with the width that the hand turns out to have."""
    advance = page.x_height  # a letter is about as wide as it is high; measured after the first try
    for _ in range(TRIES):
        width = min(page.text_width, LONGEST * advance)
        pieces = wrap(text, width, lambda piece, advance=advance: advance * len(piece))  # type: ignore[misc]
        lines = write_soundly(model, pieces, bias, seed, style, first_line)
        widest = max(_width(line, page) for line in lines)
        if widest <= page.text_width or all(len(piece) == 1 for piece in pieces):
            break
        advance = 1.02 * max(_width(line, page) / len(line.text) for line in lines if len(line.text) > 8 or len(lines) == 1)
    return list(lines)


def _width(line: Written, page: Page) -> float:
    """Width in mm at the size the page will give it."""
    left, _, right, _ = line.ink.bounds()
    return (right - left) * page.x_height / Measures.of(line.ink).x_height
