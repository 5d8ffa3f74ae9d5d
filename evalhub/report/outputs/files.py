"""The files of a report, each written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evalhub.errors import StorageError
from evalhub.files import write_file
from evalhub.report.outputs.ci import junit_xml, summary_markdown
from evalhub.report.outputs.page import report_page

_FILES = ("report.json", "report.html", "summary.md", "junit.xml")


def write_report(data: dict[str, Any], folder: Path) -> list[Path]:
    """Write report.json and report.html, and summary.md and junit.xml where the suite has gates.

    Args:
        data: As `report_data` returns it.
        folder: Folder of the files. It is made where it is missing.

    Returns:
        The files' paths.

    Raises:
        StorageError: The disk is full or refuses. Earlier files stay as they were.
    """
    texts = {
        "report.json": _as_json(data),
        "report.html": report_page(data),
    }
    if data["gates"]:
        texts |= {"summary.md": summary_markdown(data), "junit.xml": junit_xml(data)}
    return [_write(folder / name, text) for name, text in texts.items()]


def remove_report(folder: Path) -> None:
    """Remove the files of an earlier report from a folder, so that nobody takes it for the next one.

    Raises:
        StorageError: A file cannot be removed.
    """
    for name in _FILES:
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"an earlier report cannot be removed ({error.strerror})",
                where=str(folder / name),
                fix="remove it or name another folder with --out",
            ) from error


def _as_json(data: dict[str, Any]) -> str:
    """Return JSON with a line for each key, since every night has a file of its own."""
    lines = [
        f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'), ensure_ascii=False, allow_nan=False)}"
        for name, value in data.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise StorageError(
            f"the report cannot be written ({error.strerror})",
            where=str(path),
            fix="free some room or name another folder with --out",
        ) from error
    return path
