"""Finds the exact formulae behind recorded numbers: in rows and columns of cells, and in the number of classes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

GRIDS = ((2, 2), (2, 3), (3, 2), (3, 3), (4, 3), (3, 5))
"""Rows and columns of cells to look at; the first one is also looked at with other numbers of classes.

None has a single row or column: where a tensor has one position, some copies are none.
"""

PROBES = (1, 70, 100, 200)
"""Numbers of classes to look at: below, between and above what the width of class branches follows."""


class NoFormulaError(ValueError):
    """Numbers that no formula of the format says.

    Attributes:
        path: the module that made them, where that is known.
    """

    path = ""


def fit_size(values: Sequence[int]) -> tuple[int, tuple[int, int, int, int]]:
    """Return (a, (b, c, d, e)) with value = a·rc + b + c·r + d·c + e·(rc)², exact on every grid of `GRIDS`.

    Args:
        values: one for each grid.

    Raises:
        NoFormulaError: there is none with whole numbers.
    """
    cells = [rows * columns for rows, columns in GRIDS]
    if all(value * cells[0] == values[0] * count for value, count in zip(values, cells, strict=True)):
        if values[0] % cells[0] == 0:
            return values[0] // cells[0], (0, 0, 0, 0)
        raise NoFormulaError(f"a fraction for each cell: {values}")
    terms = [[r * c, 1, r, c, (r * c) ** 2] for r, c in GRIDS]
    found = _solve(terms, values)
    if found is None:
        raise NoFormulaError(f"no polynomial in rows and columns of cells: {values}")
    return found[0], (found[1], found[2], found[3], found[4])


def fit_classes(values: Sequence[int], low: int, high: int) -> int | list[int]:
    """Return a constant, or [a, b, c] with value = a + b·classes + c·class width, exact at every probe.

    Args:
        values: one for each probe of `PROBES`.
        low, high: between which the class width follows the number of classes.

    Raises:
        NoFormulaError: there is none with whole numbers.
    """
    if len(set(values)) == 1:
        return values[0]
    widths = [max(low, min(classes, high)) for classes in PROBES]
    columns = {1: list(PROBES), 2: widths}
    for use in ((1, 2), (1,), (2,)):
        terms = [[1, *(columns[index][i] for index in use)] for i in range(len(PROBES))]
        found = _solve(terms, values)
        if found is not None:
            full = [0, 0, 0]
            for index, value in zip((0, *use), found, strict=True):
                full[index] = value
            return full
    raise NoFormulaError(f"not affine in the number of classes: {values}")


def _solve(terms: Sequence[Sequence[int]], values: Sequence[int]) -> list[int] | None:
    """Return the whole coefficients that reproduce every value, or None."""
    count = len(terms[0])
    for chosen in itertools.combinations(range(len(terms)), count):
        matrix = [[*map(Fraction, terms[i]), Fraction(values[i])] for i in chosen]
        solution = _eliminate(matrix)
        if solution is None:
            continue
        exact = all(
            sum(a * x for a, x in zip(row, solution, strict=True)) == value
            for row, value in zip(terms, values, strict=True)
        )
        whole = all(x.denominator == 1 for x in solution)
        return [int(x) for x in solution] if exact and whole else None
    return None


def _eliminate(matrix: list[list[Fraction]]) -> list[Fraction] | None:
    """Return the solution of a square system by Gauss and Jordan, or None where it has not exactly one."""
    n = len(matrix)
    for i in range(n):
        pivot = next((r for r in range(i, n) if matrix[r][i] != 0), None)
        if pivot is None:
            return None
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        matrix[i] = [x / matrix[i][i] for x in matrix[i]]
        for r in range(n):
            if r != i:
                matrix[r] = [x - matrix[r][i] * y for x, y in zip(matrix[r], matrix[i], strict=True)]
    return [row[-1] for row in matrix]
