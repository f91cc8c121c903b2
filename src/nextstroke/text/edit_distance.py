"""How far two sequences are apart."""

from collections.abc import Sequence
from typing import Any


def edit_distance(meant: Sequence[Any], found: Sequence[Any]) -> int:
    """Least number of insertions, deletions and replacements that make one of the other (Levenshtein)."""
    row = list(range(len(found) + 1))
    for i, a in enumerate(meant, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(found, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
