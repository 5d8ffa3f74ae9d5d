"""Verdicts on pairs as preferences, on which a model (DPO) or a reward model is trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from evalhub.analysis.frames.splits import item_splits, split_rules
from evalhub.analysis.people.preference_pairs import preference_batches
from evalhub.analysis.people.preference_rows import Preference, preference_schema
from evalhub.analysis.people.preference_source import PreferenceFilter, PreferenceSource, find_source
from evalhub.analysis.people.preference_tally import PreferenceTally
from evalhub.analysis.results import Results
from evalhub.errors import InputError, StorageError
from evalhub.files import file_sha256, replace_file, write_file

FORMAT = "evalhub-preferences/1"
PARQUET = ".parquet"


def export_preferences(
    results: Results, path: Path, selection: PreferenceFilter | None = None
) -> dict[str, Any]:
    """Write the pairs of a run that have a winner as preferences, and a manifest beside them.

    A row has a prompt, a preferred (`chosen`) and another response (`rejected`) in TRL's conversational
    format. By default the combined verdict of the run's judge orders a pair, before any length penalty. A
    tie, a pair without a verdict and a pair with an empty or failed response is no row. Memory does not grow
    with the texts of the run.

    Args:
        results: The run.
        path: The new file: Parquet if it ends in `.parquet`, and else a JSON text on each line. The manifest
            has the same name with `.manifest.json` behind it.
        selection: Which pairs are taken. By default those of the `dev` clusters.

    Returns:
        The manifest: `rows`, `clusters`, `sha256`, the filters, `pairs` (the number of pairs that were looked
        at) and `exclusions` (how many are no row, by reason), `length` (how often the preferred response is
        longer in characters, with `share_longer` in [0, 1]), `agreement` (accuracy of the rows by their
        labels, in [0, 1] with n and its interval, by the kind of annotator), and what made the verdicts.

    Raises:
        InputError: One of the files exists already. The judge, criterion or dataset does not exist, or has to
            be named. No pair is left.
        StorageError: The files cannot be written, or the run is damaged. No partial file is left.
    """
    selection = selection or PreferenceFilter()
    manifest_path = path.with_name(f"{path.name}.manifest.json")
    for file in (path, manifest_path):
        if file.exists():
            raise InputError("the file exists already", where=str(file), fix="name another one, or remove it")
    results.read_tables(("items", "responses", "judgments", "labels"))  # damaged files are named first
    source = find_source(results, selection)
    try:
        with replace_file(path, shared=True) as partial:
            facts = _write(results, source, selection, partial, as_parquet=path.suffix == PARQUET)
            manifest = {
                "format": FORMAT,
                "evalhub": metadata.version("evalhub-laaj"),
                "run": results.run.id,
                "file": path.name,
                "sha256": file_sha256(partial),
                **facts,
            }
            content = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
            write_file(manifest_path, content.encode(), shared=True)
    except BaseException as error:
        for file in (path, manifest_path):  # neither was there before, and one is nothing without the other
            with suppress(OSError):
                file.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = str(error.strerror or error)
            raise StorageError(f"the export cannot be written ({reason})", where=str(path)) from error
        raise
    return manifest


def _write(
    results: Results, source: PreferenceSource, selection: PreferenceFilter, path: Path, *, as_parquet: bool
) -> dict[str, Any]:
    """Write all rows, and return what they add up to."""
    items = item_splits(results, selection.seed)
    rules = split_rules(items, selection.seed, selection.split)
    splits = f'"item_splits {selection.seed}"'
    results.database.add_table(splits, lambda: items)
    tally = PreferenceTally(source, selection, clusters=len(items))
    with _row_writer(path, as_parquet=as_parquet) as write:
        for batch in preference_batches(results, source, selection, splits):
            tally.add(batch)
            write(batch.preferences)
    if not tally.rows:
        raise tally.nothing_left(results.run.id)
    return tally.facts(rules)


@contextmanager
def _row_writer(path: Path, *, as_parquet: bool) -> Iterator[Callable[[Sequence[Preference]], None]]:
    """Yield what writes some rows into a file."""
    if not as_parquet:
        with path.open("w", encoding="utf-8") as file:

            def write_lines(preferences: Sequence[Preference]) -> None:
                for preference in preferences:
                    file.write(json.dumps(preference.row, ensure_ascii=False, allow_nan=False) + "\n")

            yield write_lines
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = preference_schema()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def write_table(preferences: Sequence[Preference]) -> None:
            if preferences:
                writer.write_table(pa.Table.from_pylist([entry.row for entry in preferences], schema))

        yield write_table
