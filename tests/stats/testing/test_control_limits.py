"""Control limits: by hand, rare false alarms, and limits that equal values do not close."""

import random

import pytest

from evalhub.stats import control_limits


def test_limits_by_hand() -> None:
    assert control_limits([1.0, 2.0, 1.0, 2.0]) is None
    low, high = control_limits([1.0, 2.0, 1.0, 2.0, 1.0]) or (0, 0)
    assert (low, high) == (pytest.approx(1.4 - 2.66), pytest.approx(1.4 + 2.66))


def test_equal_values_leave_room_for_the_sampling_error() -> None:
    assert control_limits([0.5] * 9) == (0.5, 0.5)
    assert control_limits([0.5] * 9, half_width=0.1) == (pytest.approx(0.35), pytest.approx(0.65))


def test_a_value_is_rarely_outside_without_a_change() -> None:
    draws = random.Random(5)
    outside = 0
    for _ in range(2000):
        values = [draws.gauss(0, 1) for _ in range(31)]
        low, high = control_limits(values[:-1]) or (0, 0)
        outside += not low <= values[-1] <= high
    assert outside <= 0.01 * 2000
