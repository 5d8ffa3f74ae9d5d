"""Which grids make up a report, each a selection of its tidy rows."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

from evalhub.analysis.correlation import LENGTH, SOFT
from evalhub.analysis.direction import further_lengths
from evalhub.report.shape import (
    ABSENT,
    Footnotes,
    Grid,
    Row,
    count,
    direction,
    grouped,
    interval,
    measure,
    pivot,
    visible,
)

REASONS = 5
REASON_LENGTH = 300

RAW = {"win rate (length-penalised)": "win rate", "mean score (length-penalised)": "mean score"}

_KINDS = {"judge": 0, "labels": 1, "metric": 2}
RATERS = {"judge": 0, "jury": 1, "recorded judge": 2, "metric": 3, "trivial": 4}
_STATISTICS = ("accuracy", "Cohen's kappa", "n", "left out")
_ANSWER_HEAD = ("dataset", "system", "responses", "empty", "cut at the token limit")
_READINGS = {"combined": "", "ab": "a shown first", "ba": "b shown first", "level": ""}


def leaderboards(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: a system per line, the best first; judges, labels, metrics across."""
    rows = [row for row in data["leaderboard"] if row["measure"] not in hidden_measures(data)]
    for (dataset,), found in grouped(rows, "dataset"):
        found.sort(key=lambda row: _KINDS.get(row["kind"], 3))
        lines = _ranked(found)
        found = [{**row, "direction": direction(row)} for row in found]
        across = ("rater", "criterion", "measure", "direction")
        yield pivot(found, notes, title=dataset, names={"system": "system"}, across=across, lines=lines)


def hidden_measures(data: dict[str, Any]) -> list[str]:
    """Return the measures that no leaderboard shows on its own: penalised ones, and second lengths."""
    return [*RAW, *further_lengths(data["metrics"])]


def _ranked(rows: list[Row]) -> list[tuple[str, ...]]:
    """Return the systems under the first measure that a judge gave, the best first."""
    judged = [row for row in rows if row["kind"] == "judge"] or rows
    _, first = next(grouped(judged, "rater", "criterion", "measure"))
    places = {row["system"]: best_first(row) for row in first}
    systems = sorted({row["system"] for row in rows})
    return [(name,) for name in sorted(systems, key=lambda name: (name not in places, places.get(name, ())))]


def best_first(row: Row) -> tuple[Any, ...]:
    """Return the key that sorts rows of the leaderboard by rank, those without a rank last."""
    rank, estimate = row["rank"], row["estimate"]
    worse = 1 if row["higher_is_better"] is False else -1
    return (rank is None, rank or 0, estimate is None, worse * (estimate or 0))


def length_penalty(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: each judge's number before and after the length penalty."""
    rows = data["leaderboard"]
    after = {_judged(row, RAW[row["measure"]]): row for row in rows if row["measure"] in RAW}
    before = [row for row in rows if _judged(row, row["measure"]) in after]
    for (dataset,), found in grouped(before, "dataset"):
        lines = tuple(
            (
                visible(row["rater"]),
                visible(row["system"]),
                measure(row),
                interval(row, notes),
                interval(after[_judged(row, row["measure"])], notes),
                count(row["n"]),
            )
            for row in found
        )
        yield Grid(dataset, ("judge", "system", "measure", "raw", "length-penalised", "n"), lines, 3)


def _judged(row: Row, measure: str) -> tuple[Any, ...]:
    return (row["dataset"], row["rater"], row["criterion"], row["system"], measure)


def agreements(data: dict[str, Any], notes: Footnotes, *, readings: bool = True) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: judges, metrics and trivial judges against the labels.

    Args:
        data: As `report_data` returns it.
        notes: Takes the reasons of what is absent.
        readings: Whether each single order of a judge has its own line.
    """
    told = [row for row in data["agreement"] if row["against"] == "labels"]
    told = [row for row in told if readings or row["reading"] not in ("ab", "ba")]
    for (dataset, criterion, kind), rows in grouped(told, "dataset", "label_criterion", "annotator_kind"):
        rows.sort(key=lambda row: RATERS.get(row["kind"], 9))
        several = judged_twice(rows)
        lines = tuple(
            (named(found[0], several), kind_of, *_statistics(found, notes))
            for (_, kind_of, _, _), found in grouped(rows, "rater", "kind", "criterion", "reading")
        )
        title = f"{dataset} · {criterion} · {kind} labels"
        yield Grid(title, ("rater", "kind", *_STATISTICS), lines, 2)


def _statistics(rows: Sequence[Row], notes: Footnotes) -> tuple[str, ...]:
    accuracy, kappa = (
        next(row for row in rows if row["statistic"] == name) for name in ("accuracy", "kappa")
    )
    sizes = (count(accuracy["n"]), count(accuracy["left_out"]))
    return interval(accuracy, notes), interval(kappa, notes), *sizes


def with_each_other(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield how far judges and metrics agree among themselves: on pairs, then on ratings.

    Args:
        data: As `report_data` returns it.
        notes: Takes the reasons of what is absent.
    """
    held = ("dataset", "label_criterion", "annotator_kind")
    for (dataset, criterion, kind), rows in grouped(
        (row for row in data["agreement"] if row["against"] != "labels"), *held
    ):
        several = judged_twice(rows)
        lines = tuple(
            (named(found[0], several), visible(other), *_statistics(found, notes))
            for (_, _, other), found in grouped(rows, "rater", "criterion", "against")
        )
        title = f"{dataset} · {criterion} · pairs with {kind} labels"
        yield Grid(title, ("rater", "with", *_STATISTICS), lines, 2)
    metrics = metric_names(data)
    rows = [row for row in data["correlations"] if row["y"] in metrics and _judges(row["x"], metrics)]
    for (dataset, criterion, kind), found in grouped(rows, *held):
        title = f"{dataset} · {criterion} · responses with {kind} labels"
        names = {"x": "judge", "y": "metric", "coefficient": "coefficient"}
        yield _by_level(found, notes, title=title, names=names)


def metric_names(data: dict[str, Any]) -> set[str]:
    """Return the names of a run's metrics, also where no system is ranked by them."""
    ranked = {row["rater"] for row in data["leaderboard"] if row["kind"] == "metric"}
    return ranked.union(data["metrics"])


def _judges(column: str, metrics: Container[str]) -> bool:
    """Whether a column of the side-by-side table holds a judge's plain levels."""
    return column not in ("labels", LENGTH) and column not in metrics and not column.endswith(SOFT)


def judged_twice(rows: Sequence[Row]) -> set[str]:
    """Return the raters that judge under several criteria, whose name alone is not enough."""
    criteria: dict[str, set[str | None]] = {}
    for row in rows:
        criteria.setdefault(row["rater"], set()).add(row["criterion"])
    return {rater for rater, found in criteria.items() if len(found) > 1}


def named(row: Row, several: Container[str]) -> str:
    """Return how a row of the agreement table is called.

    Args:
        row: Of the agreement table.
        several: Raters whose criterion must be said, as `judged_twice` returns them.
    """
    return rater_name(row["rater"], row["criterion"] if row["rater"] in several else None, row["reading"])


def rater_name(rater: str, criterion: str | None, reading: str = "combined") -> str:
    """Return how a rater is called: its id, its criterion, and the reading where it is not the usual one."""
    said = _READINGS.get(reading, reading)
    return visible(" · ".join(part for part in (rater, criterion, said) if part))


def correlation_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: the labels with each rating, metric and the length."""
    rows = [row for row in data["correlations"] if row["x"] == "labels"]
    names = {"y": "with the labels", "coefficient": "coefficient"}
    for (dataset, criterion, kind), found in grouped(rows, "dataset", "label_criterion", "annotator_kind"):
        title = f"{dataset} · {criterion} · {kind} labels"
        yield _by_level(found, notes, title=title, names=names)


def _by_level(rows: Sequence[Row], notes: Footnotes, *, title: str, names: dict[str, str]) -> Grid:
    """Spread correlations over their levels; Pearson's stay in report.json."""
    shown = [row for row in rows if row["coefficient"] in ("spearman", "kendall")]
    lines = list(dict.fromkeys(tuple(row[name] for name in names) for row in shown))
    shown.sort(key=lambda row: ("pooled", "item", "system").index(row["at"]))
    return pivot(shown, notes, title=title, names=names, across=("at",), lines=lines)


def coverages(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield what was asked of each judge and what came back, then what the plan left out.

    Args:
        data: As `report_data` returns it.
        notes: Takes the reasons of what is absent.
    """
    lines = []
    # Only scales with such a level have verdicts that say so.
    absent = any(row["not_applicable"] for row in data["coverage"])
    cut = any(row["of_cut_answers"] for row in data["coverage"])
    for (judge, kind), rows in grouped(data["coverage"], "judge", "kind"):
        share, *mass = rows
        lines.append(
            (
                visible(judge),
                kind,
                f"{count(share['done'] - share['failed'])} of {count(share['expected'])}",
                interval(share, notes),
                *([count(share["not_applicable"])] if absent else []),
                count(share["failed"]),
                *([count(share["of_cut_answers"])] if cut else []),
                interval(mass[0], notes) if mass else ABSENT,
                _rationales(share),
            )
        )
    if lines:
        counts = (
            *(("not applicable",) if absent else ()), "failed", *(("of cut answers",) if cut else ()),
        )  # fmt: skip
        head = ("judge", "kind", "valid verdicts", "coverage", *counts, "label mass", "rationales")
        yield Grid("Coverage", head, tuple(lines), 2)
    if data["left_out"]:
        reasons = tuple(
            (visible(row["judge"]), visible(row["dataset"]), visible(row["what"]), count(row["n"]))
            for row in data["left_out"]
        )
        yield Grid("Left out of the plan", ("judge", "dataset", "what", "n"), reasons, 3)


def _rationales(row: Row) -> str:
    if not row["rationales"]:
        return ABSENT
    return f"{count(row['rationales'])}, {count(row['rationales_cut'])} cut"


def answer_grids(data: dict[str, Any]) -> Iterator[Grid]:
    """Yield how many answers of each system are empty, and how many the token limit cut, where any is."""
    lines = tuple(
        (
            visible(row["dataset"]),
            visible(row["system"]),
            count(row["responses"]),
            count(row["empty"]),
            count(row["cut"]) + (f", {count(row['cut_failed'])} failed" if row["cut_failed"] else ""),
        )
        for row in data["answers"]
        if row["empty"] or row["cut"]
    )
    if lines:
        yield Grid("Answers that are empty or cut, scored and judged as they are", _ANSWER_HEAD, lines, 2)


def unscored_grids(data: dict[str, Any]) -> Iterator[Grid]:
    """Yield why responses have no value of a metric, where any has none."""
    lines = tuple(
        (
            visible(row["dataset"]),
            visible(row["metric"]),
            f"{count(row['n'])} of {count(row['scores'])}",
            count(row["systems"]),
            visible(row["reason"])[:REASON_LENGTH],
        )
        for row in data["unscored"]
    )
    if lines:
        yield Grid("Scores without a value", ("dataset", "metric", "n", "systems", "reason"), lines, 2)


def failure_grids(data: dict[str, Any]) -> Iterator[Grid]:
    """Yield what failed, by whom and why: the most frequent reasons first, at most `REASONS` of a kind."""
    lines: list[tuple[str, ...]] = []
    for named, rows in grouped(data["failures"], "of", "by_whom", "failure"):
        shown = tuple(visible(name) for name in named)
        rest = rows[REASONS:] if len(rows) > REASONS + 1 else []
        for row in rows[: len(rows) - len(rest)]:
            lines.append((*shown, count(row["n"]), visible(row["example"])[:REASON_LENGTH]))
        if rest:
            lines.append((*shown, count(sum(row["n"] for row in rest)), f"{len(rest)} other reasons"))
    if lines:
        yield Grid("Failures", ("of", "by", "why", "n", "reason"), tuple(lines), 4)
