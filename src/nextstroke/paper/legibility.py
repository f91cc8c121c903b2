"""Legibility of a line: the character error of the OCR program tesseract, if it is installed."""

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


def letters_and_digits(text: str) -> str:
    """Return only the letters and digits of a text, case folded."""
    return "".join(character for character in text.casefold() if character.isalnum())


def render_line(ink: Ink) -> bytes:
    """Return a line as a PNG with an x-height of 4 mm at 150 dpi."""
    page = Page(x_height=4, margin=8)
    stream = io.BytesIO()
    picture(place(level([ink], page), page)[0], dpi=150, pen=0.6, colours=["black"]).save(stream, "PNG")
    return stream.getvalue()


def recognise(image: bytes) -> str:
    """Return the text that tesseract recognises in a picture of one line."""
    command = [PROGRAM, "-", "-", "--psm", "7", "--dpi", "150"]
    return subprocess.run(command, input=image, capture_output=True, check=True).stdout.decode().strip()


def ocr_available() -> bool:
    """Return whether the OCR program is installed."""
    return shutil.which(PROGRAM) is not None


def character_error(lines: Sequence[Line]) -> float:
    """Return the mean over lines of the edit distance between text and recognised text, per character of the text."""
    errors = []
    for line in lines:
        meant = letters_and_digits(line.written)
        errors.append(edit_distance(meant, letters_and_digits(recognise(render_line(line.ink)))) / len(meant))
    return sum(errors) / len(errors)
