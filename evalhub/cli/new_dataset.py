"""The command that writes a first card for a folder of data files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Json
from evalhub.cli.output import print_fields, print_note
from evalhub.errors import InputError, StorageError

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of data files.")]
CardId = Annotated[str | None, typer.Option("--id", help="Id of the card, by default the folder's name.")]


def datasets_new(folder: Folder, card_id: CardId = None, as_json: Json = False) -> None:
    """Write a first card for a folder of data files into datasets/ of the working directory."""
    name = card_id or re.sub(r"[^A-Za-z0-9._@+-]+", "-", folder.resolve().name).strip("-.+@") or "dataset"
    hub.specs.check_name(name, where="--id" if card_id else "FOLDER")
    path = Path("datasets", f"{name}.yaml")
    cards = hub.specs.available("datasets")
    if path.exists() or name in cards:
        where = str(path if path.exists() else cards[name])
        raise InputError("a card of that name already exists", where=where, fix="choose another with --id")
    tables, skipped = hub.sources.propose(folder)
    text = hub.sources.first_card(name, tables)
    try:
        path.parent.mkdir(exist_ok=True)
        link = _link(folder, path.parent / "samples" / name)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"the file cannot be written ({error.strerror})", where=str(path)) from error
    count = sum(len(table.hashes) for table in tables)
    print_fields({"card": str(path), "files": count, "skipped": skipped, "link": link}, as_json=as_json)
    counts = ", ".join(f"{count} {kind}" for kind, count in hub.sources.check(str(path)).counts.items())
    print_note(
        f"it loads: {counts}\n"
        f"next: read {path}, change what is guessed wrong, then\n  evalhub datasets check {name}"
    )


def _link(folder: Path, place: Path) -> str | None:
    """Link the folder to a place where a card's files are looked for, unless it is there already."""
    roots = [Path(root) for root in os.environ.get("EVALHUB_MIRROR", "").split(os.pathsep) if root]
    places = [*(root / place.name for root in roots), place]
    if folder.resolve() in [known_place.resolve() for known_place in places if known_place.exists()]:
        return None
    if place.exists() or place.is_symlink():
        raise InputError(
            "another folder is where the files would be looked for",
            where=str(place),
            fix="choose another --id",
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(folder.resolve(), place.parent.resolve())
    place.symlink_to(target, target_is_directory=True)
    return f"{place} -> {target}"
