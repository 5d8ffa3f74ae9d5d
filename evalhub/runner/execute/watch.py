"""Ends a run if a candidate or judge gets nothing but one failure of its engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalhub.analysis import normalise_reason
from evalhub.errors import EngineError
from evalhub.records import FailureKind, Judgment, Record, Response

FIRST = 16
"""Number of equal failures, without any answer, after which an engine gets no more requests."""

FIX = (
    "mend the settings under engine, or the server, and give the same command again: "
    "what failed is asked again, what was answered is kept"
)


@dataclass(slots=True)
class _FailureCount:
    """The failures of a candidate or judge that has no answer yet."""

    reason: str
    failures: int = 0


class Watch:
    """Counts the failures of each candidate and each judge until it gets its first answer.

    Args:
        where: The run's id, for errors.

    Attributes:
        stopped: Whether the watch ended the run.
    """

    def __init__(self, where: str) -> None:
        self.stopped = False
        self._where = where
        self._failing: dict[str, _FailureCount] = {}
        self._cleared: set[str] = set()

    def count(self, records: Sequence[Record]) -> None:
        """Count one job by the records that it returned.

        Raises:
            EngineError: The first `FIRST` jobs failed for the same reason.
        """
        if not records or _name(records[0]) in self._cleared:
            return
        answers = [record for record in records if isinstance(record, Response | Judgment)]
        answers = [answer for answer in answers if answer.completions]
        if not answers:
            return
        name = _name(answers[0])
        if name is None:
            return
        reason = answers[0].detail or ""
        failing = self._failing.setdefault(name, _FailureCount(reason))
        all_failed = all(answer.failure is FailureKind.ENGINE for answer in answers)
        if not all_failed or normalise_reason(reason) != normalise_reason(failing.reason):
            del self._failing[name]
            self._cleared.add(name)
            return
        failing.failures += 1
        if failing.failures >= FIRST:
            self._end_run(name, failing)

    def finish(self) -> None:
        """End the run if a candidate or a judge got no answer at all, after fewer than `FIRST` jobs.

        Raises:
            EngineError: All jobs failed for the same reason.
        """
        for name, failing in self._failing.items():
            self._end_run(name, failing)

    def _end_run(self, name: str, failing: _FailureCount) -> None:
        self.stopped = True
        first = "the first" if failing.failures >= FIRST else "all"
        raise EngineError(
            f"{first} {failing.failures} answers of {name} failed for one reason ({failing.reason})",
            where=self._where,
            fix=FIX,
        )


def _name(record: Record) -> str | None:
    """Return the candidate or judge that answered. None for a record of another kind."""
    if isinstance(record, Judgment):
        return record.judge
    return record.system if isinstance(record, Response) else None
