"""A fitted Bradley-Terry model with what each cluster did to it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Floats, draw
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import (
    NO_WIDTH,
    NOISE,
    TOO_FEW,
    Ends,
    Interval,
    Options,
    no_ends,
    t_quantile,
    with_ends,
)
from evalhub.stats.ranking.matches import Played
from evalhub.stats.ranking.strengths import Solution, influences, newton_step, parts, solve

GROUPS = 2_000
PRIOR = "bt+prior"
JACKKNIFE = "bt-cluster-jackknife-t"
SEPARATED = "covariates predict verdicts perfectly (separation)"
DIVIDED = "the maximum lies at infinity: the prior decides, and no interval holds"
_SHOWN = 5
_STEPS = 2
ALONE = 1e-6


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no fit.

    Args:
        reason: In a few words.
    """

    reason: str


def fit_matches(played: Played, options: Options) -> Fitted | Refused:
    """Fit the strengths of the systems, with a prior where they have no finite maximum.

    Args:
        played: The matches.
        options: Which interval, level, resamples, seed.

    Returns:
        The fit, or why there is none.

    Example:
        >>> from evalhub.stats.intervals import DEFAULT
        >>> from evalhub.stats.ranking.matches import Matches, read_matches
        >>> fit_matches(read_matches(Matches([1, 1], ["x", "y"], ["y", "z"], [1, 2])), DEFAULT).reason
        'the maximum lies at infinity: x never lost to the rest; z never won; each system got one virtual tie'
    """
    if not played.systems:
        return Refused("nothing was measured")
    apart = parts(played, strong=False)
    if len(apart) > 1:
        named = " | ".join(_names(played, part) for part in apart[:_SHOWN])
        return Refused(f"systems of {len(apart)} parts never meet: {named}{' | …' * (len(apart) > _SHOWN)}")
    strong = parts(played, strong=True)
    found = solve(played, prior=len(strong) > 1)
    if found is None:
        return Refused(SEPARATED)
    return Fitted(played, found, options, _diverges(played, strong) if len(strong) > 1 else None)


def _names(played: Played, numbers: list[int]) -> str:
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return ", ".join(played.systems[number] for number in numbers[:_SHOWN]) + more


def _diverges(played: Played, groups: list[list[int]]) -> str:
    """Name the groups of systems that nobody else took anything from, or that took nothing."""
    part = np.empty(len(played.systems), dtype=np.int64)
    for number, systems in enumerate(groups):
        part[systems] = number
    first, second = part[played.first], part[played.second]
    across = first != second
    up, down = across & (played.wins > 0), across & (played.wins < 1)
    beaten = set(second[up].tolist()) | set(first[down].tolist())
    beating = set(first[up].tolist()) | set(second[down].tolist())
    said = [
        f"{_names(played, one)} never lost to the rest" for n, one in enumerate(groups) if n not in beaten
    ]
    said += [f"{_names(played, one)} never won" for n, one in enumerate(groups) if n not in beating]
    return f"the maximum lies at infinity: {'; '.join(said)}; each system got one virtual tie"


class Fitted:
    """A solution, its strengths centred, with what its intervals need.

    Args:
        played: The matches.
        found: The maximum.
        options: Which interval, level, resamples, seed.
        reason: What kept the likelihood from a maximum without a prior; None where nothing did.
    """

    def __init__(self, played: Played, found: Solution, options: Options, reason: str | None) -> None:
        self.played, self.found, self.options, self.reason = played, found, options, reason
        self.size = len(played.systems)
        self.matches, self.entries = played.entries()
        self.beta = self._centred(found.beta)
        self.groups = min(played.clusters, GROUPS)
        self.influence = np.zeros((0, len(self.beta)))
        self.alone = np.zeros((0, len(self.beta)))
        self.draws = np.zeros((0, len(self.beta)))
        if played.clusters < MIN_CLUSTERS:
            return
        moved, alone = influences(*self._grouped())
        self.influence, self.alone = self._centred(moved), self._centred(alone)
        if options.interval is Interval.BOOTSTRAP:
            self.draws = self._centred(_draws(played, found, options))

    @property
    def _phantom(self) -> slice:
        return slice(self.size, self.found.rows.players)

    def _centred(self, numbers: Floats) -> Floats:
        """Take the phantom out, and let the strengths of the systems sum to zero."""
        kept = np.delete(numbers, self._phantom, axis=-1)
        kept[..., : self.size] -= kept[..., : self.size].mean(axis=-1, keepdims=True)
        kept[..., self.size :] /= self.found.scales
        return kept

    def _grouped(self) -> tuple[Solution, int]:
        """Deal the clusters into groups where they are too many to leave out one by one."""
        clusters, virtual = self.played.clusters, self.found.virtual
        if clusters <= GROUPS:
            return self.found, clusters + virtual
        dealt = np.random.default_rng(self.options.seed).permutation(clusters) % GROUPS
        dealt = np.concatenate([dealt, GROUPS + np.arange(virtual)])
        return replace(self.found, members=dealt[self.found.members]), GROUPS + virtual

    def estimate(self, contrast: Floats, *, n: int, clusters: int) -> Estimate:
        """Return the estimate of a sum of coefficients.

        Args:
            contrast: (S + k,) what each coefficient counts.
            n: Matches to state.
            clusters: Clusters to state; one less are the degrees of freedom.

        Returns:
            The estimate, in log-odds.
        """
        value = float(contrast @ self.beta)
        ends = self._ends(contrast, value, clusters)
        if self.found.virtual:
            ends = replace(ends, method=PRIOR)
        level, left_out = self.options.level, self.played.left_out
        return with_ends(value, ends, level=level, n=n, clusters=clusters, left_out=left_out)

    def _ends(self, contrast: Floats, value: float, clusters: int) -> Ends:
        if min(clusters, self.played.clusters) < MIN_CLUSTERS:
            return no_ends(TOO_FEW)
        if self.found.virtual:
            return no_ends(DIVIDED)
        if (np.abs(self.alone @ contrast) > ALONE).any():
            return no_ends("one cluster alone tells it")
        if len(self.draws):
            return self._percentiles(self.draws @ contrast)
        spread = float(np.sum((self.influence @ contrast) ** 2)) * (self.groups - 1) / self.groups
        half = t_quantile(self.options.level, clusters - 1) * spread**0.5
        if half <= NOISE * max(1.0, abs(value)):
            return no_ends(NO_WIDTH)
        return Ends(value - half, value + half, JACKKNIFE, error=spread**0.5)

    def _percentiles(self, values: Floats) -> Ends:
        defined = values[np.isfinite(values)]
        if len(defined) < 0.95 * len(values):
            return no_ends("resamples without a fit are more than 5%")
        tail = (1 - self.options.level) / 2
        low, high = (float(end) for end in np.quantile(defined, [tail, 1 - tail]))
        if high - low <= NOISE * max(1.0, abs(low), abs(high)):
            return no_ends(NO_WIDTH)
        draws = self.options.resamples
        error = float(defined.std(ddof=1))
        return Ends(low, high, f"bt-cluster-bootstrap-{draws}", error=error, draws=draws)


def _draws(played: Played, found: Solution, options: Options) -> Floats:
    """Refit on whole clusters drawn with replacement, by two Newton steps from the fit."""
    values = np.full((options.resamples, len(found.beta)), np.nan)
    for number, drawn in enumerate(draw(played.clusters, options.resamples, options.seed)):
        weights = found.rows.weights * np.concatenate([drawn, np.ones(found.virtual)])[found.members]
        beta = found.beta
        for _ in range(_STEPS):
            step = newton_step(found.rows, beta, weights)
            if step is None or not np.isfinite(step).all():
                break
            beta = beta + step
        else:
            values[number] = beta
    return values
