"""The SELECTs of a card, run in a child process that can read only the card's files."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.forks import ForkServer
from evalhub.sandbox.child import REPLY
from evalhub.specs import Card

_CHILD = "evalhub.sandbox.child"
_SERVER = ForkServer(f"{_CHILD}:do_job", [_CHILD, "duckdb"], {"TZ": "UTC", "PYTHONUTF8": "1"})


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
            "format": spec.reader,
            "columns": {"text": "VARCHAR"} if spec.format == "lines" else spec.columns,
            "form": spec.form,
            "files": [(path, str(files[path].resolve())) for path in sorted(spec.hashes)],
        }
        for name, spec in card.files.items()
    ]


def _ask(job: dict[str, Any], card_path: Path, limits: Limits) -> dict[str, Any]:
    folder = Path(job["folder"])
    log = folder / "log.txt"
    try:
        with closing(_SERVER.start(job, log)) as fork:
            code = fork.wait(limits.seconds)
        last_line = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    except TimeoutError:
        code = -signal.SIGALRM
    except ChildProcessError as error:
        code, last_line = 1, str(error)
    if code == -signal.SIGALRM:
        raise SpecError(
            "the SELECTs take too long", where=str(card_path), allowed=f"{limits.seconds} seconds in all"
        )
    if code:
        raise SpecError(
            "the process that reads the card ended early, perhaps beyond its "
            f"{limits.memory >> 20} MiB of memory ({last_line})",
            where=str(card_path),
            fix="make its SELECTs return less",
        )
    reply: dict[str, Any] = json.loads((folder / REPLY).read_bytes())
    if "error" in reply:
        raise _error(reply["error"], card_path)
    return reply


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
