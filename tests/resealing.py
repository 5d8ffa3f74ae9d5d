"""Files of a run that are written again, as an earlier version of evalhub would have written them."""

import json
from pathlib import Path

from evalhub.files import file_sha256
from evalhub.store import Run


def reseal(run: Run, file: Path) -> None:
    """Make a run say that a changed file is what it sealed.

    Args:
        run: The run.
        file: One of the files of its parts.
    """
    record = file.parent / "part.json"
    text = record.read_text(encoding="utf-8")
    data = json.loads(text)
    old = next(
        stored["sha256"]
        for shard in data["shards"]
        for stored in shard["files"]
        if stored["name"] == file.name
    )
    before = file_sha256(record)
    record.write_text(text.replace(old, file_sha256(file)), encoding="utf-8")
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace(before, file_sha256(record)), encoding="utf-8")
