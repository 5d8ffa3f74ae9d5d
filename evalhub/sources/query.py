"""The SELECTs of a card, run in a child process that can read only the card's files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.specs import Card


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for reading one card.

    Attributes:
        memory: Address space of the child, in bytes.
        seconds: Wall time.
        output: Size of each table that a SELECT returns, in bytes.
    """

    memory: int = 4 << 30
    seconds: int = 300
    output: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one SELECT: the column names and the rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def select(
    card: Card, card_path: Path, files: Mapping[str, Path], *, kinds: tuple[str, ...], limits: Limits
) -> tuple[dict[str, Answer], tuple[str, ...]]:
    """Run the card's SELECTs of some kinds over its files.

    Args:
        card: The card.
        card_path: The card's file, for the errors.
        files: Each of the card's paths with its verified file.
        kinds: The kinds whose SELECTs are run.
        limits: Limits of memory, time and output.

    Returns:
        Each kind's answer, and remarks about the files.

    Raises:
        SpecError: A file does not hold what the card declares, or a SELECT fails, does something that is not
            allowed, or exceeds the limits.
    """
    with tempfile.TemporaryDirectory(prefix="evalhub-") as folder:
        job = {
            "folder": folder,
            "memory": limits.memory,
            "seconds": limits.seconds,
            "output": limits.output,
            "tables": _tables(card, files),
            "views": card.views,
            "selects": {kind: card.selects[kind] for kind in kinds},
        }
        reply = _ask(job, card_path, limits)
        answers = {kind: _read(Path(folder) / f"{kind}.jsonl") for kind in kinds}
    return answers, tuple(reply["notes"])


def _tables(card: Card, files: Mapping[str, Path]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "format": spec.format,
            "columns": {"text": "VARCHAR"} if spec.format == "lines" else spec.columns,
            "form": spec.form,
            "files": [(path, str(files[path].resolve())) for path in sorted(spec.hashes)],
        }
        for name, spec in card.files.items()
    ]


def _ask(job: dict[str, Any], card_path: Path, limits: Limits) -> dict[str, Any]:
    search_path = os.pathsep.join(part for part in sys.path if part)
    environment = {**os.environ, "TZ": "UTC", "PYTHONUTF8": "1", "PYTHONPATH": search_path}
    command = [sys.executable, "-P", "-m", "evalhub.sandbox.child"]
    try:
        process = subprocess.run(
            command,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=limits.seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SpecError(
            "the SELECTs take too long", where=str(card_path), allowed=f"{limits.seconds} seconds in all"
        ) from error
    if process.returncode or not process.stdout.strip():
        raise SpecError(_crash(process, limits), where=str(card_path), fix="make its SELECTs return less")
    reply: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    if "error" in reply:
        raise _error(reply["error"], card_path)
    return reply


def _crash(process: subprocess.CompletedProcess[str], limits: Limits) -> str:
    if process.returncode == -signal.SIGALRM:
        return f"the SELECTs take more than {limits.seconds} seconds"
    last = (process.stderr.strip().splitlines() or [""])[-1]
    megabytes = limits.memory >> 20
    return (
        f"the process that reads the card ended early, perhaps beyond its {megabytes} MiB of memory ({last})"
    )


def _error(error: dict[str, Any], card_path: Path) -> SpecError | UnknownNameError:
    where = f"{card_path}:{error['where']}" if error["where"] else str(card_path)
    if error.get("kind"):
        return UnknownNameError(error["kind"], error["value"], error["allowed"], where=where)
    spec_error = SpecError(
        error["problem"],
        where=where,
        value=error.get("value"),
        allowed=error.get("allowed", ""),
        fix=error.get("fix", ""),
    )
    if error.get("excerpt"):
        spec_error.add_note(error["excerpt"])
    return spec_error


def _read(path: Path) -> Answer:
    with path.open(encoding="utf-8") as file:
        columns = tuple(json.loads(file.readline()))
        return Answer(columns, tuple(tuple(json.loads(line)) for line in file))
