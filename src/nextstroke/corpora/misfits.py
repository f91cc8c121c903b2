"""Pieces that do not look like their character: a bad cut, or a letter that the alignment gave to its neighbour."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nextstroke.corpora.pieces import Piece

FARTHEST = 3.5  # deviations of a piece's box from what is usual for its character
GRID = 12  # cells of a picture of a piece, each way
HIGH, LOW = -2.6, 1.2  # what the picture shows, in x-heights from the baseline
BLUR = 0.22  # x-heights
NEAREST, FELLOWS = 15, 1  # of a piece's nearest pictures this many must show the same character
FEW = 12  # of these no vote is asked, they would always lose it
VOTERS = 40  # of each character, so that frequent ones do not outvote the others
MANY = 800  # of these none is missed, nor does a bad one harm
JUDGES = 7  # of a piece's nearest pictures so many tell whether it is whole
TWINS = str.maketrans("0O1I|", "oolll")


def without_misfits(pieces: Sequence[Piece]) -> list[Piece]:
    """The whole pieces whose size is usual for their character and whose picture is like others of it."""
    usual, partial = _usual_boxes(pieces), set(map(id, _unfinished(pieces)))
    sized = [piece for piece in pieces if id(piece) not in partial and _is_usual(piece, usual)]
    of = _by_text(sized)
    voters = [piece for text in sorted(of) for piece in of[text][:: 1 + len(of[text]) // VOTERS]]
    asked = [piece for piece in sized if FEW <= len(of[piece.text]) <= MANY]
    out = {id(piece) for piece, fits in zip(asked, _fitting(asked, voters), strict=True) if not fits}
    return [piece for piece in sized if id(piece) not in out]


def _by_text(pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    of = defaultdict(list)
    for piece in pieces:
        of[piece.text].append(piece)
    return of


def _usual_boxes(pieces: Sequence[Piece]) -> dict[str, np.ndarray]:
    """Width, top and bottom of each character: median and deviation."""
    boxes = {text: np.array([piece.box() for piece in same]) for text, same in _by_text(pieces).items()}
    middles = {text: np.median(found, 0) for text, found in boxes.items()}
    return {
        text: np.stack([middle, np.maximum(1.5 * np.median(np.abs(boxes[text] - middle), 0), 0.06)])
        for text, middle in middles.items()
    }


def _unfinished(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Pieces that look more like others of their character without the last stroke than like whole ones: a 4 like L."""
    for same in _by_text(pieces).values():
        if FEW <= len(same) <= MANY and any(len(piece.strokes) > 1 for piece in same):
            yield from (piece for piece, whole in zip(same, _whole(same), strict=True) if not whole)


def _whole(same: Sequence[Piece]) -> np.ndarray:
    """Whether most of a piece's judges are whole: others, and their beginnings of as many strokes as it has."""
    longer = [i for i, piece in enumerate(same) if len(piece.strokes) > 1]
    beginnings = [replace(same[i], strokes=same[i].strokes[:-1]) for i in longer]
    shown, begun = (np.stack([_picture(piece) for piece in some]) for some in (same, beginnings))
    far = np.square(shown[:, None] - np.concatenate([shown, begun])).sum(2)
    far[np.arange(len(same))[:, None] == [*range(len(same)), *longer]] = np.inf  # nobody judges himself
    strokes, left = (np.array([len(piece.strokes) for piece in some]) for some in (same, beginnings))
    far[:, len(same) :][strokes[:, None] != left] = np.inf
    nearest = far.argsort(1, kind="stable")[:, :JUDGES]
    return (nearest < len(same)).sum(1) * 2 >= JUDGES


def _is_usual(piece: Piece, usual: dict[str, np.ndarray]) -> bool:
    middle, deviation = usual[piece.text]
    return bool((np.abs(np.array(piece.box()) - middle) < FARTHEST * deviation).all())


def _picture(piece: Piece) -> np.ndarray:
    """How near the ink is to each cell of a grid; the piece stands in the middle, and its slant does not count."""
    points = np.concatenate([_filled(stroke) for stroke in piece.strokes])
    x = points[:, 0] - piece.slant * points[:, 1]
    x = x - (x.min() + x.max()) / 2
    across, down = np.linspace(-1.3, 1.3, GRID), np.linspace(HIGH, LOW, GRID)
    far = (x[:, None, None] - across) ** 2 + (points[:, 1][:, None, None] - down[:, None]) ** 2
    return np.exp(-far.min(0) / (2 * BLUR**2)).ravel().astype(np.float32)


def _filled(stroke: np.ndarray) -> np.ndarray:
    """The stroke's points and those halfway between."""
    return np.concatenate([stroke, (stroke[1:] + stroke[:-1]) / 2])


def _fitting(pieces: Sequence[Piece], voters: Sequence[Piece]) -> np.ndarray:
    """Whether each piece is among its like."""
    if not pieces:
        return np.zeros(0, bool)
    pictures, shown = (np.stack([_picture(piece) for piece in some]) for some in (voters, pieces))
    far = np.square(pictures).sum(1) - 2 * shown @ pictures.T  # up to what is the same for all voters
    far[np.array([[piece is voter for voter in voters] for piece in pieces])] = np.inf
    asked = min(NEAREST, len(voters) - 1)
    nearest = np.argpartition(far, asked)[:, :asked]
    names, own = (np.array([_folded(piece.text) for piece in some]) for some in (voters, pieces))
    return (names[nearest] == own[:, None]).sum(1) >= FELLOWS


def _folded(text: str) -> str:
    """Characters that look alike are one."""
    return text.translate(TWINS).lower()
