"""Ends a run in which a candidate or a judge gets nothing but one and the same failure of its engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalhub.analysis import normalise_reason
from evalhub.errors import EngineError
from evalhub.records import FailureKind, Judgment, Record, Response

FIRST = 16
"""After so many equal failures, and no answer, an engine is asked no more."""

ASK_AGAIN = (
    "mend the settings under engine, or the server, and give the same command again: "
    "what failed is asked again, what was answered is kept"
)


@dataclass(slots=True)
class _Failing:
    """A candidate or judge that has no answer yet."""

    reason: str
    answers: int = 0


class Watch:
    """Counts what comes of the askings of each candidate and each judge.

    Args:
        where: The run's id, for the error.

    Attributes:
        stopped: Whether it ended the run.
    """

    def __init__(self, where: str) -> None:
        self.stopped = False
        self._where = where
        self._failing: dict[str, _Failing] = {}
        self._mixed: set[str] = set()

    def count(self, records: Sequence[Record]) -> None:
        """Count one asking by the records that it ended in.

        Raises:
            EngineError: The first `FIRST` askings failed for the same reason.
        """
        asked = [one for one in records if isinstance(one, Response | Judgment) and one.completions]
        if not asked:
            return
        name = asked[0].system if isinstance(asked[0], Response) else asked[0].judge
        if name is None or name in self._mixed:
            return
        reason = asked[0].detail or ""
        failing = self._failing.setdefault(name, _Failing(reason))
        if any(one.failure is not FailureKind.ENGINE for one in asked) or normalise_reason(
            reason
        ) != normalise_reason(failing.reason):
            del self._failing[name]
            self._mixed.add(name)
            return
        failing.answers += 1
        if failing.answers >= FIRST:
            self._stop(name, failing)

    def conclude(self) -> None:
        """End the run where a candidate or a judge got no answer at all, after fewer than `FIRST` askings.

        Raises:
            EngineError: All askings failed for the same reason.
        """
        for name, failing in self._failing.items():
            self._stop(name, failing)

    def _stop(self, name: str, failing: _Failing) -> None:
        self.stopped = True
        first = "the first" if failing.answers >= FIRST else "all"
        raise EngineError(
            f"{first} {failing.answers} answers of {name} failed for one reason ({failing.reason})",
            where=self._where,
            fix=ASK_AGAIN,
        )
