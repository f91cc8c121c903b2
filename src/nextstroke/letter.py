"""A text as pages of handwriting: the model writes the lines, the layout places them."""

from collections.abc import Sequence
from dataclasses import dataclass

from nextstroke.engine.modelfile import Model
from nextstroke.engine.styles import Style
from nextstroke.engine.write import Written, write_soundly
from nextstroke.errors import EmptyText
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, Sheet, level, place, wrap

TRIES = 4  # how often a text is wrapped anew when a hand turns out wider than thought
OVERHANG = 1.04  # a line may reach so far beyond the right margin, as a pen does
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
    paragraphs = text.split("\n")
    hands = [styles[number % len(styles)] for number in range(len(paragraphs))]
    lines: list[Written] = []
    placed: list[Ink | None] = []
    for paragraph, style in zip(paragraphs, hands, strict=True):
        if paragraph:
            written, inks = _paragraph(model, paragraph, page, style, bias, seed, len(lines))
            lines, placed = [*lines, *written], [*placed, *inks]
        else:
            placed.append(None)
    return Letter(place(placed, page), lines)


def _paragraph(
    model: Model, text: str, page: Page, style: Style, bias: float, seed: int, first_line: int
) -> tuple[list[Written], list[Ink]]:
    """A paragraph's lines and their levelled ink, wrapped again until they fit at the width the hand has."""
    advance = 1.2 * page.x_height  # mm a character; a first guess, measured after the first try
    for _ in range(TRIES):
        width = min(page.text_width, LONGEST * advance)
        pieces = wrap(text, width, lambda piece, advance=advance: advance * len(piece))  # type: ignore[misc]
        lines = write_soundly(model, pieces, bias, seed, style, first_line)
        inks = level([line.ink for line in lines], page)
        widths = [ink.bounds()[2] for ink in inks]
        if max(widths) <= OVERHANG * page.text_width or max(map(len, pieces)) == 1:
            break
        advance = max(1.05 * advance, 1.04 * sum(widths) / sum(map(len, pieces)))
    return lines, inks
