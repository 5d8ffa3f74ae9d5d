import numpy as np
import pytest
from scipy import stats

from evalhub.stats.bootstrap import IntervalShape, bootstrap, interval, jackknife, once
from evalhub.stats.intervals import t_quantile, z_quantile


def share(sums):
    sums = np.asarray(sums, dtype=float)
    return lambda weights: weights @ sums / weights.sum(axis=1)


def test_quantiles_are_those_of_scipy():
    assert t_quantile(0.9, 7) == pytest.approx(stats.t.ppf(0.95, 7), abs=1e-12)
    assert z_quantile(0.9) == pytest.approx(stats.norm.ppf(0.95), abs=1e-12)


def test_percentiles_are_those_of_scipy():
    values = np.random.default_rng(0).normal(size=60)
    ours = bootstrap(share(values), 60, resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.01)
    assert ours.method == "cluster-bootstrap-20000"


def test_jackknife_of_a_mean_by_hand():
    values = np.array([-0.1, 0.0, 0.1])
    # Leave-one-out means .05, 0, -.05: variance 2/3 * 2 * .05^2 = 1/300, the same in z at 0; t(2) = 4.302653.
    half = 4.302653 / 300**0.5
    ends = jackknife(share(values), 3)
    assert (ends.low, ends.high) == pytest.approx((-np.tanh(half), np.tanh(half)), abs=1e-6)
    # Wilson at one half: half-width q / (2 sqrt(n + q^2)), doubled on [-1, 1]; n = 300.
    half = 4.302653 / (300 + 4.302653**2) ** 0.5
    ends = jackknife(share(values), 3, shape=IntervalShape.WILSON)
    assert (ends.low, ends.high) == pytest.approx((-half, half), abs=1e-6)
    assert ends.method == "cluster-jackknife-wilson-t"


def test_one_cluster_that_outweighs_the_others_widens_unless_they_weigh_alike():
    values = np.array([0.3, 0.0, 0.01, -0.01, 0.02, -0.02, 0.01, 0.0, -0.01, 0.0])
    plain, even = (jackknife(share(values), 10, even=one) for one in (False, True))
    # Of 10 clusters the t quantile has 9 degrees of freedom, of one that counts alone far fewer.
    variance = values.var(ddof=1) / 10
    half = 2.262157 * variance**0.5 / (1 - values.mean() ** 2)
    assert np.arctanh(even.high) - np.arctanh(values.mean()) == pytest.approx(half, rel=1e-6)
    assert plain.high - plain.low > 1.4 * (even.high - even.low)


def test_weights_are_evaluated_once():
    called = []
    statistic = once(lambda weights: called.append(len(weights)) or weights.sum(axis=1))
    ones, twos = np.ones((2, 3)), 2 * np.ones((2, 3))
    assert [statistic(one).tolist() for one in (ones, ones, twos, ones)] == [[3, 3], [3, 3], [6, 6], [3, 3]]
    assert called == [2, 2, 2]


def test_a_cluster_without_which_all_agree_leaves_an_interval():
    def agreement(weights):
        return 1 - weights[:, 0] / weights.sum(axis=1)

    for shape in IntervalShape:
        ends = jackknife(agreement, 20, shape=shape)
        assert -1 <= ends.low < 0.95 < ends.high <= 1


@pytest.mark.parametrize("method", [bootstrap, jackknife])
def test_why_there_is_no_interval(method):
    few = method(share([0.1, 0.2]), 2)
    flat = method(share([0.3, 0.3, 0.3, 0.3]), 4)
    assert (few.low, few.method, few.reason) == (None, "none", "fewer than 3 clusters")
    assert flat.high is None
    assert "no width" in flat.reason


def test_often_undefined_means_no_interval():
    def undefined_without_the_first(weights):
        return np.where(weights[:, 0] > 0, weights[:, 1] / 9, np.nan)

    assert "undefined in" in bootstrap(undefined_without_the_first, 5).reason
    assert "undefined" in jackknife(undefined_without_the_first, 5).reason


def test_the_rule_that_chooses():
    values = np.random.default_rng(0).uniform(-0.5, 0.5, size=1_001)
    assert interval(share(values[:1_000]), 1_000).method == "cluster-jackknife-z-t"
    assert interval(share(values), 1_001).method == "cluster-bootstrap-2000"


def test_seeds_reproduce_bit_for_bit():
    values = np.random.default_rng(0).normal(size=20)
    assert bootstrap(share(values), 20, seed=5) == bootstrap(share(values), 20, seed=5)
    assert bootstrap(share(values), 20, seed=5) != bootstrap(share(values), 20, seed=6)
