"""Gates: does a run meet the conditions of its suite, and what should a CI job do?"""

from evalhub.gates.evaluate import evaluate_gates
from evalhub.gates.night import gate_findings, gates_of_run, keep_gates, kept_gates
from evalhub.gates.result import FAILED, GateResult, exit_code

__all__ = [
    "FAILED", "GateResult", "evaluate_gates", "exit_code", "gate_findings", "gates_of_run", "keep_gates",
    "kept_gates",
]  # fmt: skip
