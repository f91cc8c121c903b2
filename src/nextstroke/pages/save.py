"""Sheets to files, the format picked by name."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes
from nextstroke.pages import plotter
from nextstroke.pages.animation import film
from nextstroke.pages.appearance import Look
from nextstroke.pages.ink_export import inkml, json_ink
from nextstroke.pages.layout import Sheet
from nextstroke.pages.pdf import pdf
from nextstroke.pages.png import Check, default_dpi, png
from nextstroke.pages.svg import svg

About = dict[str, Any]  # text, seed and the like; formats keep what they have a place for

# One sheet to the bytes of one file.
SHEETS: dict[str, Callable[[Sheet, Look, About, Check | None], bytes]] = {
    "svg": lambda sheet, look, about, check: svg(sheet, look, about.get("text", ""), _told(about), check),
    "png": lambda sheet, look, about, check: png(
        sheet, default_dpi("png", look.dpi), pen=look.pen, colours=look.colours, nib=look.nib, check=check
    ),
    "gif": lambda sheet, look, about, check: film(sheet, "gif", look, check),
    "apng": lambda sheet, look, about, check: film(sheet, "apng", look, check),
    "inkml": lambda sheet, look, about, check: inkml(sheet, about.get("written") or about.get("text", "")),
    "json": lambda sheet, look, about, check: json_ink(sheet, about),
    "gcode": lambda sheet, look, about, check: plotter.gcode(sheet, look.colours, look.plotter, _told(about)),
    "hpgl": lambda sheet, look, about, check: plotter.hpgl(sheet, look.colours, look.plotter),
}
FORMATS = (*SHEETS, "pdf")  # a PDF holds all sheets
SUFFIXES = {"nc": "gcode", "ngc": "gcode", "hgl": "hpgl", "plt": "hpgl", "ink": "inkml"}


def pick_format(output: str, name: str | None) -> str:
    """The format of an output: as named, else by the suffix; raises UsageError with those there are."""
    chosen = (name or Path(output).suffix.removeprefix(".") or ("svg" if output == "-" else "")).lower()
    chosen = SUFFIXES.get(chosen, chosen)
    if chosen not in FORMATS:
        raise UsageError(
            f"{output}: format {chosen or 'without suffix'!r} is not known; give one of {', '.join(FORMATS)}"
        )
    return chosen


def render(sheet: Sheet, format: str, look: Look, about: About, check: Check | None = None) -> bytes:
    """One sheet in a format.

    Args:
        about: Text, seed and the like; formats keep what they have a place for.
        check: Asked now and then where drawing takes long; what it raises ends it.
    """
    if check:
        check()
    return document([sheet], look, about, check) if format == "pdf" else SHEETS[format](sheet, look, about, check)


def save(sheets: Iterable[Sheet], output: str, format: str | None, look: Look, about: About) -> list[str]:
    """Write sheets to `output`, "-" for standard output; several become NAME-1.svg, NAME-2.svg …, but one PDF.

    Sheets are taken one by one, each is written before the next but one.

    Returns: the files written.
    """
    chosen = pick_format(output, format)
    files = [document(sheets, look, about)] if chosen == "pdf" else (render(s, chosen, look, about) for s in sheets)
    if output == "-":
        for data in files:
            sys.stdout.buffer.write(data)
        return []
    names = []
    for name, data in _named(Path(output), files):
        write_bytes(name, data)
        names.append(str(name))
    return names


def _named(path: Path, files: Iterable[bytes]) -> Iterator[tuple[Path, bytes]]:
    """Each file with its name: the first must wait until it is known whether there is a second."""
    held: list[bytes] = []
    number = 0
    for number, data in enumerate(files):
        if held:
            yield _numbered(path, number), held.pop()
        held.append(data)
    if held:
        yield _numbered(path, number + 1) if number else path, held.pop()


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def document(sheets: Iterable[Sheet], look: Look, about: About, check: Check | None = None) -> bytes:
    """All sheets as one PDF; `check` as for `render`."""
    return pdf(sheets, look, about.get("text", ""), _told(about), check)


def _told(about: About) -> str:
    return ", ".join(f"{name} {value}" for name, value in about.items() if name not in ("text", "written"))
