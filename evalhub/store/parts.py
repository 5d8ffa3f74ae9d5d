"""Parts: what one step of a suite made, in a folder that never changes once the step is complete.

parts/judgments-0f3a…/
    part.json                 the key and what it was made of, the facts, the sealed shards
    0001-judgments.parquet    the records of the first shard, one file for each kind
    0002.jsonl                the journal of a shard that is still open
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from evalhub.errors import StorageError
from evalhub.files import file_sha256, link_file, sync, write_file
from evalhub.records import digest
from evalhub.specs import CardFacts
from evalhub.specs.base import Spec
from evalhub.store.frames import FACTS_FOLDER

PARTS = "parts"
RECORD = "part.json"
VERIFY = "run `evalhub verify` on the run"


ASKED_SINCE = "asked since"
"""The input of a step that says since which night a server is taken to answer alike."""


class PartKind(StrEnum):
    """The kinds of steps: reading a dataset, answering it, judging it, scoring it."""

    DATASET = "dataset"
    RESPONSES = "responses"
    JUDGMENTS = "judgments"
    SCORES = "scores"


class Step(Spec):
    """A step of a suite with everything that decides its part.

    Attributes:
        source: The candidate, judge or metric that does it. The dataset itself where it is read.
        inputs: What decides the records of the part, by name. A long value stands as its hash.
    """

    kind: PartKind
    dataset: str
    source: str
    inputs: dict[str, Any]

    @property
    def key(self) -> str:
        """The sha256 of the step. Two steps of one key make the same records."""
        return digest(self.model_dump(mode="json"))

    @property
    def place(self) -> tuple[PartKind, str, str]:
        """The kind, the dataset and the source. A run has one part for each."""
        return self.kind, self.dataset, self.source

    @property
    def folder(self) -> str:
        """The name of the part's folder."""
        return f"{self.kind}-{self.key[:16]}"


class StoredFile(Spec):
    """A file of records that never changes: its name in the part's folder, its table, its rows and hash."""

    name: str
    kind: str
    rows: int
    sha256: str


class Shard(Spec):
    """A range of a step's work that is complete."""

    number: int
    files: tuple[StoredFile, ...]


class MetricFacts(Spec):
    """A column of scores.

    Attributes:
        metric: The suite's name of the metric that made it.
        bounds: Its lowest and highest possible value.
        higher_is_better: None if neither direction is better.
        is_length: Whether it is a length, which is not ranked as quality.
    """

    metric: str = ""
    bounds: tuple[float, float] | None = None
    higher_is_better: bool | None = None
    is_length: bool = False


class DecidedPair(Spec):
    """A pair of systems whose order a sequential test has decided.

    Attributes:
        decision: `first` or `second`, the better one.
        stopped_at: The number of clusters after which it was decided.
    """

    dataset: str
    judge: str
    criterion: str
    first: str
    second: str
    decision: str
    stopped_at: int | None
    clusters: int


class PartFacts(Spec):
    """What is known of a part without reading its records. Each kind of part sets what fits it.

    Attributes:
        outputs: Hashes of the records, by name: items, references, labels, or the texts that a judge sees.
        families: The model families of each system of the part.
        card: What the dataset's card says, with the turns of its labels.
        items: The number of items of the dataset.
        clusters: The number of clusters of its items. 0 = an older part, for which it was not counted.
        tags: The number of clusters of the items with each tag. None = an older part, or over 1,000 tags.
        recorded_judges: The judges whose judgments the dataset has.
        recorded_metrics: The metrics whose scores the dataset has.
        without_prompt: The items that have no prompt.
        with_system_message: An item whose chat history has a system message.
        expected: The number of planned judgments, or of responses.
        records: The number of judgments or responses.
        valid: The number of those with a verdict, a finding that none applies, or a text.
        retriable: The number of those that an engine failed to answer. They are asked again by the next run.
        exclusions: How many judgments were not planned, by reason.
        order_sizes: By criterion, the number of pairs of systems that make up one order.
        decided: The pairs that a sequential test has decided.
        fewest_clusters: The clusters that are judged of the system with the fewest.
        cut: The number of responses that ended, that the token limit cut, and that were lost by that.
        metrics: The columns of scores.
    """

    outputs: dict[str, str] = Field(default_factory=dict)
    families: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    card: CardFacts | None = None
    items: int = 0
    clusters: int = 0
    tags: dict[str, int] | None = None
    recorded_judges: tuple[str, ...] = ()
    recorded_metrics: tuple[str, ...] = ()
    without_prompt: tuple[str, ...] = ()
    with_system_message: str | None = None
    expected: int = 0
    records: int = 0
    valid: int = 0
    retriable: int = 0
    exclusions: dict[str, int] = Field(default_factory=dict)
    order_sizes: dict[str, int] = Field(default_factory=dict)
    decided: tuple[DecidedPair, ...] = ()
    fewest_clusters: int = 0
    cut: dict[str, int] = Field(default_factory=dict)
    metrics: dict[str, MetricFacts] = Field(default_factory=dict)


class PartRecord(Spec):
    """What a part's folder says of itself.

    Attributes:
        run: The run that made it.
        engine: The hash of the identity of the engine that made its completions.
        complete: Whether the step is done. The folder never changes afterwards.
    """

    run: str
    step: Step
    engine: str | None = None
    shards: tuple[Shard, ...] = ()
    facts: PartFacts = PartFacts()
    complete: bool = False


class Part(Spec):
    """A complete part of a run, as the run's manifest has it.

    Attributes:
        rows: The number of records of each table.
        sha256: The hash of the part's own record.
        computed_in: The run that made it. None = this one.
    """

    kind: PartKind
    dataset: str
    source: str
    key: str
    folder: str
    rows: dict[str, int]
    sha256: str
    computed_in: str | None = None

    @property
    def place(self) -> tuple[PartKind, str, str]:
        """The kind, the dataset and the source. A run has one part for each."""
        return self.kind, self.dataset, self.source


def read_part(folder: Path, sha256: str | None = None) -> PartRecord:
    """Return what a part's folder says of itself.

    Args:
        folder: The part's folder.
        sha256: The hash of the part's record, where the manifest has it.

    Raises:
        StorageError: The file is missing or damaged.
    """
    file = folder / RECORD
    if sha256 is not None:
        check_content(file, sha256)
    try:
        return PartRecord.model_validate_json(file.read_bytes())
    except OSError as error:
        raise StorageError(
            f"the part cannot be read ({error.strerror})", where=str(file), fix=VERIFY
        ) from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(place) for place in problem["loc"])
        raise StorageError(
            "the part's record is damaged", where=str(file), value=f"{key}: {problem['msg']}", fix=VERIFY
        ) from error


def write_part(folder: Path, record: PartRecord) -> None:
    """Replace what a part's folder says of itself, in one step.

    Raises:
        StorageError: The file cannot be written. The earlier one stands.
    """
    try:
        write_file(folder / RECORD, record.model_dump_json(indent=1, exclude_defaults=True).encode("utf-8"))
    except OSError as error:
        raise StorageError(
            f"the part cannot be written ({error.strerror})",
            where=str(folder),
            fix="free some room and repeat the command: finished work is kept",
        ) from error


def describe_part(folder: Path, record: PartRecord, run: str) -> Part:
    """Return the entry of a complete part in a run's manifest."""
    rows: dict[str, int] = {}
    for file in (file for shard in record.shards for file in shard.files):
        rows[file.kind] = rows.get(file.kind, 0) + file.rows
    step = record.step
    return Part(
        kind=step.kind,
        dataset=step.dataset,
        source=step.source,
        key=step.key,
        folder=folder.name,
        rows=rows,
        sha256=file_sha256(folder / RECORD),
        computed_in=None if record.run == run else record.run,
    )


def part_problems(folder: Path, sha256: str | None = None) -> Mapping[str, tuple[int, str | None]]:
    """Return the rows and the problem of each file of a part. None where the file is intact.

    Args:
        folder: The part's folder.
        sha256: The hash of the part's record, where the manifest has it.
    """
    try:
        record = read_part(folder)
    except StorageError as error:
        return {RECORD: (0, error.problem)}
    problems: dict[str, tuple[int, str | None]] = {RECORD: (0, _problem(folder / RECORD, sha256))}
    for file in (file for shard in record.shards for file in shard.files):
        problems[file.name] = file.rows, _problem(folder / file.name, file.sha256)
    return problems


def check_content(path: Path, sha256: str) -> None:
    """Refuse a sealed file whose content has changed, before anything is computed with it.

    Each file is hashed once in a process, as long as its size, time and inode stay the same.

    Raises:
        StorageError: The file is missing, cannot be read or has changed.
    """
    try:
        status = path.stat()
        actual = _hash_of(path, status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError as error:
        raise StorageError(
            f"the file cannot be read ({error.strerror})", where=str(path), fix=VERIFY
        ) from error
    if actual != sha256:
        raise StorageError("the file is corrupt", where=str(path), fix=VERIFY)


@lru_cache(maxsize=1 << 16)
def _hash_of(path: Path, *_status: int) -> str:
    return file_sha256(path)


def _problem(path: Path, sealed: str | None) -> str | None:
    if not path.is_file():
        return "the file is missing"
    actual = file_sha256(path)
    return (
        None if sealed in (None, actual) else f"the content has changed: sha256 {actual}, sealed as {sealed}"
    )


def drop_files(folder: Path, names: Collection[str]) -> None:
    """Remove files of a part, whose shards are then open again. Without its record all of it is removed."""
    if RECORD in names:
        shutil.rmtree(folder, ignore_errors=True)
        return
    record = read_part(folder)
    shards = tuple(shard for shard in record.shards if not any(file.name in names for file in shard.files))
    write_part(folder, record.model_copy(update={"shards": shards, "complete": False}))
    shutil.rmtree(folder / FACTS_FOLDER, ignore_errors=True)
    for name in names:
        (folder / name).unlink(missing_ok=True)


def link_part(source: Path, target: Path) -> None:
    """Give a complete part's files a second name in another run. Between file systems they are copied.

    Raises:
        StorageError: The disk is full or refuses. No partial folder is left under the part's name.
    """
    draft = target.with_name(f".{target.name}")
    record = read_part(source)
    names = [RECORD, *(file.name for shard in record.shards for file in shard.files)]
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name in names:
            link_file(source / name, draft / name)
        _link_facts(source / FACTS_FOLDER, draft / FACTS_FOLDER)
        sync(draft)
        draft.rename(target)
        sync(target.parent)
    except OSError as error:
        with suppress(OSError):
            shutil.rmtree(draft)
        raise StorageError(
            f"the part cannot be reused ({error.strerror})", where=str(target), fix="free some room"
        ) from error


def _link_facts(source: Path, target: Path) -> None:
    files = sorted(source.glob("*.parquet"))
    if files:
        target.mkdir()
    for file in files:
        link_file(file, target / file.name)
