"""How well a stranger reads a line: the error of the OCR program tesseract, where it is installed."""

import io
import shutil
import subprocess
from collections.abc import Sequence

from nextstroke.handwriting.sampler import Line
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.png import picture
from nextstroke.text.edit_distance import edit_distance

PROGRAM = "tesseract"


def letters(text: str) -> str:
    """Letters and digits alone, case folded."""
    return "".join(character for character in text.casefold() if character.isalnum())


def drawn(ink: Ink) -> bytes:
    """A line as a PNG with small letters 4 mm high at 150 dpi."""
    page = Page(x_height=4, margin=8)
    stream = io.BytesIO()
    picture(place(level([ink], page), page)[0], dpi=150, pen=0.6, colours=["black"]).save(stream, "PNG")
    return stream.getvalue()


def read(image: bytes) -> str:
    """What tesseract makes of a picture of one line."""
    command = [PROGRAM, "-", "-", "--psm", "7", "--dpi", "150"]
    return subprocess.run(command, input=image, capture_output=True, check=True).stdout.decode().strip()


def readable() -> bool:
    """Whether the OCR program is installed."""
    return shutil.which(PROGRAM) is not None


def character_error(lines: Sequence[Line]) -> float:
    """Mean over the lines of the edit distance between meant and read, over the length of what was meant."""
    errors = []
    for line in lines:
        meant = letters(line.written)
        errors.append(edit_distance(meant, letters(read(drawn(line.ink)))) / len(meant))
    return sum(errors) / len(errors)
