"""Segments of real ink that say what they are: words and single characters cut out where the pen was lifted."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from nextstroke.ink import Ink

FOOT_ON_BASELINE = frozenset("abcdehiklmnorstuvwxz")
HEAD_AT_X_HEIGHT = frozenset("acemnorsuvwxz")
OVERLAP = 0.3  # x-heights that two characters may lie above each other and still be cut apart
SHARE = 0.15  # of a stroke's points: a character with fewer, and with one point only, is an error of the alignment
FEWEST = 6  # letters that tell a line's baseline and x-height


@dataclass(frozen=True)
class LineGeometry:
    """How large and how slanted a line is.

    Attributes:
        baseline: Slope and height at x = 0 of the line the letters stand on.
        x_height: Of a small letter, in the ink's units.
        slant: Step to the right of a down stroke over its height; 0 is upright, below 0 leans to the right.
        speed: x-heights the pen moves from point to point.
    """

    baseline: tuple[float, float]
    x_height: float
    slant: float
    speed: float


@dataclass(frozen=True)
class Segment:
    """Some strokes and their text.

    Attributes:
        strokes: In x-heights; x from the left edge, y from the baseline, downwards.
        gap: To the segment before it in the same word, in x-heights; NaN at the beginning of a word.
        form: Which page it is from.
        slant: Of its line.
        speed: Of its line.
    """

    text: str
    strokes: list[np.ndarray]
    gap: float
    form: str
    slant: float
    speed: float

    @property
    def width(self) -> float:
        """From left to right, in x-heights."""
        return float(max(stroke[:, 0].max() for stroke in self.strokes))

    def box(self) -> tuple[float, float, float]:
        """Width, top and bottom."""
        y = np.concatenate([stroke[:, 1] for stroke in self.strokes])
        return self.width, float(y.min()), float(y.max())


def measure_line(ink: Ink, owner: np.ndarray, text: str) -> LineGeometry | None:
    """The measures of a line whose points know their characters; None if it has too few plain letters."""
    boxes = [(letter, ink.points[owner == u]) for u, letter in enumerate(text) if (owner == u).any()]
    feet = np.array([box[box[:, 1].argmax()] for letter, box in boxes if letter in FOOT_ON_BASELINE])
    heads = np.array([box[box[:, 1].argmin()] for letter, box in boxes if letter in HEAD_AT_X_HEIGHT])
    if len(feet) < FEWEST or len(heads) < FEWEST:
        return None
    slope, foot = _middle_line(feet)
    x_height = float(np.median(slope * heads[:, 0] + foot - heads[:, 1]))
    if x_height <= 0:
        return None
    steps = np.diff(ink.points, axis=0)[~ink.end_of_stroke[:-1]]
    steep = steps[np.abs(steps[:, 1]) > 0.7 * np.abs(steps[:, 0])]
    slant = float((steep[:, 0] * np.sign(steep[:, 1])).sum() / (np.abs(steep[:, 1]).sum() or 1))
    return LineGeometry((slope, foot), x_height, slant, float(np.hypot(*steps.T).mean() / x_height))


def _middle_line(points: np.ndarray) -> tuple[float, float]:
    """Slope and height at x = 0 of a line through points, the farthest of which do not count."""
    for _ in range(3):
        x, y = points[:, 0] - points[:, 0].mean(), points[:, 1]
        slope = float((x * (y - y.mean())).sum() / ((x * x).sum() or 1))
        height = float(np.median(points[:, 1] - slope * points[:, 0]))
        far = np.abs(points[:, 1] - slope * points[:, 0] - height)
        points = points[far <= np.quantile(far, 0.9)]
    return slope, height


def cut_line(
    ink: Ink, strokes_owned: list[np.ndarray], text: str, found: LineGeometry, form: str
) -> tuple[list, list, float]:
    """Cut a line.

    Args:
        strokes_owned: For each stroke the characters its points belong to.
        found: The line's measures.
    Returns: Segments between blanks, one word each as a rule; segments of one character; the usual gap between words in
        x-heights, NaN if there is none.
    """
    groups = _groups(_straight(ink, found), [_range(owned) for owned in strokes_owned])
    runs = list(_runs(groups, text))
    words = [_segment(text, run, None, found, form) for run in runs]
    blanks = [right[0].edges()[0] - left[-1].edges()[1] for left, right in pairwise(runs)]
    before: list[Group | None] = [None, *groups[:-1]]
    glyphs = [
        _segment(text, [group], past, found, form)
        for past, group in zip(before, groups, strict=True)
        if group.first == group.last
    ]
    return words, glyphs, float(np.median(blanks)) if blanks else np.nan


@dataclass
class Group:
    """Strokes that cannot be parted, and the first and last character that they write."""

    strokes: list[np.ndarray]
    first: int
    last: int

    def edges(self) -> tuple[float, float]:
        """Left and right."""
        x = np.concatenate([stroke[:, 0] for stroke in self.strokes])
        return float(x.min()), float(x.max())


def _straight(ink: Ink, found: LineGeometry) -> list[np.ndarray]:
    """The strokes in x-heights over a level baseline."""
    slope, foot = found.baseline
    level = ink.points - np.column_stack([np.zeros(len(ink)), slope * ink.points[:, 0] + foot])
    return Ink(level / found.x_height, ink.end_of_stroke).strokes()


def _range(owned: np.ndarray) -> tuple[int, int]:
    characters, points = np.unique(owned, return_counts=True)
    kept = characters[points >= min(2, SHARE * len(owned), points.max())]
    return int(kept.min()), int(kept.max())


def _groups(strokes: list[np.ndarray], ranges: list[tuple[int, int]]) -> list[Group]:
    """Strokes joined as long as they share a character, or stand above an earlier one, as late dots and bars do."""
    groups: list[Group] = []
    for stroke, (first, last) in zip(strokes, ranges, strict=True):
        new = Group([stroke], first, last)
        while groups and (new.first <= groups[-1].last or groups[-1].edges()[1] - new.edges()[0] > OVERLAP):
            old = groups.pop()
            new = Group(old.strokes + new.strokes, min(old.first, new.first), max(old.last, new.last))
        groups.append(new)
    return groups


def _runs(groups: list[Group], text: str) -> Iterator[list[Group]]:
    """Groups from blank to blank."""
    run: list[Group] = []
    for group in groups:
        if run and " " in text[run[-1].last : group.first]:
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _segment(text: str, groups: list[Group], before: Group | None, found: LineGeometry, form: str) -> Segment:
    left = min(group.edges()[0] for group in groups)
    strokes = [stroke - (left, 0) for group in groups for stroke in group.strokes]
    joined = before is not None and " " not in text[before.last : groups[0].first]
    gap = left - before.edges()[1] if before is not None and joined else np.nan
    return Segment(text[groups[0].first : groups[-1].last + 1], strokes, gap, form, found.slant, found.speed)


# Segments that do not look like their character: a bad cut, or a letter that the alignment gave to its neighbour.

FARTHEST = 3.5  # deviations of a segment's box from what is usual for its character
GRID = 12  # cells of a picture of a segment, each way
HIGH, LOW = -2.6, 1.2  # what the picture shows, in x-heights from the baseline
BLUR = 0.22  # x-heights
NEAREST, FELLOWS = 15, 1  # of a segment's nearest pictures this many must show the same character
FEW = 12  # of these no vote is asked, they would always lose it
VOTERS = 40  # of each character, so that frequent ones do not outvote the others
MANY = 800  # of these none is missed, nor does a bad one harm
JUDGES = 7  # of a segment's nearest pictures so many tell whether it is whole
TWINS = str.maketrans("0O1I|", "oolll")


def without_outliers(segments: Sequence[Segment]) -> list[Segment]:
    """The whole segments whose size is usual for their character and whose picture is like others of it."""
    usual, partial = _usual_boxes(segments), set(map(id, _unfinished(segments)))
    sized = [segment for segment in segments if id(segment) not in partial and _is_usual(segment, usual)]
    of = _by_text(sized)
    voters = [segment for text in sorted(of) for segment in of[text][:: 1 + len(of[text]) // VOTERS]]
    asked = [segment for segment in sized if FEW <= len(of[segment.text]) <= MANY]
    out = {id(segment) for segment, fits in zip(asked, _fitting(asked, voters), strict=True) if not fits}
    return [segment for segment in sized if id(segment) not in out]


def _by_text(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    of = defaultdict(list)
    for segment in segments:
        of[segment.text].append(segment)
    return of


def _usual_boxes(segments: Sequence[Segment]) -> dict[str, np.ndarray]:
    """Width, top and bottom of each character: median and deviation."""
    boxes = {text: np.array([segment.box() for segment in same]) for text, same in _by_text(segments).items()}
    middles = {text: np.median(found, 0) for text, found in boxes.items()}
    return {
        text: np.stack([middle, np.maximum(1.5 * np.median(np.abs(boxes[text] - middle), 0), 0.06)])
        for text, middle in middles.items()
    }


def _unfinished(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Yield segments that resemble others of their character without its last stroke: a 4 like L."""
    for same in _by_text(segments).values():
        if FEW <= len(same) <= MANY and any(len(segment.strokes) > 1 for segment in same):
            yield from (segment for segment, whole in zip(same, _whole(same), strict=True) if not whole)


def _whole(same: Sequence[Segment]) -> np.ndarray:
    """Whether most of a segment's judges are whole: others, and their beginnings of as many strokes as it has."""
    longer = [i for i, segment in enumerate(same) if len(segment.strokes) > 1]
    beginnings = [replace(same[i], strokes=same[i].strokes[:-1]) for i in longer]
    shown, begun = (np.stack([_picture(segment) for segment in some]) for some in (same, beginnings))
    far = np.square(shown[:, None] - np.concatenate([shown, begun])).sum(2)
    far[np.arange(len(same))[:, None] == [*range(len(same)), *longer]] = np.inf  # nobody judges himself
    strokes, left = (np.array([len(segment.strokes) for segment in some]) for some in (same, beginnings))
    far[:, len(same) :][strokes[:, None] != left] = np.inf
    nearest = far.argsort(1, kind="stable")[:, :JUDGES]
    return (nearest < len(same)).sum(1) * 2 >= JUDGES


def _is_usual(segment: Segment, usual: dict[str, np.ndarray]) -> bool:
    middle, deviation = usual[segment.text]
    return bool((np.abs(np.array(segment.box()) - middle) < FARTHEST * deviation).all())


def _picture(segment: Segment) -> np.ndarray:
    """How near the ink is to each cell of a grid; the segment stands in the middle, and its slant does not count."""
    points = np.concatenate([_filled(stroke) for stroke in segment.strokes])
    x = points[:, 0] - segment.slant * points[:, 1]
    x = x - (x.min() + x.max()) / 2
    across, down = np.linspace(-1.3, 1.3, GRID), np.linspace(HIGH, LOW, GRID)
    far = (x[:, None, None] - across) ** 2 + (points[:, 1][:, None, None] - down[:, None]) ** 2
    return np.exp(-far.min(0) / (2 * BLUR**2)).ravel().astype(np.float32)


def _filled(stroke: np.ndarray) -> np.ndarray:
    """The stroke's points and those halfway between."""
    return np.concatenate([stroke, (stroke[1:] + stroke[:-1]) / 2])


def _fitting(segments: Sequence[Segment], voters: Sequence[Segment]) -> np.ndarray:
    """Whether each segment is among its like."""
    if not segments:
        return np.zeros(0, bool)
    pictures, shown = (np.stack([_picture(segment) for segment in some]) for some in (voters, segments))
    far = np.square(pictures).sum(1) - 2 * shown @ pictures.T  # up to what is the same for all voters
    far[np.array([[segment is voter for voter in voters] for segment in segments])] = np.inf
    asked = min(NEAREST, len(voters) - 1)
    nearest = np.argpartition(far, asked)[:, :asked]
    names, own = (np.array([_folded(segment.text) for segment in some]) for some in (voters, segments))
    return (names[nearest] == own[:, None]).sum(1) >= FELLOWS


def _folded(text: str) -> str:
    """Characters that look alike are one."""
    return text.translate(TWINS).lower()
