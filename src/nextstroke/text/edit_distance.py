"""The Levenshtein distance of two sequences, and the alignment that it gives."""

from collections.abc import Sequence
from typing import Any


def edit_distance(meant: Sequence[Any], found: Sequence[Any]) -> int:
    """Return the Levenshtein distance: the least number of insertions, deletions and replacements."""
    row = list(range(len(found) + 1))
    for i, a in enumerate(meant, 1):
        diagonal = row[0]
        row[0] = i
        for j, b in enumerate(found, 1):
            above = row[j]
            row[j] = min(above + 1, row[j - 1] + 1, diagonal + (a != b))
            diagonal = above
    return row[-1]


def edit_table(meant: Sequence[Any], found: Sequence[Any]) -> list[list[int]]:
    """Return the edit distances of all prefixes; entry [i][j] is that of the first i and j elements."""
    table = [list(range(len(found) + 1))]
    for i, a in enumerate(meant, 1):
        row = [i]
        for j, b in enumerate(found, 1):
            row.append(min(table[-1][j] + 1, row[-1] + 1, table[-1][j - 1] + (a != b)))
        table.append(row)
    return table


def aligned(meant: Sequence[Any], found: Sequence[Any]) -> list[int]:
    """Align two sequences and return the position in `meant` of each boundary in `found`.

    A boundary is before the first element, between two elements or after the last one, so that
    there is one more than elements.
    """
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
