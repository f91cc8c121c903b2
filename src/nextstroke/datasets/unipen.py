"""UNIPEN train_r01_v07, handwriting of several hundred writers: read the official tree into one corpus.

Guyon, Schomaker, Plamondon, Liberman and Janet, "UNIPEN project of on-line data exchange and
recognizer benchmarks", ICPR 1994. The tablets differ in unit, axes and rate, so ink is brought to
one size, direction and number of points:

- y grows upwards on most tablets; dots over i and full stops tell the direction of each
  contributor;
- size: the median height of small letters of each writer becomes X_HEIGHT;
- rate: the strokes of each writer are resampled to POINTS points for a character that is not a
  blank;
- a text over several written lines is split between words, where the tree marks them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np

from nextstroke.datasets.iam import LeftOut, normalise_text
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.datasets.parallel import Progress, map_files
from nextstroke.errors import BadInk, BadInput, NextstrokeError, UsageError
from nextstroke.formats.unipen_file import Segment, UnipenFile, read_unipen_file
from nextstroke.ink import Ink

CATEGORIES = ("1a", "1b", "1c", "1d", "2", "3", "6", "7", "8")
PARTS = {"8": ("7", "6", "3")}  # where the words or characters of a text are marked, best first
TRAINING = ("unipen-train",)
VALIDATION = ("unipen-valid",)
HELD_OUT = 12  # one writer in this number is held out

X_HEIGHT = 170.0  # units; the median of IAM-OnDB, measured in the same way
POINTS = 25  # for a character that is not a blank, as IAM-OnDB has
# Heights of small letters; as many gaps of IAM-OnDB are wider as its texts have blanks.
WORD_GAP = 0.8
QUANTILES = (0.12, 0.86)  # of y: the small letters are between them

LINE_STEP = 0.8  # heights of a stroke that the next written line lies below this one, at least
TALLEST = 5.5  # heights of small letters that one written line takes, at most
FEWEST_POINTS = 0.4  # least points for a character, as a ratio to the writer's median
MOST_POINTS = 2.5  # most points for a character, as a ratio to the writer's median
SPACED = 0.9  # heights of small letters between neighbouring letters: one letter a box
# In heights of small letters: a wider gap between words is one of a table's columns, and a longer step
# between neighbouring points is a lost pen-up.
WIDEST_GAP = 7.0
LONGEST_STEP = 2.0

UNREADABLE = "marked as unreadable or bad"
FOREIGN = "a character that is not printable ASCII"
SEVERAL_LINES = "a text over several written lines whose words are not marked"
ODD_DENSITY = "far fewer or far more points for a character than the writer's other lines"
LETTER_BOXES = "printed one letter a box"
LOST_PEN_UPS = "drawn with its pen-ups lost"
FAR_APART = "words set in columns far apart"
TOO_TALL = "taller than one written line"

_PRINTABLE = re.compile(r"[ -~]+")
_TOKENISED = re.compile(r"(?<=\d) (?=\d)")


@dataclass
class Trace:
    """A labelled piece of ink of a file.

    Attributes:
        name: Contributor, file and number of the segment.
        contributor: Three letters of the contributor.
        writer: Identifier of the writer, or the file's folder where the file has none.
        label: Text as in the file.
        points: float32 of shape (points, 2) without repeated points, y as on the tablet.
        starts: Number of the first point of each stroke, and the number of points.
        fault: Reason to keep it out of training; empty for a good one.
    """

    name: str
    contributor: str
    writer: str
    label: str
    points: np.ndarray
    starts: np.ndarray
    fault: str = ""

    def strokes(self) -> list[np.ndarray]:
        """Return the strokes, each of shape (points, 2)."""
        return np.split(self.points, self.starts[1:-1])

    @property
    def key(self) -> tuple[str, str]:
        """Contributor and writer."""
        return self.contributor, self.writer

    @property
    def characters(self) -> int:
        """Number of characters that are not blanks."""
        return len(self.label.replace(" ", ""))


@dataclass
class UnipenReport:
    """Report of a reading.

    Attributes:
        left_out: Files and segments that are not in the corpus, each with the reason.
        notes: Further remarks, one sentence each.
        segments: Numbers of segments and of files of each "category/contributor", as in the
            distribution's own table.
        normalised: Number of labels whose blanks were moved to where the ink has them.
    """

    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    segments: dict[str, tuple[int, int]] = field(default_factory=dict)
    normalised: int = 0


def read_unipen(
    folder: str | Path,
    categories: Sequence[str] = ("8",),
    progress: Progress | None = None,
    workers: int = 1,
) -> tuple[InkCorpus, UnipenReport]:
    """Read a UNIPEN tree as its archive unpacks: the folders `data` and `include`, at any depth.

    A label that cannot be trusted gives its line a `fault`; the line itself stays. What cannot be
    read is left out and reported. A file in several categories is the same ink in other pieces:
    only the first category of `categories` that has ink of it is taken.

    Args:
        folder: Folder that UNIPEN was unpacked to.
        categories: Some of CATEGORIES: "8" texts, "6" and "7" words, "1a" to "3" characters.
        progress: Callback of (files done, all files).
        workers: Number of processes; more than 1 needs a main module that can be imported.

    Returns: Corpus, ordered by category and name, in IAM-OnDB's size, y downwards; and report.

    Raises:
        UsageError: A category is unknown.
        BadInput: The folder is not UNIPEN, or nothing in it can be read.
    """
    unknown = [category for category in categories if category not in CATEGORIES]
    if unknown or not categories:
        raise UsageError(f"categories {','.join(unknown)!r}: give some of {','.join(CATEGORIES)}")
    root = _find_root(Path(folder))
    files: list[tuple[str, Path]] = []
    for category in dict.fromkeys(categories):
        own = root / "data" / category
        paths = sorted(path for path in own.rglob("*") if path.is_file())
        files += [(category, path.relative_to(own)) for path in paths]
    report = UnipenReport()
    traces: list[Trace] = []
    taken: dict[Path, str] = {}
    found_in: dict[str, list[int]] = defaultdict(list)
    read = map_files(partial(_read_traces, root), files, workers, progress)
    for (category, path), (found, left_out, segments) in zip(files, read, strict=True):
        report.left_out += left_out
        if found and taken.setdefault(path, category) != category:
            reason = f"the same ink as {taken[path]}/{path}"
            report.left_out.append(LeftOut(f"{category}/{path.as_posix()}", reason))
        else:
            traces += found
        if segments:
            found_in[f"{category}/{path.parts[0]}"].append(segments)
    for name, numbers in sorted(found_in.items()):
        report.segments[name] = (sum(numbers), len(numbers))
    if not traces:
        reason = f"; {report.left_out[-1].reason}" if report.left_out else ""
        named = ", ".join(categories)
        raise BadInput(f"{folder}: no labelled ink in the categories {named}{reason}")
    return _normalised(traces, report), report


def _find_root(folder: Path) -> Path:
    """Return the folder that has both `data` and `include`.

    Raises:
        BadInput: There is none.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: not a folder; give the folder that UNIPEN was unpacked to")
    for pattern in ("include", "*/include", "*/*/include"):
        for include in sorted(folder.glob(pattern)):
            if include.is_dir() and (include.parent / "data").is_dir():
                return include.parent
    raise BadInput(f"{folder}: not UNIPEN; the folders `data` and `include` are needed")


def _read_traces(root: Path, file: tuple[str, Path]) -> tuple[list[Trace], list[LeftOut], int]:
    """Return the traces of a file, its parts that were left out, and the number of its segments."""
    category, path = file
    name = f"{category}/{path.as_posix()}"
    try:
        document = read_unipen_file(root / "data" / category / path, root / "include")
    except NextstrokeError as error:
        return [], [LeftOut(name, str(error).replace(f"{root}/", ""))], 0
    words = _Words(root, path, PARTS.get(category, ()))
    traces: list[Trace] = []
    left_out: list[LeftOut] = []
    for number, segment in enumerate(document.segments):
        try:
            traces += _traces(document, segment, f"{name}#{number}", path, words)
        except BadInk as error:
            left_out.append(LeftOut(f"{name}#{number}", str(error)))
    if document.malformed:
        left_out.append(LeftOut(name, f"{document.malformed} malformed .SEGMENT statements"))
    return traces, left_out, len(document.segments) + document.malformed


def _traces(
    document: UnipenFile,
    segment: Segment,
    name: str,
    path: Path,
    words: "_Words",
) -> Iterator[Trace]:
    """Yield a segment as one trace for each written line."""
    label = " ".join(segment.label.split())
    folder = path.parent.as_posix()
    unnamed = folder if len(path.parts) > 2 else f"{folder}/{path.stem}"
    writer = document.writer(segment) or unnamed
    strokes = _cleaned(document.strokes(segment))
    if not strokes:
        raise BadInk("no pen-down points")
    trace = partial(_trace, contributor=path.parts[0], writer=writer)
    if segment.quality == "BAD" or label == "XXX" or not label:
        yield trace(name, label, strokes, fault=UNREADABLE)
        return
    lines = words.lines(document, segment, label)
    if len(lines) < 2:
        fault = SEVERAL_LINES if not lines and _turns_back(strokes) else ""
        yield trace(name, label, strokes, fault=fault)
        return
    for number, (text, own) in enumerate(lines):
        yield trace(f"{name}.{number}", text, own)


def _trace(
    name: str,
    label: str,
    strokes: list[np.ndarray],
    contributor: str,
    writer: str,
    fault: str = "",
) -> Trace:
    """Return a trace of some strokes; its fault is FOREIGN if it has no other and the label is not ASCII."""
    points = np.concatenate(strokes).astype(np.float32)
    starts = np.cumsum([0, *map(len, strokes)])
    if not fault and not _PRINTABLE.fullmatch(label):
        fault = FOREIGN
    return Trace(name, contributor, writer, label, points, starts, fault)


def _cleaned(strokes: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Return the strokes without repeated points and without lone points at the tablet's origin."""
    kept = []
    for stroke in strokes:
        moved = np.concatenate([[True], (np.diff(stroke, axis=0) != 0).any(1)])
        if len(stroke) > 1 or stroke.any():
            kept.append(stroke[moved])
    return kept


def _turns_back(strokes: list[np.ndarray]) -> bool:
    """Return whether the pen goes back to the left to begin a further line.

    The strokes before and after such a turn lie at different heights, and both sides have a good
    part of the ink.
    """
    if len(strokes) < 4:
        return False
    height = _stroke_height(strokes)
    middle = np.array([stroke[:, 1].mean() for stroke in strokes])
    left = np.array([stroke[:, 0].min() for stroke in strokes])
    right = np.array([stroke[:, 0].max() for stroke in strokes])
    width = right.max() - left.min()
    for k in np.flatnonzero(left[1:] < right[:-1] - 0.4 * width) + 1:
        before = middle[:k]
        after = middle[k:]
        if min(len(before), len(after)) >= 3:
            step = np.median(after[:12]) - np.median(before[-12:])
            if abs(step) > 1.2 * height:
                return True
    return False


def _stroke_height(strokes: list[np.ndarray]) -> float:
    """Return the median height of the strokes that are no dots."""
    heights = [float(np.ptp(stroke[:, 1])) for stroke in strokes if len(stroke) > 2]
    return max(float(np.median(heights)) if heights else 0.0, 1e-9)


class _Words:
    """The words of a text as another category of the same tree marks them.

    Args:
        root: Folder that has `data` and `include`.
        path: Path of the file within its category.
        categories: Categories to search for a file of the same path, best first.
    """

    def __init__(self, root: Path, path: Path, categories: Sequence[str]):
        self._files = [root / "data" / category / path for category in categories]
        self._include = root / "include"
        self._marked: list[list[Segment]] | None = None

    def lines(
        self,
        document: UnipenFile,
        text: Segment,
        label: str,
    ) -> list[tuple[str, list[np.ndarray]]]:
        """Return the text and the strokes of each written line; nothing if the words are not marked."""
        for segments in self._read():
            words = _words_of(label, [part for part in segments if _within(part, text)])
            if words:
                return list(_split_lines(document, words))
        return []

    def _read(self) -> list[list[Segment]]:
        """Return the segments of each file that can be read, in the order of the ink."""
        if self._marked is None:
            self._marked = []
            for path in filter(Path.is_file, self._files):
                try:
                    found = read_unipen_file(path, self._include)
                except NextstrokeError:
                    continue  # reported where its own category is read
                self._marked.append(sorted(found.segments, key=lambda part: part.pieces[0].first))
        return self._marked


def _within(part: Segment, text: Segment) -> bool:
    """Return whether a segment is a part of another."""
    begins_after = text.pieces[0].first <= part.pieces[0].first
    ends_before = part.pieces[-1].last <= text.pieces[-1].last
    return begins_after and ends_before


def _words_of(label: str, parts: list[Segment]) -> list[tuple[str, list[Segment]]]:
    """Return the words of a label, each with its segments; nothing if the segments do not spell the label."""
    if "".join(part.label for part in parts).replace(" ", "") != label.replace(" ", ""):
        return []
    words: list[tuple[str, list[Segment]]] = []
    waiting = list(parts)
    for word in label.split():
        own: list[Segment] = []
        spelled = ""
        while waiting and len(spelled) < len(word):
            own.append(waiting.pop(0))
            spelled += own[-1].label.replace(" ", "")
        if spelled != word:
            return []
        words.append((word, own))
    return words


def _split_lines(
    document: UnipenFile, words: list[tuple[str, list[Segment]]]
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield the text and the strokes of each written line.

    A word begins a line if it is left of the word before it and at another height.
    """
    texts: list[str] = []
    strokes: list[np.ndarray] = []
    previous: list[np.ndarray] = []
    for word, parts in words:
        own = _cleaned(stroke for part in parts for stroke in document.strokes(part))
        if not own:
            raise BadInk(f"the word {word[:40]!r} has no pen-down points")
        if previous and _begins_line(previous, own):
            yield " ".join(texts), strokes
            texts = []
            strokes = []
        texts.append(word)
        strokes = strokes + own
        previous = own
    yield " ".join(texts), strokes


def _begins_line(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    """Return whether a word begins a line, given the strokes of the word before it and its own."""
    previous = np.concatenate(before)
    word = np.concatenate(after)
    step = abs(np.median(word[:, 1]) - np.median(previous[:, 1]))
    back = word[:, 0].min() < np.median(previous[:, 0])
    return bool(back and step > LINE_STEP * _stroke_height(before + after))


def _normalised(traces: list[Trace], report: UnipenReport) -> InkCorpus:
    """Return all traces in one direction, size and rate, with their faults, splits and writers."""
    _turn_upright(traces)
    sizes = _of_writers(traces, [_x_height(trace) for trace in traces])
    densities = [len(trace.points) / max(trace.characters, 1) for trace in traces]
    rates = _of_writers(traces, densities)
    texts = _settle_blanks(traces, [sizes[trace.key] for trace in traces])
    writers = {key: number for number, key in enumerate(sorted({trace.key for trace in traces}))}
    lines: list[Line] = []
    inks: list[Ink] = []
    for trace, text in zip(traces, texts, strict=True):
        size = sizes[trace.key]
        rate = rates[trace.key]
        fault = trace.fault or _fault(trace, size, rate)
        split = VALIDATION[0] if _held_out(trace) else TRAINING[0]
        ink = Ink.from_strokes(_resampled(stroke, POINTS / rate) for stroke in trace.strokes())
        left, top = ink.points.min(0)
        lines.append(Line(trace.name, text, split, writers[trace.key], fault))
        inks.append(ink.moved(-left, -top).scaled(X_HEIGHT / size))
        report.normalised += text != trace.label
    return InkCorpus.of(lines, inks)


def _held_out(trace: Trace) -> bool:
    """Return whether a writer is held out; the sets of one institution may share their writers."""
    institution = trace.contributor[:2]
    return crc32(f"{institution}/{trace.writer}".encode()) % HELD_OUT == 0


def _turn_upright(traces: list[Trace]) -> None:
    """Make y grow downwards, by the dots over i and the full stops of each contributor."""
    votes: Counter[str] = Counter()
    for trace in traces:
        votes[trace.contributor] += _dots_above(trace)
    for trace in traces:
        # y grows upwards on nearly all tablets, hence also without votes.
        if votes[trace.contributor] >= 0:
            trace.points[:, 1] *= -1


def _dots_above(trace: Trace) -> int:
    """Return the number of dots that fit the label if y grows upwards, less those that do not."""
    above = sum(map(trace.label.count, "ij'\""))
    below = sum(map(trace.label.count, ".,_"))
    if trace.fault or above == below:
        return 0
    strokes = trace.strokes()
    height = _stroke_height(strokes)
    letters = [stroke for stroke in strokes if np.ptp(stroke[:, 1]) > 0.5 * height]
    votes = 0.0
    for stroke in strokes:
        if np.ptp(stroke, axis=0).max() >= 0.35 * height:
            continue
        x, y = stroke.mean(0)
        limit = 2.5 * height
        near = [letter for letter in letters if np.abs(letter.mean(0) - (x, y)).max() < limit]
        if near:
            votes += np.sign(y - np.median(np.concatenate(near)[:, 1]))
    return int(votes) * (1 if above > below else -1)


def _x_height(trace: Trace) -> float:
    """Return the height of small letters: a range of quantiles of y without the line's slope."""
    return max(float(np.ptp(np.quantile(_levelled_y(trace), QUANTILES))), 1e-6)


def _levelled_y(trace: Trace) -> np.ndarray:
    """Return y of all points without the slope of the line; a short line keeps its own."""
    x, y = trace.points.T.astype(float)
    if np.ptp(x) > 6 * np.ptp(np.quantile(y, (0.1, 0.9))):
        return y - np.polyfit(x, y, 1)[0] * x
    return y


def _of_writers(traces: list[Trace], values: list[float]) -> dict[tuple[str, str], float]:
    """Return the median of each writer, over the good lines where there are any."""
    good: dict[tuple[str, str], list[float]] = defaultdict(list)
    every: dict[tuple[str, str], list[float]] = defaultdict(list)
    for trace, value in zip(traces, values, strict=True):
        every[trace.key].append(value)
        if not trace.fault:
            good[trace.key].append(value)
    return {key: float(np.median(good[key] or values)) for key, values in every.items()}


def _settle_blanks(traces: list[Trace], sizes: list[float]) -> list[str]:
    """Return the labels with their blanks where the ink has them.

    Some contributors set punctuation and digits apart in the label only, others in the ink too: for
    each contributor the form is taken whose number of blanks is nearer to the number of wide gaps.
    """
    forms = (normalise_text, partial(_TOKENISED.sub, ""))
    texts = [trace.label for trace in traces]
    for form in forms:
        votes: Counter[str] = Counter()
        changed = [form(text) for text in texts]
        for trace, size, text, other in zip(traces, sizes, texts, changed, strict=True):
            if text != other and not trace.fault:
                gaps = _gaps(trace, size)
                wide = int((gaps > WORD_GAP).sum())
                nearer = abs(wide - text.count(" ")) - abs(wide - other.count(" "))
                votes[trace.contributor] += int(np.sign(nearer))
        texts = [
            other if votes[trace.contributor] > 0 else text
            for trace, text, other in zip(traces, texts, changed, strict=True)
        ]
    return texts


def _gaps(trace: Trace, size: float) -> np.ndarray:
    """Return the free widths between neighbouring parts of a line, in heights of small letters."""
    sides = sorted((stroke[:, 0].min(), stroke[:, 0].max()) for stroke in trace.strokes())
    right = np.maximum.accumulate([side[1] for side in sides])
    gaps = np.array([side[0] for side in sides[1:]]) - right[:-1]
    return gaps[gaps > 0] / size


def _fault(trace: Trace, size: float, rate: float) -> str:
    """Return why a trace is unfit for training; empty for a good one.

    Args:
        trace: Trace with a label.
        size: Height of the writer's small letters, in units of the tablet.
        rate: Points per character of the writer.
    """
    strokes = trace.strokes()
    longest = max(float(np.abs(np.diff(stroke, axis=0)).max(initial=0)) for stroke in strokes)
    if len(strokes) < len(trace.label.split()) or longest > LONGEST_STEP * size:
        return LOST_PEN_UPS
    if not FEWEST_POINTS <= len(trace.points) / trace.characters / rate <= MOST_POINTS:
        return ODD_DENSITY
    if _height(trace) > TALLEST * size:
        return TOO_TALL
    gaps = _gaps(trace, size)
    if len(gaps) and gaps.max() > WIDEST_GAP:
        return FAR_APART
    separate = trace.characters >= 8 and len(gaps) >= 0.7 * len(trace.label)
    return LETTER_BOXES if separate and np.median(gaps) > SPACED else ""


def _height(trace: Trace) -> float:
    """Return the height of a line without its slope and without the extreme 2 % of its points."""
    return float(np.ptp(np.quantile(_levelled_y(trace), (0.01, 0.99))))


def _resampled(stroke: np.ndarray, share: float) -> np.ndarray:
    """Return a stroke with `share` times its points, equal in time; smoothed if that is fewer."""
    if len(stroke) < 3:
        return stroke
    curve = stroke.astype(float)
    if share < 1:
        curve[1:-1] = (stroke[:-2] + 2.0 * stroke[1:-1] + stroke[2:]) / 4
    at = np.linspace(0, len(stroke) - 1, max(2, round(len(stroke) * share)))
    return np.column_stack([np.interp(at, np.arange(len(stroke)), axis) for axis in curve.T])
