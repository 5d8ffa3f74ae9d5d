"""The raters of pairs: judges, metrics by the sign of their difference, and baseline judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.judges import counts_as_wrong, kind_of_judge, may_tie
from evalhub.analysis.frames.responses import metric_scores
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, groups
from evalhub.specs.rater_names import BASELINE_JUDGES

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
BASELINE = "baseline"
"""The kind of the baseline judges, which decide a pair without reading it."""
UNPARSED = "unparsed"
ORDERS = ("ab", "ba")


@dataclass(frozen=True, slots=True)
class Rater:
    """A rater of pairs.

    Attributes:
        name: Id of the judge or metric.
        kind: Kind of rater, such as "judge" or "metric".
        criterion: The judge's criterion. None for metrics and baseline judges.
        readings: A column of verdicts (a, tie, b or None, one per pair) by the name of the reading.
        ties: Whether the rater may give a tie. If not, labels that are a tie are left out.
        wrong: Marks pairs without a verdict that count as wrong when compared with labels.
    """

    name: str
    kind: str
    criterion: str | None
    readings: dict[str, pd.Series]
    ties: bool
    wrong: pd.Series | None = None

    def against_labels(self, reading: str) -> pd.Series:
        """Return a reading for the comparison with labels. A verdict `UNPARSED` never equals a label."""
        verdicts = self.readings[reading]
        if self.wrong is None or reading in ORDERS:
            return verdicts
        return verdicts.astype("str").mask(self.wrong, UNPARSED)


def raters(results: Results, group: pd.DataFrame, verdicts: pd.DataFrame) -> Iterator[Rater]:
    """Yield the raters of the pairs of a group: judges, then metrics, then baseline judges.

    Args:
        results: The run.
        group: The pairs, with the columns of `PAIR`, chars_a and chars_b, indexed from 0.
        verdicts: The judges' verdicts of these pairs, as `pair_verdicts` returns them.
    """
    ties = may_tie(results, verdicts)
    columns = {"combined": "winner", "ab": "winner_ab", "ba": "winner_ba"}
    if results.length_penalty:
        columns["length-penalised"] = "winner_penalised"
    for (judge, criterion), judge_verdicts in groups(verdicts, "judge", "criterion"):
        joined = group[PAIR].merge(judge_verdicts, on=PAIR, how="left")
        readings = {
            reading: joined[column]
            for reading, column in columns.items()
            if reading == "combined" or joined[column].notna().any()
        }
        failed = joined["askings"].notna() & joined["winner"].isna()
        wrong = failed if counts_as_wrong(results, str(judge_verdicts["dataset"].iat[0]), judge) else None
        yield Rater(judge, kind_of_judge(judge_verdicts), criterion, readings, ties[judge], wrong)
    yield from _metric_raters(results, group, ties=any(ties.values()))
    yield from _baseline_raters(group, ties=any(ties.values()))


def _metric_raters(results: Results, group: pd.DataFrame, *, ties: bool) -> Iterator[Rater]:
    import numpy as np
    import pandas as pd

    if group.empty:
        return
    dataset = str(group["dataset"].iat[0])
    directions = Directions(results)
    scores = metric_scores(results, dataset)
    for (metric,), of_metric in groups(scores, "metric"):
        higher = directions.of_metric(dataset, metric)
        if higher is None:
            continue
        joined = group[PAIR]
        for name in ("a", "b"):
            side = of_metric.rename(columns={"system": f"system_{name}", "value": name})
            on = ["dataset", "item_id", f"system_{name}", "sample"]
            joined = joined.merge(side[[*on, name]], on=on, how="left")
        difference = (joined["a"].astype(float) - joined["b"].astype(float)).round(12)
        difference = difference if higher else -difference
        winners = pd.Series(np.sign(difference)).map({1.0: "a", 0.0: "tie", -1.0: "b"})
        if winners.notna().any():
            readings = {"combined": winners.astype(object).where(winners.notna(), None)}
            yield Rater(str(metric), "metric", None, readings, ties)


def _baseline_raters(group: pd.DataFrame, *, ties: bool) -> Iterator[Rater]:
    import pandas as pd

    keys = ["\0".join(map(str, values)) for values in group[PAIR].itertuples(index=False)]
    systems = [f"{a}|{b}" for a, b in zip(group["system_a"], group["system_b"], strict=True)]
    shown = stats.balanced_orders(keys, systems, seed=SEED)
    lengths = [
        [None if pd.isna(value) else int(value) for value in group[name]] for name in ("chars_a", "chars_b")
    ]
    verdicts_of_all = (stats.always_first(shown), stats.coin(keys, seed=SEED), stats.longer(*lengths))
    for name, verdicts in zip(BASELINE_JUDGES, verdicts_of_all, strict=True):
        yield Rater(name, BASELINE, None, {"combined": pd.Series(verdicts, dtype=object)}, ties)
