"""How often judges, metrics and the judges that read nothing decide pairs as the labels do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import groups, row, table
from evalhub.analysis.truth import label_criterion, truth
from evalhub.analysis.verdicts import pair_verdicts

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
NAMED = ("dataset", "label_criterion", "annotator_kind", "rater", "kind", "criterion", "reading", "statistic")

_PAIR = ["dataset", "item_id", "system_a", "system_b", "sample"]


@dataclass(frozen=True, slots=True)
class Rater:
    """Whoever decides pairs: a judge, a metric by the sign of its difference, or a trivial rule."""

    name: str
    kind: str
    criterion: str | None
    readings: dict[str, pd.Series]


def agreement(results: Results) -> pd.DataFrame:
    """Return accuracy and Cohen's kappa of every pairwise rater against the labels.

    One row per dataset, label criterion, kind of annotator, rater, reading and statistic. The
    readings of a judge are `combined` (both orders, in log-odds), `ab` and `ba` (the hard verdict
    of one order alone), and `length-penalised` where the run has a penalty. All raters see the
    same pairs: the labelled ones that a judge of the run was asked about, or all where none was.
    Labels that are a tie, where no judge may tie, are left out and counted.
    """
    labelled = _labelled(results)
    rows: list[dict[str, Any]] = []
    if len(labelled):
        verdicts = pair_verdicts(results)
        for key, group in groups(labelled, "dataset", "label_criterion", "annotator_kind"):
            rows += _rows(results, key, group.reset_index(drop=True), verdicts)
    return table(rows, NAMED)


def _rows(
    results: Results, key: tuple[str, ...], group: pd.DataFrame, verdicts: pd.DataFrame
) -> list[dict[str, Any]]:
    dataset, criterion, annotator_kind = key
    mine = _mine(results, verdicts, dataset, criterion)
    if len(mine):
        asked = mine[_PAIR].drop_duplicates()
        group = group.merge(asked, on=_PAIR, how="inner")
    ties = _ties_allowed(results, mine)
    labels = group["label_winner"].where(ties | (group["label_winner"] != "tie"), None)
    rows = []
    for rater in _raters(results, group, mine):
        for reading, said in rater.readings.items():
            for name, statistic in (("accuracy", stats.accuracy), ("kappa", stats.cohen_kappa)):
                estimate = statistic(said.tolist(), labels.tolist(), group["cluster"].tolist())
                rows.append(
                    row(
                        estimate,
                        dataset=dataset,
                        label_criterion=criterion,
                        annotator_kind=annotator_kind,
                        rater=rater.name,
                        kind=rater.kind,
                        criterion=rater.criterion,
                        reading=reading,
                        statistic=name,
                    )
                )
    return rows


def _labelled(results: Results) -> pd.DataFrame:
    """Return the labelled pairs with the length of both responses and the item's cluster."""
    labels = truth(results)
    pairs = labels[labels["label_winner"].notna()]
    lengths = results.sql(
        "SELECT dataset, item_id, system, sample, chars FROM responses WHERE failure IS NULL"
    )
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    side = ["dataset", "item_id", "sample"]
    for name in ("a", "b"):
        renamed = lengths.rename(columns={"system": f"system_{name}", "chars": f"chars_{name}"})
        pairs = pairs.merge(renamed, on=[*side, f"system_{name}"], how="left")
    return pairs.merge(clusters, on=["dataset", "item_id"], how="left").sort_values(_PAIR)


def _mine(results: Results, verdicts: pd.DataFrame, dataset: str, criterion: str) -> pd.DataFrame:
    """Return the pair verdicts whose criterion is held against this one."""
    fits = [
        d == dataset and label_criterion(results, j, d, c) == criterion
        for d, j, c in zip(verdicts["dataset"], verdicts["judge"], verdicts["criterion"], strict=True)
    ]
    return verdicts[fits] if len(verdicts) else verdicts


def _ties_allowed(results: Results, mine: pd.DataFrame) -> bool:
    """Whether any rater at hand may say tie; with no judge at all a tie can only be the labels'."""
    for (judge,), found in groups(mine, "judge"):
        rubric = results.rubric(judge)
        if rubric.ties if rubric else (found["winner"] == "tie").any():
            return True
    return False


def _raters(results: Results, group: pd.DataFrame, mine: pd.DataFrame) -> Iterator[Rater]:
    penalty = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
    columns = {"combined": "winner", "ab": "winner_ab", "ba": "winner_ba"}
    if penalty:
        columns["length-penalised"] = "winner_penalised"
    for (judge, criterion), found in groups(mine, "judge", "criterion"):
        joined = group[_PAIR].merge(found, on=_PAIR, how="left")
        recorded = (found["source"] == "recorded").all()
        readings = {
            reading: joined[column]
            for reading, column in columns.items()
            if reading == "combined" or joined[column].notna().any()
        }
        yield Rater(judge, "recorded judge" if recorded else "judge", criterion, readings)
    yield from _metric_raters(results, group)
    yield from _trivial_raters(group)


def _metric_raters(results: Results, group: pd.DataFrame) -> Iterator[Rater]:
    import numpy as np
    import pandas as pd

    scores = results.sql(
        "SELECT dataset, item_id, system, sample, metric, value FROM scores WHERE criterion IS NULL"
    )
    for (metric,), found in groups(scores, "metric"):
        joined = group[_PAIR]
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

    keys = ["\0".join(map(str, values)) for values in group[_PAIR].itertuples(index=False)]
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
        yield Rater(name, "trivial", None, {"combined": pd.Series(verdicts, dtype=object)})
