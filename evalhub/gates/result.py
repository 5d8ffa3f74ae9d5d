"""What a gate said of a run, and the exit code of all gates together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from evalhub.errors import GateFailed, Inconclusive
from evalhub.gates.split import Split
from evalhub.stats import Estimate, GateState

FAILED = GateFailed.exit_code
"""Exit code where a system got worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate on one dataset and rater.

    Attributes:
        id: Its name.
        kind: measure, coverage, cut_answers, agreement, flips, controls or calibration.
        state: Pass, fail or inconclusive.
        sentence: What it found, for people.
        dataset: The dataset, or None for the whole run.
        rater: The judge, jury or metric.
        criterion: The rater's criterion.
        measure: The measure, or the control response.
        system: The system that is gated.
        tag: The tag of the items.
        against: The baseline run, the number or the system that it is compared with.
        limit: The margin, or the share that may not be passed.
        estimate: The change, above 0 = better, or the share, with its interval.
        cause: Why nothing is decided, or why it is not the system that failed. None otherwise.
        split: What the judge and what the system did, where the judge changed since the baseline.
    """

    id: str
    kind: str
    state: GateState
    sentence: str
    estimate: Estimate
    limit: float
    dataset: str | None = None
    rater: str | None = None
    criterion: str | None = None
    measure: str | None = None
    system: str | None = None
    tag: str | None = None
    against: str | None = None
    cause: str | None = None
    split: Split | None = None

    @property
    def is_regression(self) -> bool:
        """Whether it failed because a system is worse, and not because a judge or the run is unfit."""
        return self.state is GateState.FAIL and self.kind in ("measure", "cut_answers")

    def as_row(self) -> dict[str, Any]:
        """Return it as plain values, with the numbers of the estimate among them."""
        fields = {name: value for name, value in asdict(self).items() if name not in ("estimate", "split")}
        numbers = ("estimate", "low", "high", "confidence", "n", "clusters", "method", "reason")
        return {
            **fields,
            "state": self.state.value,
            "is_regression": self.is_regression,
            **{name: getattr(self.estimate, name) for name in numbers},
            **_split_columns(self.split),
        }


def _split_columns(split: Split | None) -> dict[str, Any]:
    """Return both parts of a change as plain values, empty where it is not split."""
    return {
        **{
            f"{part}_{name}": getattr(getattr(split, part), name) if split else None
            for part in ("judge", "system")
            for name in ("estimate", "low", "high")
        },
        "moved_by": split.cause.value if split else None,
    }


def exit_code(gates: Iterable[GateResult]) -> int:
    """Return the exit code of a run's gates.

    0: all pass. 1: a system got worse. 3: a gate on a judge or on coverage failed, or nothing is decided. A
    system that got worse comes before what is not decided.
    """
    results = list(gates)
    if any(gate.is_regression for gate in results):
        return FAILED
    return 0 if all(gate.state is GateState.PASS for gate in results) else Inconclusive.exit_code
