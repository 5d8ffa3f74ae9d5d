"""The parts of a run: linked where an earlier run has made them, else open for writing."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from evalhub.engines import EngineIdentity
from evalhub.records import SHORT_DIGITS, Item, Judgment, Label, Record, Response, Score
from evalhub.runner.execute.texts import Texts
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.reuse import Catalog
from evalhub.runner.plan.steps import engine_hash
from evalhub.runner.plan.tasks import cut_shards
from evalhub.runner.progress import Progress
from evalhub.store import CompletionIndex, PartFacts, PartWriter, RunWriter, Step

LEDGERS = "batches"
"""The folder of a run that has the ledgers of its engines."""


class Parts:
    """The parts of a run that is being written.

    Args:
        writer: The run.
        catalog: The parts of earlier runs.
        progress: Shows what is damaged and therefore made again.
    """

    def __init__(self, writer: RunWriter, catalog: Catalog, progress: Progress) -> None:
        self.writer = writer
        self._catalog = catalog
        damaged = [f"{name} of this run is damaged" for name in writer.damaged]
        for sentence in [*damaged, *catalog.damaged.values()]:
            progress.note(f"{sentence}: it is made again")

    def reuse(self, step: Step) -> PartFacts | None:
        """Return the facts of a step's part if this run has it, or can link it from an earlier run."""
        if part := self.writer.part(step):
            return self.writer.part_record(part).facts
        stored = self._catalog.find(step)
        if stored is None or stored.run.id == self.writer.id:
            return None
        self.writer.link_part(stored.run, stored.part)
        return stored.record.facts

    def open(self, step: Step, identity: EngineIdentity | None = None) -> PartWriter:
        """Return the writer of a step's part.

        Args:
            step: The step.
            identity: The engine that makes the part's completions.
        """
        return self.writer.open_part(step, engine_hash(identity) if identity else None)

    def open_index(self, identity: EngineIdentity) -> CompletionIndex:
        """Return the index of the completions that an engine has given in any run."""
        runs = [self.writer, *(run for run in self._catalog.runs if run.id != self.writer.id)]
        return CompletionIndex(engine_hash(identity), runs, self.writer.id)

    def ledgers(self, identity: EngineIdentity) -> tuple[Path, tuple[Path, ...]]:
        """Return where an engine enters what it has begun on a server, and where it did so in other runs."""
        name = f"{engine_hash(identity)[:SHORT_DIGITS]}.jsonl"
        ledger = self.writer.path / LEDGERS / name
        return ledger, tuple(sorted(self.writer.path.parent.glob(f"[!.]*/{LEDGERS}/{name}")))

    def store_dataset(self, step: Step, dataset: SuiteDataset) -> PartFacts:
        """Store the records of a dataset in shards of whole clusters, and return the part's facts."""
        writer = self.open(step)
        loaded = dataset.loaded
        items = loaded.items
        shards = dict(
            zip(
                (item.item_id for item in items),
                cut_shards([(item.cluster, 1) for item in items]),
                strict=True,
            )
        )
        records: dict[int, list[Record]] = {}
        tables = (items, loaded.labels, loaded.responses, loaded.judgments, loaded.scores)
        for record in chain[Item | Label | Response | Judgment | Score](*tables):
            records.setdefault(shards[record.item_id], []).append(record)
        for number, of_shard in sorted(records.items()):
            if not writer.is_sealed(number):
                writer.write_shard(number, of_shard)
        self.writer.finish_part(writer, dataset.facts)
        return dataset.facts

    def texts(self, dataset: SuiteDataset, *, in_order: bool = True) -> Texts:
        """Return the items of a dataset, and the responses to them that the run has. See `Texts`."""
        return Texts(self.writer, dataset.id, in_order=in_order)
