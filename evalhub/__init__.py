"""LLM-as-a-judge evaluation whose numbers say how far people agree with them.

>>> import evalhub
>>> run = evalhub.run("suites/quickstart.yaml")  # doctest: +SKIP
>>> evalhub.load(run).judgments()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub import (
        analysis,
        engines,
        gates,
        judging,
        models,
        night,
        report,
        runner,
        serving,
        sources,
        specs,
        store,
    )
    from evalhub.analysis import Results
    from evalhub.runner import Options, Progress
    from evalhub.store import Run

__all__ = [
    "EvalhubError", "Options", "Results", "Run", "analysis", "engines", "gates", "judging", "load",
    "models", "night", "report", "run", "runner", "serving", "sources", "specs", "store",
]  # fmt: skip

_HOMES = {
    "EvalhubError": "evalhub.errors",
    "Options": "evalhub.runner",
    "Results": "evalhub.analysis",
    "Run": "evalhub.store",
}

_PARTS = (
    "analysis", "engines", "gates", "judging", "models", "night", "report", "runner", "serving", "sources",
    "specs", "store",
)  # fmt: skip


def run(suite: str, options: Options | None = None, progress: Progress | None = None) -> Run:
    """Run a suite, or go on with it; see `evalhub.runner.run`."""
    finished: Run = import_module("evalhub.runner").run(suite, options, progress)
    return finished


def load(run: Run | str | Path | None = None, runs: str | Path | None = None) -> Results:
    """Return what a run holds: pandas frames by table, and SQL.

    Args:
        run: A run, its folder, its id, its suite's name, or None for the newest.
        runs: The folder that holds the runs; EVALHUB_RUNS or ./runs by default.
    """
    part = import_module("evalhub.store")
    target = run if isinstance(run, part.Run) else part.find_run(run and str(run), part.runs_root(runs))
    results: Results = import_module("evalhub.analysis").Results(target)
    return results


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _PARTS:
        return import_module(f"evalhub.{name}")
    raise AttributeError(f"module 'evalhub' has no attribute {name!r}")
