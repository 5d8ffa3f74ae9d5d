"""When judging of a pair of systems stops early: a sequential test on its verdicts so far.

The clusters are tested in a random order that a seed fixes.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalhub import stats
from evalhub.records import digest
from evalhub.scales import Winner

PAIR = ("dataset", "judge", "criterion", "first", "second")

STOPPED = "judgments of pairs whose order was settled (budget.early_stopping)"


def compare_sequentially(
    winners: Sequence[str | None], clusters: Sequence[str], *, confidence: float
) -> stats.Sequential:
    """Return the state of the sequential test of two systems. See `stats.sequential_comparison`.

    Args:
        winners: a, tie or b of each pair of responses, in the order of the test. None is no verdict.
        clusters: Cluster of each pair.
        confidence: The chance of a false alarm is at most 1 - confidence, over all looks together.
    """
    wins = [None if winner is None else Winner(winner).points for winner in winners]
    return stats.sequential_comparison(wins, clusters, bounds=(0.0, 1.0), confidence=confidence)


def cluster_order(seed: int, dataset: str, cluster: str) -> str:
    """Return the key that sorts a dataset's clusters into the random order of the test.

    The order of two clusters does not depend on the other clusters.
    """
    return digest(["looks", seed, dataset, cluster])
