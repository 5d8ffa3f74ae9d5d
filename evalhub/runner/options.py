"""The changes that the command line may make to a suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalhub.errors import InputError, UnknownNameError
from evalhub.specs import Suite
from evalhub.store import tonight

_SECTIONS = ("datasets", "candidates", "judges")


@dataclass(frozen=True, slots=True)
class Options:
    """The changes that the command line may make to a suite.

    Attributes:
        names: Ids of datasets, candidates or judges. If an id names one of a section, the others of that
            section are left out.
        limit: Most items of each dataset.
        runs: The folder that holds the runs.
        night: The night, YYYY-MM-DD, by default today in UTC.
    """

    names: tuple[str, ...] = ()
    limit: int | None = None
    runs: Path | None = None
    night: str = field(default_factory=tonight)

    @property
    def is_trial(self) -> bool:
        """Whether a part of the suite is run, by which its gates decide nothing."""
        return bool(self.names) or self.limit is not None


def narrow(suite: Suite, options: Options, path: Path) -> Suite:
    """Return the suite with the command line's limits applied.

    Raises:
        UnknownNameError: `--only` names no part of the suite.
        InputError: The limit is below 1.
    """
    changes: dict[str, Any] = {}
    ids = {part.id for section in _SECTIONS for part in getattr(suite, section)}
    for name in options.names:
        if name not in ids:
            raise UnknownNameError("part of the suite", name, ids, where=f"{path}:--only")
    for section in _SECTIONS:
        selection = tuple(part for part in getattr(suite, section) if part.id in options.names)
        if selection:
            changes[section] = selection
    if "judges" in changes:
        judges = {judge.id for judge in changes["judges"]}
        changes["cascades"] = tuple(use for use in suite.cascades if judges.issuperset(use.stages))
        changes["juries"] = tuple(jury for jury in suite.juries if judges.issuperset(jury.members))
    if options.limit is not None:
        if options.limit < 1:
            raise InputError("a limit is at least 1", where="--limit", value=options.limit)
        changes["datasets"] = tuple(
            use.model_copy(update={"limit": min(options.limit, use.limit or options.limit)})
            for use in changes.get("datasets", suite.datasets)
        )
    return suite.model_copy(update=changes)
