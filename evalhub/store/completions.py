"""The completions of one engine, found by their keys in the sealed parts of all runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from evalhub.errors import StorageError
from evalhub.files import file_sha256
from evalhub.records import Completion
from evalhub.store.journal import read_journal
from evalhub.store.parquet import find_records, read_column
from evalhub.store.parts import PartRecord, read_part
from evalhub.store.run import Run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_KIND = "completions"
_MOST_ARRAYS = 16


class _Source(NamedTuple):
    """A file with completions.

    Attributes:
        sha256: None for a journal.
        run: The run that made it.
    """

    path: Path
    sha256: str | None
    run: str


class _Sorted(NamedTuple):
    """The sorted first bits of keys, and the number of the file that has each."""

    hashes: npt.NDArray[np.uint64]
    places: npt.NDArray[np.uint32]


class CompletionIndex:
    """Finds completions by key without holding any of them: eight bytes of each key are in memory.

    Files whose content has changed are passed over. Completions that failed are not found, so that they are
    asked again.

    Args:
        engine: The hash of the engine's identity. Only its completions are searched.
        runs: The runs to search. The first file with a key answers.
        run: The run that is being written. Its own completions have no `computed_in`.
    """

    def __init__(self, engine: str, runs: Iterable[Run], run: str) -> None:
        self._engine = engine
        self._run = run
        self._files: list[_Source] = []
        self._sorted: list[_Sorted] = []
        self._intact: dict[Path, bool] = {}
        parts: set[str] = set()
        for earlier in runs:
            for part in earlier.manifest.parts:
                if part.key not in parts and part.rows.get(_KIND):
                    with suppress(StorageError):
                        folder = earlier.part_folder(part)
                        self.add(folder, read_part(folder))
                        parts.add(part.key)
            with suppress(StorageError):
                for folder, record in earlier.open_parts().items():
                    self.add(folder, record)
            with suppress(StorageError):
                self._add_journals(earlier)

    def add(self, folder: Path, record: PartRecord) -> None:
        """Add the sealed files of a part that are not in the index yet."""
        if record.engine != self._engine:
            return
        paths = {source.path for source in self._files}
        for file in (file for shard in record.shards for file in shard.files):
            path = folder / file.name
            if file.kind == _KIND and path not in paths:
                with suppress(StorageError):
                    self._add(_Source(path, file.sha256, record.run), read_column(path, "key"))

    def _add_journals(self, run: Run) -> None:
        """Add what a run has in journals. It may still be going on, or it was killed."""
        for path, record in run.journals().items():
            if record.engine == self._engine:
                with suppress(OSError):
                    completions = _read_journal(path)
                    self._add(_Source(path, None, record.run), [completion.key for completion in completions])

    def find(self, keys: Collection[str]) -> Iterator[Completion]:
        """Yield the completions of these keys that are known."""
        missing = set(keys)
        for place in self._places_of(keys):
            if not missing:
                return
            for record in list(self._read(place, missing)):
                if record.key in missing:
                    missing.discard(record.key)
                    yield record

    def _places_of(self, keys: Collection[str]) -> list[int]:
        """Return the numbers of the files that may have one of the keys, the first file first."""
        if len(self._sorted) > _MOST_ARRAYS:
            self._sorted = [_merge(self._sorted)]
        hashes = _hash(keys)
        places: set[int] = set()
        for array in self._sorted:
            first, last = (array.hashes.searchsorted(hashes, side) for side in ("left", "right"))
            is_there = first < last
            for start, end in zip(first[is_there], last[is_there], strict=True):
                places.update(array.places[start:end].tolist())
        return sorted(places)

    def _add(self, source: _Source, keys: Sequence[str]) -> None:
        import numpy as np

        places = np.full(len(keys), len(self._files), np.uint32)
        self._sorted.append(_merge([_Sorted(_hash(keys), places)]))
        self._files.append(source)

    def _read(self, place: int, keys: set[str]) -> Iterator[Completion]:
        source = self._files[place]
        origin = None if source.run == self._run else source.run
        with suppress(OSError, StorageError):
            for record in self._records(source, keys):
                if record.key in keys and record.failure is None:
                    yield replace(record, computed_in=record.computed_in or origin)

    def _records(self, source: _Source, keys: set[str]) -> Iterable[Completion]:
        if source.sha256 is None:
            return _read_journal(source.path)
        if source.path not in self._intact:
            self._intact[source.path] = file_sha256(source.path) == source.sha256
        if not self._intact[source.path]:
            return ()
        return cast("Iterator[Completion]", find_records(source.path, _KIND, "key", keys))


def _read_journal(path: Path) -> list[Completion]:
    return [record for record in read_journal(path) if isinstance(record, Completion)]


def _merge(arrays: Sequence[_Sorted]) -> _Sorted:
    import numpy as np

    hashes = np.concatenate([array.hashes for array in arrays])
    order = np.argsort(hashes, kind="stable")
    return _Sorted(hashes[order], np.concatenate([array.places for array in arrays])[order])


def _hash(keys: Iterable[str]) -> Any:
    """Return the first 64 bits of the sha256 that each key is, or of another text."""
    import numpy as np

    return np.fromiter((_first_bits(key) for key in keys), np.uint64)


def _first_bits(key: str) -> int:
    try:
        return int(key[:16], 16)
    except ValueError:
        return int.from_bytes(key.encode("utf-8")[:8], "big")
