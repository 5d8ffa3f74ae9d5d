"""Matches of two systems on one item, the input of ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, Ints, categories, codes, floats, same_length
from evalhub.stats.logit.effects import read_rows


@dataclass(frozen=True, slots=True)
class Matches:
    """Verdicts between two systems each, one row per match.

    Args:
        wins: (n,) 1 = the first system wins, .5 = tie, 0 = the second wins, or the probability that the first
            wins plus half that of a tie. None = failed, left out and counted. `win_values` converts verdicts.
        first: (n,) id of system a. None = unknown, left out and counted.
        second: (n,) id of system b.
        clusters: (n,) cluster ids.
        weights: (n,) weight of each match, above 0. None = missing. Without the column each weighs 1.
        covariates: Name to (n,) numbers, each signed towards the first system, such as order or length.
            None = missing.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> Matches([1, 0.5], ["x", "x"], ["y", "z"], ["q1", "q2"]).weights is None
        True
    """

    wins: Column
    first: Column
    second: Column
    clusters: Column
    weights: Column | None = None
    covariates: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in ("wins", "first", "second", "clusters")}
        if self.weights is not None:
            columns["weights"] = self.weights
        same_length(columns | dict(self.covariates))


@dataclass(frozen=True, slots=True)
class Played:
    """The matches that count, in an order that does not depend on the order of the rows.

    Args:
        systems: Ids of the systems with a match that counts, sorted.
        idle: Ids of those without one, sorted.
        first: (n,) number of system a.
        second: (n,) number of system b.
        wins: (n,) in [0, 1].
        weights: (n,) above 0.
        members: (n,) cluster codes 0 … G-1.
        names: Covariates measured at all.
        matrix: (n, k) their values.
        missing: Covariates measured in no row.
        n_excluded: Rows that do not count.
    """

    systems: tuple[str, ...]
    idle: tuple[str, ...]
    first: Ints
    second: Ints
    wins: Floats
    weights: Floats
    members: Ints
    names: tuple[str, ...]
    matrix: Floats
    missing: tuple[str, ...]
    n_excluded: int

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.members.max(initial=-1)) + 1

    @property
    def all_systems(self) -> list[str]:
        """Ids of all systems, sorted, those without a match that counts among them."""
        return sorted((*self.systems, *self.idle))

    def entries(self) -> tuple[Ints, Ints]:
        """Return how many matches each system played, and in how many clusters."""
        size = len(self.systems)
        sides, members = np.concatenate([self.first, self.second]), np.tile(self.members, 2)
        places = np.unique(members * size + sides) % size if size else sides
        return np.bincount(sides, minlength=size), np.bincount(places, minlength=size)


def read_matches(matches: Matches) -> Played:
    """Keep the complete rows, and number their systems.

    Args:
        matches: The columns.

    Returns:
        The matches that count.

    Raises:
        InputError: A win lies outside [0, 1], a weight is not above 0, or a system meets itself.
    """
    (home, has_home), (away, has_away) = categories(matches.first), categories(matches.second)
    complete = has_home & has_away
    if (itself := complete & (home == away)).any():
        raise InputError("a system does not play against itself", value=str(home[itself][0]))
    weights = np.ones(len(home)) if matches.weights is None else floats(matches.weights)
    if (weights <= 0).any():
        raise InputError("a weight is above 0", value=float(weights[weights <= 0][0]))
    complete &= ~np.isnan(weights)
    data = read_rows(np.where(complete, floats(matches.wins), np.nan), matches.clusters, matches.covariates)
    rows = data.rows
    numbers, _ = codes(np.concatenate([home[rows], away[rows]]))
    first, second = np.split(numbers, 2)
    systems = np.unique(np.concatenate([home[rows], away[rows]])).tolist()
    everyone = {*home[has_home].tolist(), *away[has_away].tolist()}
    order = np.lexsort([*data.matrix.T, weights[rows], data.wins, second, first, data.members])
    return Played(
        tuple(systems),
        tuple(sorted(everyone.difference(systems))),
        first[order],
        second[order],
        data.wins[order],
        weights[rows][order],
        data.members[order],
        data.names,
        data.matrix[order],
        data.missing,
        data.n_excluded,
    )
