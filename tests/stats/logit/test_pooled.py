import warnings

import numpy as np
import pytest
from scipy import optimize, special, stats

from evalhub.errors import InputError
from evalhub.stats import pooled_logit, pooled_logit_difference


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(seed, *, clusters=40, per=4, ties=True):
    random = np.random.default_rng(seed)
    n = clusters * per
    order = np.tile([1.0, -1.0], n // 2)
    length = np.repeat(random.normal(size=clusters), per) + 0.3 * random.normal(size=n)
    level = np.repeat(random.normal(size=clusters), per)
    wins = (random.random(n) < special.expit(0.2 + 0.4 * order + 0.7 * length + level)).astype(float)
    if ties:
        wins[random.random(n) < 0.2] = 0.5
    return wins, np.repeat(np.arange(clusters), per), {"order": order, "length": length}


def by_brute_force(wins, matrix):
    """Maximise the likelihood by a general optimiser, polished by a root of its gradient."""

    def loss(beta):
        return np.logaddexp(0, matrix @ beta).sum() - wins @ matrix @ beta

    def gradient(beta):
        return matrix.T @ (special.expit(matrix @ beta) - wins)

    start = optimize.minimize(loss, np.zeros(matrix.shape[1]), jac=gradient).x
    return optimize.root(gradient, start, tol=1e-14).x


def errors_by_brute_force(wins, matrix, clusters, beta, effect):
    """Delete each cluster in turn: one Newton step of the coefficients, and the mean of its rows' effects."""
    fitted = special.expit(matrix @ beta)
    weights = fitted * (1 - fitted)
    ids = np.unique(clusters)
    slope = optimize.approx_fprime(beta, lambda b: effect(b).mean(), 1e-7)
    moved, points = [], []
    for one in ids:
        out = clusters == one
        rest = matrix[~out].T @ (weights[~out][:, None] * matrix[~out])
        step = np.linalg.solve(rest, matrix[out].T @ (wins - fitted)[out])
        draw = (effect(beta)[out] - effect(beta).mean()).sum() / len(wins) * len(ids) / (len(ids) - 1)
        moved.append(step)
        points.append(step @ slope + draw)
    share = (len(ids) - 1) / len(ids)
    return np.sqrt(share * (np.array(moved) ** 2).sum(0)), np.sqrt(share * (np.array(points) ** 2).sum())


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_coefficients_and_intervals_against_brute_force(seed, ties):
    wins, clusters, columns = drawn(seed, ties=ties)
    found = pooled_logit(wins, clusters, columns, contrasts={"order": (-1, 1)})
    matrix = np.column_stack([np.ones(len(wins)), *columns.values()])
    beta = by_brute_force(wins, matrix)
    quantile = stats.t.ppf(0.975, len(np.unique(clusters)) - 1)

    def slope(at):
        fitted = special.expit(matrix @ at)
        return at[2] * fitted * (1 - fitted)

    def change(at):
        first, second = matrix.copy(), matrix.copy()
        first[:, 1], second[:, 1] = 1, -1
        return special.expit(first @ at) - special.expit(second @ at)

    for place, (name, effect) in enumerate([("order", change), ("length", slope)], start=1):
        odds, points = found[name].log_odds, found[name].points
        error, point_error = errors_by_brute_force(wins, matrix, clusters, beta, effect)
        assert odds.estimate == pytest.approx(beta[place], abs=1e-8)
        assert odds.high - odds.estimate == pytest.approx(quantile * error[place], abs=1e-8)
        assert points.estimate == pytest.approx(100 * effect(beta).mean(), abs=1e-8)
        assert points.high - points.estimate == pytest.approx(100 * quantile * point_error, rel=1e-5)
        assert (odds.n, odds.clusters, odds.n_excluded, odds.method) == (160, 40, 0, "logit-cluster-t")


def test_a_tie_is_half_a_win_and_half_a_loss():
    wins, clusters, columns = drawn(5)
    halves = np.concatenate([np.ceil(wins), np.floor(wins)])
    twice = pooled_logit(
        halves, np.tile(clusters, 2), {name: np.tile(column, 2) for name, column in columns.items()}
    )
    for name, effect in pooled_logit(wins, clusters, columns).items():
        assert twice[name].points.estimate == pytest.approx(effect.points.estimate, abs=1e-9)
        assert twice[name].points.low == pytest.approx(effect.points.low, abs=1e-9)


def test_the_same_askings_again_add_no_confidence():
    wins, clusters, columns = drawn(6)
    once = pooled_logit(wins, clusters, columns)["length"]
    more = pooled_logit(
        np.tile(wins, 5), np.tile(clusters, 5), {name: np.tile(one, 5) for name, one in columns.items()}
    )["length"]
    assert more.points.n == 5 * once.points.n
    for scale in ("log_odds", "points"):
        assert getattr(more, scale).low == pytest.approx(getattr(once, scale).low, abs=1e-9)


def test_sides_units_and_rows_may_be_exchanged():
    wins, clusters, columns = drawn(7)
    one = pooled_logit(wins, clusters, columns)
    other = pooled_logit(1 - wins, clusters, {name: -column for name, column in columns.items()})
    shuffle = np.random.default_rng(1).permutation(len(wins))
    mixed = pooled_logit(
        wins[shuffle], clusters[shuffle], {name: 1000 * column[shuffle] for name, column in columns.items()}
    )
    for name, effect in one.items():
        assert other[name].points.low == pytest.approx(effect.points.low, abs=1e-9)
        assert 1000 * mixed[name].log_odds.high == pytest.approx(effect.log_odds.high, abs=1e-9)


def test_the_order_of_both_orders_is_the_plain_difference():
    said = [1, 1, 1, 0, 0, 0, 1, 0.5]
    found = pooled_logit(said, np.repeat(range(4), 2), {"order": [1, -1] * 4}, contrasts={"order": (-1, 1)})
    assert found["order"].points.estimate == pytest.approx(100 * (3 / 4 - 1.5 / 4))


def test_what_is_not_identified_is_named_and_the_rest_fitted():
    wins, clusters, columns = drawn(8)
    random = np.random.default_rng(1)
    noise = random.normal(size=len(wins))
    more = {
        "fixed": np.ones(len(wins)),
        "twin": 2 * columns["length"] - 1,
        "lost": [None] * len(wins),
        "one": noise,
        "two": columns["order"] - noise,
        **columns,
    }
    found = pooled_logit(wins, clusters, more)
    assert list(found) == list(more)
    assert found["fixed"].points.reason == "the same in every row"
    assert found["twin"].points.reason == "collinear with length"
    assert found["length"].points.reason == "collinear with twin"
    assert found["order"].log_odds.reason == "collinear with one, two"
    assert found["lost"].log_odds.reason == "not measured in any row"
    assert all(effect.points.estimate is None for effect in found.values())
    fewer = pooled_logit(wins, clusters, {**columns, "fixed": more["fixed"], "lost": more["lost"]})
    assert fewer["length"] == pooled_logit(wins, clusters, columns)["length"]
    # A collinear set is adjusted for as a whole.
    alone = pooled_logit(wins, clusters, columns)["order"].log_odds
    beside = pooled_logit(wins, clusters, {**columns, "twin": more["twin"]})["order"].log_odds
    assert (beside.estimate, beside.low) == pytest.approx((alone.estimate, alone.low), abs=1e-9)


def test_perfect_prediction_is_set_aside():
    wins, clusters, columns = drawn(9)
    sure = (np.arange(len(wins)) % 5 == 0).astype(float)
    forced = np.where(sure == 1, 1.0, wins)
    found = pooled_logit(forced, clusters, {**columns, "sure": sure})
    assert found["sure"].points.reason == "the verdict is predicted perfectly (separation)"
    rest = sure == 0
    plain = pooled_logit(wins[rest], clusters[rest], {name: column[rest] for name, column in columns.items()})
    for name in columns:
        assert found[name].log_odds.estimate == pytest.approx(plain[name].log_odds.estimate, abs=1e-9)
        assert found[name].points.low == pytest.approx(plain[name].points.low, abs=1e-9)
        assert found[name].points.n_excluded == sure.sum()


def test_complete_separation_gives_none():
    x = np.linspace(-1, 1, 30)
    found = pooled_logit((x > 0).astype(float), range(30), {"x": x, "y": np.cos(50 * x)})
    assert found["x"].points.estimate is None
    assert found["y"].log_odds.reason == "the verdict is predicted perfectly (separation)"
    # One tie on either side of the border is enough to bound the likelihood.
    wins = np.where(np.abs(x) > 0.9, 0.5, x > 0)
    assert pooled_logit(wins, range(30), {"x": x})["x"].log_odds.low is not None


def test_a_steep_slope_is_not_separation():
    x = np.concatenate([np.linspace(-30, 30, 200), [-0.5, 0.5]])
    wins = np.concatenate([np.linspace(-30, 30, 200) > 0, [1, 0]]).astype(float)
    found = pooled_logit(wins, range(202), {"x": x})["x"].log_odds
    matrix = np.column_stack([np.ones(202), x])
    assert found.estimate == pytest.approx(by_brute_force(wins, matrix)[1], abs=1e-8)


@pytest.mark.parametrize(
    ("wins", "clusters", "x", "reason"),
    [
        ([1, 0, 1, 0], [1, 1, 2, 2], [1, 2, 2, 1], "fewer than 3 clusters"),
        ([], [], [], "not measured in any row"),
        ([None] * 4, range(4), [1, 2, 3, 4], "nothing was measured"),
        ([1, 1, 1, 1], range(4), [1, 2, 3, 4], "every verdict is the same"),
        ([0.5] * 4, range(4), [1, 2, 3, 4], "every verdict is the same"),
        ([1, 0, 1, 0], range(4), [np.nan, np.inf, None, -np.inf], "not measured in any row"),
        ([1, 0, 1, 0], range(4), [7] * 4, "the same in every row"),
        ([0.9, 0.2, 0.7, None], range(4), [1, 2, np.inf, 4], "fewer than 3 clusters"),
    ],
)
def test_too_little_gives_none_with_a_reason(wins, clusters, x, reason):
    found = pooled_logit(wins, clusters, {"x": x})["x"]
    assert (found.points.estimate, found.log_odds.estimate) == (None, None)
    assert found.points.reason == found.log_odds.reason == reason


def test_too_few_rows_or_clusters_for_the_coefficients():
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=12) for name in "uvwx"}
    soft = random.random(12)
    found = pooled_logit(soft, np.arange(12) % 4, columns)["u"].points
    assert found.estimate is not None
    assert (found.low, found.reason) == (None, "no more clusters than coefficients")
    four = {name: column[:4] for name, column in columns.items()}
    few = pooled_logit(soft[:4], range(4), {name: four[name] for name in "uvw"})["u"].points
    assert (few.estimate, few.reason) == (None, "no more rows than coefficients")


def test_what_one_cluster_alone_tells_has_no_interval():
    wins, clusters, columns = drawn(10)
    alone = np.where(clusters == 0, np.tile([1.0, 0.0, 0.0, 1.0], 40), 0.0)
    wins[:4] = [0.5, 1, 0, 1]
    found = pooled_logit(wins, clusters, {**columns, "alone": alone})
    assert found["alone"].points.reason == "one cluster alone tells it"
    assert found["alone"].points.estimate is not None
    assert found["length"].points.low is not None


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e12, 1e307])
def test_units_of_any_size(scale):
    wins, clusters, columns = drawn(11)
    plain = pooled_logit(wins, clusters, columns)["length"].log_odds
    found = pooled_logit(wins, clusters, {**columns, "length": columns["length"] * scale})["length"].log_odds
    assert found.estimate * scale == pytest.approx(plain.estimate, rel=1e-9)
    assert found.low * scale == pytest.approx(plain.low, rel=1e-9)


def test_rows_with_something_missing_are_counted():
    wins, clusters, columns = drawn(12)
    wins[3], columns["length"][7], columns["order"][9] = np.nan, np.inf, np.nan
    found = pooled_logit(wins, clusters, columns)["order"].points
    assert (found.n, found.n_excluded) == (157, 3)
    kept = np.delete(np.arange(160), [3, 7, 9])
    fewer = pooled_logit(wins[kept], clusters[kept], {name: one[kept] for name, one in columns.items()})
    assert found.low == pytest.approx(fewer["order"].points.low, abs=1e-9)


def test_a_difference_is_paired():
    wins, clusters, columns = drawn(13)
    others = wins.copy()
    others[::9] = 1 - others[::9]
    found = pooled_logit_difference(wins, others, clusters, columns)["length"].points
    one, two = (pooled_logit(said, clusters, columns)["length"].points for said in (wins, others))
    assert found.estimate == pytest.approx(one.estimate - two.estimate, abs=1e-9)
    assert found.width < min(one.width, two.width)
    same = pooled_logit_difference(wins, wins, clusters, columns)["length"].points
    assert (same.estimate, same.low) == (0, None)
    others[:40] = np.nan
    assert pooled_logit_difference(wins, others, clusters, columns)["order"].points.n == 120
    tied = pooled_logit_difference(wins, np.full(160, 0.5), clusters, columns)["order"].points
    assert tied.reason == "every verdict is the same, in the other verdicts"


@pytest.mark.parametrize(
    "call",
    [
        lambda: pooled_logit([1.1], ["q"], {"x": [1]}),
        lambda: pooled_logit([1], ["q"], {"x": [1, 2]}),
        lambda: pooled_logit([1], ["q"], {"x": ["long"]}),
        lambda: pooled_logit([1], ["q"], {"x": [1]}, contrasts={"y": (0, 1)}),
        lambda: pooled_logit_difference([1], [1, 0], ["q"], {"x": [1]}),
        lambda: pooled_logit_difference([1], [2], ["q"], {"x": [1]}),
    ],
)
def test_what_is_refused(call):
    with pytest.raises(InputError):
        call()
