"""Who is ahead of whom, where judging stopped as soon as that was settled: valid at every look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import groups, row, table, values
from evalhub.analysis.verdicts import pair_verdicts
from evalhub.records import digest

if TYPE_CHECKING:
    import pandas as pd

PAIR = ("dataset", "judge", "criterion", "first", "second")
NAMED = (*PAIR, "standing", "stopped_at", "e_value", "p")

SETTLED = "judgments of pairs whose order was settled (budget.settled)"

EARLY = "judging stopped where the order was settled, sooner for some pairs; read the table Settled"

_WIN = {"a": 1.0, "tie": 0.5, "b": 0.0}


def settled(results: Results) -> pd.DataFrame:
    """Return, for every two systems that a judge compared in rounds, who is ahead, once that is settled.

    One row per dataset, judge, criterion and pair. The estimate is the win rate of `first` in [0, 1] (a tie
    counts one half) with its confidence sequence, which holds at all looks and for all pairs of the order
    together. `standing` is first, second or open, `stopped_at` the clusters after which the order was settled
    (missing = open), `e_value` the evidence at the last look, `p` valid at any look, of this pair alone. No
    rows for runs without `budget.settled`, nor of datasets whose systems are anonymous.
    """
    told = results.manifest.get("settled")
    rows = _rows(results, told) if told else []
    frame = table(rows, NAMED)
    frame["stopped_at"] = frame["stopped_at"].astype("Int64")
    return frame


def stopped_early(results: Results, dataset: str, rater: str, criterion: str | None) -> str | None:
    """Say why what a judge said in all does not rank the systems: it was asked less of some pairs.

    Args:
        results: The run.
        dataset: Id of the dataset.
        rater: Id of the judge, metric or labels.
        criterion: The rubric's criterion.

    Returns:
        The reason, where one pair or more was settled; None otherwise.
    """
    pairs = (results.manifest.get("settled") or {}).get("pairs", ())
    about = (dataset, rater, criterion)
    early = any((pair["dataset"], pair["judge"], pair["criterion"]) == about for pair in pairs)
    return EARLY if early else None


def _rows(results: Results, told: dict[str, Any]) -> list[dict[str, Any]]:
    named = [name for name, card in results.manifest["cards"].items() if not card.get("anonymous")]
    pairs = pair_verdicts(results)
    pairs = pairs[pairs["judge"].isin(list(told["seeds"])) & pairs["dataset"].isin(named)]
    rows = []
    for key, found in groups(pairs, "dataset", "judge", "criterion", "system_a", "system_b"):
        dataset, judge = key[:2]
        seed = told["seeds"][judge]
        places = [drawn_place(seed, dataset, str(cluster)) for cluster in found["cluster"]]
        found = found.assign(place=places).sort_values(["place", "item_id", "sample"])
        level = level_of_pair(told, dataset, judge, key[2])
        seen = look(values(found["winner"]), found["cluster"].tolist(), level=level)
        about = {**dict(zip(PAIR, key, strict=True)), "standing": seen.standing.value}
        rows.append(row(seen.mean, **about, stopped_at=seen.stopped_at, e_value=seen.e_value, p=seen.p))
    return rows


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
    wins = [None if winner is None else _WIN[winner] for winner in winners]
    return stats.sequential_comparison(wins, clusters, bounds=(0.0, 1.0), level=level)


def drawn_place(seed: int, dataset: str, cluster: str) -> str:
    """Return the key by which a dataset's clusters are sorted into the random order of the looks.

    The order of some clusters does not hang on which others there are.
    """
    return digest(["looks", seed, dataset, cluster])
