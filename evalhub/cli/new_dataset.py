"""The command that writes a first card for a folder of data files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Json
from evalhub.cli.output import notes, print_fields
from evalhub.errors import InputError, StorageError

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of data files.")]
CardId = Annotated[str | None, typer.Option("--id", help="Id of the card; the folder's name by default.")]


def datasets_new(folder: Folder, card_id: CardId = None, as_json: Json = False) -> None:
    """Write a first card for a folder of data files into datasets/ of the working directory."""
    name = card_id or re.sub(r"[^A-Za-z0-9._@+-]+", "-", folder.resolve().name).strip("-.+@") or "dataset"
    hub.specs.check_name(name, where="--id" if card_id else "FOLDER")
    path = Path("datasets", f"{name}.yaml")
    known = hub.specs.available("datasets")
    if path.exists() or name in known:
        where = str(path if path.exists() else known[name])
        raise InputError("a card of that name already exists", where=where, fix="choose another with --id")
    tables, left_out = hub.sources.propose(folder)
    text = hub.sources.first_card(name, tables)
    try:
        path.parent.mkdir(exist_ok=True)
        linked = _link(folder, path.parent / "samples" / name)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"the file cannot be written ({error.strerror})", where=str(path)) from error
    count = sum(len(table.hashes) for table in tables)
    print_fields({"card": str(path), "files": count, "left_out": left_out, "link": linked}, as_json=as_json)
    found = ", ".join(f"{n} {kind}" for kind, n in hub.sources.check(str(path)).counts.items())
    notes().print(
        f"it loads: {found}\n"
        f"next: read {path}, change what is guessed wrong, then\n  evalhub datasets check {name}",
        markup=False,
        soft_wrap=True,
    )


def _link(folder: Path, place: Path) -> str | None:
    """Let the folder stand where a card's files are looked for; one that stands there needs no link."""
    roots = [Path(root) for root in os.environ.get("EVALHUB_MIRROR", "").split(os.pathsep) if root]
    places = [*(root / place.name for root in roots), place]
    if folder.resolve() in [one.resolve() for one in places if one.exists()]:
        return None
    if place.exists() or place.is_symlink():
        raise InputError(
            "another folder stands where the files would be looked for",
            where=str(place),
            fix="choose another --id",
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(folder.resolve(), place.parent.resolve())
    place.symlink_to(target, target_is_directory=True)
    return f"{place} -> {target}"
