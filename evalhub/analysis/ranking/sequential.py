"""Who is ahead of whom, where judging stopped as soon as that was settled: valid at every look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table, values
from evalhub.judging.early_stopping import PAIR, cluster_order, compare_sequentially, pair_confidence

if TYPE_CHECKING:
    import pandas as pd

NAMED = (*PAIR, "standing", "stopped_at", "e_value", "p")


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


def _rows(results: Results, told: dict[str, Any]) -> list[dict[str, Any]]:
    named = [name for name, card in results.manifest["cards"].items() if not card.get("anonymous")]
    pairs = pair_verdicts(results)
    pairs = pairs[pairs["judge"].isin(list(told["seeds"])) & pairs["dataset"].isin(named)]
    rows = []
    for key, found in groups(pairs, "dataset", "judge", "criterion", "system_a", "system_b"):
        dataset, judge = key[:2]
        seed = told["seeds"][judge]
        places = [cluster_order(seed, dataset, str(cluster)) for cluster in found["cluster"]]
        found = found.assign(place=places).sort_values(["place", "item_id", "sample"])
        level = pair_confidence(told, dataset, judge, key[2])
        seen = compare_sequentially(values(found["winner"]), found["cluster"].tolist(), level=level)
        about = {**dict(zip(PAIR, key, strict=True)), "standing": seen.standing.value}
        rows.append(row(seen.mean, **about, stopped_at=seen.stopped_at, e_value=seen.e_value, p=seen.p))
    return rows
