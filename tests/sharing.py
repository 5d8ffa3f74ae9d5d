"""What several commands print of a run, computed once for all of them."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from evalhub import analysis
from evalhub.analysis import Results
from evalhub.report import data, registry
from evalhub.store import Run


def share_tables(patch: pytest.MonkeyPatch) -> None:
    """Let all commands that print a table of a sealed run in this process share it."""
    by_manifest: dict[tuple[Path, str], Results] = {}

    def results_of(run: Run) -> Results:
        if run.journals():
            return Results(run)
        key = (run.path, run.manifest.model_dump_json())
        return by_manifest.setdefault(key, Results(run))

    patch.setattr(analysis, "Results", results_of)
    tables = tuple(replace(table, function=cache(table.function)) for table in registry.TABLES)
    for module in (registry, data):
        patch.setattr(module, "TABLES", tables)
