import numpy as np
import pytest

from evalhub.stats import Coefficient
from evalhub.stats.correlation.points import kendall_error, normal_correlation, point_interval

PEARSON, SPEARMAN, KENDALL = Coefficient


def test_pearson_by_hand():
    # r = .6, n = 8: z = ln(4) / 2 = .693147, s.e. = 1 / sqrt(5).
    half = 1.959964 / 5**0.5
    ends = point_interval(PEARSON, 0.6, 8)
    assert (ends.low, ends.high) == pytest.approx(np.tanh([0.693147 - half, 0.693147 + half]), abs=1e-6)
    assert ends.method == "fisher-z"


def test_spearman_has_the_variance_of_bonett_and_wright():
    widths = [
        np.ptp(np.arctanh([ends.low, ends.high]))
        for ends in (point_interval(kind, 0.6, 8) for kind in (SPEARMAN, PEARSON))
    ]
    assert widths[0] / widths[1] == pytest.approx(1.18**0.5)


@pytest.mark.parametrize("n", [8, 16])
@pytest.mark.parametrize("tau", [0.0, 0.3, 0.8, -0.6])
def test_the_standard_error_of_kendall_is_that_of_a_simulation(n, tau):
    rng = np.random.default_rng(0)
    r = normal_correlation(KENDALL, tau)
    x = rng.standard_normal((20_000, n))
    y = r * x + (1 - r * r) ** 0.5 * rng.standard_normal((20_000, n))
    i, j = np.triu_indices(n, 1)
    taus = (np.sign(x[:, i] - x[:, j]) * np.sign(y[:, i] - y[:, j])).mean(axis=1)
    assert taus.mean() == pytest.approx(tau, abs=0.01)
    assert kendall_error(tau, n) == pytest.approx(taus.std(), rel=0.02)


@pytest.mark.parametrize("tau", [-1.0, -0.5, 0.0, 0.9, 1.0])
def test_each_end_of_kendall_lies_1_96_of_its_own_standard_errors_away(tau):
    ends = point_interval(KENDALL, tau, 9)
    assert ends.method == "kendall-score"
    assert -1 <= ends.low <= tau <= ends.high <= 1
    assert ends.low < ends.high
    for end in (ends.low, ends.high):
        if abs(end) < 1:
            assert abs(end - tau) == pytest.approx(1.959964 * kendall_error(end, 9), abs=1e-6)


def test_a_tau_of_one_has_an_interval_and_a_correlation_of_one_has_none():
    assert point_interval(KENDALL, 1.0, 8).high == 1
    for kind in (PEARSON, SPEARMAN):
        assert "no width" in point_interval(kind, -1.0, 8).reason


@pytest.mark.parametrize(("kind", "least"), [(PEARSON, 4), (SPEARMAN, 6), (KENDALL, 6)])
def test_too_few_points_have_no_interval(kind, least):
    assert point_interval(kind, 0.5, least - 1).low is None
    assert point_interval(kind, 0.5, least).low is not None


def test_intervals_mirror():
    for kind in Coefficient:
        plus, minus = (point_interval(kind, value, 12) for value in (0.7, -0.7))
        assert (plus.low, plus.high) == pytest.approx((-minus.high, -minus.low))
