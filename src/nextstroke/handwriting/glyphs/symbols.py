"""Symbols that the model does not know or writes badly, drawn as fixed shapes.

The model writes the text without them, with a gap for each. A symbol is drawn in its gap, in the
size and the slant of the hand, and the rest of the line moves to the right.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.glyphs.composites import is_composed, letters_of
from nextstroke.handwriting.glyphs.diacritics import (
    baseline_near,
    bases,
    normal,
    owners,
    paced,
    pen_step,
    ring,
    x_height,
)
from nextstroke.ink import Ink

# Symbols and their strokes, in heights of small letters: x from the symbol's left edge, y from the
# baseline, downwards. An "o" is a ring with its centre and radii.
SHAPES = r"""
/ .75,-1.85 .4,-.8 0,.25
\ 0,-1.85 .4,-.8 .75,.25
| .06,-1.95 0,-.8 .05,.35
# .42,-1.6 .2,0 ; .9,-1.6 .68,0 ; 0,-1 1.1,-1.08 ; -.05,-.5 1,-.57
* .35,-1.75 .34,-1.05 ; .04,-1.6 .66,-1.2 ; .65,-1.62 .02,-1.2
< .8,-1.1 .4,-.87 0,-.6 .4,-.36 .8,-.1
> 0,-1.1 .4,-.87 .8,-.6 .4,-.36 0,-.1
_ 0,.12 .45,.15 .95,.1
~ 0,-.5 .2,-.75 .45,-.6 .7,-.45 .9,-.7
^ 0,-1.35 .14,-1.62 .28,-1.9 .42,-1.62 .56,-1.35
` 0,-1.9 .2,-1.5
{ .5,-1.85 .27,-1.7 .24,-1.2 0,-.8 .24,-.4 .27,.15 .5,.3
} 0,-1.85 .23,-1.7 .26,-1.2 .5,-.8 .26,-.4 .23,.15 0,.3
% o .22,-1.35,.2,.25 ; 1,-1.65 .55,-.8 .12,.02 ; o .92,-.27,.2,.25
@ 1,-.9 .75,-1.05 .52,-.8 .52,-.45 .72,-.33 .94,-.6 1.03,-.95 1,-.5 1.15,-.3 1.4,-.5 1.45,-.95 1.2,-1.4
  .75,-1.5 .25,-1.25 .02,-.7 .15,-.1 .6,.2 1.15,.1
§ .55,-1.65 .3,-1.85 .06,-1.65 .15,-1.35 .45,-1.1 .55,-.8 .35,-.6
  ; .25,-1.2 .03,-.95 .1,-.65 .42,-.4 .52,-.1 .28,.1 0,-.05
° o .2,-1.65,.19,.2
© o .8,-.75,.8,.85 ; 1.1,-1 .85,-1.2 .58,-1 .55,-.6 .8,-.35 1.1,-.5
® o .8,-.75,.8,.85 ; .6,-1.2 .58,-.75 .57,-.3 ; .58,-1.18 .95,-1.2 1,-.9 .6,-.75 .85,-.55 1.08,-.28
+ .37,-1 .36,-.25 ; 0,-.6 .36,-.63 .74,-.62
= 0,-.78 .38,-.8 .75,-.79 ; 0,-.4 .4,-.41 .75,-.44
× 0,-.85 .6,-.2 ; .6,-.88 0,-.18
÷ .35,-.95 .38,-.9 ; 0,-.55 .75,-.57 ; .35,-.2 .38,-.15
± .37,-1.2 .35,-.45 ; 0,-.82 .72,-.84 ; 0,-.1 .72,-.13
≠ 0,-.75 .75,-.78 ; 0,-.4 .75,-.43 ; .6,-1.1 .15,-.08
≈ 0,-.65 .2,-.85 .45,-.72 .68,-.62 .88,-.82 ; 0,-.3 .2,-.5 .45,-.37 .68,-.27 .88,-.47
≤ .75,-1.3 .38,-1.08 0,-.82 .38,-.6 .75,-.38 ; 0,-.1 .75,-.12
≥ 0,-1.3 .38,-1.08 .75,-.82 .38,-.6 0,-.38 ; 0,-.1 .75,-.12
² 0,-1.75 .16,-1.95 .35,-1.8 .22,-1.5 0,-1.25 .4,-1.27
³ .02,-1.9 .25,-1.98 .3,-1.75 .12,-1.62 .35,-1.5 .3,-1.25 0,-1.28
• o .14,-.6,.13,.13 ; o .14,-.6,.06,.06
· 0,-.6 .04,-.55
¡ .06,-.7 .04,-.1 0,.6 ; .06,-1.08 .08,-1.02
¿ .4,-.65 .36,-.3 .1,-.05 0,.3 .22,.58 .55,.4 ; .42,-1.05 .44,-.99
→ 0,-.6 .6,-.62 1.2,-.6 ; .8,-.95 1.02,-.78 1.22,-.6 1,-.4 .78,-.24
← 1.2,-.6 .6,-.62 0,-.6 ; .42,-.95 .2,-.78 -.02,-.6 .2,-.4 .44,-.24
✓ 0,-.6 .17,-.35 .3,-.05 .6,-.75 1,-1.5
☐ 0,-1.15 .02,0 ; .02,0 1.1,0 ; 1.1,0 1.08,-1.16 ; 1.08,-1.16 -.02,-1.15
♥ .5,-.9 .38,-1.18 .15,-1.22 0,-.95 .1,-.6 .5,-.05 ; .5,-.9 .64,-1.18 .86,-1.2 1,-.95 .9,-.6 .5,-.05
☺ o .75,-.75,.75,.8 ; .52,-1.02 .54,-.92 ; .98,-1.02 .99,-.92 ; .38,-.55 .55,-.36 .78,-.3 1,-.38 1.14,-.57
★ .15,.05 .65,-1.5 ; .65,-1.5 1.1,.05 ; 1.1,.05 -.02,-.92 ; -.02,-.92 1.28,-.92 ; 1.28,-.92 .15,.05
– 0,-.6 .5,-.62 1.05,-.6
— 0,-.6 .85,-.63 1.75,-.6
« .5,-1.05 .25,-.8 0,-.55 .25,-.3 .5,-.1 ; 1,-1.05 .75,-.8 .5,-.55 .75,-.3 1,-.1
» 0,-1.05 .25,-.8 .5,-.55 .25,-.3 0,-.1 ; .5,-1.05 .75,-.8 1,-.55 .75,-.3 .5,-.1
π 0,-.85 .2,-1 .6,-.97 1.1,-1.02 ; .35,-.95 .33,-.4 .2,0 ; .8,-.97 .77,-.4 .82,-.08 1,-.05
√ 0,-.7 .15,-.8 .38,0 .62,-.9 .85,-1.85 1.2,-1.87 1.6,-1.85
∞ .8,-.5 .5,-.85 .2,-.85 0,-.5 .2,-.2 .5,-.2 .8,-.5 1.1,-.85 1.4,-.85 1.6,-.52 1.4,-.2 1.1,-.2 .82,-.48
ß -.1,.4 .02,-.5 .1,-1.4 .35,-1.9 .68,-1.85 .72,-1.45 .4,-1.02 .78,-.8 .85,-.3 .6,.02 .32,-.08
Þ .05,-1.9 .03,-.9 0,0 ; .03,-1.45 .5,-1.4 .75,-1.05 .5,-.65 .03,-.55
½ 0,-1.65 .14,-1.85 .14,-1.15 ; .72,-1.6 .42,-.8 .1,.05 ; .55,-.45 .71,-.65 .9,-.5 .77,-.2 .55,.05 .95,.03
¼ 0,-1.65 .14,-1.85 .14,-1.15 ; .72,-1.6 .42,-.8 .1,.05 ; .75,-.65 .55,-.2 .95,-.2 ; .85,-.4 .83,.05
¾ .02,-1.9 .25,-1.98 .3,-1.75 .12,-1.62 .35,-1.5 .3,-1.25 0,-1.28 ; .92,-1.6 .62,-.8 .3,.05
  ; .95,-.65 .75,-.2 1.15,-.2 ; 1.05,-.4 1.03,.05
"""


def _shapes(table: str) -> dict[str, list[list[tuple[float, ...]]]]:
    """Return the strokes of each symbol of a table; a row that begins with a blank continues another."""
    rows = table.strip().replace("\n ", " ").splitlines()
    return {row[0]: [_shape(stroke.split()) for stroke in row[1:].split(";")] for row in rows}


def _shape(words: list[str]) -> list[tuple[float, ...]]:
    """Return the points of a stroke of the table."""
    points = [tuple(map(float, word.split(","))) for word in words if word != "o"]
    return ring(*points[0]) if words[0] == "o" else points  # type: ignore[return-value]


SIGNS = _shapes(SHAPES)
# Symbols that a model writes better than they are drawn, if its alphabet has them (notes/log.md).
WRITTEN = frozenset("/\\|^`<>+=")
ALONE = "n"  # written for a text of symbols only, to measure the hand, and then removed
# Lengths are in heights of small letters.
BEARING = 0.32  # space on each side of a symbol within a word
BLANK = 1.5  # width of a blank that the model did not write
NARROWEST = 0.5  # least width of a blank that the model wrote
MAX_SLANT = 0.6  # dx for each dy
# No two symbols are quite alike: size and shape vary with the position along the line, in heights
# of small letters. Each wave has an amplitude and a frequency, that of x across a second one along
# the line.
SIZE_WAVE = 0.05, 1.7
X_WAVE = 0.03, 3.1, 1.0
Y_WAVE = 0.03, 2.7, 1.3


def is_drawn(character: str, alphabet: Alphabet) -> bool:
    """Return whether a character is drawn: the model writes it badly or not at all, nor is it composed."""
    known = character in WRITTEN and not alphabet.unknown(character)
    return character in SIGNS and not known and not is_composed(character, alphabet)


@cache
def runs_of(alphabet: Alphabet) -> re.Pattern[str]:
    """Return the pattern of runs of symbols, with the blanks around them."""
    signs = "".join(sign for sign in SIGNS if is_drawn(sign, alphabet))
    return re.compile(rf" ?(?:[{re.escape(signs)}] ?)+")


def plain(text: str, alphabet: Alphabet) -> str:
    """Return the text that the model writes for a `normal` text: no symbols, letters without accents."""
    return letters_of(bases(without_signs(text, alphabet), alphabet), alphabet)


def without_signs(text: str, alphabet: Alphabet) -> str:
    """Return a text with a blank for each run of symbols within it; ALONE for a text of symbols only."""
    return runs_of(alphabet).sub(lambda run: " " if _inside(run.span(), text) else "", text) or ALONE


def _inside(span: tuple[int, int], text: str) -> bool:
    """Return whether a run is neither at the beginning nor at the end of a text."""
    return span[0] > 0 and span[1] < len(text)


def with_signs(ink: Ink, phi: np.ndarray, text: str, alphabet: Alphabet) -> tuple[Ink, np.ndarray]:
    """Return a written line with its symbols in their gaps.

    Args:
        ink: Ink of the text `without_signs`.
        phi: Window weights, (points, characters + 1), on the text `without_signs`.
        text: Text as `normal` returns it.
        alphabet: Characters that the model knows.

    Returns: The ink and its weights on the whole text; those of a symbol are on the symbol.
    """
    spans = [run.span() for run in runs_of(alphabet).finditer(text)]
    if not spans:
        return ink, phi
    slant = float(np.clip(ink.slant(), -MAX_SLANT, MAX_SLANT))
    hand = _Hand(x_height(ink, phi, without_signs(text, alphabet)), slant, pen_step(ink))
    if spans == [(0, len(text))]:
        points, ends, owner, _ = hand.signs(text, 0, np.zeros(2))
        return Ink(points, ends), np.eye(len(text) + 1, dtype=np.float32)[owner]
    phi = _spread(phi, spans, text)
    for span in reversed(spans):
        ink, phi = _filled(ink, phi, text, span, hand)
    return ink, phi


def _spread(phi: np.ndarray, spans: list[tuple[int, int]], text: str) -> np.ndarray:
    """Return weights on the text without symbols as weights on the whole text.

    Those of a gap's blank are on the first position of the gap.
    """
    gone: set[int] = set()
    for first, last in spans:
        gone.update(range(first, last))
        if _inside((first, last), text):
            gone.remove(first)
    whole = np.zeros((len(phi), len(text) + 1), phi.dtype)
    whole[:, [u for u in range(len(text) + 1) if u not in gone]] = phi
    return whole


@dataclass(frozen=True)
class _Hand:
    """Measures of a hand.

    Attributes:
        height: Height of small letters, in the ink's unit.
        slant: dx for each dy.
        step: Distance between two points of a stroke, in the ink's unit.
    """

    height: float
    slant: float
    step: float

    def signs(
        self,
        run: str,
        first: int,
        foot: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Draw a run of symbols.

        Args:
            run: Symbols, with the blanks around them.
            first: Position of the run in the text.
            foot: Point on the baseline at which the symbols begin, (2,).

        Returns: The points, whether each ends a stroke, the position of its character in the text,
            and the width of the run.
        """
        strokes: list[np.ndarray] = []
        places: list[int] = []
        x = 0.0
        for u, sign in enumerate(run.strip(), first + len(run) - len(run.lstrip())):
            shapes = [np.array(shape) for shape in SIGNS.get(sign, [])]
            drawn = [self._stroke(shape, foot + (x, 0)) for shape in shapes]
            width = max((float(shape[:, 0].max()) for shape in shapes), default=BLANK - 2 * BEARING)
            strokes += drawn
            places += [u] * sum(map(len, drawn))
            x += (width + BEARING) * self.height
        ink = Ink.from_strokes(strokes)
        return ink.points, ink.end_of_stroke, np.array(places), x - BEARING * self.height

    def _stroke(self, shape: np.ndarray, foot: np.ndarray) -> np.ndarray:
        """Return a stroke in this hand, varied by its position along the line."""
        x, y = shape.T
        turn = foot[0] / self.height
        size = 1 + SIZE_WAVE[0] * np.sin(SIZE_WAVE[1] * turn)
        x_shift = X_WAVE[0] * np.sin(X_WAVE[1] * y + X_WAVE[2] * turn)
        y_shift = Y_WAVE[0] * np.sin(Y_WAVE[1] * x + Y_WAVE[2] * turn)
        x = x + x_shift
        y = y + y_shift
        points = np.column_stack([x + self.slant * y, y])
        return paced(foot + self.height * size * points, self.step)


def _filled(
    ink: Ink,
    phi: np.ndarray,
    text: str,
    span: tuple[int, int],
    hand: _Hand,
) -> tuple[Ink, np.ndarray]:
    """Return a line and its weights with the symbols of one gap; the ink after it moves to the right."""
    owner = owners(phi)
    cut = _cut(ink, owner, span, text)
    left, right = np.split(ink.points, [cut])
    run = text[slice(*span)]
    edge = left[:, 0].max() if len(left) else right[:, 0].min()
    blank = BLANK * hand.height
    if _inside(span, text) and len(right):  # an unfinished line has nothing after the gap
        blank = max(NARROWEST * hand.height, right[:, 0].min() - edge)
    bearing = BEARING * hand.height
    before = blank if run[0] == " " else bearing
    after = blank if run[-1] == " " else bearing
    start = edge + before if len(left) else edge
    foot = np.array([start, baseline_near(ink.points, owner, text, span)])
    points, ends, places, width = hand.signs(run, span[0], foot)
    if len(right):
        right = right + (foot[0] + width + after - right[:, 0].min(), 0)
    before_cut = ink.end_of_stroke[:cut].copy()
    before_cut[-1:] = True  # a stroke that goes on across the gap is cut there
    ends = np.concatenate([before_cut, ends, ink.end_of_stroke[cut:]])
    own = np.eye(len(text) + 1, dtype=phi.dtype)[places]
    filled = Ink(np.concatenate([left, points, right]), ends)
    return filled, np.concatenate([phi[:cut], own, phi[cut:]])


def _cut(ink: Ink, owner: np.ndarray, span: tuple[int, int], text: str) -> int:
    """Return the index of the first point after a gap."""
    if span[0] == 0:
        return 0
    after = np.flatnonzero(owner >= span[1])
    if span[1] == len(text) or not len(after):
        return len(ink)
    firsts = np.concatenate([[0], np.flatnonzero(ink.end_of_stroke) + 1])
    stroke = int(np.searchsorted(firsts, after[0], "right")) - 1
    if (owner[firsts[stroke] : after[0]] < span[0]).any():
        return int(after[0])
    while stroke and _belongs_after(ink, owner, span, firsts[stroke - 1], firsts[stroke]):
        stroke -= 1
    return int(firsts[stroke])


def _belongs_after(
    ink: Ink,
    owner: np.ndarray,
    span: tuple[int, int],
    first: int,
    last: int,
) -> bool:
    """Return whether a stroke drawn while the window was on the gap belongs to the text after it."""
    rested = (owner[first:last] >= span[0]).all()
    return bool(rested and ink.points[first:last, 0].min() > ink.points[:first, 0].max(initial=-np.inf))


def replaced(text: str, alphabet: Alphabet, by: str) -> str:
    """Return a text in which `by` replaces each character that can neither be written nor composed."""
    written = ""
    for character in unicodedata.normalize("NFC", text):
        known = character.isspace() or not alphabet.unknown(plain(normal(character), alphabet))
        written += character if known else by
    return written
