"""The end of a session: the run is sealed, and missing judgments are reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

from evalhub.analysis import Results, rows_of, shortfall_sentences, shortfalls
from evalhub.errors import EngineError, Inconclusive, Interrupted, LittleCoverage
from evalhub.records import Judgment, has_failed
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.session import RESUME
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import Resolved
from evalhub.store import JudgeCounts, PartKind, Run, RunWriter, State

_RAISE = "raise it and give the same command again to go on"


def seal_run(writer: RunWriter, resolved: Resolved, planned: Plan, stop: Stop) -> None:
    """Seal the run with its coverage.

    Raises:
        Interrupted: The user stopped it.
        Inconclusive: The budget is spent.
        LittleCoverage: A judge gave no valid verdict at all.
        EngineError: Some requests were not answered.
    """
    _open_earlier_parts(writer)
    coverage = {judge: _count(writer, judge, expected) for judge, expected in planned.expected.items()}
    missing = sum(counts.expected - counts.judgments for counts in coverage.values())
    unfinished = stop.requested or planned.over_budget or missing > 0
    writer.seal(State.INTERRUPTED if unfinished else State.SEALED, coverage=coverage)
    if stop.limit is not None:
        raise Inconclusive(
            f"the budget of {stop.limit} is spent with {missing:,} judgments left",
            where=f"{resolved.path}:budget.{stop.limit}",
            value=getattr(resolved.suite.budget, stop.limit),
            fix=_RAISE,
        )
    if stop.requested:
        raise Interrupted("stopped", where=writer.id, fix=RESUME)
    if planned.over_budget:
        raise Inconclusive(
            f"the budget is spent with {planned.over_budget} judgments left",
            where=f"{resolved.path}:budget.judgments",
            value=resolved.suite.budget.judgments,
            fix=_RAISE,
        )
    if missing > 0:
        raise EngineError(f"{missing} judgments were not answered", where=writer.id, fix=RESUME)
    for judge, counts in coverage.items():
        if counts.expected and not counts.valid:
            first = next(
                judgment
                for judgment in cast("Iterator[Judgment]", writer.records("judgments"))
                if judgment.judge == judge
            )
            raise LittleCoverage(
                f"the judge {judge} gave no valid verdict at all ({first.failure}: {first.detail})",
                where=writer.id,
            )


def _open_earlier_parts(writer: RunWriter) -> None:
    """Open the judgments of earlier sessions that this one did not come to, so that they are counted."""
    for record in writer.open_parts().values():
        if record.step.kind is PartKind.JUDGMENTS:
            writer.open_part(record.step)


def _count(writer: RunWriter, judge: str, expected: int) -> JudgeCounts:
    """Return the numbers of a judge's planned, finished and valid judgments."""
    finished = [
        writer.part_record(part).facts
        for part in writer.manifest.parts
        if (part.kind, part.source) == (PartKind.JUDGMENTS, judge)
    ]
    failures: Counter[str | None] = Counter()
    for part in writer.open_writers:
        if (part.step.kind, part.step.source) == (PartKind.JUDGMENTS, judge):
            failures += part.count_failures("judgments")
    return JudgeCounts(
        expected=expected,
        judgments=sum(facts.records for facts in finished) + failures.total(),
        valid=sum(facts.valid for facts in finished)
        + sum(count for failure, count in failures.items() if not has_failed(failure)),
    )


def check_coverage(run: Run) -> None:
    """Refuse a sealed run with too little coverage.

    Raises:
        LittleCoverage: The coverage of a judge or candidate lies below `controls.min_coverage`.
    """
    all_valid = all(counts.valid == counts.judgments for counts in run.manifest.coverage.values())
    if all_valid and not run.manifest.generations:
        return  # without a look at the records
    if rows := rows_of(shortfalls(Results(run))):
        raise LittleCoverage(
            f"too little is covered: {' | '.join(shortfall_sentences(rows))}",
            where=run.id,
            fix="the run is sealed and its report is whole; controls: {min_coverage: 0} lets it pass",
        )
