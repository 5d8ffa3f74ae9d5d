"""Storage: run folders, journals and segments. Only this package writes records."""

from evalhub.store.journal import Journal, read_journal
from evalhub.store.manifest import (
    AttackFacts,
    DatasetVersion,
    DecidedPair,
    EarlyStopping,
    JudgeCounts,
    JudgeFacts,
    JuryFacts,
    Manifest,
    MetricFacts,
    State,
)
from evalhub.store.run import Run, RunWriter
from evalhub.store.runs import (
    Finding,
    all_runs,
    cached_completions,
    find_run,
    run_folders,
    runs_root,
    verify,
    verify_folder,
)
from evalhub.store.segments import to_arrow, write_segment

__all__ = [
    "AttackFacts", "DatasetVersion", "DecidedPair", "EarlyStopping", "Finding", "Journal",
    "JudgeCounts", "JudgeFacts", "JuryFacts", "Manifest", "MetricFacts", "Run", "RunWriter",
    "State", "all_runs", "cached_completions", "find_run", "read_journal", "run_folders",
    "runs_root", "to_arrow", "verify", "verify_folder", "write_segment",
]  # fmt: skip
