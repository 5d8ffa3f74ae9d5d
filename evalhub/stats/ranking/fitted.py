"""A fitted Bradley-Terry model with each cluster's influence, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import NO_WIDTH, NOISE, SEED, TOO_FEW, Ends, no_ends, t_quantile, with_ends
from evalhub.stats.ranking.matches import Played
from evalhub.stats.ranking.strengths import Strengths, connected_systems, fit_strengths, influences

GROUPS = 2_000
PRIOR = "bt+prior"
JACKKNIFE = "bt-cluster-jackknife-t"
SEPARATED = "covariates predict verdicts perfectly (separation)"
DIVIDED = "the maximum lies at infinity: the prior decides, and no interval holds"
SINGLE_CLUSTER = 1e-6
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Unfitted:
    """The reason why there is no fit, in a few words."""

    reason: str


def fit_matches(played: Played) -> FittedStrengths | Unfitted:
    """Fit the strengths of the systems, with a prior where they have no finite maximum.

    Args:
        played: The matches.

    Returns:
        The fit, or why there is none.
    """
    if not played.systems:
        return Unfitted("nothing was measured")
    parts = connected_systems(played, strong=False)
    if len(parts) > 1:
        names = " | ".join(_names(played, part) for part in parts[:_SHOWN])
        return Unfitted(f"systems of {len(parts)} parts never meet: {names}{' | …' * (len(parts) > _SHOWN)}")
    strong = connected_systems(played, strong=True)
    strengths = fit_strengths(played, prior=len(strong) > 1)
    if strengths is None:
        return Unfitted(SEPARATED)
    return FittedStrengths(played, strengths, _divergence(played, strong) if len(strong) > 1 else None)


def _names(played: Played, numbers: list[int]) -> str:
    suffix = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return ", ".join(played.systems[number] for number in numbers[:_SHOWN]) + suffix


def _divergence(played: Played, groups: list[list[int]]) -> str:
    """Name the groups of systems that never lost to the others, or never won."""
    part = np.empty(len(played.systems), dtype=np.int64)
    for number, systems in enumerate(groups):
        part[systems] = number
    first, second = part[played.first], part[played.second]
    across = first != second
    up, down = across & (played.wins > 0), across & (played.wins < 1)
    beaten = set(second[up].tolist()) | set(first[down].tolist())
    beating = set(first[up].tolist()) | set(second[down].tolist())
    names = [_names(played, group) for group in groups]
    facts = [f"{group} never lost to the rest" for n, group in enumerate(names) if n not in beaten]
    facts += [f"{group} never won" for n, group in enumerate(names) if n not in beating]
    return f"the maximum lies at infinity: {'; '.join(facts)}; each system got one virtual tie"


class FittedStrengths:
    """Fitted strengths, centred, with the influences that their intervals need.

    Args:
        played: The matches.
        strengths: The maximum.
        reason: Why the likelihood has no maximum without a prior. None where it has one.
    """

    def __init__(self, played: Played, strengths: Strengths, reason: str | None) -> None:
        self.played, self.strengths, self.reason = played, strengths, reason
        self.size = len(played.systems)
        self.matches, self.entries = played.entries()
        self.beta = self._centred(strengths.beta)
        self.groups = min(played.clusters, GROUPS)
        self.influence = np.zeros((0, len(self.beta)))
        self.single_cluster = np.zeros((0, len(self.beta)))
        if played.clusters >= MIN_CLUSTERS:
            values, directions = influences(*self._grouped())
            self.influence, self.single_cluster = self._centred(values), self._centred(directions)

    def _centred(self, numbers: Floats) -> Floats:
        """Remove the extra player, and let the strengths of the systems sum to zero."""
        extra = slice(self.size, self.strengths.matches.players)
        centred = np.delete(numbers, extra, axis=-1)
        centred[..., : self.size] -= centred[..., : self.size].mean(axis=-1, keepdims=True)
        centred[..., self.size :] /= self.strengths.scales
        return centred

    def _grouped(self) -> tuple[Strengths, int]:
        """Assign the clusters to groups where they are too many to leave out one by one."""
        clusters, virtual = self.played.clusters, self.strengths.virtual
        if clusters <= GROUPS:
            return self.strengths, clusters + virtual
        groups = np.random.default_rng(SEED).permutation(clusters) % GROUPS
        groups = np.concatenate([groups, GROUPS + np.arange(virtual)])
        return replace(self.strengths, members=groups[self.strengths.members]), GROUPS + virtual

    def estimate(self, contrast: Floats, *, n: int, clusters: int) -> Estimate:
        """Return the estimate of a weighted sum of coefficients.

        Args:
            contrast: (S + k,) weight of each coefficient.
            n: Matches to state.
            clusters: Clusters to state. The degrees of freedom are one less.

        Returns:
            The estimate, in log-odds.
        """
        value = float(contrast @ self.beta)
        ends = self._ends(contrast, value, clusters)
        if self.strengths.virtual:
            ends = replace(ends, method=PRIOR)
        return with_ends(value, ends, n=n, clusters=clusters, n_excluded=self.played.n_excluded)

    def _ends(self, contrast: Floats, value: float, clusters: int) -> Ends:
        if min(clusters, self.played.clusters) < MIN_CLUSTERS:
            return no_ends(TOO_FEW)
        if self.strengths.virtual:
            return no_ends(DIVIDED)
        if (np.abs(self.single_cluster @ contrast) > SINGLE_CLUSTER).any():
            return no_ends("one cluster alone tells it")
        spread = float(np.sum((self.influence @ contrast) ** 2)) * (self.groups - 1) / self.groups
        half = t_quantile(CONFIDENCE, clusters - 1) * spread**0.5
        if half <= NOISE * max(1.0, abs(value)):
            return no_ends(NO_WIDTH)
        return Ends(value - half, value + half, JACKKNIFE, error=spread**0.5)
