"""When judging of a pair stops: interim looks at the verdicts so far, in a random order of the clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalhub import stats
from evalhub.records import digest
from evalhub.scales import Winner

PAIR = ("dataset", "judge", "criterion", "first", "second")

SETTLED = "judgments of pairs whose order was settled (budget.settled)"


def level_of_pair(told: Mapping[str, Any], dataset: str, judge: str, criterion: str) -> float:
    """Return the level of one pair, so that the whole order keeps the level that was asked for.

    Args:
        told: What the plan says of the looks: the level, and how many pairs make up each order.
        dataset: Id of the dataset.
        judge: Id of the judge.
        criterion: The rubric's criterion.

    Source: Bonferroni: the chances of a false alarm add up.

    Example:
        >>> told = {"level": 0.9, "together": {"j": {"d": {"c": 10}}}}
        >>> round(level_of_pair(told, "d", "j", "c"), 3)
        0.99
    """
    pairs = told["together"][judge][dataset][criterion]
    return float(1 - (1 - told["level"]) / pairs)


def look(winners: Sequence[str | None], clusters: Sequence[str], *, level: float) -> stats.Sequential:
    """Return where two systems stand after these verdicts; see `stats.sequential_comparison`.

    Args:
        winners: a, tie or b of each pair, in the order in which they are looked at; None = no verdict.
        clusters: Cluster of each.
        level: The chance of a false alarm is at most 1 - level, over all looks.
    """
    wins = [None if winner is None else Winner(winner).points for winner in winners]
    return stats.sequential_comparison(wins, clusters, bounds=(0.0, 1.0), options=stats.Options(level=level))


def drawn_place(seed: int, dataset: str, cluster: str) -> str:
    """Return the key by which a dataset's clusters are sorted into the random order of the looks.

    The order of some clusters does not hang on which others there are.
    """
    return digest(["looks", seed, dataset, cluster])
