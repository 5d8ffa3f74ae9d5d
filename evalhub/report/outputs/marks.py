"""The mark of a finding, and the command that is shown with it, the same in all outputs."""

from __future__ import annotations

from evalhub.analysis.findings.finding import Question, Verdict
from evalhub.report.format import Row

_MARKS = {Verdict.GOOD: "✓", Verdict.CAUTION: "!", Verdict.BAD: "✗", Verdict.UNKNOWN: "?"}
_NEXT = "→"
# Commands that show more of the same. A reader of the output knows them.
_VIEWS = frozenset({"evalhub leaderboard", "evalhub meta", "evalhub compare", "evalhub report --full"})


def mark_of(finding: Row) -> str:
    """Return the sign that stands before a finding, a row of `findings`."""
    is_next = finding["question"] == Question.NEXT.name.lower()
    return _NEXT if is_next else _MARKS[Verdict(finding["verdict"])]


def action_of(finding: Row) -> str | None:
    """Return the command that would settle what is not known, or do what is worth doing. None = none."""
    command = finding["command"]
    is_open = finding["verdict"] == Verdict.UNKNOWN and command not in _VIEWS
    return str(command) if command and is_open else None
