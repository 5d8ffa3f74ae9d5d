"""Agreement and correlation as grids: raters against labels, and with each other."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from evalhub.analysis.frames.responses import SOFT
from evalhub.report.format import Footnotes, Grid, Row, grouped, interval, pivot, visible
from evalhub.report.grids.columns import Data
from evalhub.report.grids.raters import ORDERS, judged_twice, rater_order, row_name
from evalhub.specs.rater_names import LENGTH
from evalhub.stats import Granularity
from evalhub.texts import count

GRANULARITIES = tuple(Granularity)

_LABELLED = ("dataset", "label_criterion", "annotator_kind")
_STATISTICS = ("accuracy", "Cohen's kappa", "n", "left out")


def agreement_grids(data: Data, notes: Footnotes, *, readings: bool = True) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: judges, metrics and baseline judges against the labels.

    Args:
        data: As `report_data` returns it.
        notes: Takes the reasons of what is absent.
        readings: Whether each single order of a judge has its own line.
    """
    shown = [row for row in data["agreement"] if row["reference_rater"] == "labels"]
    shown = [row for row in shown if readings or row["reading"] not in ORDERS]
    for key, rows in grouped(shown, *_LABELLED):
        rows.sort(key=rater_order)
        several = judged_twice(rows)
        lines = tuple(
            (row_name(statistics[0], several), kind, *_statistics(statistics, notes))
            for (_, kind, _, _), statistics in grouped(rows, "rater", "rater_kind", "criterion", "reading")
        )
        yield Grid(_title(key), ("rater", "kind", *_STATISTICS), lines, 2)


def _title(key: Sequence[str], compared: str = "") -> str:
    dataset, criterion, kind = key
    return f"{dataset} · {criterion} · {compared}{kind} labels"


def _statistics(rows: Sequence[Row], notes: Footnotes) -> tuple[str, ...]:
    accuracy, kappa = (
        next(row for row in rows if row["statistic"] == name) for name in ("accuracy", "kappa")
    )
    sizes = (count(accuracy["n"]), count(accuracy["n_excluded"]))
    return interval(accuracy, notes), interval(kappa, notes), *sizes


def with_each_other(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield how far judges and metrics agree among themselves: on pairs, then on ratings."""
    pairs = [row for row in data["agreement"] if row["reference_rater"] != "labels"]
    for key, rows in grouped(pairs, *_LABELLED):
        several = judged_twice(rows)
        lines = tuple(
            (row_name(statistics[0], several), visible(other), *_statistics(statistics, notes))
            for (_, _, other), statistics in grouped(rows, "rater", "criterion", "reference_rater")
        )
        yield Grid(_title(key, "pairs with "), ("rater", "with", *_STATISTICS), lines, 2)
    metrics = metric_names(data)
    shown = [
        row for row in data["correlations"] if row["second"] in metrics and _is_judge(row["first"], metrics)
    ]
    for key, rows in grouped(shown, *_LABELLED):
        names = {"first": "judge", "second": "metric", "coefficient": "coefficient"}
        yield _by_level(rows, notes, title=_title(key, "responses with "), names=names)


def metric_names(data: Data) -> set[str]:
    """Return the names of a run's metrics, also where no system is ranked by them."""
    ranked = {row["rater"] for row in data["leaderboard"] if row["rater_kind"] == "metric"}
    return ranked.union(data["metrics"])


def _is_judge(column: str, metrics: Container[str]) -> bool:
    """Return whether a column of ratings side by side holds a judge's plain levels."""
    return column not in ("labels", LENGTH) and column not in metrics and not column.endswith(SOFT)


def correlation_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: the labels with each rating, metric and the length."""
    with_labels = [row for row in data["correlations"] if row["first"] == "labels"]
    names = {"second": "with the labels", "coefficient": "coefficient"}
    for key, rows in grouped(with_labels, *_LABELLED):
        yield _by_level(rows, notes, title=_title(key), names=names)


def _by_level(rows: Sequence[Row], notes: Footnotes, *, title: str, names: dict[str, str]) -> Grid:
    """Spread correlations over their levels. Pearson's stay in report.json."""
    shown = [row for row in rows if row["coefficient"] in ("spearman", "kendall")]
    lines = list(dict.fromkeys(tuple(row[name] for name in names) for row in shown))
    shown.sort(key=lambda row: GRANULARITIES.index(row["granularity"]))
    return pivot(shown, notes, title=title, names=names, across=("granularity",), lines=lines)
