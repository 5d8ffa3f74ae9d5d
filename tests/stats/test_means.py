import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalhub.errors import InputError
from evalhub.stats import mean_estimate
from evalhub.stats.intervals import wilson
from evalhub.stats.means import cluster_variance


@pytest.mark.parametrize(("wins", "n"), [(0, 10), (3, 10), (10, 10), (17, 30)])
def test_wilson_is_that_of_scipy(wins, n):
    values = [1] * wins + [0] * (n - wins)
    ours = mean_estimate(values, range(n), bounds=(0, 1))
    theirs = stats.binomtest(wins, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.method == "wilson"


def test_wilson_by_hand():
    # 1 of 4, quantile 2, so square 1: centre (.25 + .5) / 2, half sqrt(.1875 + .25) / 2.
    assert wilson(0.25, 4, 2) == pytest.approx((0.375 - 0.4375**0.5 / 2, 0.375 + 0.4375**0.5 / 2))


def test_without_bounds_and_clusters_it_is_students_t():
    values = np.random.default_rng(0).normal(size=12)
    ours = mean_estimate(values, range(12))
    theirs = stats.ttest_1samp(values, 0).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert ours.method == "cluster-t"


def test_clusters_of_one_size_are_a_t_interval_of_their_means():
    values = np.random.default_rng(0).normal(size=(9, 4))
    ours = mean_estimate(values.ravel(), np.repeat(np.arange(9), 4))
    theirs = stats.ttest_1samp(values.mean(axis=1), 0).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert (ours.n, ours.clusters) == (36, 9)


def test_degrees_of_freedom_fall_with_unequal_clusters():
    values = np.random.default_rng(0).normal(size=30)
    sizes = [1] * 9 + [21]
    assert cluster_variance(values, np.repeat(np.arange(10), 3))[1] == pytest.approx(9)
    assert cluster_variance(values, np.repeat(np.arange(10), sizes))[1] < 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=3, max_size=25), st.integers(2, 6))
def test_copies_inside_a_cluster_do_not_narrow_anything(values, copies):
    ids = np.arange(len(values))
    for bounds in ((0, 1), None):
        one = mean_estimate(values, ids, bounds=bounds)
        many = mean_estimate(np.repeat(values, copies), np.repeat(ids, copies), bounds=bounds)
        assert one.clusters == many.clusters
        assert (one.low is None) == (many.low is None)
        if one.width is not None:
            assert many.width >= one.width - 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.just(float("nan")), st.floats(0, 1)), st.integers(0, 6)),
        max_size=40,
    )
)
def test_every_interval_lies_around_its_estimate_and_in_its_bounds(rows):
    values, ids = [row[0] for row in rows], [row[1] for row in rows]
    estimate = mean_estimate(values, ids, bounds=(0, 1))
    present = [value for value in values if value is not None and value == value]
    assert (estimate.n, estimate.n_excluded) == (len(present), len(rows) - len(present))
    if not present:
        assert estimate.reason == "nothing was measured"
    else:
        assert estimate.estimate == pytest.approx(np.mean(present))
    if estimate.low is not None:
        assert -1e-12 <= estimate.low <= estimate.estimate + 1e-9
        assert estimate.estimate - 1e-9 <= estimate.high <= 1 + 1e-12


@pytest.mark.parametrize(
    ("values", "ids", "reason"),
    [
        ([1.0], ["q"], "fewer than 3 clusters"),
        ([1, 0, 1, 0], [1, 1, 2, 2], "fewer than 3 clusters"),
        ([0.5] * 5, range(5), "no width"),
        ([1, 0] * 5, np.repeat(np.arange(5), 2), "no width"),
    ],
)
def test_why_there_is_no_interval(values, ids, reason):
    estimate = mean_estimate(values, ids, bounds=(0, 1))
    assert estimate.estimate == np.mean(values)
    assert (estimate.low, estimate.high, estimate.method) == (None, None, "none")
    assert reason in estimate.reason


def test_all_at_a_bound_still_has_an_interval():
    estimate = mean_estimate([5] * 20, np.repeat(np.arange(10), 2), bounds=(1, 5))
    # The clusters alone count: Wilson of 10 of 10 is .7225 to 1, on 1 to 5.
    assert (estimate.low, estimate.high) == pytest.approx((1 + 4 * 0.722467, 5), abs=1e-5)
    assert mean_estimate([5] * 10, range(10)).low is None


def test_values_outside_their_bounds():
    assert mean_estimate([1 + 1e-12, 0, 1], range(3), bounds=(0, 1)).estimate == pytest.approx(2 / 3)
    with pytest.raises(InputError, match=r"got 1\.5"):
        mean_estimate([1.5, 0, 1], range(3), bounds=(0, 1))
    with pytest.raises(InputError):
        mean_estimate([1, 0], [1])


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(1)
    values, ids = rng.integers(0, 5, 50) / 4, rng.integers(0, 12, 50)
    order = rng.permutation(50)
    one, two = mean_estimate(values, ids), mean_estimate(values[order], ids[order])
    assert (one.low, one.high) == pytest.approx((two.low, two.high), abs=1e-12)


def covered(draw, truth, bounds, repeats):
    hits = 0
    for seed in range(repeats):
        values, ids = draw(np.random.default_rng(seed))
        estimate = mean_estimate(values, ids, bounds=bounds)
        hits += estimate.low is not None and estimate.low <= truth <= estimate.high
    return hits / repeats


@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
def test_coverage_of_proportions_at_30(p):
    rate = covered(lambda rng: (rng.random(30) < p, np.arange(30)), p, (0, 1), 1_000)
    assert 0.92 <= rate <= 0.985


def test_coverage_of_ratings_near_the_top_at_30():
    levels, shares = np.arange(1, 6), [0.01, 0.02, 0.05, 0.17, 0.75]
    rate = covered(
        lambda rng: (rng.choice(levels, 30, p=shares), np.arange(30)), levels @ shares, (1, 5), 1_000
    )
    assert 0.93 <= rate <= 0.975


@pytest.mark.parametrize("correlation", [0.3, 0.8])
def test_coverage_of_clustered_means(correlation):
    def draw(rng):
        common = np.repeat(rng.normal(size=15), 4) * correlation**0.5
        return common + rng.normal(size=60) * (1 - correlation) ** 0.5, np.repeat(np.arange(15), 4)

    assert 0.93 <= covered(draw, 0.0, None, 1_000) <= 0.97


def test_a_variance_that_few_clusters_make_has_few_degrees_of_freedom() -> None:
    members = np.arange(30)
    few, many = np.zeros(30), np.arange(30) % 2 * 1.0
    few[:2] = 1
    assert cluster_variance(many, members)[1] == pytest.approx(29)
    # 2 of 30 ones: the kurtosis is 1 / (p q) - 3 = 13.07, so 2 / ((13.07 - 3) / 30 + 2 / 29)
    kurtosis = 1 / (2 / 30 * 28 / 30) - 3
    assert cluster_variance(few, members)[1] == pytest.approx(2 / ((kurtosis - 3) / 30 + 2 / 29))
