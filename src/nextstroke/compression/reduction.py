"""Segments that mostly repeat themselves, such as logs, made short before anything is predicted.

Prediction takes the same time for each byte, however sure it is. What repeats for long, or differs only in numbers, is
therefore described first, by far faster means; only the description is predicted.
"""

from dataclasses import dataclass

from nextstroke.compression.line_columns import join_columns, split_columns
from nextstroke.compression.repeats import lengthen, shorten

LEAST = 4096  # bytes: what is shorter takes no time
_SHARE = 8  # a description is used if it is shorter than this part of the data
_SHORT = 16  # a description shorter than this part is taken at once


@dataclass(frozen=True)
class Reduction:
    """A segment in other words.

    Args:
        text: What is left to predict, as repeats.shorten gives it.
        planes: Coded planes of columns; empty where there are none.
        has_columns: Whether the text, after `lengthen`, holds columns.
    """

    text: bytes
    planes: bytes = b""
    has_columns: bool = False

    def __len__(self) -> int:
        return len(self.text) + len(self.planes)

    def restore(self, size: int) -> bytes:
        """Return the segment.

        Args:
            size: Its bytes.

        Raises:
            CorruptFile: No segment of this size gives this.
        """
        text = lengthen(self.text, size)
        return join_columns(text, self.planes, size) if self.has_columns else text


def reduce_segment(data: bytes) -> Reduction | None:
    """Return a segment in other words; None where they would not be much shorter."""
    if len(data) < LEAST:
        return None
    best = _by_columns(data)
    if best is None or len(best) > len(data) // _SHORT:
        most = len(best) - 1 if best else len(data) // _SHARE
        text = shorten(data, most)
        best = best if text is None else Reduction(text)
    return best


def _by_columns(data: bytes) -> Reduction | None:
    split = split_columns(data)
    if split is None or len(split[0]) > len(data):
        return None
    columns, planes = split
    text = shorten(columns, len(data) // _SHARE - len(planes))
    return None if text is None else Reduction(text, planes, has_columns=True)
