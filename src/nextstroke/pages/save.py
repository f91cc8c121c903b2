"""Sheets to files, the format picked by name."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes
from nextstroke.pages.layout import Sheet
from nextstroke.pages.raster import png
from nextstroke.pages.svg import svg

FORMATS = ("svg", "png", "json")


@dataclass(frozen=True)
class Look:
    """How ink is drawn: `pen` in mm, `colour` as a name or #rrggbb, `dpi` of pictures."""

    pen: float = 0.35
    colour: str = "#1a1a2e"
    dpi: float = 200

    def __post_init__(self) -> None:
        from PIL import ImageColor

        if not 0.01 <= self.pen <= 50:
            raise UsageError(f"pen {self.pen}: give its width in mm, 0.01 to 50")
        try:
            ImageColor.getrgb(self.colour)
        except ValueError:
            raise UsageError(f"colour {self.colour!r}: give a name such as navy, or #rrggbb") from None


def pick_format(output: str, name: str | None) -> str:
    """The format of an output: as named, else by the suffix; raises UsageError with those there are."""
    chosen = (name or Path(output).suffix.removeprefix(".") or ("svg" if output == "-" else "")).lower()
    if chosen not in FORMATS:
        raise UsageError(
            f"{output}: format {chosen or 'without suffix'!r} is not known; give one of {', '.join(FORMATS)}"
        )
    return chosen


def render(sheet: Sheet, format: str, look: Look, about: dict[str, Any]) -> bytes:
    """One sheet in a format.

    Args:
        about: Text, seed and the like; SVG and JSON keep it.
    """
    if format == "svg":
        told = ", ".join(f"{name} {value}" for name, value in about.items() if name != "text")
        return svg(sheet, look.pen, look.colour, about.get("text", ""), told)
    if format == "png":
        return png(sheet, **asdict(look))
    strokes = [stroke.round(3).tolist() for line in sheet.lines for stroke in line.strokes()]
    size = {"unit": "mm", "width": round(sheet.width, 3), "height": round(sheet.height, 3)}
    return json.dumps(about | size | {"strokes": strokes}, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def save(sheets: Sequence[Sheet], output: str, format: str | None, look: Look, about: dict[str, Any]) -> list[str]:
    """Write sheets to `output`, "-" for standard output; several become NAME-1.svg, NAME-2.svg …

    Returns: the files written.
    """
    chosen = pick_format(output, format)
    if output == "-":
        for sheet in sheets:
            sys.stdout.buffer.write(render(sheet, chosen, look, about))
        return []
    names = _names(Path(output), len(sheets))
    for name, sheet in zip(names, sheets, strict=True):
        write_bytes(name, render(sheet, chosen, look, about))
    return [str(name) for name in names]


def _names(path: Path, sheets: int) -> list[Path]:
    if sheets == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, sheets + 1)]
