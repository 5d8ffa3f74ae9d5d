"""The cells that two systems, or two runs, have in common: the same unit and opponent, or each other."""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Bools, Column, Ints, codes, named_codes, same_length


class Matching:
    """Cells of several sides, to be matched two by two.

    Args:
        sides: (n,) the system or run of each cell.
        units: (n,) unit of the cell, such as an item.
        opponents: (n,) the opponent on that unit. "" = no opponent. A cell occurs once.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> matching = Matching(["x", "y", "x", "y"], ["q1", "q1", "q2", "q1"], ["y", "x", "z", "z"])
        >>> first, second, direct = matching.pair("x", "y")
        >>> first.tolist(), second.tolist(), direct.tolist()
        ([0], [1], [True])
    """

    def __init__(self, sides: Column, units: Column, opponents: Column) -> None:
        same_length({"sides": sides, "units": units, "opponents": opponents})
        members, names = named_codes(sides)
        self._units, self._count = codes(units)
        self._against, opponent_names = named_codes(opponents)
        self._opponents = {name: place for place, name in enumerate(opponent_names)}
        order = np.argsort(members, kind="stable")
        starts = np.searchsorted(members[order], np.arange(1, len(names)))
        self._rows = dict(zip(names, np.split(order, starts)[: len(names)], strict=True))

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of the sides, sorted."""
        return tuple(self._rows)

    def pair(self, first: str, second: str) -> tuple[Ints, Ints, Bools]:
        """Match two sides on every unit and opponent that both have, or where they met each other.

        Args:
            first: A side.
            second: Another.

        Returns:
            (m,) rows of the first, (m,) rows of the second, and (m,) True where the two met each other.
        """
        home, away = self._rows[first], self._rows[second]
        common, a, b = np.intersect1d(
            self._keys(home, second), self._keys(away, first), assume_unique=True, return_indices=True
        )
        return home[a], away[b], np.asarray(common < self._count, dtype=np.bool_)

    def lacking(self, first: str, second: str) -> int:
        """Count the units for which only one of the two sides has a cell.

        Args:
            first: A side.
            second: Another.
        """
        return len(np.setxor1d(self._units[self._rows[first]], self._units[self._rows[second]]))

    def _keys(self, rows: Ints, rival: str) -> Ints:
        met = self._against[rows] == self._opponents.get(rival, -1)
        return np.asarray(self._units[rows] + self._count * np.where(met, 0, self._against[rows] + 1))
