import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import LogisticRegressionCV

from evalhub.errors import InputError
from evalhub.stats.ranking.lasso_logit import FOLDS, STRENGTHS, lasso_logit
from evalhub.stats.ranking.length_control import (
    FEW_ANCHORED,
    FEW_EVENTS,
    NO_SPREAD,
    ONE_VERDICT,
    Anchors,
    length_controlled,
    standard_difference,
)
from evalhub.stats.ranking.win_counts import win_counts


def draw(n=300, seed=0, strength=-0.5):
    rng = np.random.default_rng(seed)
    base, own = rng.integers(200, 4000, n), rng.integers(50, 3000, n)
    ease = rng.standard_normal(n)
    length = np.tanh(standard_difference(own, base))
    wins = special.expit(strength + 1.5 * length + 0.9 * ease) > rng.random(n)
    gap = rng.normal(0, 1.5, 200)
    held = special.expit(1.5 * np.tanh(gap) + 0.9 * np.resize(ease, 200))
    anchors = Anchors(held, gap, np.resize(ease, 200))
    return wins * 0.9 + 0.05, (own, base), ease, anchors


def test_the_lasso_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    n = 240
    design = np.column_stack([np.tanh(rng.normal(-0.4, 1, n)), rng.standard_normal(n), np.ones(n)])
    chance = special.expit(design @ [1.5, 0.2, -1.2])
    won = np.clip(np.where(rng.random(n) < chance, 0.97, 0.02) + rng.uniform(-0.02, 0.02, n), 0, 1)
    weights, folds = np.where(np.arange(n) < 160, 1.0, 0.1), np.arange(n) % FOLDS
    beta, best = lasso_logit(won, design, weights, folds)

    held = [
        (np.flatnonzero(np.tile(folds != fold, 2)), np.flatnonzero(np.tile(folds == fold, 2)))
        for fold in range(FOLDS)
    ]
    both = np.tile(design, (2, 1))
    outcomes = np.repeat([1, 0], n)
    shares = np.concatenate([weights * won, weights * (1 - won)])

    def score(model, rows, _, **weighted):
        # Each held-out row is looked up by its values; its loss counts by its full weight.
        where = [int(np.flatnonzero((design == row).all(axis=1))[0]) for row in rows]
        chance = model.predict_proba(rows)[:, 1]
        loss = won[where] * np.log(chance) + (1 - won[where]) * np.log(1 - chance)
        return float(np.mean(weights[where] * loss))

    peer = LogisticRegressionCV(
        Cs=10, cv=held, penalty="l1", solver="liblinear", fit_intercept=False, scoring=score, tol=1e-9,
        max_iter=10_000, random_state=0, use_legacy_attributes=True,
    )  # fmt: skip
    with np.errstate(all="ignore"), pytest.warns():
        peer.fit(both, outcomes, sample_weight=shares)
    assert best == pytest.approx(float(np.ravel(peer.C_)[0]))
    assert beta == pytest.approx(peer.coef_[0], abs=1e-4)
    assert best in STRENGTHS


def test_a_strong_penalty_leaves_nothing():
    beta, _ = lasso_logit(np.full(50, 0.5), np.ones((50, 1)), np.ones(50), np.arange(50) % 5)
    assert beta.tolist() == [0.0]


def test_the_rate_is_that_without_a_difference():
    wins, lengths, ease, anchors = draw(4000)
    rate = length_controlled(wins, lengths, ease, range(4000), anchors=anchors)
    expected = float(special.expit(-0.5 + 0.9 * ease).mean()) * 0.9 + 0.05
    assert rate.estimate == pytest.approx(expected, abs=0.025)
    assert rate.low < expected < rate.high
    assert (rate.n, rate.clusters, rate.left_out, rate.method) == (4000, 4000, 0, "sandwich-wilson-t")
    assert abs(wins.mean() - expected) > 0.05


def test_the_order_of_rows_and_anchors_changes_nothing():
    wins, (own, base), ease, anchors = draw()
    turn = np.random.default_rng(3).permutation(300)
    turned = Anchors(anchors.wins[::-1], anchors.length[::-1], anchors.difficulty[::-1])
    one = length_controlled(wins, (own, base), ease, np.arange(300), anchors=anchors)
    two = length_controlled(wins[turn], (own[turn], base[turn]), ease[turn], turn, anchors=turned)
    assert (one.estimate, one.low, one.high) == pytest.approx((two.estimate, two.low, two.high), abs=1e-9)


def test_missing_values_are_left_out_and_counted():
    wins, (own, base), ease, anchors = draw()
    wins, own, ease = wins.astype(object), own.astype(object), ease.copy()
    wins[0], own[1], ease[2] = None, None, np.nan
    rate = length_controlled(wins, (own, base), ease, range(300), anchors=anchors)
    assert (rate.n, rate.left_out) == (297, 3)


def test_where_there_is_no_rate_or_no_interval():
    wins, (own, base), ease, anchors = draw()

    def rate(given, lengths):
        return length_controlled(given, lengths, ease, range(300), anchors=anchors)

    assert rate(wins, (base + 5, base)).reason == NO_SPREAD
    assert rate([None] * 300, (own, base)).reason == "nothing was measured"
    for verdict in (0.0, 0.5, 1.0):
        constant = rate([verdict] * 300, (own, base))
        assert constant.estimate == pytest.approx(verdict, abs=0.1)
        assert (constant.low, constant.reason) == (None, ONE_VERDICT)
    assert rate([1.0] * 3 + [0.0] * 297, (own, base)).reason == FEW_EVENTS
    equal = rate(wins, (base, base))
    assert equal.estimate == pytest.approx(wins.mean(), abs=0.01)
    two = length_controlled(wins, (own, base), ease, np.arange(300) % 2, anchors=anchors)
    assert (two.low, two.reason) == (None, "fewer than 3 clusters")
    few = length_controlled(wins, (own, base), ease, np.arange(300) % 299, anchors=anchors)
    assert few.estimate is not None
    assert (few.low, few.reason) == (None, FEW_ANCHORED)


def test_copies_inside_a_cluster_do_not_narrow_the_interval():
    wins, (own, base), ease, anchors = draw()
    none = Anchors([], [], [])
    one = length_controlled(wins, (own, base), ease, range(300), anchors=none)
    many = [np.repeat(column, 3) for column in (wins, own, base, ease, np.arange(300))]
    three = length_controlled(many[0], (many[1], many[2]), many[3], many[4], anchors=none)
    assert three.width == pytest.approx(one.width, rel=0.03)
    assert anchors.weight == 0.1


@pytest.mark.parametrize(
    "change",
    [
        {"wins": [1.5] * 300}, {"wins": [0.5] * 299}, {"lengths": (np.full(300, -1), np.ones(300))},
        {"difficulty": ["x"] * 300},
    ],
)  # fmt: skip
def test_misuse_is_refused(change):
    wins, lengths, ease, anchors = draw()
    given = {"wins": wins, "lengths": lengths, "difficulty": ease, "clusters": range(300)} | change
    with pytest.raises(InputError):
        length_controlled(**given, anchors=anchors)


@pytest.mark.parametrize("given", [([2], [0], [0]), ([1], [None], [0]), ([1, 0], [0], [0])])
def test_bad_anchors_are_refused(given):
    with pytest.raises(InputError):
        Anchors(*given)
    with pytest.raises(InputError):
        Anchors([1], [0], [0], weight=-1)


def test_standard_difference_by_hand():
    assert standard_difference([1, 3, 5], [0, 0, 0]) == pytest.approx([0.5, 1.5, 2.5])
    assert standard_difference([4, 4], [4, 4]).tolist() == [0, 0]
    assert np.isnan(standard_difference([5, 6], [4, 5])).all()
    assert np.isnan(standard_difference([5], [4])).all()
    assert np.isnan(standard_difference([5, 6, None], [4, None, 3])).all()


def test_win_counts_by_hand():
    counts = win_counts([1.0, 0.5, 0.2, 0.7, None], ["a", "b", "c", "d", "e"])
    assert counts.soft.estimate == pytest.approx(0.6)
    assert counts.hard.estimate == pytest.approx(0.625)
    assert counts.standard_error == pytest.approx(np.std([1, 0.5, 0.2, 0.7], ddof=1) / 2)
    assert (counts.wins, counts.ties, counts.losses, counts.soft.left_out) == (2, 1, 1, 1)
    assert win_counts([], []).soft.estimate is None
    assert win_counts([1, 0], ["a", "a"]).standard_error is None
    with pytest.raises(InputError):
        win_counts([1.2], ["a"])
