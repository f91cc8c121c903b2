"""Write sheets to files in a format chosen by name or suffix."""

import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes
from nextstroke.formats.inkml import write_inkml
from nextstroke.formats.json_ink import write_json_ink
from nextstroke.pages import plotter
from nextstroke.pages.animation import film
from nextstroke.pages.appearance import Look
from nextstroke.pages.background import TRANSPARENT, Picture
from nextstroke.pages.layout import Sheet
from nextstroke.pages.notes import notes
from nextstroke.pages.pdf import pdf
from nextstroke.pages.png import Check, default_dpi, jpeg, png
from nextstroke.pages.svg import svg

About = dict[str, Any]  # text, seed and other metadata; each format keeps what it can hold

# Formats of one file for each sheet, and of one file for all sheets.
SHEETS = ("svg", "png", "jpg", "gif", "apng", "inkml", "json", "gcode", "hpgl")
DOCUMENTS = ("pdf", "xopp")
FORMATS = (*SHEETS, *DOCUMENTS)
# The formats in which an option has a meaning. Other options change the ink, and so all formats.
PICTURES = frozenset({"png", "jpg"})
FILMS = frozenset({"gif", "apng"})
MACHINES = frozenset({"gcode", "hpgl"})
DRAWN = PICTURES | FILMS | {"svg", "pdf"}
NOTES = frozenset({"xopp"})  # whose program has papers of its own
USES: dict[str, frozenset[str]] = {
    "paper": DRAWN,
    "ruled": DRAWN,
    "background": DRAWN,
    "pen": DRAWN | NOTES,
    "nib": (DRAWN | NOTES) - FILMS,
    "colour": DRAWN | NOTES | MACHINES,
    "dpi": PICTURES | FILMS,
    "animate": frozenset({"svg"}),
    "speed": FILMS | {"svg"},
    "shortest": MACHINES | {"svg"},
    "machine": frozenset({"gcode", "svg"}),
    "feed": frozenset({"gcode"}),
    "pen_up": frozenset({"gcode"}),
    "pen_down": frozenset({"gcode"}),
    "dwell": frozenset({"gcode"}),
    "header": frozenset({"gcode"}),
    "footer": frozenset({"gcode"}),
    "tolerance": MACHINES,
    "bed": MACHINES,
    "offset": MACHINES,
}
SUFFIXES = {"jpeg": "jpg", "nc": "gcode", "ngc": "gcode", "hgl": "hpgl", "plt": "hpgl", "ink": "inkml"}


def pick_format(output: str, name: str | None) -> str:
    """Return the format of an output: the one named, or that of the suffix; SVG for standard output.

    Raises:
        UsageError: The format is unknown.
    """
    default = "svg" if output == "-" else ""
    chosen = (name or Path(output).suffix.removeprefix(".") or default).lower()
    chosen = SUFFIXES.get(chosen, chosen)
    if chosen not in FORMATS:
        raise UsageError(
            f"{output}: format {chosen or 'without suffix'!r} is not known; "
            f"give one of {', '.join(FORMATS)} by the suffix or --format"
        )
    return chosen


def check_options(format: str, given: Collection[str]) -> None:
    """Raise UsageError for an option that a format has no use for.

    Args:
        format: One of FORMATS.
        given: Names of the options that were given.
    """
    for option in given:
        formats = USES.get(option)
        if formats is not None and format not in formats:
            name = f"--{option.replace('_', '-')}"
            fitting = ", ".join(known for known in FORMATS if known in formats)
            problem = f"has no meaning in the format {format}, only in {fitting}"
            raise UsageError(f"{name}: {problem}; leave it out")
    if format == "svg" and "speed" in given and "animate" not in given:
        raise UsageError("--speed: has no meaning in a still SVG; add --animate, or leave it out")


def check_look(format: str, look: Look) -> None:
    """Raise UsageError for a background or a machine that does not fit a format."""
    machine = look.plotter.machine
    fits = (format == "svg") == (machine == plotter.AXIDRAW)
    if machine and not fits and format in USES["machine"]:
        wanted = "SVG" if format == "gcode" else "G-code"
        raise UsageError(f"machine {machine}: takes {wanted}, not {format}")
    if look.background == TRANSPARENT and format in FILMS | {"jpg"}:
        problem = f"{format} has no transparency; give a colour, or write PNG or SVG"
        raise UsageError(f"background none: {problem}")
    if isinstance(look.background, Picture) and format in FILMS:
        problem = f"{format} takes a colour, not a picture; write PNG, PDF or SVG"
        raise UsageError(f"background: {problem}")


def render(
    sheet: Sheet,
    format: str,
    look: Look,
    about: About,
    check: Check | None = None,
) -> bytes:
    """Return a sheet as the content of a file.

    Args:
        sheet: Sheet in mm.
        format: One of FORMATS.
        look: Pen, colours, background, resolution and plotter.
        about: Text, seed and other metadata, of which a format keeps what it has fields for.
        check: Callback during the drawing, which may raise to stop it.

    Raises:
        UsageError: The format is unknown, or does not fit the look.
    """
    check_look(format, look)
    if check:
        check()
    if format in DOCUMENTS:
        return document([sheet], look, about, check, format)
    if format in PICTURES:
        return _picture_file(sheet, format, look, check)
    if format in FILMS:
        return film(sheet, format, look, check)
    if format == "svg":
        return svg(sheet, look, _title(about), _description(about), check)
    if format == "inkml":
        return write_inkml(sheet.strokes(), _title(about))
    if format == "json":
        return write_json_ink(sheet.strokes(), about | sheet.size())
    if format == "gcode":
        return plotter.gcode(sheet, look.colours, look.plotter, _description(about))
    if format == "hpgl":
        return plotter.hpgl(sheet, look.colours, look.plotter)
    raise UsageError(f"format {format!r:.40}: give one of {', '.join(FORMATS)}")


def _picture_file(sheet: Sheet, format: str, look: Look, check: Check | None) -> bytes:
    """Return a sheet as a PNG or JPEG file."""
    write = png if format == "png" else jpeg
    return write(
        sheet,
        default_dpi(format, look.dpi),
        pen=look.pen,
        colours=look.colours,
        nib=look.nib,
        background=look.background,
        check=check,
    )


def save(
    sheets: Iterable[Sheet],
    output: str,
    format: str | None,
    look: Look,
    about: About,
) -> list[str]:
    """Write sheets to one file, or to NAME-1.svg, NAME-2.svg … where a format holds only one.

    Sheets are read lazily: only two of them are in memory.

    Args:
        sheets: Sheets in order.
        output: File name, or "-" for standard output.
        format: One of FORMATS; None means by the suffix.
        look: Pen, colours and resolution.
        about: Text, seed and other metadata.

    Returns: Names of the files written.

    Raises:
        UsageError: The format is unknown, or does not fit the look.
    """
    chosen = pick_format(output, format)
    check_look(chosen, look)
    if chosen in DOCUMENTS:
        files: Iterable[bytes] = [document(sheets, look, about, format=chosen)]
    else:
        files = (render(sheet, chosen, look, about) for sheet in sheets)
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
    """Yield each file with its path; the first has a number only if there is a second."""
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


def document(
    sheets: Iterable[Sheet],
    look: Look,
    about: About,
    check: Check | None = None,
    format: str = "pdf",
) -> bytes:
    """Return all sheets as the content of one file.

    Args:
        sheets: Sheets in mm.
        look: Pen, colours and background.
        about: Text, seed and other metadata.
        check: Callback during the drawing, which may raise to stop it.
        format: One of DOCUMENTS.
    """
    if format == "xopp":
        return notes(sheets, look, _title(about), check)
    return pdf(sheets, look, _title(about), _description(about), check)


def _title(about: About) -> str:
    """Return the text of the ink, as it was drawn."""
    return about.get("written") or about.get("text", "")


def _description(about: About) -> str:
    """Return the metadata other than the text as one line."""
    others = {name: value for name, value in about.items() if name not in ("text", "written")}
    return ", ".join(f"{name} {value}" for name, value in others.items())
