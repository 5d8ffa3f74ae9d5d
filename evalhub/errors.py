"""Every error that evalhub raises on purpose, with its exit code.

EvalhubError
├── InputError            2  the input is wrong, and running again changes nothing
│   ├── SpecError            a key, slot or SELECT of a rubric, card or suite is wrong
│   ├── UnknownNameError     a name that does not exist, with the nearest name that does
│   ├── IntegrityError       a file's content is not the pinned content
│   ├── FamilyError          a judge of the candidate's own family
│   └── ModelError           a model that cannot be read, trusted or fitted into memory
├── GateFailed            1  a gate of the suite does not hold
├── Inconclusive          3  too little was measured, as where the budget is spent
│   ├── LittleCoverage       a run is sealed, but a judge or candidate delivered too little
│   └── EngineError          the engine cannot start, or died too often
├── StorageError          4  the disk is full, or a file is corrupt
├── LockedError           5  another process writes this run
└── Interrupted         130  Ctrl-C: finished work is kept

Each message is one sentence: the place, the problem, the value, the allowed values and a fix.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

_LONGEST_VALUE = 120


class EvalhubError(Exception):
    """The root of the tree.

    Args:
        problem: The problem in a few words, without a full stop.
        where: File and key, or record, with the problem.
        value: The wrong value. A long one is shortened in the message.
        allowed: The values that would be accepted.
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
            value = repr(self.value)
            text += f", got {value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + '…'}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.fix:
            text += f"; {self.fix}"
        text = " ".join(text.split()).rstrip(".")
        return text if text.endswith("?") else text + "."


class InputError(EvalhubError):
    """The input is wrong."""


class SpecError(InputError):
    """A rubric, card or suite is wrong."""


class UnknownNameError(InputError):
    """A name that does not exist.

    Args:
        kind: The kind of thing, such as "metric".
        name: The unknown name.
        names: The names that exist.
        where: File and key with the name.
    """

    def __init__(self, kind: str, name: str, names: Iterable[str], *, where: str = "") -> None:
        choices = sorted(names)
        matches = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
        super().__init__(
            f"unknown {kind}",
            where=where,
            value=name,
            allowed=", ".join(choices[:20]) + (", …" if len(choices) > 20 else ""),
            fix=f"did you mean {matches[0]!r}?" if matches else "",
        )


class IntegrityError(InputError):
    """A file's content is not the pinned content."""


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
    """A judge or candidate delivered less than the suite requires. `where` is the run, which is sealed."""


class EngineError(Inconclusive):
    """The engine cannot start, or died too often."""


class StorageError(EvalhubError):
    """The disk is full, or a file is corrupt."""

    exit_code = 4


class LockedError(EvalhubError):
    """Another process writes this run."""

    exit_code = 5


class Interrupted(EvalhubError):
    """Ctrl-C was pressed. Finished work is kept, unless the sentence says otherwise."""

    exit_code = 130
