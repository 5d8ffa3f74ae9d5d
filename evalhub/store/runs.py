"""All runs of a folder: lookup by name, and verification."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from evalhub.errors import InputError, StorageError, UnknownNameError
from evalhub.store.frames import FACTS_FOLDER, TABLES_FOLDER, count_rows, is_intact
from evalhub.store.journal import decode
from evalhub.store.parts import PARTS, part_problems
from evalhub.store.run import Run


def runs_root(folder: str | Path | None = None) -> Path:
    """Return the folder of all runs: the argument, EVALHUB_RUNS, or ./runs."""
    return Path(folder or os.environ.get("EVALHUB_RUNS") or "runs")


def tonight() -> str:
    """Return the night of a run that begins now, YYYY-MM-DD: EVALHUB_NIGHT, or the date of today in UTC.

    Raises:
        InputError: EVALHUB_NIGHT is no date.
    """
    night = os.environ.get("EVALHUB_NIGHT") or datetime.now(UTC).date().isoformat()
    try:
        return date.fromisoformat(night).isoformat()
    except ValueError as error:
        raise InputError(
            "a night is a date", where="EVALHUB_NIGHT", value=night, allowed="YYYY-MM-DD"
        ) from error


def all_runs(root: Path) -> list[Run]:
    """Return the runs of a folder, the newest first, without damaged ones."""
    runs = []
    for manifest in root.glob("[!.]*/manifest.json"):
        try:
            runs.append(Run(manifest.parent))
        except (InputError, StorageError):
            continue
    return sorted(runs, key=lambda run: (run.manifest.created, run.id), reverse=True)


def run_folders(root: Path) -> list[Path]:
    """Return every folder with a run or the remains of one, sorted by name."""
    folders = {file.parent for file in root.glob("[!.]*/manifest.json")}
    return sorted(folders | {folder.parent for folder in root.glob(f"[!.]*/{PARTS}")})


def find_run(name: str | None, root: Path) -> Run:
    """Return the run of a path, an id or a suite's name. None means the newest.

    Gold cases, and runs that were made for the night of another suite, come last.

    Raises:
        InputError: There are no runs.
        StorageError: The run of that path or id is damaged, or all runs are.
        UnknownNameError: No run has that name.
    """
    for path in (Path(name), root / name) if name else ():
        if (path / "manifest.json").is_file():
            return Run(path)
    runs = all_runs(root)
    if not runs:
        for manifest in sorted(root.glob("[!.]*/manifest.json"), reverse=True):
            Run(manifest.parent)  # says why it cannot be read
        raise InputError(
            "there are no runs yet", where=str(root), fix="make one with `evalhub run quickstart`"
        )
    if name is None:
        return next((run for run in runs if _is_shown_first(run)), runs[0])
    for run in runs:
        if name in (run.id, run.manifest.suite):
            return run
    raise UnknownNameError("run", name, [run.id for run in runs], where=str(root))


def _is_shown_first(run: Run) -> bool:
    return run.manifest.gold is None and run.manifest.part_of is None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of `verify` for one file. `problem` is None if the file is intact."""

    path: str
    rows: int
    problem: str | None


def verify_folder(path: Path) -> list[Finding]:
    """Verify the run of a folder. A manifest that cannot be read is a finding too."""
    try:
        return verify(Run(path))
    except (InputError, StorageError) as error:
        return [Finding("manifest.json", 0, error.problem)]


def verify(run: Run) -> list[Finding]:
    """Compare each file of a run with its checksums, and check each line of the journals."""
    findings = [
        Finding(f"{PARTS}/{folder.name}/{name}", rows, problem)
        for folder, sha256 in run.part_folders().items()
        for name, (rows, problem) in part_problems(folder, sha256).items()
    ]
    tables = sorted(run.path.glob(f"{TABLES_FOLDER}/*/*.parquet"))
    tables += sorted(run.path.glob(f"{PARTS}/*/{FACTS_FOLDER}/*.parquet"))
    findings += [_table_finding(run, path) for path in tables]
    return findings + [_journal_finding(run, path) for path in run.journals()]


def _table_finding(run: Run, path: Path) -> Finding:
    if not is_intact(path):
        problem = "the table is damaged and passed over; `evalhub index` computes it again"
        return Finding(str(path.relative_to(run.path)), 0, problem)
    return Finding(str(path.relative_to(run.path)), count_rows(path), None)


def _journal_finding(run: Run, path: Path) -> Finding:
    """Count the whole lines of a journal. One torn line at the end is an interrupted write, not a problem."""
    with path.open("rb") as file:
        intact = [decode(line) is not None for line in file]
    damaged = intact[:-1].count(False)
    problem = f"{damaged} lines are damaged and left out" if damaged else None
    return Finding(str(path.relative_to(run.path)), sum(intact), problem)
