"""The gates of a run: what they said on its night is kept with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evalhub.analysis.findings.changes import baseline_results
from evalhub.analysis.findings.finding import Finding, Question, Verdict
from evalhub.analysis.ranking.comparability import rater_changes
from evalhub.analysis.results import Results
from evalhub.errors import StorageError
from evalhub.files import write_file
from evalhub.gates.drift import charts_of_night, drift_results
from evalhub.gates.evaluate import evaluate_gates
from evalhub.gates.powered import is_powered
from evalhub.gates.result import GateResult
from evalhub.specs.gates import Gate
from evalhub.stats import GateState
from evalhub.store import Run, all_runs
from evalhub.texts import count

FILE = "gates.json"
_VERDICTS = {
    GateState.PASS: Verdict.GOOD,
    GateState.FAIL: Verdict.BAD,
    GateState.INCONCLUSIVE: Verdict.UNKNOWN,
}
_KEYS = {"id", "kind", "state", "sentence", "is_regression", "dataset", "system", "rater", "n"}
_WORST_FIRST = (GateState.FAIL, GateState.INCONCLUSIVE)


def gates_of_run(results: Results, gates: Sequence[Gate] | None = None) -> list[GateResult]:
    """Return what gates say of a run, against the baseline as it is now.

    What the calibration of its night says of judges behind servers comes first. If the answers of the
    baseline were judged anew, a change is split into what judge and system did.

    Args:
        results: A finished run.
        gates: The gates. None = those of its suite.

    Raises:
        StorageError: The baseline cannot be read.
    """
    gates = results.suite.gates if gates is None else gates
    drift = list(drift_results(charts_of_night(results.run)))
    if not gates:
        return drift
    before = baseline_results(results)
    if before is not None:
        try:
            before.read_tables()
        except StorageError as error:
            raise StorageError(
                "the baseline cannot be read, so no gate against it is decided",
                where=before.run.id,
                value=str(error),
                fix="`evalhub verify` names its damaged files; sign another run off",
            ) from error
    return [*drift, *evaluate_gates(results, gates, before, before and _rejudged(results.run, before.run))]


def _rejudged(run: Run, baseline: Run) -> Results | None:
    """Return the newest run in which the judges of a run judged the answers of the baseline."""
    for other in all_runs(run.path.parent):
        if other.manifest.rejudges == baseline.id and other.finished:
            judges = other.manifest.judges
            if all(_facts(other, judge) == _facts(run, judge) for judge in judges):
                return Results(other)
    return None


def _facts(run: Run, judge: str) -> tuple[Any, ...]:
    manifest = run.manifest
    return manifest.resolved.models.get(judge), manifest.rubrics.get(judge), manifest.judges.get(judge)


def changed_judges(results: Results) -> tuple[Run, set[str]] | None:
    """Return the baseline of a run and the judges that changed since. None where none did.

    None too where no gate compares verdicts with those of the baseline, because no change is split then.

    Args:
        results: A finished run.
    """
    is_read = any(
        gate.measure is not None and gate.against == "baseline" and not is_powered(gate)
        for gate in results.suite.gates
    )
    before = baseline_results(results) if is_read else None
    if before is None:
        return None
    changed = {
        judge
        for judge in results.manifest.judges.keys() & before.manifest.judges.keys()
        if rater_changes(("", "judge", judge, "", ""), results, before)
    }
    return (before.run, changed) if changed else None


def keep_gates(run: Run, gates: Sequence[GateResult]) -> None:
    """Keep what the gates said on the run's night in its folder.

    Raises:
        StorageError: The disk is full or refuses.
    """
    rows = [gate.as_row() for gate in gates]
    write_file(run.path / FILE, (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode())


def kept_gates(run: Run) -> list[dict[str, Any]]:
    """Return what the gates said on a run's night, as rows. Nothing where it had none."""
    try:
        rows = json.loads((run.path / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, dict) and row.keys() >= _KEYS]


def gate_findings(rows: Sequence[dict[str, Any]]) -> list[Finding]:
    """Return what gates found: each that does not hold, and how many do.

    Args:
        rows: As `kept_gates` returns them.
    """
    findings = [
        Finding(
            question=Question.GATES,
            verdict=_VERDICTS[state],
            sentence=row["sentence"],
            dataset=row["dataset"],
            subject=row["system"] or row["rater"],
            n=row["n"],
            command="evalhub gates",
        )
        for state in _WORST_FIRST
        for row in rows
        if row["state"] == state.value
    ]
    if passes := sum(row["state"] == GateState.PASS.value for row in rows):
        sentence = f"{count(passes)} of {count(len(rows))} gates hold."
        if passes == len(rows):
            sentence = "The gate holds." if passes == 1 else f"All {count(passes)} gates hold."
        findings.append(Finding(question=Question.GATES, verdict=Verdict.GOOD, sentence=sentence))
    return findings
