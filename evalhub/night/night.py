"""One night of a suite: it is run, its gates are decided, and its reports are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.findings.changes import baseline_results
from evalhub.analysis.frames.outcomes import outcomes
from evalhub.errors import EvalhubError, LittleCoverage, StorageError
from evalhub.gates import (
    FAILED,
    GateResult,
    changed_judges,
    exit_code,
    gates_of_run,
    keep_gates,
    keep_losses,
    largest_losses,
    last_moves,
)
from evalhub.night.calibration import calibrate_judges
from evalhub.night.controls import try_controls
from evalhub.night.rejudge import rejudge
from evalhub.report import index_run, records_key, report_data, write_report
from evalhub.runner import Options, Progress, Silent, run
from evalhub.store import find_run, runs_root


@dataclass(frozen=True, slots=True)
class Night:
    """What a night found.

    Attributes:
        results: The run.
        gates: What its gates said.
        data: The report, as `report_data` returns it. Empty for a night without reports.
        faults: Why the night says nothing, although it was run: too little coverage, a damaged baseline.
    """

    results: Results
    gates: list[GateResult]
    data: dict[str, Any]
    faults: list[EvalhubError] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """What a CI job acts on: 1 = a system got worse, 0 = all gates hold, else that of the first fault."""
        code = exit_code(self.gates)
        return self.faults[0].exit_code if self.faults and code != FAILED else code


def run_night(
    suite: str,
    options: Options | None = None,
    progress: Progress | None = None,
    *,
    reports: bool = True,
) -> Night:
    """Run a suite or resume it, decide its gates, and write its tables and reports.

    A part of the suite (`limit`, `names`) is a trial: its gates decide nothing.

    Args:
        suite: Path or id of a suite.
        options: Changes to the file.
        progress: Shows how far the run is.
        reports: Whether tables and reports are stored with the run. Without them only its gates are decided.

    Raises:
        EvalhubError: As `evalhub.runner.run` raises, apart from `LittleCoverage`, which is a fault of the
            night.
    """
    options, progress = options or Options(), progress or Silent()
    faults: list[EvalhubError] = []
    moved = last_moves(calibrate_judges(suite, options, progress))
    try:
        finished = run(suite, options, progress, moved)
    except LittleCoverage as error:
        faults.append(error)
        finished = find_run(error.where, runs_root(options.runs))
    results = Results(finished)
    if reports:
        index_run(results)
    gates: list[GateResult] = []
    if not options.is_trial:
        try:
            gates = decide_gates(suite, results, options, progress, moved)
        except StorageError as error:
            faults.append(error)
    data = report_data(results) if reports else {}
    if reports:
        write_report(data, finished.path)
    return Night(results, gates, data, faults)


def decide_gates(
    suite: str,
    results: Results,
    options: Options,
    progress: Progress,
    moved: Mapping[str, str] | None = None,
) -> list[GateResult]:
    """Return what the gates of a run say, and keep it with the run.

    Where a judge changed since the baseline, the answers of the baseline are judged anew before.

    Args:
        suite: Path or id of the suite.
        results: The finished run.
        options: The runs and the night.
        progress: Shows how far it is.
        moved: The last night on which each judge was seen to have moved.

    Raises:
        StorageError: The baseline cannot be read, or the disk is full.
        EvalhubError: As `evalhub.runner.run` raises.
    """
    with _noting_little_coverage(progress):
        try_controls(suite, results, options, progress)
    if changes := changed_judges(results):
        baseline, judges = changes
        progress.note(f"{', '.join(sorted(judges))} changed since {baseline.id}: its answers are judged anew")
        with _noting_little_coverage(progress):
            rejudge(suite, baseline, judges, options, progress, moved)
    _share_outcomes(results)
    gates = gates_of_run(results)
    if gates:
        keep_gates(results.run, gates)
        keep_losses(results.run, largest_losses(results))
    return gates


def _share_outcomes(results: Results) -> None:
    """Let the baseline take the outcomes of a run of the same records, so that they are made once."""
    before = baseline_results(results)
    if before is not None and records_key(before) == records_key(results):
        before.cache(outcomes, outcomes(results))


@contextmanager
def _noting_little_coverage(progress: Progress) -> Iterator[None]:
    """Note that a judge gave no verdict on what is asked beside the run. The gates of the run are decided."""
    try:
        yield
    except LittleCoverage as error:
        progress.note(str(error))
