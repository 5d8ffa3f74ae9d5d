"""The first screen: one line for each system, and one for each judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.analysis.findings.trust import Trust
from evalhub.report.format import Footnotes, Grid, Row, grouped, visible
from evalhub.report.grids.columns import Data, heading
from evalhub.texts import ABSENT, count, number
from evalhub.words import GLOSSARY, label

MOST_LINES = 8
"""The most systems, or judges, of a dataset on the first screen."""

_SOURCES = ("labels", "judge", "metric")


def system_grids(data: Data, _: Footnotes, *, limit: int | None = None) -> Iterator[Grid]:
    """Yield one grid per dataset: each system by labels, by the most trusted judge, and by a metric.

    Args:
        data: With the table `system_summary`.
        limit: The most systems of a dataset. None = all.
    """
    for (dataset,), rows in grouped(data["system_summary"], "dataset"):
        sources = [source for source in _SOURCES if any(row[f"{source}_rater"] for row in rows)]
        head = ["system"]
        for source in sources:
            head += _head(source, next(row for row in rows if row[f"{source}_rater"]), rows)
        lines = [tuple(_cells(row, sources, rows)) for row in rows]
        yield Grid(visible(dataset), tuple(head), _cut(lines, limit))


def _cut(lines: Sequence[tuple[str, ...]], limit: int | None) -> tuple[tuple[str, ...], ...]:
    """Return the first lines, and how many more there are."""
    if limit is None or len(lines) <= limit:
        return tuple(lines)
    rest = f"and {count(len(lines) - limit + 1)} more"
    return (*lines[: limit - 1], (rest, *[""] * (len(lines[0]) - 1)))


def _is_ranked(source: str, rows: Sequence[Row]) -> bool:
    return any(row[f"{source}_best"] is not None for row in rows)


def _head(source: str, row: Row, rows: Sequence[Row]) -> list[str]:
    rater, criterion = visible(row[f"{source}_rater"]), row[f"{source}_criterion"]
    criterion = visible(criterion) if criterion and criterion != "overall" else ""
    measure = "" if row[f"{source}_measure"] == row[f"{source}_rater"] else row[f"{source}_measure"]
    lines = [rater, criterion, f"{measure} n {count(row[f'{source}_n'])}".strip()]
    return ["\n".join(filter(None, lines)), *(["rank"] if _is_ranked(source, rows) else [])]


def _cells(row: Row, sources: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    yield visible(row["system"])
    for source in sources:
        estimate, low, high = (row[f"{source}_{name}"] for name in ("estimate", "low", "high"))
        yield _interval(estimate, low, high)
        if _is_ranked(source, rows):
            yield _ranks(row[f"{source}_best"], row[f"{source}_worst"])


def _ranks(best: int | None, worst: int | None) -> str:
    if best is None or worst is None:
        return ABSENT
    return count(best) if best == worst else f"{count(best)}–{count(worst)}"


def _interval(estimate: float | None, low: float | None, high: float | None, places: int = 2) -> str:
    if low is None or high is None:
        return number(estimate, places)
    return f"{number(estimate, places)} [{number(low, places)}, {number(high, places)}]"


_JUDGE_HEAD = (
    "judge", "labels", label("trust"), label("agreement"), label("baseline"), "metric", label("people"),
    "order", "length", "tokens", "money for\n1,000",
)  # fmt: skip
_WORDS = {Trust.STANDS_IN: "for people", Trust.CHANCE: "chance"}


def judge_grids(data: Data, _: Footnotes, *, limit: int | None = None) -> Iterator[Grid]:
    """Yield one grid: what each judge may be used for, and the comparisons that say so.

    Args:
        data: With the table `judge_summary`.
        limit: The most lines. None = all.
    """
    rows = data["judge_summary"]
    if not rows:
        return
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    lines = [_judge_line(row, with_dataset=len(datasets) > 1) for row in rows]
    present = [
        place for place in range(len(_JUDGE_HEAD)) if any(line[place] not in ("", ABSENT) for line in lines)
    ]
    shown = [tuple(line[place] for place in present) for line in lines]
    title = visible(datasets[0]) if len(datasets) == 1 else ""
    yield Grid(title, tuple(_JUDGE_HEAD[place] for place in present), _cut(shown, limit), 1 + (1 in present))


def _judge_line(row: Row, *, with_dataset: bool) -> tuple[str, ...]:
    blind = [value for value in (row["chance"], row["longer"]) if value is not None]
    criterion = row["label_criterion"] if row["label_criterion"] != "overall" else None
    labels = heading(row["dataset"] if with_dataset else None, criterion)
    return (
        visible(row["judge"]),
        labels,
        _WORDS.get(row["trust"], str(row["trust"])),
        f"{_interval(row['estimate'], row['low'], row['high'])}{_n(row)}",
        number(max(blind)) if blind else ABSENT,
        number(row["metric_estimate"]),
        number(row["people"]),
        number(row["flips"]),
        number(row["length"], 1),
        count(row["tokens"]),
        number(row["money"]),
    )


def _n(row: dict[str, Any] | Row) -> str:
    return f" n {count(row['n'])}" if row["estimate"] is not None else ""


JUDGE_NOTES = (
    *(f"{label(term)}: {GLOSSARY[term].meaning}" for term in ("agreement", "baseline")),
    "order: the share of verdicts that change with the order. length: points that twice the length adds.",
)
"""What the columns of the judges are."""
