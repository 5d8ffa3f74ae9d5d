"""Whoever decides pairs: judges, metrics by the sign of their difference, and rules that read nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.correlation import METRICS
from evalhub.analysis.juries import kind_of_judge
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import groups

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
PAIR = ["dataset", "item_id", "system_a", "system_b", "sample"]
TRIVIAL = "trivial"


@dataclass(frozen=True, slots=True)
class Rater:
    """One who decides pairs; `readings` holds a verdict (a, tie, b, None) per pair under each name."""

    name: str
    kind: str
    criterion: str | None
    readings: dict[str, pd.Series]


def raters(results: Results, group: pd.DataFrame, mine: pd.DataFrame) -> Iterator[Rater]:
    """Yield everyone who decides the pairs of a group, the judges first.

    Args:
        results: The run.
        group: The pairs: the columns of `PAIR`, chars_a and chars_b, indexed from 0.
        mine: The judges' verdicts of these pairs, as `pair_verdicts` returns them.
    """
    penalty = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
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
        yield Rater(judge, kind_of_judge(found), criterion, readings)
    yield from _metric_raters(results, group)
    yield from _trivial_raters(group)


def _metric_raters(results: Results, group: pd.DataFrame) -> Iterator[Rater]:
    import numpy as np
    import pandas as pd

    for (metric,), found in groups(results.sql(METRICS), "metric"):
        joined = group[PAIR]
        for name in ("a", "b"):
            renamed = found.rename(columns={"system": f"system_{name}", "value": name}).drop(columns="metric")
            on = ["dataset", "item_id", f"system_{name}", "sample"]
            joined = joined.merge(renamed[[*on, name]], on=on, how="left")
        difference = (joined["a"].astype(float) - joined["b"].astype(float)).round(12)
        said = pd.Series(np.sign(difference)).map({1.0: "a", 0.0: "tie", -1.0: "b"})
        if said.notna().any():
            yield Rater(
                str(metric), "metric", None, {"combined": said.astype(object).where(said.notna(), None)}
            )


def _trivial_raters(group: pd.DataFrame) -> Iterator[Rater]:
    import pandas as pd

    keys = ["\0".join(map(str, values)) for values in group[PAIR].itertuples(index=False)]
    systems = [f"{a}|{b}" for a, b in zip(group["system_a"], group["system_b"], strict=True)]
    shown = stats.balanced_orders(keys, systems, seed=SEED)
    lengths = [
        [None if pd.isna(value) else int(value) for value in group[name]] for name in ("chars_a", "chars_b")
    ]
    said = {
        "always-first": stats.always_first(shown),
        "coin": stats.coin(keys, seed=SEED),
        "longer": stats.longer(*lengths),
    }
    for name, verdicts in said.items():
        yield Rater(name, TRIVIAL, None, {"combined": pd.Series(verdicts, dtype=object)})
