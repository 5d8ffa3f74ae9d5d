"""What was asked, what came back and what failed, as grids."""

from __future__ import annotations

from collections.abc import Iterator

from evalhub.report.format import Footnotes, Grid, Row, grouped, interval, visible
from evalhub.report.grids.columns import Data, line_grids, share, text, whole
from evalhub.texts import ABSENT, count
from evalhub.words import label

REASONS = 5
REASON_LENGTH = 300


def coverage_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield coverage, what the plan left out, answers that are empty or cut, and scores without a value."""
    yield from verdict_grids(data, notes)
    yield from _exclusions(data, notes)
    yield from answer_grids(data, notes)
    yield from unscored_grids(data, notes)


def verdict_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield what was asked of each judge and what came back."""
    rows = data["coverage"]
    # Only scales with such a level have verdicts of it.
    with_absent = any(row["not_applicable"] for row in rows)
    with_cut = any(row["of_cut_answers"] for row in rows)
    lines = []
    for (judge, kind), statistics in grouped(rows, "judge", "rater_kind"):
        coverage, *mass = statistics
        lines.append(
            (
                visible(judge),
                kind,
                f"{count(coverage['done'] - coverage['failed'])} of {count(coverage['expected'])}",
                interval(coverage, notes),
                *([count(coverage["not_applicable"])] if with_absent else []),
                count(coverage["failed"]),
                *([count(coverage["of_cut_answers"])] if with_cut else []),
                interval(mass[0], notes) if mass else ABSENT,
                _rationales(coverage),
            )
        )
    if lines:
        absent = ("not applicable",) if with_absent else ()
        counts = (*absent, "failed", *(("of cut answers",) if with_cut else ()))
        head = ("judge", "kind", "valid verdicts", "coverage", *counts, label("choice mass"), "rationales")
        yield Grid("Coverage", head, tuple(lines), 2)


def _rationales(row: Row) -> str:
    if not row["rationales"]:
        return ABSENT
    return f"{count(row['rationales'])}, {count(row['rationales_cut'])} cut"


_exclusions = line_grids(
    "exclusions",
    {"judge": text("judge"), "dataset": text("dataset"), "reason": text("reason"), "n": whole("n")},
    names=3,
    title="Left out of the plan",
)


def answer_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield how many answers of each system are empty, and how many the token limit cut, where any is."""
    rows = [row for row in data["answers"] if row["empty"] or row["cut"]]
    yield from _answers({"answers": rows}, notes)


def _cut(row: Row, _: Footnotes) -> str:
    return count(row["cut"]) + (f", {count(row['cut_failed'])} failed" if row["cut_failed"] else "")


_answers = line_grids(
    "answers",
    {
        "dataset": text("dataset"), "system": text("system"), "responses": whole("responses"),
        "empty": whole("empty"), "cut at the token limit": _cut,
    },
    names=2,
    title="Answers that are empty or cut, scored and judged as they are",
)  # fmt: skip


def _reason(row: Row, _: Footnotes) -> str:
    return visible(row["reason"])[:REASON_LENGTH]


unscored_grids = line_grids(
    "missing_scores",
    {
        "dataset": text("dataset"), "metric": text("metric"), "n": share("n", "scores"),
        "systems": whole("systems"), "reason": _reason,
    },
    names=2,
    title="Scores without a value",
)  # fmt: skip


def failure_grids(data: Data, _: Footnotes) -> Iterator[Grid]:
    """Yield what failed, by whom and why: the most frequent reasons first, at most `REASONS` of a kind."""
    lines: list[tuple[str, ...]] = []
    for key, rows in grouped(data["failures"], "stage", "source", "failure"):
        names = tuple(map(visible, key))
        further = rows[REASONS:] if len(rows) > REASONS + 1 else []
        for row in rows[: len(rows) - len(further)]:
            lines.append((*names, count(row["n"]), visible(row["example"])[:REASON_LENGTH]))
        if further:
            lines.append((*names, count(sum(row["n"] for row in further)), f"{len(further)} other reasons"))
    if lines:
        yield Grid("Failures", ("stage", "by", "failure", "n", "reason"), tuple(lines), 4)
