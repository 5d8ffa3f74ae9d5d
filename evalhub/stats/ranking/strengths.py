"""The core of Bradley-Terry: whether there is a maximum, the fit, and each cluster's influence.

The linear predictor of a match is strength of the first - strength of the second + covariates. Strengths are
identified up to a constant, so they sum to zero. The maximum is finite exactly where no group of systems won
every match against the others: the graph "has won or tied against" is strongly connected (Ford 1957).
Otherwise each system gets one virtual tie against an extra player whose strength is also estimated (a weak
prior). The tie has the average match's weight and is its own cluster, so estimates that rest on it get a wide
spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from evalhub.stats.clusters import Floats, Ints
from evalhub.stats.logit.fit import newton, probabilities
from evalhub.stats.logit.sandwich import over_leverage
from evalhub.stats.ranking.matches import Played

CELLS = 4_000_000
UNIDENTIFIED = 1e-9


class MatchTable(NamedTuple):
    """The matches that are fitted.

    Args:
        first: (n,) number of the first player.
        second: (n,) number of the second player.
        wins: (n,) in [0, 1].
        weights: (n,) above 0.
        matrix: (n, k) scaled covariates.
        players: Number of players, the extra player of the prior among them.
    """

    first: Ints
    second: Ints
    wins: Floats
    weights: Floats
    matrix: Floats
    players: int

    def take(self, rows: Ints) -> MatchTable:
        """Return some of the matches."""
        first, second, wins, weights, matrix, players = self
        return MatchTable(first[rows], second[rows], wins[rows], weights[rows], matrix[rows], players)

    def predictor(self, beta: Floats) -> Floats:
        """Return (n,) log-odds that the first wins."""
        return np.asarray(
            beta[self.first] - beta[self.second] + self.matrix @ beta[self.players :], dtype=np.float64
        )


@dataclass(frozen=True, slots=True)
class Strengths:
    """A maximum of the likelihood.

    Args:
        matches: The fitted matches, virtual ties among them.
        members: (n,) cluster codes. A virtual tie is a cluster of its own.
        beta: (players + k,) strengths that sum to zero, then scaled coefficients.
        scales: (k,) divisors of the covariates.
        columns: (k,) number of each covariate.
        reasons: Why a covariate has no coefficient, by its number.
        virtual: Number of virtual ties, the last rows.
    """

    matches: MatchTable
    members: Ints
    beta: Floats
    scales: Floats
    columns: Ints
    reasons: dict[int, str]
    virtual: int


def connected_systems(played: Played, *, strong: bool) -> list[list[int]]:
    """Return the systems in connected parts.

    Args:
        played: The matches.
        strong: Connected by wins or ties in both directions, instead of by any match.

    Returns:
        Lists of system numbers, the part of the lowest number first.

    Source: Ford, American Mathematical Monthly 64(8), 1957, 28-33 (strongly connected = a finite maximum).
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    size = len(played.systems)
    up, down = played.wins > 0, played.wins < 1
    winners = np.concatenate([played.first[up], played.second[down]])
    losers = np.concatenate([played.second[up], played.first[down]])
    graph = sparse.coo_matrix((np.ones(len(winners)), (winners, losers)), shape=(size, size)).tocsr()
    _, labels = csgraph.connected_components(graph, connection="strong" if strong else "weak")
    return sorted(np.flatnonzero(labels == label).tolist() for label in np.unique(labels))


def fit_strengths(played: Played, *, prior: bool) -> Strengths | None:
    """Maximise the likelihood, ties counting half.

    Args:
        played: The matches, all systems connected.
        prior: Whether each system gets a virtual tie.

    Returns:
        The maximum. None where Newton's method finds none because covariates predict verdicts perfectly.

    Source: Bradley & Terry, Biometrika 39, 1952, 324-345. A prior of the kind of Caron & Doucet, Journal of
        Computational and Graphical Statistics 21(1), 2012.
    """
    size = len(played.systems)
    scales = np.abs(played.matrix).max(axis=0, initial=0)
    scales = np.where(scales > 0, scales, 1.0)
    matches = MatchTable(
        played.first, played.second, played.wins, played.weights, played.matrix / scales, size
    )
    columns, reasons = _identify(matches)
    matches, members = matches._replace(matrix=matches.matrix[:, columns]), played.members
    if prior:
        matches = _with_ties(matches)
        members = np.concatenate([members, played.clusters + np.arange(size)])
    beta = _maximum(matches)
    if beta is None:
        return None
    return Strengths(matches, members, beta, scales[columns], columns, reasons, size if prior else 0)


def _with_ties(matches: MatchTable) -> MatchTable:
    """Add a virtual tie of every system against the extra player."""
    size = matches.players
    return MatchTable(
        np.concatenate([matches.first, np.arange(size)]),
        np.concatenate([matches.second, np.full(size, size)]),
        np.concatenate([matches.wins, np.full(size, 0.5)]),
        np.concatenate([matches.weights, np.full(size, matches.weights.mean())]),
        np.concatenate([matches.matrix, np.zeros((size, matches.matrix.shape[1]))]),
        size + 1,
    )


def _identify(matches: MatchTable) -> tuple[Ints, dict[int, str]]:
    """Choose covariates that differ from the systems and from each other, and give the others a reason."""
    size, count = matches.players, matches.matrix.shape[1]
    if not count:
        return np.arange(0), {}
    total = _information(matches, matches.weights, np.zeros(len(matches.wins), dtype=np.int64), 1)[0]
    cross, square = total[:size, size:], total[size:, size:]
    remainder = square - cross.T @ np.linalg.pinv(total[:size, :size], hermitian=True) @ cross
    unit = np.sqrt(np.maximum(np.diag(square), np.finfo(np.float64).tiny))
    remainder = remainder / np.outer(unit, unit)
    lengths, axes = np.linalg.eigh(remainder)
    confounded = (np.abs(axes[:, lengths <= UNIDENTIFIED]) > 1e-6).any(axis=1)
    reasons = dict.fromkeys(
        np.flatnonzero(confounded).tolist(), "cannot be told from the systems or the other covariates"
    )
    identified = np.flatnonzero(~confounded).tolist()
    for j in np.flatnonzero(confounded).tolist():
        columns = [*identified, j]
        if float(np.linalg.eigvalsh(remainder[np.ix_(columns, columns)]).min()) > UNIDENTIFIED:
            identified.append(j)
    return np.array(sorted(identified), dtype=np.int64), reasons


def _maximum(matches: MatchTable) -> Floats | None:
    """Return the coefficients of largest likelihood, or None where Newton's method finds none."""
    group = np.zeros(len(matches.wins), dtype=np.int64)

    def step(beta: Floats) -> Floats | None:
        fitted = probabilities(matches.predictor(beta))
        matrix = _information(matches, matches.weights * fitted * (1 - fitted), group, 1)[0]
        gradient = _scores(matches, matches.weights * (matches.wins - fitted), group, 1)[0]
        try:
            return np.asarray(np.linalg.solve(_full_rank(matrix, matches.players), gradient))
        except np.linalg.LinAlgError:
            return None

    def height(beta: Floats) -> float:
        predictor = matches.predictor(beta)
        return float(matches.weights @ (matches.wins * predictor - np.logaddexp(0, predictor)))

    beta, converged = newton(np.zeros(matches.players + matches.matrix.shape[1]), step, height)
    return beta if converged else None


def _full_rank(matrix: Floats, players: int) -> Floats:
    """Add information on the sum of the strengths, on which the matches have none."""
    grown = matrix.copy()
    grown[:players, :players] += float(np.diag(matrix)[:players].mean()) / players
    return grown


def _scores(matches: MatchTable, residuals: Floats, members: Ints, groups: int) -> Floats:
    """Return the (groups, p) gradients from (n,) residuals, weight times (win - fitted)."""
    size = matches.players
    total = _sums(members * size + matches.first, residuals, groups * size)
    total -= _sums(members * size + matches.second, residuals, groups * size)
    slopes = [_sums(members, residuals * column, groups) for column in matches.matrix.T]
    return np.column_stack([total.reshape(groups, size), *slopes])


def _information(matches: MatchTable, steep: Floats, members: Ints, groups: int) -> Floats:
    """Return the (groups, p, p) information from (n,) weights times the variance of a match."""
    size, count = matches.players, matches.matrix.shape[1]
    matrices = np.zeros((groups, size + count, size + count))
    cells = (members * size + matches.first) * size + matches.second
    pairs = _sums(cells, steep, groups * size * size).reshape(groups, size, size)
    pairs += np.swapaxes(pairs, 1, 2).copy()
    diagonal = np.arange(size)
    matrices[:, :size, :size] = -pairs
    matrices[:, diagonal, diagonal] = pairs.sum(axis=2)
    for i, column in enumerate(matches.matrix.T):
        slopes = _scores(matches, steep * column, members, groups)
        matrices[:, size + i, :] = matrices[:, :, size + i] = slopes
    return matrices


def influences(strengths: Strengths, groups: int) -> tuple[Floats, Floats]:
    """Return by how much each coefficient falls when a cluster is left out, in one step (CR3).

    Args:
        strengths: The maximum.
        groups: Number of groups of matches, virtual ties among them.

    Returns:
        (groups, p) influences, and (m, p) directions that only one cluster identifies, the largest entry of
        each 1.

    Source: Bell & McCaffrey, Survey Methodology 28(2), 2002 (the jackknife form). MacKinnon, Nielsen & Webb,
        Journal of Applied Econometrics 38(5), 2023.
    """
    matches, members = strengths.matches, strengths.members
    fitted = probabilities(matches.predictor(strengths.beta))
    steep, pull = matches.weights * fitted * (1 - fitted), matches.weights * (matches.wins - fitted)
    size = len(strengths.beta)
    total = _information(matches, steep, np.zeros_like(members), 1)[0]
    lengths, axes = np.linalg.eigh(_full_rank(total, matches.players))
    root = axes / np.sqrt(np.maximum(lengths, np.finfo(np.float64).tiny))
    order = np.argsort(members, kind="stable")
    values, directions = np.zeros((groups, size)), [np.zeros((0, size))]
    step = max(1, CELLS // size**2)
    for start in range(0, groups, step):
        count = min(step, groups - start)
        low, high = np.searchsorted(members[order], [start, start + count])
        rows = order[low:high]
        block, local = matches.take(rows), members[rows] - start
        leverage = root.T @ _information(block, steep[rows], local, count) @ root
        pulls, full = over_leverage(leverage, _scores(block, pull[rows], local, count) @ root)
        values[start : start + count] = pulls @ root.T
        directions.append(full @ root.T)
    single = np.concatenate(directions)
    return values, single / np.abs(single).max(axis=1, initial=0)[:, None]


def _sums(cells: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(cells, weights=values, minlength=size).astype(np.float64)
