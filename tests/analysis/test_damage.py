"""Row 26: of a hundred flipped bits `verify` finds each, and no command computes with any of them.

All hundred: EVALHUB_FULL=1 pytest tests/analysis/test_damage.py
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from evalhub.analysis import Results
from evalhub.analysis.database import connection
from evalhub.errors import StorageError
from evalhub.records import KINDS
from evalhub.report import index_run
from evalhub.store import Run, verify

from ..conftest import PAIR_JUDGE, RATE_JUDGE

FLIPS = 100 if os.environ.get("EVALHUB_FULL") else 10
COMMANDS = {
    "report": ["report", "--json"],
    "leaderboard": ["leaderboard", "--json"],
    "compare": ["compare", "--json"],
    "samples": ["samples", "--full", "--json"],
    "sql": ["sql", "FROM judgments ORDER BY ALL", "--json"],
    "export": ["export", "all.duckdb"],
}


@pytest.fixture(scope="module", autouse=True)
def _small_runs_store_facts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "STORED", 0)
        yield


@pytest.fixture(scope="module")
def sealed(shared_desk: Any) -> Iterator[Run]:
    """A finished run with labels, two judges, a metric, and every table that it can have."""
    with shared_desk() as desk:
        label = {"item_id": "i000", "annotator": "someone"}
        desk.dataset(
            items=12,
            labels=[
                {**label, "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "a"},
                {**label, "criterion": "quality", "system": "k", "value": 2.0},
            ],
        )
        desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE], metrics=["length"])
        run = desk.run()
        index_run(Results(run))
        yield run


def copy_run(run: Run, folder: Path, *, derived: bool) -> Path:
    """Copy a run with or without the tables and facts that are made of its records."""
    left_out = () if derived else ("tables", "facts")
    shutil.copytree(run.path, folder / run.id, ignore=shutil.ignore_patterns(*left_out))
    return folder / run.id


def answer(cli: Any, command: str, runs: Path) -> tuple[int, Any]:
    """Return the exit code of a command on the run of a folder, and what it answers."""
    database = runs / "all.duckdb"
    words = [str(database) if word == database.name else word for word in COMMANDS[command]]
    result = cli(*words, "--runs", str(runs))
    if command != "export" or result.code:
        return result.code, result.out
    with duckdb.connect(str(database)) as connection:
        rows = [connection.execute(f"FROM {kind} ORDER BY ALL").fetchall() for kind in KINDS]
    database.unlink()
    return 0, rows


def flip_bit(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("derived", [False, True], ids=["records", "tables"])
def test_a_flipped_bit_is_found_and_never_computed_with(
    sealed: Run, cli: Any, tmp_path: Path, derived: bool
) -> None:
    rng = random.Random(26)
    commands = list(COMMANDS)
    intact = copy_run(sealed, tmp_path / "intact", derived=derived)
    expected = {command: answer(cli, command, intact.parent) for command in commands}
    assert {code for code, _ in expected.values()} == {0}
    refused = 0
    for number in range(FLIPS):
        runs = tmp_path / f"runs{number}"
        folder = copy_run(sealed, runs, derived=derived)
        pattern = rng.choice(("tables/*/*", "parts/*/facts/*")) if derived else "parts/*/*"
        path = rng.choice(sorted(path for path in folder.glob(pattern) if path.is_file()))
        flip_bit(path, rng)
        name = str(path.relative_to(folder))
        problems = [finding.path for finding in verify(Run(folder)) if finding.problem]
        assert name in problems
        assert problems == [name] or path.suffix == ".json"
        command = commands[number % len(commands)]
        code, out = answer(cli, command, runs)
        assert (code, out) == expected[command] or code == 4, (name, command)
        refused += code == 4
        if not derived:
            with pytest.raises(StorageError):
                list(Run(folder).records())
        shutil.rmtree(runs)
    assert refused == 0 if derived else refused > FLIPS / 4
