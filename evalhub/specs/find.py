"""Where the three files are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from evalhub.errors import SpecError, UnknownNameError

SUFFIXES = {"judges": ".md", "datasets": ".yaml", "suites": ".yaml"}
NOUNS = {"judges": "rubric", "datasets": "dataset", "suites": "suite"}

_PACKAGE = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """Return the folder that holds the packaged judges, datasets, suites and dashboards."""
    packaged = _PACKAGE / "_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def folders(kind: str) -> Iterator[Path]:
    """Yield the folders that are searched, the user's own first.

    Args:
        kind: "judges", "datasets" or "suites".
    """
    roots = [Path.cwd()]
    roots += [Path(part) for part in os.environ.get("EVALHUB_PATH", "").split(os.pathsep) if part]
    roots.append(data_root())
    for root in dict.fromkeys(root.resolve() for root in roots):
        if (root / kind).is_dir():
            yield root / kind


def available(kind: str) -> dict[str, Path]:
    """Return each id with its file, sorted by id; the first folder that has an id wins."""
    found: dict[str, Path] = {}
    for folder in folders(kind):
        for path in sorted(folder.glob(f"*{SUFFIXES[kind]}")):
            if path.name != "README.md":
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def locate(kind: str, name: str, *, where: str = "", beside: Path | None = None) -> Path:
    """Return the file that an id or a path names.

    Args:
        kind: "judges", "datasets" or "suites".
        name: An id, or a path that ends in the kind's suffix.
        where: File and key that gave the name, for the error.
        beside: The file that gave the name; relative paths are tried beside it too.

    Raises:
        SpecError: The name is a path and no file stands there.
        UnknownNameError: The name is an id that no folder has.
    """
    suffix = SUFFIXES[kind]
    if name.endswith(suffix):
        tried = [Path(name)] + ([beside.parent / name] if beside else [])
        for path in tried:
            if path.is_file():
                return path
        raise SpecError(f"there is no {NOUNS[kind]} file at that path", where=where, value=name)
    known = available(kind)
    if name not in known:
        raise UnknownNameError(NOUNS[kind], name, known, where=where)
    return known[name]
