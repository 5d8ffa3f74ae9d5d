"""Every error that evalhub raises on purpose, and the exit code that it ends with.

EvalhubError
├── InputError            2  what was given is wrong; running again changes nothing
│   ├── SpecError            one of the three files: a key, a slot, a SELECT
│   ├── UnknownNameError     nothing has that name; the nearest one is named
│   ├── IntegrityError       a file's content is not the content that was pinned
│   ├── FamilyError          a judge of the candidate's own family
│   └── ModelError           a model that cannot be read, trusted or fitted
├── GateFailed            1  a gate of the suite does not hold
├── Inconclusive          3  too little was measured: a budget spent, a judge without a verdict
│   ├── LittleCoverage       a run is sealed, but a judge or candidate delivered too little
│   └── EngineError          the engine cannot start, or died too often
├── StorageError          4  a disk that is full, a segment that is corrupt
├── LockedError           5  another process writes this run
└── Interrupted         130  Ctrl-C; what was finished is kept

Each message is one sentence: where, what, the value, what is allowed, what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

_SHOWN = 120


class EvalhubError(Exception):
    """The root of the tree.

    Args:
        problem: The problem in a few words, without a full stop.
        where: File and key, or record, that holds the problem.
        value: The offending value; shown shortened.
        allowed: What would have been accepted.
        fix: What to do next.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        value: object = None,
        allowed: Iterable[str] | str = "",
        fix: str = "",
    ) -> None:
        self.problem = problem
        self.where = where
        self.value = value
        self.allowed = allowed if isinstance(allowed, str) else ", ".join(allowed)
        self.fix = fix
        super().__init__(problem)

    def __str__(self) -> str:
        return self.sentence()

    def sentence(self) -> str:
        """Return the whole message as one line."""
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        if self.value is not None:
            shown = repr(self.value)
            text += f", got {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.fix:
            text += f"; {self.fix}"
        text = " ".join(text.split()).rstrip(".")
        return text if text.endswith("?") else text + "."


class InputError(EvalhubError):
    """What was given is wrong."""


class SpecError(InputError):
    """A rubric, card or suite is wrong."""


class UnknownNameError(InputError):
    """Nothing has the name that was given.

    Args:
        kind: What was looked for, such as "metric".
        name: The name that was given.
        known: The names that exist.
        where: File and key that gave the name.
    """

    def __init__(self, kind: str, name: str, names: Iterable[str], *, where: str = "") -> None:
        choices = sorted(names)
        matches = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
        super().__init__(
            f"there is no {kind} of that name",
            where=where,
            value=name,
            allowed=", ".join(choices[:20]) + (", …" if len(choices) > 20 else ""),
            fix=f"did you mean {matches[0]!r}?" if matches else "",
        )


class IntegrityError(InputError):
    """A file's content is not the content that was pinned."""


class FamilyError(InputError):
    """A judge of the candidate's own family, under `cross_family: require`."""


class ModelError(InputError):
    """A model that cannot be read, trusted or fitted into memory."""


class GateFailed(EvalhubError):
    """A gate of the suite does not hold."""

    exit_code = 1


class Inconclusive(EvalhubError):
    """Too little was measured to say anything."""

    exit_code = 3


class LittleCoverage(Inconclusive):
    """A sealed run, named by `where`: a judge or candidate delivered less than the suite asks for."""


class EngineError(Inconclusive):
    """The engine cannot start, or died too often."""


class StorageError(EvalhubError):
    """A disk that is full, a segment that is corrupt."""

    exit_code = 4


class LockedError(EvalhubError):
    """Another process writes this run."""

    exit_code = 5


class Interrupted(EvalhubError):
    """Ctrl-C; what was finished is kept."""

    exit_code = 130
