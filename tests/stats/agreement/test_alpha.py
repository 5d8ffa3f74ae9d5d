import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.agreement.alpha import (
    Measurement,
    _interval,
    _nominal,
    _ordinal,
    gwet_ac1,
    krippendorff_alpha,
)
from evalhub.stats.agreement.ratings import read_ratings
from evalhub.stats.clusters import draw


def long(table):
    """Return values, units and raters of a units by raters table."""
    table = np.asarray(table, dtype=float)
    units, raters = np.indices(table.shape)
    return table.ravel(), units.ravel(), raters.ravel()


def alpha_of(table, measurement, **more):
    values, units, raters = long(table)
    return krippendorff_alpha(values, units, raters, clusters=units, measurement=measurement, **more)


def random_table(seed):
    rng = np.random.default_rng(seed)
    units, raters, k = rng.integers(5, 40), rng.integers(2, 6), rng.integers(2, 6)
    table = rng.integers(1, k + 1, (units, 1)) + rng.integers(-1, 2, (units, raters)) * 1.5
    return np.where(rng.random((units, raters)) < 0.25, np.nan, table)


@pytest.mark.parametrize("measurement", list(Measurement))
def test_equals_the_krippendorff_package_with_missing_values(measurement):
    for seed in range(60):
        table = random_table(seed)
        expected = krippendorff.alpha(reliability_data=table.T, level_of_measurement=measurement.value)
        assert alpha_of(table, measurement).estimate == pytest.approx(expected, abs=1e-8)


def test_krippendorffs_own_example():
    # Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section E: 4 observers, 12 units.
    nan = np.nan
    table = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
            [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
        ]
    ).T
    found = [alpha_of(table, measurement) for measurement in Measurement]
    assert [round(one.estimate, 3) for one in found] == [0.743, 0.815, 0.849]
    assert [(one.n, one.n_excluded) for one in found] == [(11, 1)] * 3


def test_levels_order_words():
    values = ["low", "mid", "high", "high", "mid", "low", "low", "low"]
    units, raters = [0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 4
    words = krippendorff_alpha(
        values,
        units,
        raters,
        clusters=units,
        measurement=Measurement.ORDINAL,
        levels=["low", "mid", "high"],
    )
    numbers = krippendorff_alpha(
        [1, 2, 3, 3, 2, 1, 1, 1], units, raters, clusters=units, measurement=Measurement.ORDINAL
    )
    assert words == numbers


@pytest.mark.parametrize(
    ("measurement", "statistic_of"),
    [
        (Measurement.NOMINAL, _nominal),
        (Measurement.ORDINAL, _ordinal),
        (Measurement.INTERVAL, _interval),
    ],
)
def test_weights_are_copies(measurement, statistic_of):
    """Leaving clusters out and drawing them twice is the alpha of the rows written out."""
    table = np.where(np.arange(12)[:, None] % 4 == 3, 1.0, random_table(9)[:12, :2])
    table = np.where(np.isnan(table), 2.0, table)
    values, units, raters = long(table)
    _, numbers = np.unique(values, return_inverse=True)
    names = np.unique(values).astype(str) if measurement is Measurement.NOMINAL else None
    ratings = read_ratings(
        numbers.astype(float) if measurement is Measurement.NOMINAL else values,
        [f"u{unit:02}" for unit in units], raters, clusters=units // 3, names=names,
    )  # fmt: skip
    weights = draw(4, 6, 0)
    for row, alpha in zip(weights, statistic_of(ratings)(weights), strict=True):
        copies = np.concatenate([np.tile(table[3 * k : 3 * k + 3], (int(row[k]), 1)) for k in range(4)])
        assert alpha == pytest.approx(alpha_of(copies, measurement).estimate)


def second_ac1(table, k):
    """Gwet's AC1 by its definition, pair by pair."""
    seen = [row[~np.isnan(row)] for row in table]
    pairs = [
        np.mean([a == b for i, a in enumerate(row) for j, b in enumerate(row) if i != j])
        for row in seen
        if len(row) >= 2
    ]
    shares = np.mean([[np.mean(row == c) for c in range(k)] for row in seen if len(row)], axis=0)
    chance = np.sum(shares * (1 - shares)) / (k - 1)
    return (np.mean(pairs) - chance) / (1 - chance)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_ac1_is_its_definition(seed):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 3, (12, 3)).astype(float)
    table[rng.random(table.shape) < 0.2] = np.nan
    values, units, raters = long(table)
    found = gwet_ac1(values, units, raters, clusters=units, levels=[0.0, 1.0, 2.0])
    assert found.estimate == pytest.approx(second_ac1(table, 3), abs=1e-10)


def test_ac1_by_hand_where_kappa_fails():
    # 2 raters, 100 units: 90 yes/yes, 5 yes/no, 5 no/yes: observed .9, share of yes .95,
    # chance 2 * .95 * .05 = .095, AC1 (.9 - .095) / .905 = .8895; kappa would be -.05.
    table = np.array([[1, 1]] * 90 + [[1, 0]] * 5 + [[0, 1]] * 5)
    values, units, raters = long(table)
    found = gwet_ac1(values, units, raters, clusters=units)
    assert found.estimate == pytest.approx(0.805 / 0.905)
    assert found.low < found.estimate < found.high


def test_an_unseen_level_lowers_the_chance():
    values, units, raters = ["a", "a", "b", "b", "a", "b"], ["u", "u", "v", "v", "w", "w"], ["x", "y"] * 3
    two = gwet_ac1(values, units, raters, clusters=units).estimate
    three = gwet_ac1(values, units, raters, clusters=units, levels=["a", "b", "c"]).estimate
    assert two == pytest.approx((2 / 3 - 0.5) / 0.5)
    assert three == pytest.approx((2 / 3 - 0.25) / 0.75)


@pytest.mark.parametrize("measurement", list(Measurement))
def test_what_is_undefined_says_why(measurement):
    constant = alpha_of([[1, 1]] * 5, measurement)
    assert (constant.estimate, constant.n) == (None, 5)
    assert "one and the same" in constant.reason
    alone = alpha_of([[1, np.nan], [np.nan, 2]], measurement)
    assert (alone.estimate, alone.n, alone.n_excluded) == (None, 0, 2)
    assert alone.reason == "no unit has two values"
    nothing = alpha_of([[np.nan, np.nan]], measurement)
    assert (nothing.estimate, nothing.n_excluded) == (None, 1)
    full = alpha_of([[1, 1], [2, 2]] * 10, measurement)
    assert (full.estimate, full.low) == (pytest.approx(1), None)
    few = krippendorff_alpha(
        [1, 1, 2, 1], [0, 0, 1, 1], [0, 1, 0, 1], clusters=[0, 0, 1, 1], measurement=measurement
    )
    assert few.estimate is not None
    assert few.low is None


def test_one_category_has_no_ac1():
    assert gwet_ac1(["a", "a"], ["u", "u"], ["x", "y"], clusters=["u", "u"]).estimate is None
    assert (
        gwet_ac1([None, None], ["u", "u"], ["x", "y"], clusters=["u", "u"]).reason == "no unit has two values"
    )
    one = gwet_ac1(["a", "b"], ["u", "v"], ["x", "y"], clusters=["u", "v"])
    assert one.reason == "no unit has two values"
    with pytest.raises(InputError, match="two categories"):
        gwet_ac1(["a"], ["u"], ["x"], clusters=["u"], levels=["a"])


def test_a_rare_category_has_an_alpha_without_interval():
    table = np.zeros((30, 2))
    table[0], table[1, 0] = 1, 1
    found = alpha_of(table, Measurement.NOMINAL)
    assert found.estimate is not None
    assert found.low is None
    assert "rarer categories" in found.reason


def test_misuse():
    with pytest.raises(InputError, match="two values of one unit"):
        krippendorff_alpha([1, 2], ["u", "u"], ["x", "x"], clusters=[0, 0], measurement=Measurement.INTERVAL)
    with pytest.raises(InputError, match="two clusters"):
        krippendorff_alpha([1, 2], ["u", "u"], ["x", "y"], clusters=[0, 1], measurement=Measurement.INTERVAL)
    with pytest.raises(InputError, match="one length"):
        krippendorff_alpha([1, 2], ["u"], ["x", "y"], clusters=[0, 1], measurement=Measurement.INTERVAL)
    with pytest.raises(InputError, match="none of the levels"):
        krippendorff_alpha(["a"], ["u"], ["x"], clusters=[0], measurement=Measurement.ORDINAL, levels=["b"])
    with pytest.raises(InputError, match="once"):
        krippendorff_alpha(
            ["a"], ["u"], ["x"], clusters=[0], measurement=Measurement.ORDINAL, levels=["a", "a"]
        )


def test_a_few_far_values_have_an_alpha_without_interval():
    table = np.full((30, 2), 5.0) - np.arange(60).reshape(30, 2) % 2
    table[0] = 1
    found = alpha_of(table, Measurement.INTERVAL)
    assert found.estimate is not None
    assert found.low is None
    assert "far from the others" in found.reason
    assert alpha_of(table, Measurement.ORDINAL).low is not None


def test_few_clusters_that_hold_most_units_have_no_interval():
    values, units, raters = long(np.random.default_rng(0).integers(0, 2, (114, 2)))
    large, alike = np.repeat(np.arange(27), [30] * 3 + [1] * 24), np.arange(114) % 27
    found = krippendorff_alpha(values, units, raters, clusters=large[units], measurement=Measurement.NOMINAL)
    assert (found.clusters, found.low) == (27, None)
    assert "a few clusters hold most" in found.reason
    same = krippendorff_alpha(values, units, raters, clusters=alike[units], measurement=Measurement.NOMINAL)
    assert same.low is not None


@pytest.mark.parametrize(("far", "offered"), [(12, True), (9, False)])
def test_how_far_values_may_lie_apart(far, offered):
    """A share p of far values has the kurtosis 1 / pq - 3: less 1, over 60 clusters, that is .12 and .17."""
    table = np.full((60, 2), 5.0)
    table[:far, 0] = 1
    assert (alpha_of(table, Measurement.INTERVAL).low is not None) == offered
