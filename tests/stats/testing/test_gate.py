"""Gates on simulated nights: how often they are red without a change, and with one."""

import numpy as np
import pytest

from evalhub.stats import (
    ClusterDesign,
    Estimate,
    GateState,
    clusters_needed,
    decide,
    holm_changes,
    mean_estimate,
    power_at,
)

SD = 0.5
WORST_FIRST = (GateState.FAIL, GateState.INCONCLUSIVE, GateState.PASS)


def estimate(low: float | None, high: float | None) -> Estimate:
    reason = None if low is not None else "too few clusters"
    middle = 0.0 if low is None or high is None else (low + high) / 2
    return Estimate(middle, low, high, 0.95, "any", 9, 9, 0, reason)


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (-0.04, 0.02, "pass"),
        (-0.04, -0.01, "pass"),  # worse, but by less than the margin
        (-0.05, 0.01, "inconclusive"),
        (-0.05, -0.01, "fail"),
        (-0.06, 0.0, "inconclusive"),
        (-0.2, -0.1, "fail"),
        (0.1, 0.2, "pass"),
        (None, None, "inconclusive"),
    ],
)
def test_a_gate_is_read_off_its_interval(low: float | None, high: float | None, state: str) -> None:
    assert decide(estimate(low, high), 0.05).value == state


def test_gates_that_fail_leave_their_error_to_the_others() -> None:
    asked: list[list[float]] = [[], [], []]

    def interval(place: int, low: float, high: float):  # type: ignore[no-untyped-def]
        def at(confidence: float) -> Estimate:
            asked[place].append(round(1 - confidence, 6))
            return estimate(low, high)

        return at

    changes = holm_changes(
        [interval(0, -0.2, -0.1), interval(1, -0.2, 0.1), interval(2, 0.1, 0.2)], [0.05] * 3, 0.03
    )
    assert [decide(change, 0.05).value for change in changes] == ["fail", "inconclusive", "pass"]
    assert asked == [[0.01], [0.01, 0.015], [0.01, 0.015]]


def simulated(change: float, *, n: int, nights: int, error: float, gates: int = 1) -> dict[GateState, int]:
    """Return how many nights have any gate that fails, only gates that pass, and others."""
    random = np.random.default_rng(7)
    counts = dict.fromkeys(GateState, 0)
    clusters = np.arange(n).astype(str)
    for _ in range(nights):
        nightly = [np.clip(random.normal(change, SD, n), -1, 1) for _ in range(gates)]
        changes = holm_changes(
            [
                lambda confidence, values=values: mean_estimate(
                    values, clusters, bounds=(-1, 1), confidence=confidence
                )
                for values in nightly
            ],
            [0.05] * gates,
            error,
        )
        states = {decide(estimate, 0.05) for estimate in changes}
        worst = next(state for state in WORST_FIRST if state in states)
        counts[worst] += 1
    return counts


@pytest.mark.parametrize("gates", [1, 4])
def test_nights_without_a_change_are_red_at_most_at_the_stated_rate(gates: int) -> None:
    nights, error = 2000 // gates, 0.05
    reds = simulated(0.0, n=200, nights=nights, error=error, gates=gates)[GateState.FAIL] / nights
    assert reds <= error / 2 + 2 * (error / 2 / nights) ** 0.5


def test_a_planted_loss_of_the_margin_is_red_in_most_nights() -> None:
    nights = 400
    reds = simulated(-0.05, n=1000, nights=nights, error=0.05)[GateState.FAIL] / nights
    assert reds >= 0.8


def test_the_planned_number_of_items_has_the_planned_power() -> None:
    design = ClusterDesign(sd=SD, alpha=0.05)
    needed = clusters_needed(0.05, design)
    assert needed == 787
    assert power_at(needed, 0.05, design) >= 0.8 > power_at(needed - 1, 0.05, design)
    reds = simulated(-0.05, n=needed, nights=600, error=0.05)[GateState.FAIL] / 600
    assert reds == pytest.approx(0.8, abs=0.05)
