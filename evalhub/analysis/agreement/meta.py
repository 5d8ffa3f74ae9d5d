"""Meta-evaluation: every statistic of every rater on labelled sets, collected from the other tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evalhub.analysis.agreement.agreement import MACRO, agreement
from evalhub.analysis.agreement.calibration import calibration
from evalhub.analysis.agreement.correlation import correlations
from evalhub.analysis.agreement.raters import BASELINE
from evalhub.analysis.agreement.retest import retest
from evalhub.analysis.bias.bias import HARD, biases
from evalhub.analysis.frames.responses import SOFT
from evalhub.analysis.results import Results
from evalhub.analysis.run.coverage import coverage_by_criterion
from evalhub.analysis.tables import ESTIMATE_COLUMNS, rows_of, table
from evalhub.judging import find_protocol
from evalhub.specs.rater_names import LENGTH
from evalhub.stats import BiasKind

if TYPE_CHECKING:
    import pandas as pd

_RATER_KEYS = ("dataset", "label_criterion", "annotator_kind", "rater", "rater_kind", "criterion")
KEYS = ("run", *_RATER_KEYS, "statistic")

_BIASES = {
    (BiasKind.FLIPS, "rate"): "flip rate",
    (BiasKind.POSITION, "rate"): "first position",
    (BiasKind.LENGTH, "rate"): "longer wins",
    (BiasKind.LENGTH, "beyond people"): "longer wins, minus people",
    (BiasKind.POSITION, "effect"): "effect of position",
    (BiasKind.LENGTH, "effect"): "effect of length",
    (BiasKind.LENGTH, "effect beyond people"): "effect of length, minus people",
    (BiasKind.LISTS, "effect"): "effect of lists",
    (BiasKind.MARKDOWN, "effect"): "effect of Markdown",
}
STATISTICS = (
    "accuracy", "balanced accuracy", "kappa", "weighted kappa", *(name for name, _ in MACRO),
    "spearman, pooled", "spearman, item", "spearman, system",
    "spearman of expected scores, pooled", "spearman of expected scores, item",
    "spearman of expected scores, system",
    *_BIASES.values(),
    "Brier", "Brier (recalibrated)", "test-retest agreement", "coverage", "choice mass",
)  # fmt: skip
_MAIN_READINGS = ("combined", "level")

Row = dict[str, Any]


def meta(runs: Sequence[Results]) -> pd.DataFrame:
    """Return every statistic of every rater of some runs, on every labelled criterion.

    Raters are judges, juries, recorded judges, metrics and baseline judges. One row per run, dataset, label
    criterion, kind of annotator, rater and statistic, in the order of `STATISTICS`. Statistics that need no
    labels (biases, retest, coverage) are repeated for each kind of label with which the judge is compared. A
    run of attacks has none of these, because its judgments are also of made-up responses.
    """
    return table((row for results in runs for row in _run_rows(results)), KEYS)


def _run_rows(results: Results) -> Iterator[Row]:
    rows = [*_agreement_rows(results), *_correlation_rows(results), *_calibration_rows(results)]
    if not results.is_attack:
        rows += _label_free_rows(results, {tuple(row[name] for name in _RATER_KEYS) for row in rows})
    order = {name: place for place, name in enumerate(STATISTICS)}
    rows.sort(
        key=lambda row: ([str(row[name]) for name in _RATER_KEYS], order.get(row["statistic"], len(order)))
    )
    for row in rows:
        yield {"run": results.run.id, **row}


def _agreement_rows(results: Results) -> Iterator[Row]:
    for row in rows_of(agreement(results)):
        if row["reference_rater"] == "labels" and row["reading"] in _MAIN_READINGS:
            yield _meta_row(row, {name: row[name] for name in _RATER_KEYS}, row["statistic"])


def _correlation_rows(results: Results) -> Iterator[Row]:
    """Yield the correlations of ratings, metrics and the length with the labels."""
    kinds = _judge_kinds(results)
    for row in rows_of(correlations(results)):
        if row["first"] != "labels" or row["coefficient"] != "spearman":
            continue
        column = row["second"].removesuffix(SOFT)
        statistic = "spearman" if column == row["second"] else "spearman of expected scores"
        name, _, criterion = column.partition(": ")
        criterion = criterion or _only_criterion(results, name) or row["label_criterion"]
        keys = {
            **{key: row[key] for key in ("dataset", "label_criterion", "annotator_kind")},
            "rater": name,
            "rater_kind": kinds.get(name, BASELINE if name == LENGTH else "metric"),
            "criterion": criterion if name in kinds else None,
        }
        yield _meta_row(row, keys, f"{statistic}, {row['granularity']}")


def _calibration_rows(results: Results) -> Iterator[Row]:
    kinds = _judge_kinds(results)
    for row in rows_of(calibration(results)):
        keys = {
            **{name: row.get(name) for name in _RATER_KEYS},
            "rater_kind": kinds.get(row["rater"], "jury"),
        }
        yield _meta_row(row, keys, row["statistic"])


def _label_free_rows(results: Results, raters: set[tuple[Any, ...]]) -> Iterator[Row]:
    """Yield the statistics that need no labels, for every rater and labelled criterion.

    Args:
        results: The run.
        raters: The values of `_RATER_KEYS` of each rater.
    """
    if not raters:
        return
    statistics = [
        *((row, _BIASES[bias]) for row in rows_of(biases(results)) if (bias := _bias(row)) in _BIASES),
        *((row, row["statistic"]) for row in rows_of(retest(results))),
        *((row, row["statistic"]) for row in rows_of(coverage_by_criterion(results))),
    ]
    for rater in raters:
        keys = dict(zip(_RATER_KEYS, rater, strict=True))
        for row, statistic in statistics:
            judge = (row["dataset"], row["judge"], row["criterion"])
            if judge == (keys["dataset"], keys["rater"], keys["criterion"]):
                yield _meta_row(row, keys, statistic)


def _bias(row: Row) -> tuple[str, str] | None:
    return (row["bias"], row["statistic"]) if row["reading"] == HARD else None


def _meta_row(row: Row, keys: Row, statistic: str) -> Row:
    return {**keys, "statistic": statistic, **{name: row[name] for name in ESTIMATE_COLUMNS}}


def _judge_kinds(results: Results) -> dict[str, str]:
    """Return the kind of each judge of a run, by the judge's id."""
    recorded = results.sql("SELECT DISTINCT judge FROM judgments WHERE source = 'recorded'")["judge"]
    juries = {jury.id: "jury" for jury in results.juries}
    run_judges = dict.fromkeys(results.judges, "judge")
    return {**run_judges, **juries, **dict.fromkeys(recorded, "recorded judge")}


def _only_criterion(results: Results, judge: str) -> str | None:
    rubric = results.rubric(judge)
    if rubric and rubric.has_item_criteria:
        return find_protocol(rubric.protocol).total
    return next(iter(rubric.criteria)) if rubric and len(rubric.criteria) == 1 else None
