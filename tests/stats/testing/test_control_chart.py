"""A control chart: rare false alarms, a fall found soon, and its sums by hand."""

import dataclasses
import math
import random
import statistics

import pytest

from evalhub.stats import ControlChart, chart_limit

Judge = list[float]


def new_judge(units: int, redrawn: float, draws: random.Random) -> Judge:
    """Return the chance of each unit that its verdict is right. A share of the verdicts is drawn anew."""
    return [0.8 if draws.random() < redrawn else float(draws.random() < 0.8) for _ in range(units)]


def verdicts(judge: Judge, draws: random.Random) -> list[float | None]:
    return [float(draws.random() < chance) for chance in judge]


def nights_until_alarm(chart: ControlChart, judge: Judge, draws: random.Random, before: object = None) -> int:
    limit = chart_limit()
    for night in range(1, 4000):
        values = verdicts(judge, draws)
        chart, before = chart.add(values, before), values  # type: ignore[arg-type]
        if chart.has_moved(limit):
            return night
    return 4000


def test_the_sums_by_hand() -> None:
    first: list[float | None] = [1.0, 1.0, 0.0, 1.0]
    second: list[float | None] = [1.0, 0.0, 0.0, None]
    chart = ControlChart().add(first, None).add(second, first)
    assert (chart.nights, chart.transitions) == (2, 1)
    assert (chart.means, chart.sizes) == ((1.0, 0.5, 0.0, 1.0), (2, 2, 2, 1))
    assert chart.changes == pytest.approx(1 / 3)
    # One of the three units that have a value on both nights fell by 1.
    spread = math.sqrt(1 / 3 / (2 * 3))
    step = (-1 / 3) / (spread * math.sqrt(2))
    assert chart.lower == pytest.approx(-step - 0.5)
    assert chart.upper == 0.0
    assert chart.expected([None, 1.0, None, 1.0]) == pytest.approx(0.75)
    assert chart.expected([None, None, None, None]) is None


def test_units_without_a_value_move_nothing() -> None:
    complete: list[float | None] = [1.0] * 100 + [0.0] * 50
    partial: list[float | None] = [1.0] * 100 + [None] * 50
    chart = ControlChart()
    for values, before in ((partial, None), (complete, partial), (partial, complete), (complete, partial)):
        chart = chart.add(values, before)
        assert (chart.upper, chart.lower) == (0.0, 0.0)
    assert chart.nights == 4


def test_a_night_without_a_verdict_changes_nothing() -> None:
    chart = ControlChart().add([1.0, 0.0], None)
    assert chart.add([None, None], [1.0, 0.0]) == chart


def test_the_limit_is_that_of_the_formula() -> None:
    limit = chart_limit(1, 465)
    assert limit == pytest.approx(4.99, abs=0.02)  # 5.0 gives about 465 nights: Montgomery, table 9.3
    assert chart_limit(4) > chart_limit(1)


def test_a_single_change_after_many_equal_nights_is_no_alarm() -> None:
    same: list[float | None] = [1.0] * 300
    chart = ControlChart()
    for _ in range(200):
        chart = chart.add(same, same)
    assert not chart.add([0.0, *same[1:]], same).has_moved(chart_limit())
    assert chart.add([0.0] * 15 + same[15:], same).has_moved(chart_limit())


@pytest.mark.parametrize("redrawn", [0.1, 1.0])
def test_false_alarms_are_a_year_apart(redrawn: float) -> None:
    draws = random.Random(1)
    lengths = [nights_until_alarm(ControlChart(), new_judge(30, redrawn, draws), draws) for _ in range(90)]
    error = statistics.stdev(lengths) / math.sqrt(len(lengths))
    assert statistics.mean(lengths) >= 365 - 2 * error


@pytest.mark.parametrize("redrawn", [0.0, 0.2, 1.0])
def test_a_fall_of_five_points_is_found_within_a_week(redrawn: float) -> None:
    draws = random.Random(2)
    delays = []
    for _ in range(40):
        judge, chart, before = new_judge(300, redrawn, draws), ControlChart(), None
        for _ in range(30):
            values = verdicts(judge, draws)
            chart, before = chart.add(values, before), values
        surplus = 0.05 * len(judge)
        for place in draws.sample(range(len(judge)), len(judge)):
            taken = min(judge[place], surplus)
            judge[place], surplus = judge[place] - taken, surplus - taken
        calm = dataclasses.replace(chart, upper=0.0, lower=0.0)
        delays.append(nights_until_alarm(calm, judge, draws, before))
    assert statistics.median(delays) <= 7
