"""Write sheets to files in a format chosen by name or suffix."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
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

# One sheet to the bytes of one file.
SHEETS: dict[str, Callable[[Sheet, Look, About, Check | None], bytes]] = {
    "svg": lambda sheet, look, about, check: svg(sheet, look, _title(about), _description(about), check),
    "png": lambda sheet, look, about, check: png(sheet, default_dpi("png", look.dpi), **_drawing(look), check=check),
    "jpg": lambda sheet, look, about, check: jpeg(sheet, default_dpi("jpg", look.dpi), **_drawing(look), check=check),
    "gif": lambda sheet, look, about, check: film(sheet, "gif", look, check),
    "apng": lambda sheet, look, about, check: film(sheet, "apng", look, check),
    "inkml": lambda sheet, look, about, check: write_inkml(sheet.strokes(), _title(about)),
    "json": lambda sheet, look, about, check: write_json_ink(sheet.strokes(), about | sheet.size()),
    "gcode": lambda sheet, look, about, check: plotter.gcode(
        sheet, look.colours, look.plotter, _description(about), check
    ),
    "hpgl": lambda sheet, look, about, check: plotter.hpgl(sheet, look.colours, look.plotter, check),
}
DOCUMENTS = ("pdf", "xopp")  # each holds all sheets
FORMATS = (*SHEETS, *DOCUMENTS)
# The formats that have a use for an option; options that are not named here decide the ink, which all formats hold.
# The command, Python and the server all ask here, under the same names. A format that is not of FORMATS, as the lines
# that the server streams, has a use for none of them.
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
    "arcs": frozenset({"gcode"}),  # this and the next in Python only
    "milliseconds": frozenset({"gcode"}),
    "strict": frozenset(FORMATS),
}
LINES = "ndjson"  # lines of ink that are not placed on a page
# Options that have a use in a format only together with another one.
NEEDS = {
    ("speed", "svg"): "animate",
    ("margin", LINES): "page",
    ("line_height", LINES): "drift",
}
SUFFIXES = {"jpeg": "jpg", "nc": "gcode", "ngc": "gcode", "hgl": "hpgl", "plt": "hpgl", "ink": "inkml"}


def pick_format(output: str, name: str | None) -> str:
    """Return the format of an output, as named or else by the suffix; raise UsageError for an unknown one."""
    chosen = (name or Path(output).suffix.removeprefix(".") or ("svg" if output == "-" else "")).lower()
    chosen = SUFFIXES.get(chosen, chosen)
    if chosen not in FORMATS:
        raise UsageError(
            f"{output}: format {chosen or 'without suffix'!r} is not known; "
            f"give one of {', '.join(FORMATS)} by the suffix or the format"
        )
    return chosen


def check_options(format: str, given: Collection[str], spelled: Callable[[str], str] = str) -> None:
    """Raise UsageError for an option that a format has no use for.

    Args:
        format: One of FORMATS, or LINES.
        given: Names of the options that were given.
        spelled: Function from the name of an option to its name in the interface where it was given.
    """
    for option, formats in USES.items():
        if option in given and format not in formats:
            fitting = ", ".join(known for known in FORMATS if known in formats)
            told = f"has no meaning in the format {format}, only in {fitting}"
            raise UsageError(f"{spelled(option)}: {told}; leave it out")
    for (option, known), other in NEEDS.items():
        if known == format and option in given and other not in given:
            told = f"has no meaning in the format {format} without {spelled(other)}"
            raise UsageError(f"{spelled(option)}: {told}; give that too, or leave it out")


def check_look(format: str, look: Look) -> None:
    """Raise UsageError for a background or a machine that a format is not for."""
    machine = look.plotter.machine
    if machine and (format == "svg") != (machine == plotter.AXIDRAW) and format in USES["machine"]:
        raise UsageError(f"machine {machine}: takes {'SVG' if format == 'gcode' else 'G-code'}, not {format}")
    if look.background == TRANSPARENT and format in FILMS | {"jpg"}:
        raise UsageError(f"background none: {format} has no transparency; give a colour, or write PNG or SVG")
    if isinstance(look.background, Picture) and format in FILMS:
        raise UsageError(f"background: {format} takes a colour, not a picture; write PNG, PDF or SVG")


def _drawing(look: Look) -> dict[str, Any]:
    """Return the arguments of `picture`."""
    return {"pen": look.pen, "colours": look.colours, "nib": look.nib, "background": look.background}


def render(sheet: Sheet, format: str, look: Look, about: About, check: Check | None = None) -> bytes:
    """One sheet in a format.

    Args:
        about: Text, seed and the like; formats keep what they have a place for.
        check: Asked now and then where drawing takes long; what it raises ends it.
    """
    check_look(format, look)
    if check:
        check()
    if format in DOCUMENTS:
        return document([sheet], look, about, check, format)
    return SHEETS[format](sheet, look, about, check)


def save(sheets: Iterable[Sheet], output: str, format: str | None, look: Look, about: About) -> list[str]:
    """Write sheets to `output`, "-" for standard output; several become NAME-1.svg, NAME-2.svg …, but one PDF or .xopp.

    Sheets are read lazily: only two of them are in memory.

    Args:
        sheets: Sheets in order.
        output: File name, or "-".
        format: One of FORMATS; None means by the suffix.
        look: Pen, colours and resolution.
        about: Text, seed and other metadata.

    Returns: Names of the files written.

    Raises:
        UsageError: an unknown format, or a look that it has no use for.
    """
    chosen = pick_format(output, format)
    check_options(chosen, look.given)
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
    """Yield each file with its name; the first has a number only if there is a second."""
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
    sheets: Iterable[Sheet], look: Look, about: About, check: Check | None = None, format: str = "pdf"
) -> bytes:
    """All sheets as one file in one of DOCUMENTS; `check` as for `render`."""
    if format == "xopp":
        return notes(sheets, look, _title(about), check)
    return pdf(sheets, look, _title(about), _description(about), check)


def _title(about: About) -> str:
    """Return what the ink says: the text as it was drawn."""
    return about.get("written") or about.get("text", "")


def _description(about: About) -> str:
    return ", ".join(f"{name} {value}" for name, value in about.items() if name not in ("text", "written"))
