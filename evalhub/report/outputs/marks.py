"""The mark of a finding: one sign for each verdict, in all outputs."""

from __future__ import annotations

from evalhub.analysis.findings.finding import Question, Verdict
from evalhub.report.format import Row

_MARKS = {Verdict.GOOD: "✓", Verdict.CAUTION: "!", Verdict.BAD: "✗", Verdict.UNKNOWN: "?"}
_NEXT = "→"


def mark_of(finding: Row) -> str:
    """Return the sign that stands before a finding, a row of `findings`."""
    is_next = finding["question"] == Question.NEXT.name.lower()
    return _NEXT if is_next else _MARKS[Verdict(finding["verdict"])]
