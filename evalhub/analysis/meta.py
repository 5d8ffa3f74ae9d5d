"""Judges side by side on labelled sets: all that is known of each, gathered from the tables that say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evalhub.analysis.agreement.agreement import MACRO, agreement
from evalhub.analysis.agreement.calibration import calibration
from evalhub.analysis.agreement.correlation import correlations
from evalhub.analysis.agreement.retest import retest
from evalhub.analysis.bias.bias import HARD, biases
from evalhub.analysis.frames.responses import SOFT
from evalhub.analysis.results import Results
from evalhub.analysis.run.coverage import coverage_by_criterion
from evalhub.analysis.tables import ESTIMATE_COLUMNS, rows_of, table
from evalhub.specs.rater_names import LENGTH
from evalhub.stats import Kind

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("dataset", "label_criterion", "annotator_kind", "rater", "kind", "criterion")
NAMED = ("run", *_ABOUT, "statistic")

_BIASES = {
    (Kind.FLIPS, "rate"): "flip rate",
    (Kind.POSITION, "rate"): "first position",
    (Kind.LENGTH, "rate"): "longer wins",
    (Kind.LENGTH, "beyond people"): "longer wins, minus people",
    (Kind.POSITION, "effect"): "effect of position",
    (Kind.LENGTH, "effect"): "effect of length",
    (Kind.LENGTH, "effect beyond people"): "effect of length, minus people",
    (Kind.LISTS, "effect"): "effect of lists",
    (Kind.MARKDOWN, "effect"): "effect of Markdown",
}
STATISTICS = (
    "accuracy", "balanced accuracy", "kappa", "weighted kappa", *(name for name, _ in MACRO),
    "spearman, pooled", "spearman, item", "spearman, system",
    "spearman of expected scores, pooled", "spearman of expected scores, item",
    "spearman of expected scores, system",
    *_BIASES.values(),
    "Brier", "Brier (recalibrated)", "test-retest agreement", "coverage", "label mass",
)  # fmt: skip
_AGREEING = ("combined", "level")

Row = dict[str, Any]


def meta(runs: Sequence[Results]) -> pd.DataFrame:
    """Return every rater of some runs on every labelled criterion, with all that is known of it.

    Raters are judges, juries, recorded judges, metrics and the trivial ones. One row per run, dataset, label
    criterion, kind of annotator, rater and statistic; `STATISTICS` says in which order. What does not hang on
    the labels (biases, retest, coverage) stands beside each kind of label that the judge is held against; not
    in a run of attacks, where it would tell of the responses that are made up.
    """
    return table((row for results in runs for row in _of_run(results)), NAMED)


def _of_run(results: Results) -> Iterator[Row]:
    found = [*_agreeing(results), *_correlated(results), *_calibrated(results)]
    if "attack" not in results.manifest:
        found += _own(results, {tuple(row[name] for name in _ABOUT) for row in found})
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
        if row["x"] != "labels" or row["coefficient"] != "spearman":
            continue
        named = row["y"].removesuffix(SOFT)
        what = "spearman" if named == row["y"] else "spearman of expected scores"
        judge, _, criterion = named.partition(": ")
        kind = judges.get(judge, "trivial" if judge == LENGTH else "metric")
        about = {name: row[name] for name in ("dataset", "label_criterion", "annotator_kind")}
        own = criterion or _only_criterion(results, judge) or row["label_criterion"]
        rater = {"rater": judge, "kind": kind, "criterion": own if judge in judges else None}
        yield _taken(row, {**about, **rater}, f"{what}, {row['at']}")


def _calibrated(results: Results) -> Iterator[Row]:
    judges = _judges(results)
    for row in rows_of(calibration(results)):
        about = {**{name: row.get(name) for name in _ABOUT}, "kind": judges.get(row["rater"], "jury")}
        yield _taken(row, about, row["statistic"])


def _own(results: Results, known: set[tuple[Any, ...]]) -> Iterator[Row]:
    """Yield what is known of a judge without labels, for every labelled criterion it is held against."""
    told = [
        *((row, _BIASES[about]) for row in rows_of(biases(results)) if (about := _bias(row)) in _BIASES),
        *((row, row["statistic"]) for row in rows_of(retest(results))),
        *((row, row["statistic"]) for row in rows_of(coverage_by_criterion(results))),
    ]
    for about in known:
        named = dict(zip(_ABOUT, about, strict=True))
        for row, statistic in told:
            held = (row["dataset"], row["judge"], row["criterion"])
            if held == (named["dataset"], named["rater"], named["criterion"]):
                yield _taken(row, named, statistic)


def _bias(row: Row) -> tuple[str, str] | None:
    return (row["bias"], row["statistic"]) if row["reading"] == HARD else None


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
