"""The location of a card's files on this disk, and their verification by sha256."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from evalhub.errors import InputError, IntegrityError, SpecError
from evalhub.files import file_sha256
from evalhub.models import cache_folder
from evalhub.specs import Card


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file that a card names.

    Attributes:
        table: The card's table that it belongs to.
        path: Its path in the card.
        sha256: The pinned sha256 of its content.
        url: Its public home, or None.
        location: Its location on this disk, or None. It is not verified yet.
    """

    table: str
    path: str
    sha256: str
    url: str | None
    location: Path | None


def cache_path(card: Card, path: str) -> Path:
    """Return the path of a card's file in the cache. The file need not exist."""
    return cache_folder() / "datasets" / (card.folder or card.id) / path


def places(card: Card, card_path: Path, path: str) -> Iterator[Path]:
    """Yield the possible locations of a card's file: mirrors, the samples beside the card, the cache."""
    folder = card.folder or card.id
    for root in os.environ.get("EVALHUB_MIRROR", "").split(os.pathsep):
        if root:
            yield Path(root) / folder / path
    yield card_path.parent / "samples" / folder / path
    yield cache_path(card, path)


def files_of(card: Card, card_path: Path) -> tuple[DataFile, ...]:
    """Return every file of a card with its location, without reading it."""
    return tuple(
        DataFile(
            table=table,
            path=path,
            sha256=sha256,
            url=_url(card, table, path),
            location=next((place for place in places(card, card_path, path) if place.is_file()), None),
        )
        for table, spec in card.files.items()
        for path, sha256 in sorted(spec.hashes.items())
    )


def _url(card: Card, table: str, path: str) -> str | None:
    spec = card.files[table]
    if spec.url and spec.path:
        return spec.url
    base = spec.url or card.url
    return f"{base.rstrip('/')}/{quote(path)}" if base else None


def locate_files(card: Card, card_path: Path) -> dict[str, Path]:
    """Return each of a card's paths with the file that holds it.

    Args:
        card: The card.
        card_path: The card's file, with the samples beside it.

    Raises:
        InputError: A file is missing. The message lists the places that were searched.
        IntegrityError: A file does not have the pinned sha256. Other places are not searched then.
    """
    locations: dict[str, Path] = {}
    for file in files_of(card, card_path):
        if file.location is None:
            paths = ", ".join(map(str, places(card, card_path, file.path)))
            raise InputError(
                f"the file {file.path} of the dataset {card.id} is at none of {paths}",
                where=f"{card_path}:files.{file.table}",
                fix=f"run `evalhub datasets fetch {card.id}`",
            )
        verify(file.location, file.sha256, where=f"{card_path}:files.{file.table}")
        locations[file.path] = file.location
    return locations


def verify(path: Path, sha256: str, *, where: str) -> None:
    """Compare a file with its pinned sha256.

    Raises:
        IntegrityError: They differ. The message has both.
        SpecError: The file cannot be read.
    """
    try:
        actual = file_sha256(path)
    except OSError as error:
        raise SpecError(f"the file {path} cannot be read ({error.strerror})", where=where) from error
    if actual != sha256:
        raise IntegrityError(
            f"the file {path} has the sha256 {actual}, and the card pins {sha256}",
            where=where,
            fix="remove the file, or pin its hash in a new version of the card",
        )
