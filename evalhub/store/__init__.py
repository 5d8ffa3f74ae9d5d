"""Storage: run folders, their parts and journals. Only this package writes records."""

from evalhub.store.completions import CompletionIndex
from evalhub.store.frames import (
    FACTS_FOLDER,
    TABLES_FOLDER,
    find_frame,
    new_frame,
    read_frame,
    read_rows,
    write_frame,
)
from evalhub.store.heartbeat import Heartbeat, SignOfLife, StageCounts, read_heartbeat
from evalhub.store.housekeeping import (
    Garbage,
    Size,
    find_garbage,
    remove_garbage,
    remove_run,
    set_tags,
    size_of,
    tags_of,
)
from evalhub.store.journal import Journal, read_journal
from evalhub.store.label_exchange import read_label_table, write_label_table
from evalhub.store.label_order import Showing, Side, showings
from evalhub.store.label_queue import (
    LabelQueue,
    QueueUnit,
    new_queue_path,
    queues_folder,
    read_queue,
    write_queue,
)
from evalhub.store.label_session import (
    Answer,
    LabelSession,
    Progress,
    check_annotator,
    disputed_showings,
    disputes,
)
from evalhub.store.labels import (
    ADJUDICATED,
    Decision,
    LabelEntry,
    LabelFile,
    hash_texts,
    labels_folder,
    labels_hash,
    last_entries,
    read_entries,
    read_labels,
)
from evalhub.store.manifest import (
    AttackFacts,
    DatasetVersion,
    EarlyStopping,
    JudgeCounts,
    JudgeFacts,
    JuryFacts,
    Manifest,
    ModelFacts,
    State,
)
from evalhub.store.manifest_changes import ManifestChange, manifest_changes
from evalhub.store.parquet import (
    arrow_schema,
    read_column,
    read_records,
    size_in_memory,
    to_arrow,
    write_records,
)
from evalhub.store.part_writer import PartWriter, ShardWriter
from evalhub.store.parts import (
    ASKED_SINCE,
    DecidedPair,
    MetricFacts,
    Part,
    PartFacts,
    PartKind,
    PartRecord,
    Step,
    StoredFile,
    check_content,
    part_problems,
    read_part,
)
from evalhub.store.run import OpenParts, Run, RunWriter, SealedFile
from evalhub.store.runs import (
    Finding,
    all_runs,
    find_run,
    run_folders,
    runs_root,
    tonight,
    verify,
    verify_folder,
)
from evalhub.store.step_changes import changed_inputs

__all__ = [
    "ADJUDICATED", "ASKED_SINCE", "FACTS_FOLDER", "TABLES_FOLDER", "Answer", "AttackFacts", "CompletionIndex",
    "DatasetVersion", "DecidedPair", "Decision", "EarlyStopping", "Finding", "Garbage", "Heartbeat",
    "Journal", "JudgeCounts", "JudgeFacts", "JuryFacts", "LabelEntry", "LabelFile", "LabelQueue",
    "LabelSession", "Manifest", "ManifestChange", "MetricFacts", "ModelFacts", "OpenParts", "Part",
    "PartFacts", "PartKind", "PartRecord", "PartWriter", "Progress", "QueueUnit", "Run", "RunWriter",
    "SealedFile", "ShardWriter", "Showing", "Side", "SignOfLife", "Size", "StageCounts", "State", "Step",
    "StoredFile", "all_runs", "arrow_schema", "changed_inputs", "check_annotator", "check_content",
    "disputed_showings", "disputes", "find_frame", "find_garbage", "find_run", "hash_texts", "labels_folder",
    "labels_hash", "last_entries", "manifest_changes", "new_frame", "new_queue_path", "part_problems",
    "queues_folder", "read_column", "read_entries", "read_frame", "read_heartbeat", "read_journal",
    "read_label_table", "read_labels", "read_part", "read_queue", "read_records", "read_rows",
    "remove_garbage", "remove_run", "run_folders", "runs_root", "set_tags", "showings", "size_in_memory",
    "size_of", "tags_of", "to_arrow", "tonight", "verify", "verify_folder", "write_frame",
    "write_label_table", "write_queue", "write_records",
]  # fmt: skip
