"""The core of Bradley-Terry: whether there is a maximum, Newton's method, and each cluster's influence.

The linear predictor of a match is strength of the first - strength of the second + covariates. Strengths are
known up to a constant, so they sum to zero. The maximum is finite just where no group of systems won every
match against the rest: the graph "has won or tied against" is strongly connected (Ford 1957). Where it is
not, every system gets one virtual tie against a phantom, a player of free strength; it weighs as much as
the average match, and counts as a cluster of its own, so that what rests on the prior is of wide spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from evalhub.stats.clusters import Floats, Ints
from evalhub.stats.logit.fit import CONVERGED, ITERATIONS, probabilities
from evalhub.stats.logit.sandwich import over_leverage
from evalhub.stats.ranking.matches import Played

CELLS = 4_000_000
UNKNOWN = 1e-9


class Rows(NamedTuple):
    """What is fitted.

    Args:
        first: (n,) number of the first player.
        second: (n,) number of the second player.
        wins: (n,) in [0, 1].
        weights: (n,) above 0.
        matrix: (n, k) scaled covariates.
        players: Number of players, the phantom among them.
    """

    first: Ints
    second: Ints
    wins: Floats
    weights: Floats
    matrix: Floats
    players: int

    def take(self, chosen: Ints) -> Rows:
        """Return some of the rows."""
        first, second, wins, weights, matrix, players = self
        return Rows(
            first[chosen], second[chosen], wins[chosen], weights[chosen], matrix[chosen], players
        )  # fmt: skip

    def predictor(self, beta: Floats) -> Floats:
        """Return (n,) log-odds that the first wins."""
        return np.asarray(
            beta[self.first] - beta[self.second] + self.matrix @ beta[self.players :], dtype=np.float64
        )


@dataclass(frozen=True, slots=True)
class Solution:
    """A maximum of the likelihood.

    Args:
        rows: What was fitted, virtual ties among it.
        members: (n,) cluster codes; a virtual tie has one of its own.
        beta: (players + k,) strengths that sum to zero, then scaled coefficients.
        scales: (k,) what the covariates were divided by.
        columns: (k,) which covariate each is.
        reasons: Why a covariate has no coefficient, by its number.
        virtual: Number of virtual ties, the last rows.
    """

    rows: Rows
    members: Ints
    beta: Floats
    scales: Floats
    columns: Ints
    reasons: dict[int, str]
    virtual: int


def parts(played: Played, *, strong: bool) -> list[list[int]]:
    """Return the systems in connected parts.

    Args:
        played: The matches.
        strong: Connected by wins or ties in both directions; otherwise by any match.

    Returns:
        Lists of system numbers, the part of the lowest number first.

    Source: Ford, American Mathematical Monthly 64(8), 1957, 28-33 (strongly connected = a finite maximum).

    Example:
        >>> from evalhub.stats.ranking.matches import Matches, read_matches
        >>> played = read_matches(Matches([1, 0.5], ["x", "y"], ["y", "z"], [1, 2]))
        >>> parts(played, strong=False), parts(played, strong=True)
        ([[0, 1, 2]], [[0], [1, 2]])
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    size = len(played.systems)
    up, down = played.wins > 0, played.wins < 1
    winners = np.concatenate([played.first[up], played.second[down]])
    losers = np.concatenate([played.second[up], played.first[down]])
    graph = sparse.coo_matrix((np.ones(len(winners)), (winners, losers)), shape=(size, size)).tocsr()
    _, labels = csgraph.connected_components(graph, connection="strong" if strong else "weak")
    found = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    return sorted(found)


def solve(played: Played, *, prior: bool) -> Solution | None:
    """Maximise the likelihood, ties counting half.

    Args:
        played: The matches, all systems connected.
        prior: Whether each system gets a virtual tie.

    Returns:
        The maximum; None where Newton's method finds none because covariates predict verdicts perfectly.

    Source: Bradley & Terry, Biometrika 39, 1952, 324-345; the prior as in Caron & Doucet, Journal of
        Computational and Graphical Statistics 21(1), 2012, in kind.

    Example:
        >>> from evalhub.stats.ranking.matches import Matches, read_matches
        >>> played = read_matches(Matches([1, 1, 1, 0], ["x"] * 4, ["y"] * 4, range(4)))
        >>> solve(played, prior=False).beta.round(4).tolist()  # log 3 apart
        [0.5493, -0.5493]
    """
    size = len(played.systems)
    scales = np.abs(played.matrix).max(axis=0, initial=0)
    scales = np.where(scales > 0, scales, 1.0)
    rows = Rows(played.first, played.second, played.wins, played.weights, played.matrix / scales, size)
    columns, reasons = _identify(rows)
    rows, members = rows._replace(matrix=rows.matrix[:, columns]), played.members
    if prior:
        rows = _with_ties(rows)
        members = np.concatenate([members, played.clusters + np.arange(size)])
    beta = _newton(rows)
    if beta is None:
        return None
    return Solution(rows, members, beta, scales[columns], columns, reasons, size if prior else 0)


def _with_ties(rows: Rows) -> Rows:
    """Add a virtual tie of every system against the phantom."""
    size = rows.players
    return Rows(
        np.concatenate([rows.first, np.arange(size)]),
        np.concatenate([rows.second, np.full(size, size)]),
        np.concatenate([rows.wins, np.full(size, 0.5)]),
        np.concatenate([rows.weights, np.full(size, rows.weights.mean())]),
        np.concatenate([rows.matrix, np.zeros((size, rows.matrix.shape[1]))]),
        size + 1,
    )


def _identify(rows: Rows) -> tuple[Ints, dict[int, str]]:
    """Choose covariates that can be told from the systems and from each other; name all that cannot."""
    size, count = rows.players, rows.matrix.shape[1]
    if not count:
        return np.arange(0), {}
    whole = information(rows, rows.weights, np.zeros(len(rows.wins), dtype=np.int64), 1)[0]
    cross, own = whole[:size, size:], whole[size:, size:]
    rest = own - cross.T @ np.linalg.pinv(whole[:size, :size], hermitian=True) @ cross
    unit = np.sqrt(np.maximum(np.diag(own), np.finfo(np.float64).tiny))
    rest = rest / np.outer(unit, unit)
    lengths, axes = np.linalg.eigh(rest)
    caught = (np.abs(axes[:, lengths <= UNKNOWN]) > 1e-6).any(axis=1)
    reasons = dict.fromkeys(
        np.flatnonzero(caught).tolist(), "cannot be told from the systems or the other covariates"
    )
    chosen = np.flatnonzero(~caught).tolist()
    for j in np.flatnonzero(caught).tolist():
        grown = [*chosen, j]
        if float(np.linalg.eigvalsh(rest[np.ix_(grown, grown)]).min()) > UNKNOWN:
            chosen.append(j)
    return np.array(sorted(chosen), dtype=np.int64), reasons


def _newton(rows: Rows) -> Floats | None:
    beta = np.zeros(rows.players + rows.matrix.shape[1])
    height = _height(rows, beta)
    for _ in range(ITERATIONS):
        step = newton_step(rows, beta, rows.weights)
        if step is None:
            return None
        if float(np.abs(step).max(initial=0)) < CONVERGED:
            return beta + step
        share, least = 1.0, height - 1e-10 * abs(height)
        while (risen := _height(rows, beta + share * step)) < least and share > 1e-6:
            share /= 2
        beta, height = beta + share * step, risen
    return None


def newton_step(rows: Rows, beta: Floats, weights: Floats) -> Floats | None:
    """Return one step of Newton's method.

    Args:
        rows: What is fitted.
        beta: (p,) where to start.
        weights: (n,) what the matches weigh, at least 0.

    Returns:
        (p,) the step, strengths that sum to zero; None where the information is singular.

    Example:
        >>> ones = np.ones(2)
        >>> rows = Rows(np.array([0, 0]), np.array([1, 1]), np.array([1, 0.5]), ones, np.empty((2, 0)), 2)
        >>> newton_step(rows, np.zeros(2), ones).round(3).tolist()
        [0.5, -0.5]
    """
    fitted = probabilities(rows.predictor(beta))
    whole = np.zeros(len(rows.wins), dtype=np.int64)
    matrix = fixed(information(rows, weights * fitted * (1 - fitted), whole, 1)[0], rows.players)
    try:
        return np.asarray(np.linalg.solve(matrix, scores(rows, weights * (rows.wins - fitted), whole, 1)[0]))
    except np.linalg.LinAlgError:
        return None


def fixed(matrix: Floats, players: int) -> Floats:
    """Add information on the sum of the strengths, which the matches have none on.

    Args:
        matrix: (p, p) information.
        players: Number of strengths.

    Returns:
        (p, p) the same, of full rank where the matches tell all but the sum.

    Example:
        >>> fixed(np.array([[1.0, -1.0], [-1.0, 1.0]]), 2).tolist()
        [[1.5, -0.5], [-0.5, 1.5]]
    """
    grown = matrix.copy()
    grown[:players, :players] += float(np.diag(matrix)[:players].mean()) / players
    return grown


def scores(rows: Rows, residuals: Floats, members: Ints, groups: int) -> Floats:
    """Sum the gradient over each group of matches.

    Args:
        rows: What is fitted.
        residuals: (n,) weight times (win - fitted).
        members: (n,) group of each match.
        groups: Number of groups.

    Returns:
        (groups, p) gradients.

    Example:
        >>> rows = Rows(np.array([0]), np.array([1]), np.ones(1), np.ones(1), np.empty((1, 0)), 2)
        >>> scores(rows, np.array([0.5]), np.array([0]), 1).tolist()
        [[0.5, -0.5]]
    """
    size = rows.players
    total = _sums(members * size + rows.first, residuals, groups * size)
    total -= _sums(members * size + rows.second, residuals, groups * size)
    slopes = [_sums(members, residuals * column, groups) for column in rows.matrix.T]
    return np.column_stack([total.reshape(groups, size), *slopes])


def information(rows: Rows, steep: Floats, members: Ints, groups: int) -> Floats:
    """Sum the information over each group of matches.

    Args:
        rows: What is fitted.
        steep: (n,) weight times the variance of a match.
        members: (n,) group of each match.
        groups: Number of groups.

    Returns:
        (groups, p, p) matrices.

    Example:
        >>> rows = Rows(np.array([0]), np.array([1]), np.ones(1), np.ones(1), np.empty((1, 0)), 2)
        >>> information(rows, np.array([0.25]), np.array([0]), 1).tolist()
        [[[0.25, -0.25], [-0.25, 0.25]]]
    """
    size, count = rows.players, rows.matrix.shape[1]
    found = np.zeros((groups, size + count, size + count))
    cells = (members * size + rows.first) * size + rows.second
    met = _sums(cells, steep, groups * size * size).reshape(groups, size, size)
    met += np.swapaxes(met, 1, 2).copy()
    diagonal = np.arange(size)
    found[:, :size, :size] = -met
    found[:, diagonal, diagonal] = met.sum(axis=2)
    for i, column in enumerate(rows.matrix.T):
        slopes = scores(rows, steep * column, members, groups)
        found[:, size + i, :] = found[:, :, size + i] = slopes
    return found


def influences(found: Solution, groups: int) -> tuple[Floats, Floats]:
    """Return by how much each coefficient falls when a cluster is left out, in one step (CR3).

    Args:
        found: The maximum.
        groups: Number of groups of matches, virtual ties among them.

    Returns:
        (groups, p) influences, and (m, p) directions that some cluster alone tells, the largest of each 1.

    Source: Bell & McCaffrey, Survey Methodology 28(2), 2002 (the jackknife form); MacKinnon, Nielsen & Webb,
        Journal of Applied Econometrics 38(5), 2023.

    Example:
        >>> from evalhub.stats.ranking.matches import Matches, read_matches
        >>> found = solve(read_matches(Matches([1, 1, 1, 0], ["x"] * 4, ["y"] * 4, range(4))), prior=False)
        >>> influences(found, 4)[0][:, 0].round(3).tolist()
        [0.222, 0.222, 0.222, -0.667]
    """
    rows, members = found.rows, found.members
    fitted = probabilities(rows.predictor(found.beta))
    steep, pull = rows.weights * fitted * (1 - fitted), rows.weights * (rows.wins - fitted)
    size = len(found.beta)
    whole = information(rows, steep, np.zeros_like(members), 1)[0]
    lengths, axes = np.linalg.eigh(fixed(whole, rows.players))
    root = axes / np.sqrt(np.maximum(lengths, np.finfo(np.float64).tiny))
    order = np.argsort(members, kind="stable")
    values, alone = np.zeros((groups, size)), [np.zeros((0, size))]
    step = max(1, CELLS // size**2)
    for start in range(0, groups, step):
        count = min(step, groups - start)
        low, high = np.searchsorted(members[order], [start, start + count])
        here = order[low:high]
        some = rows.take(here)
        block = members[here] - start
        leverage = root.T @ information(some, steep[here], block, count) @ root
        pulled, lonely = over_leverage(leverage, scores(some, pull[here], block, count) @ root)
        values[start : start + count] = pulled @ root.T
        alone.append(lonely @ root.T)
    directions = np.concatenate(alone)
    return values, directions / np.abs(directions).max(axis=1, initial=0)[:, None]


def _sums(cells: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(cells, weights=values, minlength=size).astype(np.float64)


def _height(rows: Rows, beta: Floats) -> float:
    predictor = rows.predictor(beta)
    return float(rows.weights @ (rows.wins * predictor - np.logaddexp(0, predictor)))
