"""What two systems, or two nights, have in common: the same unit and opponent, or each other."""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Bools, Column, Ints, codes, same_length


class Matching:
    """Cells of several sides, to be matched two by two.

    Args:
        sides: (n,) the system or night of each cell.
        units: (n,) what the cell is of, such as an item.
        opponents: (n,) the system it was met by there; "" = none. A cell occurs once.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> met = Matching(["x", "y", "x", "y"], ["q1", "q1", "q2", "q1"], ["y", "x", "z", "z"])
        >>> rows, others, direct = met.pair("x", "y")
        >>> rows.tolist(), others.tolist(), direct.tolist()
        ([0], [1], [True])
    """

    def __init__(self, sides: Column, units: Column, opponents: Column) -> None:
        same_length({"sides": sides, "units": units, "opponents": opponents})
        self._sides = np.asarray(sides).astype(np.str_)
        self._opponents = np.asarray(opponents).astype(np.str_)
        self._units, self._count = codes(units)
        self._against, _ = codes(self._opponents)
        order = np.argsort(self._sides, kind="stable")
        names, starts = np.unique(self._sides[order], return_index=True)
        self._rows = dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))

    @property
    def sides(self) -> tuple[str, ...]:
        """Their names, sorted."""
        return tuple(self._rows)

    def pair(self, first: str, second: str) -> tuple[Ints, Ints, Bools]:
        """Match two sides on every unit and opponent that both have; each other is such an opponent.

        Args:
            first: A side.
            second: Another.

        Returns:
            (m,) rows of the first, (m,) rows of the second, and (m,) True where the two met each other.
        """
        one, two = self._rows[first], self._rows[second]
        common, a, b = np.intersect1d(
            self._keys(one, second), self._keys(two, first), assume_unique=True, return_indices=True
        )
        return one[a], two[b], np.asarray(common < self._count, dtype=np.bool_)

    def lacking(self, first: str, second: str) -> int:
        """Count the units in which only one of the two sides has a cell.

        Args:
            first: A side.
            second: Another.
        """
        one, two = (self._units[self._rows[side]] for side in (first, second))
        return len(np.setxor1d(one, two))

    def _keys(self, rows: Ints, rival: str) -> Ints:
        met = self._opponents[rows] == rival
        return np.asarray(self._units[rows] + self._count * np.where(met, 0, self._against[rows] + 1))
