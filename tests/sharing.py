"""What many tests need alike, computed once: the tables of a run, and the rows of a card."""

import importlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evalhub import analysis
from evalhub.analysis import Results
from evalhub.files import file_sha256
from evalhub.report import data
from evalhub.report.tables import registry
from evalhub.specs import Card
from evalhub.store import Run

CARD_READER = importlib.import_module("evalhub.sources.load")
READ_CARD = CARD_READER.select
MOST_ROWS = 5_000

_answers_by_card: dict[Any, tuple[dict[str, Any], tuple[str, ...]]] = {}


def read_once(card: Card, path: Path, files: Any, *, kinds: tuple[str, ...], limits: Any) -> Any:
    """Return the rows of a card as its confined process does. Those of a small card are kept."""
    hashes = tuple(sorted((name, file_sha256(file)) for name, file in files.items()))
    key = (card.hash, hashes, kinds, limits)
    if key not in _answers_by_card:
        answers, notes = READ_CARD(card, path, files, kinds=kinds, limits=limits)
        if sum(len(answer.rows) for answer in answers.values()) >= MOST_ROWS:
            return answers, notes
        _answers_by_card[key] = answers, notes
    answers, notes = _answers_by_card[key]
    return dict(answers), notes


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
