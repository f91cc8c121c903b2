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


def edit_table(meant: Sequence[Any], found: Sequence[Any]) -> list[list[int]]:
    """Return the edit distances of all beginnings: row i, column j that of the first i and the first j elements."""
    table = [list(range(len(found) + 1))]
    for i, a in enumerate(meant, 1):
        row = [i]
        for j, b in enumerate(found, 1):
            row.append(min(table[-1][j] + 1, row[-1] + 1, table[-1][j - 1] + (a != b)))
        table.append(row)
    return table


def aligned(meant: Sequence[Any], found: Sequence[Any]) -> list[int]:
    """Return for each border between elements of `found`, both ends included, the border in `meant` that it is at."""
    table = edit_table(meant, found)
    i = len(meant)
    j = len(found)
    places = [i]
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (meant[i - 1] != found[j - 1]):
            i -= 1
            j -= 1
            places.append(i)
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            places[-1] = i
        else:
            j -= 1
            places.append(i)
    return places[::-1]
