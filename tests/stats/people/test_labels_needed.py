"""How many labels a width needs: the formula's inverse, monotone, and true in simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.people.labels_needed import Needed, Pilot, labels_needed, pilot
from evalhub.stats.people.powered import powered_mean


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 1), st.floats(-1, 1), st.floats(0.5, 5), st.integers(25, 5_000))
def test_monotone_and_never_more_than_without_the_judge(width, correlation, effect, rows):
    found = labels_needed(width, Pilot(1, correlation, effect), rows=rows)
    wider = labels_needed(width * 1.2, Pilot(1, correlation, effect), rows=rows)
    better = labels_needed(width, Pilot(1, min(1, abs(correlation) + 0.1), effect), rows=rows)
    if found.without_judge is None:
        assert found.reason
        return
    assert found.with_judge <= found.without_judge <= rows
    assert wider.without_judge <= found.without_judge
    assert wider.with_judge <= found.with_judge
    assert better.with_judge <= found.with_judge


def test_what_cannot_be_reached_says_so():
    found = labels_needed(0.01, Pilot(1, 0.9), rows=100)
    assert (found.without_judge, found.with_judge) == (None, None)
    assert found.reason == "100 labelled rows would make it 0.397 wide"
    assert labels_needed(1, Pilot(1), rows=20) == Needed(None, None, "fewer than 25 labelled clusters")
    assert labels_needed(0.01, Pilot(1)).without_judge == pytest.approx((2 * 1.96 / 0.01) ** 2, rel=0.01)


def test_a_pilot_of_clusters():
    rng = np.random.default_rng(0)
    labels = rng.standard_normal(50)
    judge = labels + rng.standard_normal(50)
    one = pilot(labels, judge, range(50))
    assert one.sd == pytest.approx(np.std(labels, ddof=1))
    assert one.correlation == pytest.approx(np.corrcoef(labels, judge)[0, 1])
    assert one.design_effect == pytest.approx(1)
    copies = pilot(np.repeat(labels, 4), np.repeat(judge, 4), np.repeat(range(50), 4))
    assert copies.design_effect == pytest.approx(4, rel=0.05)
    assert pilot([1, 1, 1], [1, 2, 3], range(3)) is None
    assert pilot([1, 2], [1, 2], range(2)) is None
    assert pilot([1, 2, 3], [5, 5, 5], range(3)).correlation == 0


def test_simulated_intervals_are_as_wide_as_promised():
    width, skill, rows = 0.35, 0.7, 1_500
    needed = labels_needed(width, Pilot(1, skill), rows=rows)
    for n, place in ((needed.with_judge, 0), (needed.without_judge, 1)):
        widths = []
        for seed in range(80):
            true, noise = np.random.default_rng(seed).standard_normal((2, rows))
            judge = skill * true + (1 - skill**2) ** 0.5 * noise
            found = powered_mean(np.where(np.arange(rows) < n, true, np.nan), judge, range(rows))
            widths.append((found.estimate.width, found.labels_only.width)[place])
        assert np.mean(widths) == pytest.approx(width, rel=0.03)


def test_misuse_is_refused():
    for width in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="above 0"):
            labels_needed(width, Pilot(1))
    with pytest.raises(InputError, match="at least one row"):
        labels_needed(1, Pilot(1), rows=0)
    for wrong in ((0, 0.5, 1), (1, 1.5, 1), (1, 0.5, 0), (float("nan"), 0, 1), (1, float("nan"), 1)):
        with pytest.raises(InputError):
            Pilot(*wrong)
