"""The folders of rubrics, datasets and suites, and the files in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from evalhub.errors import SpecError, UnknownNameError

SUFFIXES = {"judges": ".md", "datasets": ".yaml", "suites": ".yaml"}
NOUNS = {"judges": "rubric", "datasets": "dataset", "suites": "suite"}

_PACKAGE = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """Return the folder of the packaged judges, datasets, suites and dashboards."""
    data_folder = _PACKAGE / "_data"
    return data_folder if data_folder.is_dir() else _PACKAGE.parent


def folders(kind: str) -> Iterator[Path]:
    """Yield the folders to search, the user's own first.

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
    """Return each id with its file, sorted by id. If several folders have an id, the first one counts."""
    paths: dict[str, Path] = {}
    for folder in folders(kind):
        for path in sorted(folder.glob(f"*{SUFFIXES[kind]}")):
            if path.name != "README.md":
                paths.setdefault(path.stem, path)
    return dict(sorted(paths.items()))


def locate(kind: str, name: str, *, where: str = "", referrer: Path | None = None) -> Path:
    """Return the file of an id or a path.

    Args:
        kind: "judges", "datasets" or "suites".
        name: An id, or a path that ends in the kind's suffix.
        where: File and key with the name, for the error.
        referrer: The file with the name. Relative paths are looked up in its folder too.

    Raises:
        SpecError: The name is a path without a file.
        UnknownNameError: The name is an id that no folder has.
    """
    suffix = SUFFIXES[kind]
    if name.endswith(suffix):
        candidates = [Path(name)] + ([referrer.parent / name] if referrer else [])
        for path in candidates:
            if path.is_file():
                return path
        raise SpecError(f"there is no {NOUNS[kind]} file at that path", where=where, value=name)
    paths = available(kind)
    if name not in paths:
        raise UnknownNameError(NOUNS[kind], name, paths, where=where)
    return paths[name]
