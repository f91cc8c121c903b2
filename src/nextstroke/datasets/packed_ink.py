"""Packed corpora: many lines of ink with their texts in one memory-mapped file."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors.numpy import save

from nextstroke.datasets.memory_map import map_arrays
from nextstroke.errors import BadInk, BadInput, CorruptFile, LimitExceeded, WrongModel
from nextstroke.files import write_bytes
from nextstroke.formats.limits import check_coordinates
from nextstroke.ink import Ink

NO_TEXT = "no transcription"
HELD_OUT = "testset_v"  # the split that recipes validate on

FORMAT = "nextstroke-ink-1"


@dataclass(frozen=True)
class Line:
    """Metadata of one line of handwriting.

    Attributes:
        name: Identifier given by the source.
        text: Transcription; empty where unknown.
        split: Name of the split; empty where the line is in none.
        writer: Number of the writer, −1 where unknown.
        fault: Reason to keep the line out of training; empty for a good line.
    """

    name: str
    text: str
    split: str = ""
    writer: int = -1
    fault: str = ""


class InkCorpus:
    """Lines of ink and their texts; the points stay on disk until a line is read.

    Attributes:
        lines: Metadata of each line.
        points: float32 of shape (points, 2), absolute positions of all lines, one after another.
        end_of_stroke: bool of shape (points,).
        starts: int64 of shape (lines + 1,); line i owns points[starts[i]:starts[i + 1]].
        digest: SHA-256 of the content as stored in its file; empty for a corpus without a file.
        path: File of the corpus; empty for one without a file.
    """

    digest = ""
    path = ""

    def __init__(
        self,
        lines: Sequence[Line],
        points: np.ndarray,
        end_of_stroke: np.ndarray,
        starts: np.ndarray,
    ):
        self.lines = lines
        self.points = points
        self.end_of_stroke = end_of_stroke
        self.starts = starts

    @classmethod
    def of(cls, lines: Sequence[Line], inks: Sequence[Ink]) -> "InkCorpus":
        """Return a corpus of `inks`, one for each of `lines`."""
        points = np.concatenate([ink.points for ink in inks]).astype(np.float32)
        ends = np.concatenate([ink.end_of_stroke for ink in inks])
        starts = np.cumsum([0, *map(len, inks)])
        return cls(lines, points, ends, starts)

    @classmethod
    def join(cls, corpora: Sequence["InkCorpus"]) -> "InkCorpus":
        """Join corpora in their order; writers of different corpora get different numbers."""
        lines: list[Line] = []
        starts = [np.zeros(1, np.int64)]
        points = 0
        writers = 0
        for corpus in corpora:
            for line in corpus.lines:
                known = line.writer >= 0
                lines.append(replace(line, writer=line.writer + writers) if known else line)
            starts.append(np.asarray(corpus.starts[1:]) + points)
            points += len(corpus.points)
            writers = 1 + max((line.writer for line in lines), default=-1)
        return cls(
            lines,
            np.concatenate([corpus.points for corpus in corpora]),
            np.concatenate([corpus.end_of_stroke for corpus in corpora]),
            np.concatenate(starts),
        )

    def __len__(self) -> int:
        return len(self.lines)

    def ink(self, i: int) -> Ink:
        """Return the ink of line `i`, in the units of the source.

        Raises:
            BadInk: A position is not finite or too far away, or the last point ends no stroke.
        """
        own = slice(self.starts[i], self.starts[i + 1])
        points = np.asarray(self.points[own], float)
        try:
            check_coordinates(points)
            return Ink(points, np.asarray(self.end_of_stroke[own]))
        except BadInk as error:
            place = f"{self.path or 'corpus'}: line {i} ({self.lines[i].name})"
            raise BadInk(f"{place}: {error}") from error

    def select(self, *splits: str, faulty: bool = False) -> list[int]:
        """Return the numbers of the lines of some splits; lines with a fault only if `faulty`."""
        chosen = [i for i, line in enumerate(self.lines) if line.split in splits]
        return chosen if faulty else [i for i in chosen if not self.lines[i].fault]

    def save(self, path: str | Path) -> None:
        """Write the corpus as one safetensors file, whole or not at all."""
        arrays = {
            "points": np.ascontiguousarray(self.points, np.float32),
            "end_of_stroke": np.ascontiguousarray(self.end_of_stroke, bool),
            "starts": np.ascontiguousarray(self.starts, np.int64),
        }
        lines = [asdict(line) for line in self.lines]
        about = {"format": FORMAT, "lines": lines, "sha256": _digest(arrays, lines)}
        # Names of files that are not UTF-8 hold surrogates, which JSON has escapes for.
        written = json.dumps(about, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
        write_bytes(path, save(arrays, {"nextstroke": written}))

    @classmethod
    def open(cls, path: str | Path) -> "InkCorpus":
        """Map a packed corpus into memory.

        Raises:
            CorruptFile: The file is not a packed corpus, or is truncated.
            WrongModel: It has another version of the format.
        """
        about, arrays = map_arrays(Path(path))
        if about["format"] != FORMAT:
            found = f"format {about['format']!r}, this version reads {FORMAT!r}"
            raise WrongModel(f"{path}: {found}; pack the data again")
        try:
            lines = [_checked_line(Line(**line)) for line in about["lines"]]
            corpus = cls(lines, arrays["points"], arrays["end_of_stroke"], arrays["starts"])
            corpus._check_shapes()
            corpus.digest = str(about.get("sha256", ""))
            corpus.path = str(path)
            return corpus
        except (ValueError, KeyError, TypeError) as error:
            problem = f"not a whole corpus ({error}); make it again with `nextstroke data`"
            raise CorruptFile(f"{path}: {problem}") from error

    def verify(self, path: str | Path) -> None:
        """Compare the content of `path` with the digest stored in it; raise CorruptFile if they differ."""
        about, arrays = map_arrays(Path(path))
        if about.get("sha256") != _digest(arrays, about.get("lines")):
            raise CorruptFile(f"{path}: its content was altered; pack the data again")

    def _check_shapes(self) -> None:
        """Raise ValueError unless every line has a point and every point belongs to a line."""
        points = len(self.points)
        kinds = [self.points.dtype, self.end_of_stroke.dtype, self.starts.dtype]
        if kinds != [np.float32, np.bool_, np.int64]:
            raise ValueError("arrays of another type")
        if self.points.shape != (points, 2) or self.end_of_stroke.shape != (points,):
            raise ValueError("points and stroke ends do not match")
        fits = self.starts.shape == (len(self.lines) + 1,)
        if not fits or self.starts[0] != 0 or self.starts[-1] != points:
            raise ValueError("lines and points do not match")
        if (np.diff(self.starts) <= 0).any():
            raise ValueError("a line without points")


def _checked_line(line: Line) -> Line:
    """Return a line that was read from a file; raises TypeError where a value has another type."""
    texts = (line.name, line.text, line.split, line.fault)
    if type(line.writer) is not int or not all(isinstance(text, str) for text in texts):
        raise TypeError("a line whose values have other types")
    return line


def _digest(arrays: dict[str, np.ndarray], lines: object) -> str:
    digest = hashlib.sha256(json.dumps(lines).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


class ReadLine(Protocol):
    """A line of a file of ink, with its transcription."""

    @property
    def ink(self) -> Ink:
        """Ink of the line."""
        ...

    @property
    def text(self) -> str:
        """Transcription; empty where unknown."""
        ...

    @property
    def fault(self) -> str:
        """Reason to keep the line out of training; empty for a good line."""
        ...


def pack_files(
    paths: Iterable[str | Path],
    read: Callable[[Path], Sequence[ReadLine]],
    split: str = "",
    hold_out: int = 0,
) -> tuple[InkCorpus, list[tuple[str, str]]]:
    """Pack files of ink.

    Args:
        paths: Files of any ink format.
        read: Function that returns the lines of a file.
        split: Name of the split of all lines.
        hold_out: Number of lines at the end that are put in HELD_OUT instead.

    Returns: The corpus, and the name of each file that was left out with the reason.

    Raises:
        BadInput: No file could be read.
    """
    lines: list[Line] = []
    inks: list[Ink] = []
    left_out: list[tuple[str, str]] = []
    for path in map(Path, paths):
        try:
            found = read(path)
        except (BadInput, LimitExceeded) as error:
            left_out.append((str(path), str(error)))
            continue
        for number, line in enumerate(found, 1):
            name = path.stem if len(found) == 1 else f"{path.stem}-{number}"
            fault = line.fault or ("" if line.text else NO_TEXT)
            lines.append(Line(name, line.text, split, fault=fault))
            inks.append(line.ink)
    if not inks:
        raise BadInput(f"no ink to pack; {left_out[0][1] if left_out else 'no files were given'}")
    kept = max(0, len(lines) - hold_out)
    lines[kept:] = [replace(line, split=HELD_OUT) for line in lines[kept:]]
    return InkCorpus.of(lines, inks), left_out


# Statistics of a packed corpus, as `nextstroke data` prints them.

JUMPS = (300, 500)  # units from point to point; only errors of the whiteboard's sensor are as large


def summarise(corpus: InkCorpus, statistics_on: Collection[str] = ()) -> dict[str, Any]:
    """Return the statistics of a corpus, ready for JSON; what cannot be computed is None, never NaN.

    Args:
        corpus: Lines, of which those with a fault are counted too.
        statistics_on: Splits of the offset statistics; empty for all lines.
    """
    lines = corpus.lines
    good = [line for line in lines if not line.fault]
    lengths = np.diff(corpus.starts)
    texts = [line.text.replace(" ", "") for line in lines]
    density = [points / len(text) for points, text in zip(lengths, texts, strict=True) if text]
    return {
        "lines": len(corpus),
        "lines_of_split": dict(Counter(line.split or "none" for line in lines)),
        "lines_without_fault_of_split": dict(Counter(line.split or "none" for line in good)),
        "faults": dict(Counter(line.fault for line in lines if line.fault).most_common()),
        "writers": len({line.writer for line in lines if line.writer >= 0}),
        "characters": len(set().union(*(line.text for line in lines))),
        "points": int(lengths.sum()),
        "points_of_line_median": float(np.median(lengths)),
        "points_of_character_median": float(np.median(density)) if density else None,
        "end_of_stroke_rate": float(np.mean(corpus.end_of_stroke)),
        "offsets": _offset_statistics(corpus, statistics_on),
        "oddities": _oddities(corpus),
    }


def _offset_statistics(corpus: InkCorpus, splits: Collection[str]) -> dict[str, Any]:
    """Return mean and standard deviation of the offsets within lines, over the lines of `splits`."""
    chosen = np.array([not splits or line.split in splits for line in corpus.lines])
    inside = np.repeat(chosen, np.diff(corpus.starts))
    inside[corpus.starts[:-1]] = False  # the first point of a line is a position, not an offset
    figures: dict[str, Any] = {"splits": sorted(splits), "count": int(inside.sum())}
    for axis, name in enumerate(("dx", "dy")):
        # float64: sums in float32 are 1 % off on this much data.
        steps = np.diff(corpus.points[:, axis].astype(np.float64), prepend=0.0)[inside]
        if len(steps):
            figures[f"{name}_mean"] = float(steps.mean())
            figures[f"{name}_std"] = float(steps.std())
    return figures


def _oddities(corpus: InkCorpus) -> dict[str, Any]:
    """Count what is unusual in the ink: jumps of the sensor, repeated points, strokes of one point."""
    begins = np.zeros(len(corpus.points), bool)
    begins[corpus.starts[:-1]] = True
    begins[1:] |= corpus.end_of_stroke[:-1]
    steps = np.hypot(*np.diff(corpus.points, axis=0, prepend=corpus.points[:1]).T)
    steps[begins] = np.nan
    line_of = np.repeat(np.arange(len(corpus)), np.diff(corpus.starts))
    found = {}
    for size in JUMPS:
        found[f"lines_with_jumps_over_{size}"] = len(np.unique(line_of[steps > size]))
    found["repeated_points"] = int((steps == 0).sum())
    found["strokes_of_one_point"] = int((begins & corpus.end_of_stroke).sum())
    return found
