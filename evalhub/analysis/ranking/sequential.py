"""Sequential tests of pairs of systems: which one is ahead, valid at every interim look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, row, table, values
from evalhub.judging.early_stopping import PAIR, cluster_order, compare_sequentially
from evalhub.store import EarlyStopping

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (*PAIR, "decision", "stopped_at", "e_value", "p")


@cached_statistics
def sequential_tests(results: Results) -> pd.DataFrame:
    """Return the sequential test of every two systems that a judge compared in rounds.

    One row per dataset, judge, criterion and pair. The estimate is the win rate of `first`, in [0, 1], where
    a tie counts one half. Its confidence sequence holds at all looks and for all pairs of a dataset and
    criterion together.

    `decision` is the decision: first, second or open. `stopped_at` counts the clusters after which it was
    made (missing = open). `e_value` is the evidence at the last look against a win rate of one half: higher =
    stronger. `p` is valid at any look, for this pair alone.

    There are no rows for runs without `budget.early_stopping`, nor for datasets whose systems are anonymous.
    """
    plan = results.manifest.early_stopping
    frame = table(_rows(results, plan) if plan else (), COLUMNS)
    frame["stopped_at"] = frame["stopped_at"].astype("Int64")
    return frame


def _rows(results: Results, plan: EarlyStopping) -> Iterator[dict[str, Any]]:
    datasets = [name for name, card in results.cards.items() if not card.anonymous]
    verdicts = pair_verdicts(results)
    verdicts = verdicts[verdicts["judge"].isin(list(plan.seeds)) & verdicts["dataset"].isin(datasets)]
    for key, pair_rows in groups(verdicts, "dataset", "judge", "criterion", "system_a", "system_b"):
        dataset, judge, criterion, *_ = key
        places = [cluster_order(plan.seeds[judge], dataset, str(cluster)) for cluster in pair_rows["cluster"]]
        pair_rows = pair_rows.assign(place=places).sort_values(["place", "item_id", "sample"])
        confidence = plan.pair_confidence(dataset, judge, criterion)
        test = compare_sequentially(
            values(pair_rows["winner"]), pair_rows["cluster"].tolist(), confidence=confidence
        )
        yield row(
            test.mean,
            **dict(zip(PAIR, key, strict=True)),
            decision=test.decision.value,
            stopped_at=test.stopped_at,
            e_value=test.e_value,
            p=test.p,
        )
