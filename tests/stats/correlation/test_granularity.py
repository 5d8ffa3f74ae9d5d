import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evalhub.errors import InputError
from evalhub.stats import Coefficient, Granularity, correlate
from evalhub.stats.clusters import draw
from evalhub.stats.correlation.coefficients import coefficient, rounded, within_groups
from evalhub.stats.correlation.weighted import _resampled_kendall, weighted

from ...timing import measure_shortest

ORACLE = {
    Coefficient.PEARSON: lambda x, y: stats.pearsonr(x, y).statistic,
    Coefficient.SPEARMAN: lambda x, y: stats.spearmanr(x, y).statistic,
    Coefficient.KENDALL: lambda x, y: stats.kendalltau(x, y, variant="b").statistic,
}
LEVELS = st.integers(1, 5).map(float)
NUMBERS = st.one_of(LEVELS, st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))


def one(x, y, granularity, kind, *, items=None, systems=None, **rest):
    items = range(len(x)) if items is None else items
    systems = ["s"] * len(x) if systems is None else systems
    return correlate(
        x, y, items=items, systems=systems, granularities=[granularity], coefficients=[kind], **rest
    )[0]


def grid(items, systems, seed=0, noise=1.0):
    """Ratings in five levels of every system on every item, by two raters who share the quality."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=systems)[None, :] + rng.normal(size=(items, systems))
    x, y = (
        np.clip(np.round(3 + quality + noise * rng.normal(size=(items, systems))), 1, 5) for _ in range(2)
    )
    ids = np.meshgrid(np.arange(items), np.arange(systems), indexing="ij")
    return x.ravel(), y.ravel(), ids[0].ravel(), ids[1].ravel()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(Coefficient)), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=40))
def test_coefficients_are_those_of_scipy(kind, rows):
    x, y = np.array(rows).T
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    assert coefficient(kind, rounded(x), rounded(y)) == pytest.approx(ORACLE[kind](x, y), abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(Coefficient)),
    st.lists(st.tuples(LEVELS, LEVELS, st.integers(0, 5)), min_size=3, max_size=30),
    st.integers(0, 99),
)
def test_weights_stand_for_the_rows_written_out(kind, rows, seed):
    x, y, ids = np.array(rows).T
    members = np.unique(ids, return_inverse=True)[1].astype(np.int64)
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    weights = draw(members.max() + 1, 4, seed)
    values = weighted(kind, x, y, members)(weights)
    for row, value in zip(weights, values, strict=True):
        kept = np.repeat(np.arange(len(x)), row[members].astype(int))
        assert value == pytest.approx(coefficient(kind, x[kept], y[kept]), abs=1e-9, nan_ok=True)


def test_kendall_of_many_rows_agrees_with_the_pair_matrix():
    x, y, items, _ = grid(40, 5)
    weights = draw(40, 5, 0)
    fast = weighted(Coefficient.KENDALL, x, y, items)(weights)
    assert fast == pytest.approx(_resampled_kendall(x, y, items)(weights), abs=1e-12)


@pytest.mark.parametrize("kind", list(Coefficient))
@pytest.mark.parametrize("n", [250, 251, 1_500])
def test_coefficients_of_many_rows_are_those_of_scipy(kind, n):
    x, y = np.random.default_rng(n).integers([[0], [2]], [[9], [5]], size=(2, n)).astype(float)
    assert coefficient(kind, x, y) == pytest.approx(ORACLE[kind](x, y), abs=1e-8)


def test_float_noise_breaks_no_tie():
    x, y = [0.1 + 0.2, 0.3, 0.5], [1.0, 2.0, 3.0]
    # Pairs: one tied in x, two concordant: 2 / sqrt(2 * 3).
    assert one(x, y, Granularity.POOLED, Coefficient.KENDALL).estimate.estimate == pytest.approx(2 / 6**0.5)
    big = [1e6 + value for value in x]
    assert one(big, y, Granularity.POOLED, Coefficient.KENDALL).estimate.estimate == pytest.approx(2 / 6**0.5)
    tiny = [value * 1e-30 for value in x]
    assert one(tiny, y, Granularity.POOLED, Coefficient.KENDALL).estimate.estimate == pytest.approx(
        2 / 6**0.5
    )


def test_item_level_by_hand():
    x = [1, 2, 3, 1, 2, 3, 4, 4, 4, 1, None]
    y = [1, 3, 2, 1, 2, 3, 1, 2, 3, 1, 2]
    items = ["p"] * 3 + ["q"] * 3 + ["constant"] * 3 + ["single"] + ["unscored"]
    result = one(x, y, Granularity.ITEM, Coefficient.KENDALL, items=items)
    assert result.estimate.estimate == pytest.approx((1 / 3 + 1) / 2)
    assert (result.estimate.n, result.estimate.n_excluded, result.rows) == (2, 3, 10)
    assert result.estimate.reason == "fewer than 3 clusters"


def test_system_level_by_hand():
    x = [1, 3, 2, 2, 5, 5, 0, 0]
    y = [1, 1, 2, 4, 2, 2, 5, 5]
    systems = ["r", "r", "s", "s", "t", "t", "u", "u"]
    # Means: x 2 2 5 0, y 1 3 2 5.
    result = one(x, y, Granularity.SYSTEM, Coefficient.SPEARMAN, systems=systems, items=[1, 2] * 4)
    assert result.estimate.estimate == pytest.approx(stats.spearmanr([2, 2, 5, 0], [1, 3, 2, 5]).statistic)
    assert (result.estimate.n, result.estimate.clusters, result.estimate.low) == (4, 2, None)
    assert result.estimate.reason == "fewer than 6 points for an interval of spearman"


def test_levels_are_those_of_a_plain_loop():
    x, y, items, systems = grid(30, 6)
    for kind in Coefficient:
        groups = [ORACLE[kind](x[items == i], y[items == i]) for i in range(30)]
        means = [[column[systems == s].mean() for s in range(6)] for column in (x, y)]
        pooled, item, system = correlate(x, y, items=items, systems=systems, coefficients=[kind])
        assert pooled.estimate.estimate == pytest.approx(ORACLE[kind](x, y), abs=1e-12)
        assert item.estimate.estimate == pytest.approx(np.nanmean(groups), abs=1e-12)
        assert item.estimate.n_excluded == np.isnan(groups).sum()
        assert system.estimate.estimate == pytest.approx(ORACLE[kind](*means), abs=1e-12)


def test_rows_without_both_scores_are_dropped_and_counted():
    x = [1, 2, None, 4, 5, float("nan"), 3]
    y = [1, 3, 2, None, 5, 1, float("inf")]
    items = ["a", "b", "c", "d", "e", "f", "g"]
    pooled = one(x, y, Granularity.POOLED, Coefficient.PEARSON, items=items, systems=items)
    system = one(x, y, Granularity.SYSTEM, Coefficient.PEARSON, items=items, systems=items)
    assert (pooled.rows, pooled.missing) == (3, 4)
    assert (pooled.estimate.n, pooled.estimate.n_excluded) == (3, 4)
    assert pooled.estimate.estimate == pytest.approx(ORACLE[Coefficient.PEARSON]([1, 2, 5], [1, 3, 5]))
    assert (system.estimate.n, system.estimate.n_excluded) == (3, 4)


@pytest.mark.parametrize("kind", list(Coefficient))
@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [], "fewer than 2 rows"),
        ([1], [1], "fewer than 2 rows"),
        ([None, 1], [1, None], "fewer than 2 rows"),
        ([2, 2, 2], [1, 2, 3], "one of the scores is constant"),
        ([0.3, 0.1 + 0.2, 0.3], [1, 2, 3], "one of the scores is constant"),
        ([2, 2, 2], [3, 3, 3], "both scores are constant"),
    ],
)
def test_undefined_is_none_with_a_reason_at_every_level(kind, x, y, reason):
    ids = range(len(x))
    results = correlate(x, y, items=ids, systems=ids, coefficients=[kind])
    assert [result.estimate.estimate for result in results] == [None, None, None]
    assert all(result.estimate.reason for result in results)
    assert reason in results[0].estimate.reason


def test_perfect_agreement_has_no_interval_but_that_of_kendall_between_systems():
    x = list(range(9))
    for result in correlate(x, x, items=["i"] * 9, systems=x, clusters=["i"] * 9):
        assert result.estimate.estimate == pytest.approx(1)
        if (result.granularity, result.coefficient) == (Granularity.SYSTEM, Coefficient.KENDALL):
            assert 0.5 < result.estimate.low < 0.9
            assert result.estimate.high == 1
        else:
            assert result.estimate.low is None
    pooled = one(x, x, Granularity.POOLED, Coefficient.PEARSON)
    assert "no width" in pooled.estimate.reason


def test_two_systems_say_nothing():
    x, y, items, systems = grid(10, 2)
    estimate = one(x, y, Granularity.SYSTEM, Coefficient.PEARSON, items=items, systems=systems).estimate
    assert (estimate.estimate, estimate.n) == (None, 2)


def test_copies_inside_a_cluster_do_not_narrow_the_interval():
    x, y, items, systems = grid(12, 4)
    copies = [np.repeat(column, 5) for column in (x, y, items, systems)]
    for kind in Coefficient:
        few = one(x, y, Granularity.POOLED, kind, items=items, systems=systems).estimate
        many = one(*copies[:2], Granularity.POOLED, kind, items=copies[2], systems=copies[3]).estimate
        assert many.estimate == pytest.approx(few.estimate)
        assert (many.low, many.high) == pytest.approx((few.low, few.high), abs=1e-9)


def test_items_that_share_a_cluster_widen_the_interval():
    x, y, items, systems = grid(8, 4)
    x, y, systems = (np.tile(column, 6) for column in (x, y, systems))
    cluster = np.tile(items, 6)
    distinct = np.repeat(np.arange(6), len(items)) * 100 + cluster
    for granularity in (Granularity.POOLED, Granularity.ITEM):
        apart = one(x, y, granularity, Coefficient.SPEARMAN, items=distinct, systems=systems).estimate
        shared = one(
            x, y, granularity, Coefficient.SPEARMAN, items=distinct, systems=systems, clusters=cluster
        ).estimate
        assert shared.clusters == 8
        assert shared.estimate == pytest.approx(apart.estimate)
        assert shared.width > 2 * apart.width


def test_many_clusters_take_fewer_resamples_of_kendall_and_say_so():
    x, y = np.random.default_rng(0).integers(0, 5, size=(2, 1_600))
    estimate = one(x, y, Granularity.POOLED, Coefficient.KENDALL).estimate
    assert estimate.method == "cluster-bootstrap-500"
    assert estimate.low < estimate.estimate < estimate.high


def test_columns_of_different_length_are_refused():
    with pytest.raises(InputError):
        correlate([1, 2], [1, 2], items=["a"], systems=["s", "t"])


def test_800_rows_take_less_than_two_seconds():
    x, y, items, systems = grid(100, 8)
    assert measure_shortest(lambda: correlate(x, y, items=items, systems=systems), 2) < 2
    assert len(correlate(x, y, items=items, systems=systems)) == 9


@pytest.mark.parametrize("granularity", [Granularity.POOLED, Granularity.ITEM])
def test_coverage_on_30_clusters(granularity):
    repeats, kind = 300, Coefficient.KENDALL
    truth = np.mean([simulated(granularity, 400, seed)[0] for seed in range(10_000, 10_008)])
    hits = sum(
        low <= truth <= high for _, low, high in (simulated(granularity, 30, s) for s in range(repeats))
    )
    assert 0.91 <= hits / repeats <= 0.99, kind


def simulated(granularity, items, seed):
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=(items, 4)) + rng.normal(size=(items, 1))
    x, y = (quality + rng.normal(size=(items, 4)) for _ in range(2))
    ids = np.repeat(np.arange(items), 4)
    estimate = one(x.ravel(), y.ravel(), granularity, Coefficient.KENDALL, items=ids).estimate
    return estimate.estimate, estimate.low, estimate.high


@given(st.lists(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=70), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_groups_together_give_what_each_group_gives(given_rows):
    rows = np.array([row for group in given_rows for row in group])
    ends = np.cumsum([len(group) for group in given_rows])
    groups = np.split(np.arange(len(rows)), ends[:-1])
    x, y = rows.T
    for kind in Coefficient:
        alone = [coefficient(kind, x[group], y[group]) for group in groups]
        np.testing.assert_allclose(within_groups(kind, x, y, groups), alone, atol=1e-12)
