"""Gates: does a run meet the conditions of its suite, and what should a CI job do?"""

from evalhub.gates.drift import (
    JudgeChart,
    charts_of_night,
    drift_results,
    judge_charts,
    keep_charts,
    kept_charts,
    last_moves,
)
from evalhub.gates.evaluate import evaluate_gates
from evalhub.gates.losses import keep_losses, kept_losses, largest_losses
from evalhub.gates.night import changed_judges, gate_findings, gates_of_run, keep_gates, kept_gates
from evalhub.gates.result import FAILED, GateResult, exit_code

__all__ = [
    "FAILED", "GateResult", "JudgeChart", "changed_judges", "charts_of_night", "drift_results",
    "evaluate_gates", "exit_code", "gate_findings", "gates_of_run", "judge_charts", "keep_charts",
    "keep_gates", "keep_losses", "kept_charts", "kept_gates", "kept_losses", "largest_losses", "last_moves",
]  # fmt: skip
