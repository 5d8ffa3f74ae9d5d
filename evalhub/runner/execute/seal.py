"""The end of a sitting: what was asked is sealed, and what is missing is told."""

from __future__ import annotations

from typing import cast

from evalhub.analysis import Results, rows_of, shortfall_sentences, shortfalls
from evalhub.errors import EngineError, Inconclusive, Interrupted, LittleCoverage
from evalhub.records import Judgment, has_failed
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.plan.plan import Plan, judgments_of
from evalhub.runner.plan.resolve import Resolved
from evalhub.store import Run, RunWriter

GO_ON = "give the same command again to go on; what was finished is kept"


def conclude(writer: RunWriter, resolved: Resolved, planned: Plan, stop: Stop) -> None:
    """Seal the run with its coverage.

    Raises:
        Interrupted: It was stopped.
        Inconclusive: The budget is spent.
        LittleCoverage: A judge gave no valid verdict at all.
        EngineError: Something was not answered.
    """
    judgments = cast("list[Judgment]", writer.table("judgments"))
    own = [one for one in judgments if one.judge in planned.cells]
    coverage = {
        judge: {
            "expected": judgments_of(cells),
            "done": sum(one.judge == judge for one in own),
            "valid": sum(one.judge == judge and not has_failed(one.failure) for one in own),
        }
        for judge, cells in planned.cells.items()
    }
    if stop.asked:
        writer.seal("interrupted", coverage=coverage)
        raise Interrupted("stopped and sealed", where=writer.id, fix=GO_ON)
    if planned.over_budget:
        writer.seal("interrupted", coverage=coverage)
        raise Inconclusive(
            f"the budget is spent with {planned.over_budget} judgments left",
            where=f"{resolved.path}:budget.judgments",
            value=resolved.suite.budget.judgments,
            fix="raise it and give the same command again to go on",
        )
    missing = sum(counts["expected"] - counts["done"] for counts in coverage.values())
    if missing > 0:
        writer.seal("interrupted", coverage=coverage)
        raise EngineError(f"{missing} judgments were not answered", where=writer.id, fix=GO_ON)
    writer.seal("sealed", coverage=coverage)
    for judge, counts in coverage.items():
        if counts["expected"] and not counts["valid"]:
            first = next(one for one in own if one.judge == judge)
            raise LittleCoverage(
                f"the judge {judge} gave no valid verdict at all ({first.failure}: {first.detail})",
                where=writer.id,
            )


def refuse_little(done: Run) -> None:
    """Refuse a sealed run of which too little is covered.

    Raises:
        LittleCoverage: The coverage of a judge or candidate lies below `controls.min_coverage`.
    """
    if rows := rows_of(shortfalls(Results(done))):
        raise LittleCoverage(
            f"too little is covered: {' | '.join(shortfall_sentences(rows))}",
            where=done.id,
            fix="the run is sealed and its report is whole; controls: {min_coverage: 0} lets it pass",
        )
