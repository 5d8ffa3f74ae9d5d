import numpy as np
import pytest
from scipy import stats

from evalhub.errors import InputError
from evalhub.stats import Coefficient, Granularity, correlate
from evalhub.stats.correlation.difference import correlation_difference

PEARSON, SPEARMAN, KENDALL = Coefficient
FEW = 200


def drawn(items=40, systems=6, seed=0, *, good=0.7, bad=0.3):
    """Draw people's scores, a score near them and one far from them, of every system on every item."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=systems)[None, :] + rng.normal(size=(items, systems))
    first, second = (
        share * people + (1 - share) * rng.normal(size=(items, systems)) for share in (good, bad)
    )
    ids = np.indices((items, systems)).reshape(2, -1)
    rows = {"items": ids[0], "systems": ids[1]}
    return first.ravel(), 100 * second.ravel() - 7, people.ravel(), rows


@pytest.mark.parametrize("granularity", list(Granularity))
@pytest.mark.parametrize("kind", list(Coefficient))
def test_the_difference_is_that_of_the_two_correlations(granularity, kind):
    first, second, people, rows = drawn(20, 12)
    found = correlation_difference(
        first, second, people, **rows, granularity=granularity, kind=kind, resamples=FEW
    )
    one, other = (
        correlate(score, people, **rows, granularities=[granularity], coefficients=[kind])[0].estimate
        for score in (first, second)
    )
    difference = found.difference
    assert difference.estimate == pytest.approx(one.estimate - other.estimate)
    assert (difference.n, difference.clusters) == (one.n, one.clusters)
    assert difference.low < difference.estimate < difference.high
    swapped = correlation_difference(
        second, first, people, **rows, granularity=granularity, kind=kind, resamples=FEW
    )
    mirrored = (-swapped.difference.high, -swapped.difference.low)
    assert (difference.low, difference.high) == pytest.approx(mirrored)
    assert swapped.p == pytest.approx(found.p)


@pytest.mark.parametrize("granularity", [Granularity.POOLED, Granularity.ITEM])
def test_a_plain_difference_is_found(granularity):
    first, second, people, rows = drawn()
    for kind in Coefficient:
        found = correlation_difference(
            first, second, people, **rows, granularity=granularity, kind=kind, resamples=FEW
        )
        assert found.p == pytest.approx(1 / 201)
        assert found.difference.low > 0
        assert found.test == "swap-random-200"


def test_williams_is_steigers_formula():
    # Steiger 1980: r12 = .4, r13 = .6, r23 = .5 is worked here as in his equation 7 with n = 103.
    rng = np.random.default_rng(1)
    wanted = np.array([[1, 0.4, 0.6], [0.4, 1, 0.5], [0.6, 0.5, 1]])
    raw = rng.normal(size=(103, 3))
    raw = (raw - raw.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T, bias=True)).T)
    people, first, second = (raw @ np.linalg.cholesky(wanted).T).T
    ids = {"items": ["i"] * 103, "systems": range(103)}
    found = correlation_difference(first, second, people, **ids, granularity=Granularity.SYSTEM, kind=PEARSON)
    determinant = 1 - 0.4**2 - 0.6**2 - 0.5**2 + 2 * 0.4 * 0.6 * 0.5
    t = -0.2 * np.sqrt(102 * 1.5 / (2 * 102 / 100 * determinant + 0.25 * 0.125))
    assert found.difference.estimate == pytest.approx(-0.2)
    assert found.p == pytest.approx(2 * stats.t.sf(-t, 100))
    # Zou 2007: Fisher's ends joined through the correlation of the two coefficients.
    c = ((0.5 - 0.12) * (1 - 0.16 - 0.36 - 0.25) + 0.125) / ((1 - 0.16) * (1 - 0.36))
    half = 1.959964 / 10
    (l1, u1), (l2, u2) = (np.tanh([np.arctanh(r) - half, np.arctanh(r) + half]) for r in (0.4, 0.6))
    low = -0.2 - np.sqrt((0.4 - l1) ** 2 + (u2 - 0.6) ** 2 - 2 * c * (0.4 - l1) * (u2 - 0.6))
    high = -0.2 + np.sqrt((u1 - 0.4) ** 2 + (0.6 - l2) ** 2 - 2 * c * (u1 - 0.4) * (0.6 - l2))
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high), abs=1e-6)


def test_few_units_are_swapped_in_every_way():
    # Differences within the items: 2, 2, 2, 0.5: only swapping nothing, or all, goes as far.
    people = np.tile([1.0, 2.0], 3)
    first, second = people, -people
    ids = {"items": np.repeat([1, 2, 3], 2), "systems": np.tile([1, 2], 3)}
    found = correlation_difference(first, second, people, **ids, granularity=Granularity.ITEM, kind=PEARSON)
    assert (found.difference.estimate, found.p, found.test) == (2, 0.25, "swap-all-4")


def test_the_sign_flip_of_items_is_that_of_scipy():
    first, second, people, rows = drawn(9, 6, good=0.55, bad=0.45)
    values = [
        stats.pearsonr(first[rows["items"] == i], people[rows["items"] == i]).statistic
        - stats.pearsonr(second[rows["items"] == i], people[rows["items"] == i]).statistic
        for i in range(9)
    ]
    exact = stats.permutation_test(
        (values, np.zeros(9)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    found = correlation_difference(first, second, people, **rows, granularity=Granularity.ITEM, kind=PEARSON)
    assert found.test == "swap-all-256"
    assert found.p == pytest.approx(exact.pvalue)


@pytest.mark.parametrize("granularity", list(Granularity))
def test_a_score_against_itself_has_no_interval_and_p_1(granularity):
    first, _, people, rows = drawn(12, 11)
    for kind in (SPEARMAN, KENDALL):
        found = correlation_difference(
            first, first, people, **rows, granularity=granularity, kind=kind, resamples=FEW
        )
        assert (found.difference.estimate, found.p) == (0, 1)
        assert found.difference.low is None
    found = correlation_difference(first, first, people, **rows, granularity=Granularity.SYSTEM, kind=PEARSON)
    assert (found.p, found.reason) == (None, "the two scores order and space the systems alike")


def test_few_systems():
    for systems, kind, has_interval in ((6, PEARSON, True), (6, SPEARMAN, False), (9, KENDALL, False)):
        first, second, people, rows = drawn(10, systems)
        found = correlation_difference(
            first, second, people, **rows, granularity=Granularity.SYSTEM, kind=kind
        )
        assert (found.difference.low is not None) is has_interval
        assert found.p is not None
    first, second, people, rows = drawn(10, 5)
    found = correlation_difference(
        first, second, people, **rows, granularity=Granularity.SYSTEM, kind=PEARSON
    )
    assert (found.difference.estimate, found.p, found.reason) == (None, None, "fewer than 6 systems")


@pytest.mark.parametrize("granularity", list(Granularity))
def test_missing_and_constant_scores(granularity):
    first, second, people, rows = drawn(10, 12)
    second = second.copy()
    second[rows["items"] == 3] = np.nan
    second[rows["systems"] == 2] = np.inf
    found = correlation_difference(
        first, second, people, **rows, granularity=granularity, kind=SPEARMAN, resamples=FEW
    )
    kept = np.isfinite(second)
    rest = {name: column[kept] for name, column in rows.items()}
    same = correlation_difference(
        first[kept], second[kept], people[kept], **rest, granularity=granularity, kind=SPEARMAN, resamples=FEW
    )
    assert found.difference.estimate == pytest.approx(same.difference.estimate)
    assert found.p == same.p
    assert (
        found.difference.n_excluded
        == {Granularity.POOLED: 21, Granularity.ITEM: 1, Granularity.SYSTEM: 1}[granularity]
    )
    constant = correlation_difference(
        first, np.ones_like(first), people, **rows, granularity=granularity, kind=KENDALL, resamples=FEW
    )
    assert (constant.difference.estimate, constant.p) == (None, None)
    assert constant.reason
    nothing = correlation_difference([], [], [], items=[], systems=[], granularity=granularity, kind=KENDALL)
    assert (nothing.difference.estimate, nothing.p) == (None, None)


def test_two_clusters_have_neither_interval_nor_test():
    first, second, people, rows = drawn(2, 6)
    for granularity in (Granularity.POOLED, Granularity.ITEM):
        found = correlation_difference(first, second, people, **rows, granularity=granularity, kind=PEARSON)
        assert (found.difference.low, found.p) == (None, None)
        assert found.reason == "fewer than 3 clusters"


def test_copies_inside_a_cluster_change_nothing():
    first, second, people, rows = drawn(8, 4)
    for granularity in (Granularity.POOLED, Granularity.ITEM):
        few = correlation_difference(first, second, people, **rows, granularity=granularity, kind=SPEARMAN)
        many = correlation_difference(
            *(np.tile(column, 3) for column in (first, second, people)),
            items=np.concatenate([rows["items"] + 100 * copy for copy in range(3)]),
            systems=np.tile(rows["systems"], 3),
            clusters=np.tile(rows["items"], 3),
            granularity=granularity,
            kind=SPEARMAN,
        )
        assert many.difference.low == pytest.approx(few.difference.low, abs=1e-9)
        assert many.p == few.p


def test_the_order_of_rows_changes_nothing():
    first, second, people, rows = drawn(20, 4, good=0.5, bad=0.47)
    order = np.random.default_rng(0).permutation(len(first))
    shuffled = {name: column[order] for name, column in rows.items()}
    for granularity in Granularity:
        one = correlation_difference(
            first, second, people, **rows, granularity=granularity, kind=KENDALL, resamples=300
        )
        other = correlation_difference(
            first[order],
            second[order],
            people[order],
            **shuffled,
            granularity=granularity,
            kind=KENDALL,
            resamples=300,
        )
        assert one.p == other.p
        assert one.difference.low == (
            None if other.difference.low is None else pytest.approx(other.difference.low)
        )


def test_columns_of_different_length_are_refused():
    with pytest.raises(InputError):
        correlation_difference(
            [1, 2], [1], [1, 2], items=[1, 2], systems=[1, 1], granularity=Granularity.POOLED, kind=PEARSON
        )


def test_the_test_keeps_its_level():
    """Two scores that agree equally well with people, in clusters, reject about 5 times in 100."""
    rejected = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(20), 4)
        people, first, second = (rng.normal(size=20)[clusters] + rng.normal(size=80) for _ in range(3))
        found = correlation_difference(
            people + first, people + second, people, items=range(80), systems=["s"] * 80, clusters=clusters,
            granularity=Granularity.POOLED, kind=PEARSON, resamples=100,
        )  # fmt: skip
        rejected += found.p <= 0.05
    assert rejected <= 15
