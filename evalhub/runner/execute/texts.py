"""The items of a dataset and the responses to them, read shard by shard from the parts of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

from evalhub.errors import StorageError
from evalhub.judging.early_stopping import cluster_order
from evalhub.records import Item, Response
from evalhub.store import Part, PartKind, Run, read_column, read_records, size_in_memory

Records = Mapping[tuple[str, str | None, int | None], Item | Response]
"""Items and responses by item, system and sample."""

BYTES_IN_MEMORY = 1 << 26
"""About how much of a table is in memory. A dataset that fits is read once for all judges."""


class Texts:
    """The items of a dataset and the responses to them, as far as a run has them.

    A few shards are in memory. Whoever asks for the items in the order of their places reads each shard once.

    Args:
        run: The run. It has the dataset's part, and the parts of the responses to it.
        dataset: The dataset's id.
        in_order: Whether the items are asked for about in their order. Else all shards stay in memory, since
            each item could need another one.

    Attributes:
        clusters: The cluster of each item, by item, in the order in which the shards have the items.

    Raises:
        StorageError: The run has no such dataset, or a file is damaged.
    """

    def __init__(self, run: Run, dataset: str, *, in_order: bool = True) -> None:
        self._dataset = dataset
        capacity = BYTES_IN_MEMORY if in_order else None
        parts = [part for part in run.manifest.parts if part.dataset == dataset]
        stored = next((part for part in parts if part.kind is PartKind.DATASET), None)
        if stored is None:
            raise StorageError(f"the run has no dataset {dataset}", where=run.id)
        self._items = _Table(run, stored, "items", capacity)
        self._responses = [
            _Table(run, part, "responses", capacity)
            for part in (stored, *(part for part in parts if part.kind is PartKind.RESPONSES))
        ]
        self.clusters: Mapping[str, str] = dict(
            zip(self._items.column("item_id"), self._items.column("cluster"), strict=True)
        )
        self._in_order = in_order
        order = sorted(self.clusters, key=self._random_order) if not in_order else self.clusters
        self._places = {item_id: place for place, item_id in enumerate(order)}

    @property
    def shards(self) -> Sequence[int]:
        """The numbers of the dataset's shards."""
        return self._items.shards

    @property
    def count(self) -> int:
        """The number of responses."""
        return sum(table.count for table in self._responses)

    def place(self, item_id: str) -> int:
        """Return the place of an item in the order in which the shards have the items, or in random order."""
        return self._places[item_id]

    def turn(self, number: int, item_id: str) -> tuple[int, int]:
        """Return what sorts items of several datasets: one dataset after the other, or all side by side.

        Args:
            number: The number of the dataset.
            item_id: One of its items.
        """
        place = self._places[item_id]
        return (number, place) if self._in_order else (place, number)

    def _random_order(self, item_id: str) -> str:
        return cluster_order(0, self._dataset, self.clusters[item_id])

    def items_of(self, shard: int) -> list[Item]:
        """Return the items of a shard."""
        return cast("list[Item]", list(self._items.read(shard).values()))

    def item(self, item_id: str) -> Item:
        """Return an item."""
        return cast("Item", self._items.records_with(item_id)[item_id, None, None])

    def responses(self, item_ids: Collection[str]) -> list[Response]:
        """Return the responses to some items of a shard, in the order of items, systems and samples."""
        records = {
            key: record
            for table in self._responses
            for number in dict.fromkeys(map(table.shard_of, item_ids))
            if number is not None
            for key, record in table.read(number).items()
        }
        return cast("list[Response]", [records[key] for key in sorted(records) if key[0] in item_ids])

    def response(self, item_id: str, system: str, sample: int) -> Response | None:
        """Return a response to an item, or None."""
        key = (item_id, system, sample)
        for table in reversed(self._responses):
            if (response := table.records_with(item_id).get(key)) is not None:
                return cast("Response", response)
        return None

    def references(self) -> Iterator[str]:
        """Yield the references of all items."""
        for shard in self.shards:
            for item in self.items_of(shard):
                yield from item.references


class _Table:
    """The records of one table of a part."""

    def __init__(self, run: Run, part: Part, kind: str, capacity: int | None) -> None:
        self._kind = kind
        self._capacity = capacity
        self._files = {
            shard.number: run.part_folder(part) / file.name
            for shard in run.part_record(part).shards
            for file in shard.files
            if file.kind == kind
        }
        self.count = part.rows.get(kind, 0)
        self._shards = {
            item_id: number
            for number, path in self._files.items()
            for item_id in read_column(path, "item_id")
        }
        self._read: dict[int, Records] = {}
        self._size = 0

    @property
    def shards(self) -> Sequence[int]:
        return tuple(self._files)

    def column(self, name: str) -> Iterator[str]:
        for path in self._files.values():
            yield from read_column(path, name)

    def shard_of(self, item_id: str) -> int | None:
        return self._shards.get(item_id)

    def records_with(self, item_id: str) -> Records:
        """Return the records of the shard that an item is in."""
        number = self.shard_of(item_id)
        return {} if number is None else self.read(number)

    def read(self, number: int) -> Records:
        """Return the records of a shard."""
        if number not in self._read:
            records = {
                (record.item_id, getattr(record, "system", None), getattr(record, "sample", None)): record
                for record in cast("Iterator[Item | Response]", read_records(self._files[number], self._kind))
            }
            self._make_room(size_in_memory(self._files[number]))
            self._read[number] = records
        return self._read[number]

    def _make_room(self, size: int) -> None:
        """Drop the shards that were read first until a further one has room."""
        while self._capacity is not None and self._read and self._size + size > self._capacity:
            number = next(iter(self._read))
            del self._read[number]
            self._size -= size_in_memory(self._files[number])
        self._size += size
