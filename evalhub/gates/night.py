"""The gates of a run: what they said on its night is kept with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evalhub.analysis.findings.changes import baseline_of
from evalhub.analysis.findings.finding import Finding, Question, Verdict
from evalhub.analysis.results import Results
from evalhub.files import write_file
from evalhub.gates.evaluate import evaluate_gates
from evalhub.gates.result import GateResult
from evalhub.stats import GateState
from evalhub.store import Run
from evalhub.texts import count

FILE = "gates.json"
_VERDICTS = {
    GateState.PASS: Verdict.GOOD,
    GateState.FAIL: Verdict.BAD,
    GateState.INCONCLUSIVE: Verdict.UNKNOWN,
}
_WORST_FIRST = (GateState.FAIL, GateState.INCONCLUSIVE)


def gates_of_run(results: Results) -> list[GateResult]:
    """Return what the gates of a run's suite say of it, against the baseline as it is now.

    Args:
        results: A finished run.
    """
    gates = results.suite.gates
    if not gates:
        return []
    baseline = baseline_of(results.run)
    return evaluate_gates(results, gates, None if baseline is None else Results(baseline))


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
    return rows if isinstance(rows, list) else []


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
