"""All runs of a folder: lookup by name, the completion cache, and verification."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalhub.errors import InputError, StorageError, UnknownNameError
from evalhub.files import file_sha256
from evalhub.records import Completion, from_dict
from evalhub.store.journal import decode
from evalhub.store.run import Run


def runs_root(folder: str | Path | None = None) -> Path:
    """Return the folder of all runs: the argument, EVALHUB_RUNS, or ./runs."""
    return Path(folder or os.environ.get("EVALHUB_RUNS") or "runs")


def all_runs(root: Path) -> list[Run]:
    """Return the runs of a folder, the newest first, without damaged ones."""
    runs = []
    for manifest in root.glob("*/manifest.json"):
        try:
            runs.append(Run(manifest.parent))
        except (InputError, StorageError):
            continue
    return sorted(runs, key=lambda run: (run.manifest.created, run.id), reverse=True)


def run_folders(root: Path) -> list[Path]:
    """Return every folder with a run or the remains of one, sorted by name."""
    folders = {file.parent for file in [*root.glob("*/manifest.json"), *root.glob("*/journal-*.jsonl")]}
    return sorted(folders | {file.parents[1] for file in root.glob("*/segments/*.parquet")})


def find_run(name: str | None, root: Path) -> Run:
    """Return the run of a path, an id or a suite's name. None means the newest, gold cases last.

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
        for manifest in sorted(root.glob("*/manifest.json"), reverse=True):
            Run(manifest.parent)  # says why it cannot be read
        raise InputError(
            "there are no runs yet", where=str(root), fix="make one with `evalhub run quickstart`"
        )
    if name is None:
        return next((run for run in runs if run.manifest.gold is None), runs[0])
    for run in runs:
        if name in (run.id, run.manifest.suite):
            return run
    raise UnknownNameError("run", name, [run.id for run in runs], where=str(root))


def cached_completions(runs: Iterable[Run], keys: Iterable[str]) -> Iterator[Completion]:
    """Yield the completions of other runs that have one of the keys.

    `computed_in` is set to the run that computed each. Failures are left out, so that they are repeated.
    Segments whose content has changed are skipped.

    Args:
        runs: The runs to search, in order.
        keys: Keys of completions.
    """
    missing_keys = set(keys)
    for run in runs:
        for part in run.manifest.segments:
            if not missing_keys:
                return
            if part.kind != "completions":
                continue
            for record in _read_completions(run.path / part.path, part.sha256, missing_keys):
                missing_keys.discard(record.key)
                yield replace(record, computed_in=record.computed_in or run.id)


def _read_completions(path: Path, sha256: str, keys: set[str]) -> list[Completion]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, filters=[("key", "in", list(keys))])
        if not table.num_rows or file_sha256(path) != sha256:
            return []
    except (OSError, pa.ArrowException):
        return []
    records = [from_dict("completions", row) for row in table.to_pylist()]
    return [record for record in records if isinstance(record, Completion) and record.failure is None]


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
    """Compare each segment of a run with the manifest's sha256, and check each line of its journals."""
    findings = []
    for part in run.manifest.segments:
        path = run.path / part.path
        problem = None
        if not path.is_file():
            problem = "the file is missing"
        elif (sha256 := file_sha256(path)) != part.sha256:
            problem = f"the content has changed: sha256 {sha256}, sealed as {part.sha256}"
        findings.append(Finding(part.path, part.rows, problem))
    return findings + [_journal_finding(path) for path in run.journals()]


def _journal_finding(path: Path) -> Finding:
    """Count the whole lines of a journal. One torn line at the end is an interrupted write, not a problem."""
    with path.open("rb") as file:
        intact = [decode(line) is not None for line in file]
    damaged = intact[:-1].count(False)
    problem = f"{damaged} lines are damaged and left out" if damaged else None
    return Finding(path.name, sum(intact), problem)
