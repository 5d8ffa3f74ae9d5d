"""Which system is better: win rates, mean scores and metrics, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table, values
from evalhub.analysis.truth import criteria, truth
from evalhub.analysis.verdicts import pair_verdicts, ratings
from evalhub.scales import Scale

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "system", "rater", "kind", "criterion", "measure")

Row = dict[str, Any]

_ORDER = ("dataset", "kind", "rater", "criterion", "measure", "system")


def leaderboard(results: Results) -> pd.DataFrame:
    """Return every number that ranks a system, one row each.

    Measures: `win rate` (a tie counts half) and `win rate (soft)` against the other systems that
    the judge compared it with, `mean score` and `mean score (soft)`, the same after the length
    penalty where the run has one, the mean of each metric, and the mean label or the win rate
    that people gave. Datasets whose systems are anonymous are not ranked, nor is a run of attacks.
    """
    attacked = "attack" in results.manifest
    anonymous = {
        name for name, card in results.manifest["cards"].items() if attacked or card.get("anonymous")
    }
    rows = [
        found
        for part in (_win_rates, _mean_scores, _metrics, _labels)
        for found in part(results)
        if found["dataset"] not in anonymous
    ]
    rows.sort(key=lambda found: [str(found[name]) for name in _ORDER])
    return table(rows, NAMED)


def _win_rates(results: Results) -> Iterator[Row]:
    pairs = pair_verdicts(results)
    penalised = _has_penalty(results)
    for (dataset, judge, criterion), found in groups(pairs, "dataset", "judge", "criterion"):
        sides = _sides(found)
        for (system,), mine in groups(sides, "system"):
            named = {
                "dataset": dataset, "system": system, "rater": judge, "kind": "judge", "criterion": criterion,
            }  # fmt: skip
            clusters = mine["cluster"].tolist()
            hard = stats.win_rate(values(mine["winner"]), clusters, side=mine["side"].tolist())
            yield row(hard, **named, measure="win rate")
            if mine["p"].notna().any():
                yield row(
                    stats.soft_win_rate(floats(mine["p"]), clusters), **named, measure="win rate (soft)"
                )
            if penalised:
                after = stats.win_rate(values(mine["winner_penalised"]), clusters, side=mine["side"].tolist())
                yield row(after, **named, measure="win rate (length-penalised)")


def _sides(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return each pair twice, once as each of its systems sees it."""
    import pandas as pd

    a = pairs.assign(system=pairs["system_a"], side="a", p=pairs["p_a"])
    b = pairs.assign(system=pairs["system_b"], side="b", p=1 - pairs["p_a"])
    return pd.concat([a, b], ignore_index=True)


def _mean_scores(results: Results) -> Iterator[Row]:
    rated = ratings(results)
    measures = {"mean score": "value", "mean score (soft)": "expected"}
    if _has_penalty(results):
        measures["mean score (length-penalised)"] = "value_penalised"
    for (dataset, judge, criterion), found in groups(rated, "dataset", "judge", "criterion"):
        bounds = _bounds(_judge_scale(results, judge, criterion))
        for (system,), mine in groups(found, "system"):
            for measure, column in measures.items():
                if column != "value" and not mine[column].notna().any():
                    continue
                estimate = stats.mean_score(
                    floats(mine[column]),
                    mine["cluster"].tolist(),
                    bounds=None if column == "value_penalised" else bounds,
                )
                yield row(
                    estimate, dataset=dataset, system=system, rater=judge, kind="judge",
                    criterion=criterion, measure=measure,
                )  # fmt: skip


def _metrics(results: Results) -> Iterator[Row]:
    scores = results.sql(
        "SELECT s.*, i.cluster FROM scores s "
        "JOIN items i USING (dataset, item_id) WHERE s.criterion IS NULL ORDER BY ALL"
    )
    for (dataset, metric, system), found in groups(scores, "dataset", "metric", "system"):
        bounds = results.manifest.get("metrics", {}).get(metric, {}).get("bounds")
        estimate = stats.mean_score(
            floats(found["value"]), found["cluster"].tolist(), bounds=tuple(bounds) if bounds else None
        )
        yield row(
            estimate, dataset=dataset, system=system, rater=metric, kind="metric", criterion=None,
            measure=metric,
        )  # fmt: skip


def _labels(results: Results) -> Iterator[Row]:
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    labels = truth(results).merge(clusters, on=["dataset", "item_id"])
    specs = criteria(results)
    for (dataset, criterion, kind), found in groups(labels, "dataset", "label_criterion", "annotator_kind"):
        named = {"dataset": dataset, "rater": f"{kind} labels", "kind": "labels", "criterion": criterion}
        rated = found[found["label_value"].notna()]
        spec = specs[dataset, criterion]
        bounds = _bounds(spec.scale, spec.range)
        for (system,), mine in groups(rated, "system"):
            estimate = stats.mean_score(floats(mine["label_value"]), mine["cluster"].tolist(), bounds=bounds)
            yield row(estimate, **named, system=system, measure="mean label")
        compared = found[found["label_winner"].notna()]
        sides = _sides(compared.assign(p_a=0.5))
        for (system,), mine in groups(sides, "system"):
            estimate = stats.win_rate(
                mine["label_winner"].tolist(), mine["cluster"].tolist(), side=mine["side"].tolist()
            )
            yield row(estimate, **named, system=system, measure="win rate")


def _judge_scale(results: Results, judge: str, criterion: str) -> Scale | None:
    """Return the scale that a judge of the run used; None for a recorded judge."""
    rubric = results.rubric(judge)
    return rubric.scale_for(criterion) if rubric else None


def _bounds(scale: Scale | None, given: tuple[float, float] | None = None) -> tuple[float, float] | None:
    if given or scale is None:
        return given
    return min(scale.values), max(scale.values)


def _has_penalty(results: Results) -> bool:
    return bool(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
