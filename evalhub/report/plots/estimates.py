"""What is drawn of a table: estimates with their intervals. The page and the dashboard draw it."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from evalhub.analysis.bias.attacks import ALL_ATTACKS
from evalhub.analysis.bias.bias import ALL_JUDGES
from evalhub.analysis.findings.judge_comparisons import ACCURACY
from evalhub.report.format import Row, grouped, measure
from evalhub.report.grids.agreement import GRANULARITIES, metric_names
from evalhub.report.grids.biases import EFFECTS, RATES
from evalhub.report.grids.columns import Data
from evalhub.report.grids.leaderboard import best_first
from evalhub.report.grids.raters import ORDERS, judged_twice, rater_name, rater_order, row_name
from evalhub.report.plots.standing import warning_of
from evalhub.specs.rater_names import LENGTH
from evalhub.words import label

KINDS = {
    "judge": ("#0b6e78", "#4fb8c2"),
    "labels": ("#b4580a", "#eda15c"),
    "metric": ("#4a5fa8", "#93a6ee"),
    "baseline": ("#8a9299", "#7d868d"),
    "recorded judge": ("#0b6e78", "#4fb8c2"),
    "jury": ("#0b6e78", "#4fb8c2"),
}
"""Each kind of rater with its colour on a light and on a dark page. The dashboard's theme has their order."""

_LABELLED = ("dataset", "label_criterion", "annotator_kind")
_MEASURES = ("win rate", "mean score", "mean label")
_RATE = "win rate"


@dataclass(frozen=True, slots=True)
class Line:
    """One estimate of a plot: its name, the kind that decides its colour, and its row."""

    name: str
    kind: str
    row: Row


@dataclass(frozen=True, slots=True)
class Plot:
    """Estimates with their intervals, one below the other.

    Attributes:
        title: Stands over the plot.
        axis: What the numbers are.
        lines: From top to bottom.
        bounds: Ends of the axis, or None where the numbers decide.
        neutral: The value of a rater that knows nothing, or None.
        bands: The number of each line's band, or empty. Between two bands every difference is certain.
        warning: Why these numbers are not to be used, or empty.
    """

    title: str
    axis: str
    lines: tuple[Line, ...]
    bounds: tuple[float, float] | None = None
    neutral: float | None = None
    bands: tuple[int, ...] = ()
    warning: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of the axis: the bounds, else whole numbers that hold every estimate and interval."""
        if self.bounds:
            return self.bounds
        numbers = [
            line.row[name]
            for line in self.lines
            for name in ("estimate", "low", "high")
            if line.row[name] is not None
        ]
        if not numbers:
            return 0.0, 1.0
        low, high = math.floor(min(numbers)), math.ceil(max(numbers))
        return float(low), float(high if high > low else low + 1)


def judge_plot(
    title: str,
    rows: Sequence[Row],
    names: Sequence[str],
    *,
    bounds: tuple[float, float] | None = None,
    neutral: float | None = None,
) -> Plot:
    """Return the plot of rows that are all about judges.

    Args:
        title: What the numbers are.
        rows: Tidy rows, from top to bottom.
        names: The name of each line.
        bounds: Ends of the axis.
        neutral: The value of a judge that knows nothing.
    """
    lines = tuple(Line(name, "judge", row) for name, row in zip(names, rows, strict=True))
    return Plot(title, title, lines, bounds, neutral)


def leaderboard_plots(data: Data) -> Iterator[Plot]:
    """Yield one plot per measure of the systems by a judge or by the labels, the best system first."""
    rows = [row for row in data["leaderboard"] if row["measure"] in _MEASURES]
    for (dataset, rater, criterion, _), group in grouped(rows, "dataset", "rater", "criterion", "measure"):
        title = f"{dataset} · {rater_name(rater, criterion)} · {measure(group[0])}"
        yield measure_plot(title, sorted(group, key=best_first))


def measure_plot(title: str, rows: Sequence[Row]) -> Plot:
    """Return the plot of one measure: a line for each system, in the order of the rows."""
    rate = rows[0]["measure"].startswith(_RATE)
    return Plot(
        title,
        measure(rows[0]),
        tuple(Line(row["system"], row["rater_kind"], row) for row in rows),
        bounds=(0.0, 1.0) if rate else None,
        neutral=0.5 if rate else None,
    )


def agreement_plots(data: Data) -> Iterator[Plot]:
    """Yield one plot of accuracy per labelled criterion: judges, metrics, baseline judges."""
    rows = [
        row
        for row in data["agreement"]
        if row["statistic"] == "accuracy" and row["reference_rater"] == "labels"
    ]
    rows = [row for row in rows if row["reading"] not in ORDERS]
    rows = [row for row in rows if row["reading"] != "level" or row["estimate"] is not None]
    several = judged_twice(rows)
    for (dataset, criterion, kind), group in grouped(rows, *_LABELLED):
        title = f"{dataset} · {criterion} · accuracy against {kind} labels"
        yield statistic_plot(title, group, several)


def statistic_plot(title: str, rows: Sequence[Row], several: Container[str]) -> Plot:
    """Return the plot of one statistic of the agreement table: a line for each rater.

    Args:
        title: Stands over the plot.
        rows: Of one statistic of one labelled criterion.
        several: Raters whose criterion must be named.
    """
    kappa = rows[0]["statistic"] == "kappa"
    levels = rows[0]["reading"] == "level"
    return Plot(
        title,
        "Cohen's kappa" if kappa else str(rows[0]["statistic"]),
        tuple(Line(row_name(row, several), row["rater_kind"], row) for row in sorted(rows, key=rater_order)),
        bounds=(-1.0, 1.0) if kappa else (0.0, 1.0),
        neutral=0.0 if kappa else None if levels else 0.5,
    )


def correlation_plots(data: Data) -> Iterator[Plot]:
    """Yield one plot of Spearman's correlation with the labels per labelled criterion and level."""
    rows = [
        row for row in data["correlations"] if row["first"] == "labels" and row["coefficient"] == "spearman"
    ]
    metrics = metric_names(data)
    for (dataset, criterion, kind), group in grouped(rows, *_LABELLED):
        for granularity in GRANULARITIES:
            shown = [
                row for row in group if row["granularity"] == granularity and row["estimate"] is not None
            ]
            if shown:
                title = f"{dataset} · {criterion} · Spearman with {kind} labels, {granularity} level"
                yield correlation_plot(title, shown, metrics)


def correlation_plot(title: str, rows: Sequence[Row], metrics: Container[str]) -> Plot:
    """Return the plot of correlations with the labels at one level: a line for each rating and metric.

    Args:
        title: Stands over the plot.
        rows: Of one coefficient at one level.
        metrics: Names of the run's metrics.
    """
    lines = tuple(Line(row["second"], column_kind(row["second"], metrics), row) for row in rows)
    return Plot(title, str(rows[0]["coefficient"]), lines, bounds=(-1.0, 1.0), neutral=0.0)


def bias_plots(rows: Sequence[Row], statistic: str) -> Iterator[Plot]:
    """Yield one plot per bias: a line for each judge and criterion, without the judges together.

    Args:
        rows: Of the table of biases, of one reading.
        statistic: `rate`, in [0, 1], or `effect`, in percentage points with the other biases held fixed.
    """
    heads = RATES if statistic == "rate" else EFFECTS
    for (bias, name), head in heads.items():
        shown = [row for row in rows if (row["bias"], row["statistic"]) == (bias, name)]
        shown = [row for row in shown if row["judge"] != ALL_JUDGES]
        if name == statistic and bias in _DRAWN and shown:
            yield judge_plot(
                " ".join(head),
                shown,
                [rater_name(row["judge"], row["criterion"]) for row in shown],
                bounds=(0.0, 1.0) if statistic == "rate" else None,
                neutral=0.5 if statistic == "rate" and bias != "flips" else 0.0,
            )


_DRAWN = ("position", "flips", "length", "lists", "markdown")


def attack_plots(rows: Sequence[Row]) -> Iterator[Plot]:
    """Yield the success of each attack net of the placebo, the worst attack first, and the plain success.

    Args:
        rows: Of the table of attacks, of one judge.
    """
    net = [row for row in rows if row["statistic"] == "net" and row["attack"] != ALL_ATTACKS]
    net.sort(key=lambda row: (row["estimate"] is None, -(row["estimate"] or 0)))
    order = [*(row["attack"] for row in net), ALL_ATTACKS]
    axes = {"net": ("success, net of the placebo", -1.0), "success": ("success", 0.0)}
    for statistic, (title, low) in axes.items():
        shown = [row for row in rows if row["statistic"] == statistic and row["attack"] in order]
        shown.sort(key=lambda row: order.index(row["attack"]))
        names = [row["attack"] for row in shown]
        yield judge_plot(title, shown, names, bounds=(low, 1.0), neutral=0.0)


def column_kind(name: str, metrics: Container[str]) -> str:
    """Return what a column of ratings side by side is: a metric, the length, or a judge.

    Args:
        name: The column.
        metrics: Names of the run's metrics.
    """
    if name == LENGTH:
        return "baseline"
    return "metric" if name in metrics else "judge"


_SOURCE_KINDS = {"labels": "labels", "judge": "judge", "metric": "metric"}


def system_plots(data: Data) -> Iterator[Plot]:
    """Yield one plot per dataset and source: the systems by labels, by the most trusted judge."""
    for (dataset,), rows in grouped(data["system_summary"], "dataset"):
        for source in ("labels", "judge"):
            of_source = [row for row in rows if row[f"{source}_estimate"] is not None]
            if all(row[f"{source}_rank"] is not None for row in of_source):
                # The rows stand in the order of the labels. A ranking is drawn in its own.
                of_source.sort(key=itemgetter(f"{source}_rank"))
            if of_source:
                rater = rater_name(of_source[0][f"{source}_rater"], of_source[0][f"{source}_criterion"])
                axis = label(of_source[0][f"{source}_measure"])
                title = f"{dataset} · {rater} · {axis}"
                lines = tuple(
                    Line(row["system"], _SOURCE_KINDS[source], _estimate_of(row, source)) for row in of_source
                )
                is_rate = of_source[0][f"{source}_measure"] == _RATE
                bands = [row[f"{source}_band"] for row in of_source]
                yield Plot(
                    title,
                    axis,
                    lines,
                    (0.0, 1.0) if is_rate else None,
                    0.5 if is_rate else None,
                    () if None in bands else tuple(bands),
                    warning_of(of_source[0]["judge_trust"]) if source == "judge" else "",
                )


def _estimate_of(row: Row, source: str) -> Row:
    names = ("estimate", "low", "high", "n")
    return {
        **{name: row[f"{source}_{name}"] for name in names},
        "clusters": row[f"{source}_n"],
        "reason": None,
    }


def judge_plots(data: Data) -> Iterator[Plot]:
    """Yield one plot per dataset and label criterion: judges beside what reads nothing, and people."""
    labelled = [row for row in data["judge_summary"] if row["estimate"] is not None]
    names = ("dataset", "label_criterion", "annotator_kind", "measure")
    for (dataset, criterion, kind, measure_name), rows in grouped(labelled, *names):
        lines = [Line(row["judge"], "judge", {**row, "clusters": row["n"]}) for row in rows]
        first = rows[0]
        references = (
            ("people with each other", "labels", first["people"]),
            (first["metric"], "metric", first["metric_estimate"]),
            ("the longer answer", "baseline", first["longer"]),
            ("a coin" if measure_name == ACCURACY else "chance", "baseline", first["chance"]),
        )
        lines += [
            Line(str(name), of_kind, _point(value, first["n"]))
            for name, of_kind, value in references
            if value is not None
        ]
        title = f"{dataset} · {criterion} · agreement with {kind} labels"
        bounds = (0.0, 1.0) if measure_name == ACCURACY else (-1.0, 1.0)
        yield Plot(title, measure_name, tuple(lines), bounds, first["chance"])


def _point(value: float, n: int) -> Row:
    return {"estimate": value, "low": None, "high": None, "n": n, "clusters": n, "reason": None}
