"""Whoever decides pairs: judges, metrics by the sign of their difference, and rules that read nothing."""

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
TRIVIAL = "trivial"
UNPARSED = "unparsed"
ORDERS = ("ab", "ba")


@dataclass(frozen=True, slots=True)
class Rater:
    """One who decides pairs; `readings` holds a verdict (a, tie, b, None) per pair under each name.

    `wrong` marks the pairs without a verdict that count as wrong when held against labels; `ties` says
    whether it may say tie: labels that are a tie are no fault of one who may not.
    """

    name: str
    kind: str
    criterion: str | None
    readings: dict[str, pd.Series]
    ties: bool
    wrong: pd.Series | None = None

    def against_labels(self, reading: str) -> pd.Series:
        """Return a reading as it is held against labels: no label is ever `UNPARSED`."""
        said = self.readings[reading]
        return said if self.wrong is None or reading in ORDERS else said.mask(self.wrong, UNPARSED)


def raters(results: Results, group: pd.DataFrame, mine: pd.DataFrame) -> Iterator[Rater]:
    """Yield everyone who decides the pairs of a group, the judges first.

    Args:
        results: The run.
        group: The pairs: the columns of `PAIR`, chars_a and chars_b, indexed from 0.
        mine: The judges' verdicts of these pairs, as `pair_verdicts` returns them.
    """
    penalty = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
    ties = may_tie(results, mine)
    columns = {"combined": "winner", "ab": "winner_ab", "ba": "winner_ba"}
    if penalty:
        columns["length-penalised"] = "winner_penalised"
    for (judge, criterion), found in groups(mine, "judge", "criterion"):
        joined = group[PAIR].merge(found, on=PAIR, how="left")
        readings = {
            reading: joined[column]
            for reading, column in columns.items()
            if reading == "combined" or joined[column].notna().any()
        }
        failed = joined["askings"].notna() & joined["winner"].isna()
        wrong = failed if counts_as_wrong(results, str(found["dataset"].iat[0]), judge) else None
        yield Rater(judge, kind_of_judge(found), criterion, readings, ties[judge], wrong)
    yield from _metric_raters(results, group, ties=any(ties.values()))
    yield from _trivial_raters(group, ties=any(ties.values()))


def _metric_raters(results: Results, group: pd.DataFrame, *, ties: bool) -> Iterator[Rater]:
    import numpy as np
    import pandas as pd

    if group.empty:
        return
    dataset = str(group["dataset"].iat[0])
    directions = Directions(results)
    scores = metric_scores(results, dataset)
    for (metric,), found in groups(scores, "metric"):
        higher = directions.of_metric(dataset, metric)
        if higher is None:
            continue
        joined = group[PAIR]
        for name in ("a", "b"):
            renamed = found.rename(columns={"system": f"system_{name}", "value": name}).drop(columns="metric")
            on = ["dataset", "item_id", f"system_{name}", "sample"]
            joined = joined.merge(renamed[[*on, name]], on=on, how="left")
        difference = (joined["a"].astype(float) - joined["b"].astype(float)).round(12)
        difference = difference if higher else -difference
        said = pd.Series(np.sign(difference)).map({1.0: "a", 0.0: "tie", -1.0: "b"})
        if said.notna().any():
            readings = {"combined": said.astype(object).where(said.notna(), None)}
            yield Rater(str(metric), "metric", None, readings, ties)


def _trivial_raters(group: pd.DataFrame, *, ties: bool) -> Iterator[Rater]:
    import pandas as pd

    keys = ["\0".join(map(str, values)) for values in group[PAIR].itertuples(index=False)]
    systems = [f"{a}|{b}" for a, b in zip(group["system_a"], group["system_b"], strict=True)]
    shown = stats.balanced_orders(keys, systems, seed=SEED)
    lengths = [
        [None if pd.isna(value) else int(value) for value in group[name]] for name in ("chars_a", "chars_b")
    ]
    verdicts_of_all = (stats.always_first(shown), stats.coin(keys, seed=SEED), stats.longer(*lengths))
    for name, verdicts in zip(BASELINE_JUDGES, verdicts_of_all, strict=True):
        yield Rater(name, TRIVIAL, None, {"combined": pd.Series(verdicts, dtype=object)}, ties)
