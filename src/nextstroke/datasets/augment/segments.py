"""Labelled segments of real ink: words and single characters, cut where the pen was lifted."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from nextstroke.ink import Ink

FOOT_ON_BASELINE = frozenset("abcdehiklmnorstuvwxz")
HEAD_AT_X_HEIGHT = frozenset("acemnorsuvwxz")
OVERLAP = 0.3  # x-heights by which two characters may overlap in x and still be separated
SHARE = 0.15  # share of a stroke's points below which its only point of a character is an error
FEWEST = 6  # letters needed to fit a line's baseline and x-height


@dataclass(frozen=True)
class LineGeometry:
    """Baseline, size, slant and speed of a line.

    Attributes:
        baseline: Slope of the baseline and its height at x = 0, in units of the ink.
        x_height: Height of a small letter, in units of the ink.
        slant: dx for each dy of down strokes; 0 is upright, below 0 leans to the right.
        speed: Mean distance from point to point, in x-heights.
    """

    baseline: tuple[float, float]
    x_height: float
    slant: float
    speed: float


@dataclass(frozen=True)
class Segment:
    """Strokes with their text.

    Attributes:
        text: Characters that the strokes write.
        strokes: Points (points, 2) in x-heights; x from the left edge, y from the baseline,
            downwards.
        gap: Distance from the previous segment of the word, in x-heights; NaN for the first.
        form: Name of the page it is from.
        slant: Slant of its line.
        speed: Speed of its line.
    """

    text: str
    strokes: list[np.ndarray]
    gap: float
    form: str
    slant: float
    speed: float

    @property
    def width(self) -> float:
        """Width in x-heights."""
        return float(max(stroke[:, 0].max() for stroke in self.strokes))

    def box(self) -> tuple[float, float, float]:
        """Return width, top and bottom in x-heights."""
        y = np.concatenate([stroke[:, 1] for stroke in self.strokes])
        return self.width, float(y.min()), float(y.max())


def measure_line(ink: Ink, owner: np.ndarray, text: str) -> LineGeometry | None:
    """Measure a line whose points are aligned with its characters.

    Args:
        ink: Ink of the line.
        owner: Index in `text` of the character of each point (points,).
        text: Transcription.

    Returns: None if the line has too few letters without ascenders and descenders.
    """
    lowest = []
    highest = []
    for u, letter in enumerate(text):
        own = ink.points[owner == u]
        if len(own) and letter in FOOT_ON_BASELINE:
            lowest.append(own[own[:, 1].argmax()])
        if len(own) and letter in HEAD_AT_X_HEIGHT:
            highest.append(own[own[:, 1].argmin()])
    if len(lowest) < FEWEST or len(highest) < FEWEST:
        return None
    slope, foot = _middle_line(np.array(lowest))
    heads = np.array(highest)
    x_height = float(np.median(slope * heads[:, 0] + foot - heads[:, 1]))
    if x_height <= 0:
        return None
    steps = np.diff(ink.points, axis=0)[~ink.end_of_stroke[:-1]]
    steep = steps[np.abs(steps[:, 1]) > 0.7 * np.abs(steps[:, 0])]
    slant = float((steep[:, 0] * np.sign(steep[:, 1])).sum() / (np.abs(steep[:, 1]).sum() or 1))
    return LineGeometry((slope, foot), x_height, slant, float(np.hypot(*steps.T).mean() / x_height))


def _middle_line(points: np.ndarray) -> tuple[float, float]:
    """Fit a line to points without the farthest ones; return its slope and its height at x = 0."""
    for _ in range(3):
        x = points[:, 0] - points[:, 0].mean()
        y = points[:, 1]
        slope = float((x * (y - y.mean())).sum() / ((x * x).sum() or 1))
        height = float(np.median(points[:, 1] - slope * points[:, 0]))
        far = np.abs(points[:, 1] - slope * points[:, 0] - height)
        points = points[far <= np.quantile(far, 0.9)]
    return slope, height


def cut_line(
    ink: Ink, strokes_owned: list[np.ndarray], text: str, found: LineGeometry, form: str
) -> tuple[list, list, float]:
    """Cut a line into words and characters.

    Args:
        ink: Ink of the line.
        strokes_owned: Index in `text` of the character of each point, one array for each stroke.
        text: Transcription.
        found: Geometry of the line.
        form: Name of the page.

    Returns: Segments between blanks, usually one word each; segments of one character; the median
        gap between words in x-heights, NaN if there is none.
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
    """Inseparable strokes, and the first and last character that they write."""

    strokes: list[np.ndarray]
    first: int
    last: int

    def edges(self) -> tuple[float, float]:
        """Return the least and the greatest x."""
        x = np.concatenate([stroke[:, 0] for stroke in self.strokes])
        return float(x.min()), float(x.max())


def _straight(ink: Ink, found: LineGeometry) -> list[np.ndarray]:
    """Return the strokes in x-heights over a level baseline."""
    slope, foot = found.baseline
    level = ink.points - np.column_stack([np.zeros(len(ink)), slope * ink.points[:, 0] + foot])
    return Ink(level / found.x_height, ink.end_of_stroke).strokes()


def _range(owned: np.ndarray) -> tuple[int, int]:
    characters, points = np.unique(owned, return_counts=True)
    kept = characters[points >= min(2, SHARE * len(owned), points.max())]
    return int(kept.min()), int(kept.max())


def _groups(strokes: list[np.ndarray], ranges: list[tuple[int, int]]) -> list[Group]:
    """Join strokes that share a character or overlap an earlier one in x, as late dots and bars do."""
    groups: list[Group] = []
    for stroke, (first, last) in zip(strokes, ranges, strict=True):
        new = Group([stroke], first, last)
        while groups and _inseparable(groups[-1], new):
            old = groups.pop()
            first = min(old.first, new.first)
            last = max(old.last, new.last)
            new = Group(old.strokes + new.strokes, first, last)
        groups.append(new)
    return groups


def _inseparable(before: Group, after: Group) -> bool:
    """Return whether two groups share a character, or overlap too far in x to be cut apart."""
    return after.first <= before.last or before.edges()[1] - after.edges()[0] > OVERLAP


def _runs(groups: list[Group], text: str) -> Iterator[list[Group]]:
    """Yield the groups between two blanks of the text."""
    run: list[Group] = []
    for group in groups:
        if run and " " in text[run[-1].last : group.first]:
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _segment(
    text: str,
    groups: list[Group],
    before: Group | None,
    found: LineGeometry,
    form: str,
) -> Segment:
    """Return the segment of some groups; `before` is the group before them, None for the first."""
    first = groups[0].first
    last = groups[-1].last
    left = min(group.edges()[0] for group in groups)
    strokes = [stroke - (left, 0) for group in groups for stroke in group.strokes]
    gap = np.nan
    if before is not None and " " not in text[before.last : first]:
        gap = left - before.edges()[1]
    return Segment(text[first : last + 1], strokes, gap, form, found.slant, found.speed)


# Outliers: bad cuts, and letters that the alignment assigned to a neighbour.

FARTHEST = 3.5  # deviations of a segment's box from the median of its character
GRID = 12  # rows and columns of the picture of a segment
HIGH = -2.6  # least y in the picture, in x-heights from the baseline
LOW = 1.2  # greatest y in the picture
BLUR = 0.22  # x-heights
NEAREST = 15  # nearest pictures that vote on the character of a segment
FELLOWS = 1  # least number of votes for its own character
FEW = 12  # characters with fewer segments are kept without a vote, which they would always lose
VOTERS = 40  # segments of each character that vote, so that frequent ones do not outvote others
MANY = 800  # characters with more segments are kept without a vote: single errors do no harm there
JUDGES = 7  # nearest pictures that decide whether a segment is complete
TWINS = str.maketrans("0O1I|", "oolll")


def without_outliers(segments: Sequence[Segment]) -> list[Segment]:
    """Return the complete segments that resemble others of their character in size and in shape."""
    usual = _usual_boxes(segments)
    partial = set(map(id, _unfinished(segments)))
    whole = [segment for segment in segments if id(segment) not in partial]
    sized = [segment for segment in whole if _is_usual(segment, usual)]
    of = _by_text(sized)
    voters: list[Segment] = []
    for text in sorted(of):
        voters += of[text][:: 1 + len(of[text]) // VOTERS]
    asked = [segment for segment in sized if FEW <= len(of[segment.text]) <= MANY]
    fitting = _fitting(asked, voters)
    out = {id(segment) for segment, fits in zip(asked, fitting, strict=True) if not fits}
    return [segment for segment in sized if id(segment) not in out]


def _by_text(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    of = defaultdict(list)
    for segment in segments:
        of[segment.text].append(segment)
    return of


def _usual_boxes(segments: Sequence[Segment]) -> dict[str, np.ndarray]:
    """Return the median and the deviation of width, top and bottom of each character, (2, 3)."""
    usual = {}
    for text, same in _by_text(segments).items():
        boxes = np.array([segment.box() for segment in same])
        middle = np.median(boxes, 0)
        deviation = 1.5 * np.median(np.abs(boxes - middle), 0)
        usual[text] = np.stack([middle, np.maximum(deviation, 0.06)])
    return usual


def _unfinished(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Yield segments that resemble others of their character without its last stroke: a 4 like L."""
    for same in _by_text(segments).values():
        if FEW <= len(same) <= MANY and any(len(segment.strokes) > 1 for segment in same):
            for segment, whole in zip(same, _whole(same), strict=True):
                if not whole:
                    yield segment


def _whole(same: Sequence[Segment]) -> np.ndarray:
    """Return whether most of the nearest neighbours of each segment are complete, (segments,).

    Candidates are the other segments of the character, and those without their last stroke that
    then have as many strokes as the segment.
    """
    count = len(same)
    longer = [i for i, segment in enumerate(same) if len(segment.strokes) > 1]
    candidates = [*same, *(replace(same[i], strokes=same[i].strokes[:-1]) for i in longer)]
    pictures = np.stack([_picture(segment) for segment in candidates])
    far = np.square(pictures[:count, None] - pictures).sum(2)
    # A segment is not its own neighbour.
    far[np.arange(count)[:, None] == [*range(count), *longer]] = np.inf
    strokes = np.array([len(segment.strokes) for segment in candidates])
    far[:, count:][strokes[:count, None] != strokes[count:]] = np.inf
    nearest = far.argsort(1, kind="stable")[:, :JUDGES]
    return (nearest < count).sum(1) * 2 >= JUDGES


def _is_usual(segment: Segment, usual: dict[str, np.ndarray]) -> bool:
    middle, deviation = usual[segment.text]
    return bool((np.abs(np.array(segment.box()) - middle) < FARTHEST * deviation).all())


def _picture(segment: Segment) -> np.ndarray:
    """Return the proximity of the ink to each cell of a grid, float32 (GRID²,).

    The segment is centred, and upright by the slant of its line.
    """
    midpoints = [(stroke[1:] + stroke[:-1]) / 2 for stroke in segment.strokes]
    points = np.concatenate([*segment.strokes, *midpoints])
    x = points[:, 0] - segment.slant * points[:, 1]
    x = x - (x.min() + x.max()) / 2
    columns = np.linspace(-1.3, 1.3, GRID)
    rows = np.linspace(HIGH, LOW, GRID)
    far = (x[:, None, None] - columns) ** 2 + (points[:, 1][:, None, None] - rows[:, None]) ** 2
    return np.exp(-far.min(0) / (2 * BLUR**2)).ravel().astype(np.float32)


def _fitting(segments: Sequence[Segment], voters: Sequence[Segment]) -> np.ndarray:
    """Return whether the nearest voters of each segment show its character (segments,)."""
    if not segments:
        return np.zeros(0, bool)
    pictures = np.stack([_picture(voter) for voter in voters])
    shown = np.stack([_picture(segment) for segment in segments])
    # Squared distances without the terms that are equal for all voters.
    far = np.square(pictures).sum(1) - 2 * shown @ pictures.T
    far[np.array([[segment is voter for voter in voters] for segment in segments])] = np.inf
    asked = min(NEAREST, len(voters) - 1)
    nearest = np.argpartition(far, asked)[:, :asked]
    names = np.array([_folded(voter.text) for voter in voters])
    own = np.array([_folded(segment.text) for segment in segments])
    return (names[nearest] == own[:, None]).sum(1) >= FELLOWS


def _folded(text: str) -> str:
    """Map characters that look alike to one."""
    return text.translate(TWINS).lower()
