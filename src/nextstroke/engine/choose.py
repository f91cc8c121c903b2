"""Of several candidates of each line the one that reads best."""

from collections.abc import Sequence
from dataclasses import dataclass

from nextstroke.engine.marks import bases
from nextstroke.engine.modelfile import Model, load_model
from nextstroke.engine.reading import Reader
from nextstroke.engine.styles import Style
from nextstroke.engine.write import Written, write_lines, write_soundly
from nextstroke.ink import Ink

SIDE_BY_SIDE = 64  # candidates written at once
READER = "reader"  # the bundled one


@dataclass(frozen=True)
class Chooser:
    """Writes each line several times and keeps the candidate in which a reader finds the text most surely.

    Candidate k of a line is attempt k of `write_soundly`: what others are drawn changes none of them.

    Attributes:
        candidates: How many of each line.
    """

    reader: Reader
    candidates: int = 8

    def write(
        self, model: Model, texts: Sequence[str], bias: float, seed: int, style: Style, numbers: Sequence[int]
    ) -> list[Written]:
        """Write lines; arguments as for `write_soundly`. A line of which no candidate is sound is tried again."""
        together = max(1, SIDE_BY_SIDE // self.candidates)
        lines: list[Written] = []
        for first in range(0, len(texts), together):
            some = slice(first, first + together)
            lines += self._write_some(model, texts[some], bias, seed, style, numbers[some])
        return lines

    def _write_some(
        self, model: Model, texts: Sequence[str], bias: float, seed: int, style: Style, numbers: Sequence[int]
    ) -> list[Written]:
        places = [(number, k) for number in numbers for k in range(self.candidates)]
        each = [text for text in texts for _ in range(self.candidates)]
        drawn = write_lines(model, each, bias, seed, style, places=places)
        plain = [bases(line.text, model.alphabet) for line in drawn]
        nats = self.reader.misreading([self._as_read(model, line.ink) for line in drawn], plain)
        best = [
            min(range(k, k + self.candidates), key=lambda i: (not drawn[i].sound, nats[i]))
            for k in range(0, len(drawn), self.candidates)
        ]
        return [
            drawn[i] if drawn[i].sound else self._again(model, drawn[i], bias, seed, style, number)
            for i, number in zip(best, numbers, strict=True)
        ]

    def _again(self, model: Model, line: Written, bias: float, seed: int, style: Style, number: int) -> Written:
        (other,) = write_soundly(model, [line.text], bias, seed, style, [number], first_attempt=self.candidates)
        return other if other.sound else line

    def _as_read(self, model: Model, ink: Ink) -> Ink:
        """Ink in the representation and the size that the reader knows."""
        ours, theirs = (about["recipe"]["data"]["ink"] for about in (self.reader.model.about, model.about))
        scale = float(self.reader.std[1] / model.about["normalisation"]["std"][1])
        ink = ink if abs(scale - 1) < 0.3 else ink.scaled(scale)  # lines of one corpus need none
        return ink.simplified() if (ours, theirs) == ("simplified", "raw") else ink


def chooser_among(candidates: int) -> Chooser | None:
    """A chooser with the bundled reader; None where there is nothing to choose from."""
    return Chooser(Reader(load_model(READER, "reader")), candidates) if candidates > 1 else None
