"""Judges side by side on labelled sets: all that is known of each, gathered from the tables that say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evalhub.analysis.agreement import agreement
from evalhub.analysis.bias import HARD, biases
from evalhub.analysis.calibration import calibration
from evalhub.analysis.correlation import LENGTH, correlations
from evalhub.analysis.cost import cost
from evalhub.analysis.coverage import coverage
from evalhub.analysis.results import Results
from evalhub.analysis.retest import retest
from evalhub.analysis.tidy import ESTIMATE_COLUMNS, rows_of, table
from evalhub.stats import Kind

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("dataset", "label_criterion", "annotator_kind", "rater", "kind", "criterion")
NAMED = ("run", *_ABOUT, "statistic")

STATISTICS = (
    "accuracy", "kappa", "spearman, pooled", "spearman, item", "spearman, system", "flip rate",
    "first position", "longer wins", "Brier", "Brier (recalibrated)", "test-retest agreement", "coverage",
    "label mass", "prompt tokens a judgment", "cached tokens a judgment", "generated tokens a judgment",
    "judgments a second",
)  # fmt: skip

_BIASES = {Kind.FLIPS: "flip rate", Kind.POSITION: "first position", Kind.LENGTH: "longer wins"}
_AGREEING = ("combined", "level")

Row = dict[str, Any]


def meta(runs: Sequence[Results]) -> pd.DataFrame:
    """Return every rater of some runs on every labelled criterion, with all that is known of it.

    Raters are judges, juries, recorded judges, metrics and the trivial ones. One row per run, dataset, label
    criterion, kind of annotator, rater and statistic; `STATISTICS` says in which order. What does not hang on
    the labels (flips, coverage, cost) stands beside each criterion that the judge is held against.
    """
    return table((row for results in runs for row in _of_run(results)), NAMED)


def _of_run(results: Results) -> Iterator[Row]:
    found = [*_agreeing(results), *_correlated(results), *_calibrated(results)]
    known = {tuple(row[name] for name in _ABOUT) for row in found}
    judged = {(about[0], about[3], about[5]): [] for about in known}  # type: ignore[var-annotated]
    for about in known:
        judged[about[0], about[3], about[5]].append(about)
    for row in _own(results, judged):
        found.append(row)
    order = {name: at for at, name in enumerate(STATISTICS)}
    found.sort(key=lambda row: ([str(row[name]) for name in _ABOUT], order.get(row["statistic"], len(order))))
    for row in found:
        yield {"run": results.run.id, **row}


def _agreeing(results: Results) -> Iterator[Row]:
    for row in rows_of(agreement(results)):
        if row["against"] == "labels" and row["reading"] in _AGREEING:
            yield _taken(row, {name: row[name] for name in _ABOUT}, row["statistic"])


def _correlated(results: Results) -> Iterator[Row]:
    """Yield how each rating, metric and the length go with the labels."""
    judges = _judges(results)
    for row in rows_of(correlations(results)):
        if row["x"] != "labels" or row["coefficient"] != "spearman" or row["y"].endswith(" (soft)"):
            continue
        judge, _, criterion = row["y"].partition(": ")
        kind = judges.get(judge, "trivial" if judge == LENGTH else "metric")
        about = {name: row[name] for name in ("dataset", "label_criterion", "annotator_kind")}
        own = criterion or _only_criterion(results, judge) or row["label_criterion"]
        rater = {"rater": judge, "kind": kind, "criterion": own if judge in judges else None}
        yield _taken(row, {**about, **rater}, f"spearman, {row['at']}")


def _calibrated(results: Results) -> Iterator[Row]:
    judges = _judges(results)
    for row in rows_of(calibration(results)):
        about = {**{name: row.get(name) for name in _ABOUT}, "kind": judges.get(row["rater"], "jury")}
        yield _taken(row, about, row["statistic"])


def _own(results: Results, judged: dict[tuple[Any, ...], list[tuple[Any, ...]]]) -> Iterator[Row]:
    """Yield what is known of a judge without labels, for every labelled criterion it is held against."""
    per_criterion = [
        *((row, _BIASES[row["bias"]]) for row in rows_of(biases(results)) if _is_rate(row)),
        *((row, row["statistic"]) for row in rows_of(retest(results))),
    ]
    per_judge = [(row, row["statistic"]) for frame in (coverage, cost) for row in rows_of(frame(results))]
    for (dataset, rater, criterion), abouts in judged.items():
        for about in abouts:
            named = dict(zip(_ABOUT, about, strict=True))
            for row, statistic in per_criterion:
                if (row["dataset"], row["judge"], row["criterion"]) == (dataset, rater, criterion):
                    yield _taken(row, named, statistic)
            for row, statistic in per_judge:
                if row["judge"] == rater:
                    yield _taken(row, named, statistic)


def _is_rate(row: Row) -> bool:
    return row["statistic"] == "rate" and row["reading"] == HARD and row["bias"] in _BIASES


def _taken(row: Row, about: Row, statistic: str) -> Row:
    return {**about, "statistic": statistic, **{name: row[name] for name in ESTIMATE_COLUMNS}}


def _judges(results: Results) -> dict[str, str]:
    """Return the kind of each judge of a run."""
    recorded = results.sql("SELECT DISTINCT judge FROM judgments WHERE source = 'recorded'")["judge"]
    juries = {jury["id"]: "jury" for jury in results.manifest.get("juries", ())}
    own = dict.fromkeys(results.manifest["judges"], "judge")
    return {**own, **juries, **dict.fromkeys(recorded, "recorded judge")}


def _only_criterion(results: Results, judge: str) -> str | None:
    rubric = results.rubric(judge)
    return next(iter(rubric.criteria)) if rubric and len(rubric.criteria) == 1 else None
