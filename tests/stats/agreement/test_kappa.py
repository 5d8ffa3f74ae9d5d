import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats import accuracy, cohen_kappa, mean_estimate
from evalhub.stats.agreement.kappa import Weights, balanced_accuracy


def test_cohens_own_kind_of_table():
    # 50 rows: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed .7, chance .5.
    judge = ["yes"] * 25 + ["no"] * 25
    labels = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    kappa = cohen_kappa(judge, labels, range(50))
    assert kappa.estimate == pytest.approx(0.4)
    # The large-sample standard error of kappa here is .1272 (Fleiss, Cohen & Everitt 1969).
    assert kappa.method == "dirichlet-2000"
    assert (kappa.low, kappa.high) == pytest.approx((0.4 - 0.26, 0.4 + 0.25), abs=0.06)
    assert accuracy(judge, labels, range(50)).estimate == pytest.approx(0.7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["a", "tie", "b", None])] * 2), max_size=40))
def test_kappa_is_its_formula(rows):
    kept = [row for row in rows if None not in row]
    judge, labels = [row[0] for row in rows], [row[1] for row in rows]
    kappa = cohen_kappa(judge, labels, range(len(rows)))
    assert (kappa.n, kappa.n_excluded) == (len(kept), len(rows) - len(kept))
    n = len(kept)
    observed = sum(a == b for a, b in kept)
    chance = sum(sum(a == c for a, _ in kept) * sum(b == c for _, b in kept) for c in ("a", "tie", "b"))
    if n == 0 or chance == n * n:
        assert kappa.estimate is None
        assert kappa.reason
    else:
        assert kappa.estimate == pytest.approx((observed / n - chance / n**2) / (1 - chance / n**2))
        assert accuracy(judge, labels, range(len(rows))).estimate == pytest.approx(observed / n)


def test_one_category_has_an_accuracy_but_no_kappa():
    kappa = cohen_kappa(["a"] * 5, ["a"] * 5, range(5))
    assert (kappa.estimate, kappa.n) == (None, 5)
    assert "one and the same category" in kappa.reason
    assert accuracy(["a"] * 5, ["a"] * 5, range(5)).estimate == 1


def test_a_judge_that_never_changes_has_kappa_zero():
    kappa = cohen_kappa(["a"] * 40, ["a", "b"] * 20, range(40))
    assert kappa.low < kappa.estimate == 0 < kappa.high < 0.2
    kappa = cohen_kappa(["a"] * 40, ["a", "b"] * 20, np.arange(40) // 4)
    assert (kappa.estimate, kappa.low) == (0, None)
    assert "no width" in kappa.reason


def test_full_agreement_leaves_room_below():
    labels = ["a", "b"] * 10
    kappa = cohen_kappa(labels, labels, range(20))
    assert (kappa.estimate, kappa.high) == (1, 1)
    assert 0.6 < kappa.low < 0.8
    kappa = cohen_kappa(labels, labels, np.arange(20) // 2)
    assert (kappa.estimate, kappa.low) == (1, None)
    assert accuracy(labels, labels, range(20)).low == pytest.approx(0.8389, abs=1e-4)


def test_nothing_to_compare_and_too_few_clusters():
    nothing = cohen_kappa(["a", None], [None, "b"], range(2))
    assert (nothing.estimate, nothing.n_excluded) == (None, 2)
    two = cohen_kappa(["a", "b", "a", "b"], ["a", "b", "b", "b"], [1, 1, 2, 2])
    assert (two.estimate, two.low, two.reason) == (0.5, None, "fewer than 3 clusters")
    with pytest.raises(InputError):
        accuracy(["a"], ["a", "b"], [1])


def test_copies_inside_a_cluster_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 40)
    judge = np.where(rng.random(40) < 0.7, labels, rng.integers(0, 3, 40))
    one = cohen_kappa(judge, labels, range(40))
    many = cohen_kappa(np.repeat(judge, 3), np.repeat(labels, 3), np.repeat(range(40), 3))
    assert (many.low, many.high) == pytest.approx((one.low, one.high), abs=0.03)
    assert many.method == "cluster-jackknife-wilson-t"


def test_coverage_of_kappa_at_40():
    hits, repeats = 0, 500
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        labels = rng.random(40) < 0.5
        judge = np.where(rng.random(40) < 0.6, labels, rng.random(40) < 0.5)
        kappa = cohen_kappa(judge, labels, range(40))
        hits += kappa.low <= 0.6 <= kappa.high
    assert 0.92 <= hits / repeats <= 0.98


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(list(Weights)))
def test_weighted_kappa_and_balanced_accuracy_equal_scikit_learn(seed, weights):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 40)
    judge = np.where(rng.random(40) < 0.5, labels, rng.integers(0, 5, 40))
    name = None if weights is Weights.NONE else weights.value
    theirs = sklearn.metrics.cohen_kappa_score(judge, labels, weights=name)
    assert cohen_kappa(judge, labels, range(40), weights=weights).estimate == pytest.approx(theirs, abs=1e-8)
    given_levels = sklearn.metrics.cohen_kappa_score(judge, labels, weights=name, labels=range(7))
    ours = cohen_kappa(judge, labels, range(40), weights=weights, levels=range(7))
    assert ours.estimate == pytest.approx(given_levels, abs=1e-8)
    balanced = balanced_accuracy(judge, labels, range(40)).estimate
    assert balanced == pytest.approx(
        sklearn.metrics.recall_score(labels, judge, labels=np.unique(labels), average="macro"), abs=1e-8
    )


def test_weights_count_steps_of_the_scale():
    judge, labels = ["good", "fair", "poor", "fair"], ["good", "fair", "poor", "poor"]
    levels = ["poor", "fair", "good"]
    found = {
        one: cohen_kappa(judge, labels, range(4), weights=one, levels=levels).estimate for one in Weights
    }
    # One step in 4 rows costs 1 or 1/4; by chance the margins (1, 2, 1) and (2, 1, 1) cost 11/16 and less.
    assert found[Weights.NONE] == pytest.approx(1 - (1 / 4) / (11 / 16))
    assert found[Weights.QUADRATIC] == pytest.approx(1 - (1 / 16) / (20 / 64))
    with pytest.raises(InputError, match="numbers"):
        cohen_kappa(judge, labels, range(4), weights=Weights.QUADRATIC)
    with pytest.raises(InputError, match="none of the levels"):
        cohen_kappa(judge, labels, range(4), levels=["poor", "good"])


def test_balanced_accuracy_by_hand():
    # Recall of a 8/10, of b 3/6; the judge's c has no label.
    judge = ["a"] * 8 + ["b", "c"] + ["b"] * 3 + ["a"] * 3
    labels = ["a"] * 10 + ["b"] * 6
    found = balanced_accuracy(judge, labels, range(16))
    assert found.estimate == pytest.approx(0.65)
    assert found.method == "recalls-mover"
    assert 0 < found.low < 0.65 < found.high < 1
    full = balanced_accuracy(labels, labels, range(16))
    assert (full.estimate, full.high) == (1, 1)
    assert full.low > 0.7
    rare = balanced_accuracy(judge[:13], labels[:13], range(13))
    assert rare.low is None
    assert "fewer than 5 clusters" in rare.reason
    one = balanced_accuracy(judge[:10], labels[:10], range(10))
    assert (one.estimate, one.low) == (0.8, None)
    assert balanced_accuracy(["a"], [None], [1]).estimate is None
    assert balanced_accuracy([], [], []).estimate is None


def test_the_interval_of_balanced_accuracy_by_hand():
    # Recalls 8 / 8 and 6 / 12, Wilson's ends each; no cluster holds both, so halves add in squares.
    judge, labels = ["a"] * 8 + ["b"] * 6 + ["a"] * 6, ["a"] * 8 + ["b"] * 12
    parts = [mean_estimate(wins, range(len(wins)), bounds=(0, 1)) for wins in ([1] * 8, [1, 0] * 6)]
    halves = {"down": [], "up": []}
    for part in parts:
        half = (part.high - part.low) / 2
        for side, room in (("down", part.estimate - part.low), ("up", part.high - part.estimate)):
            halves[side].append(max(room, room / 2 + half / 2))
    found = balanced_accuracy(judge, labels, range(20))
    assert parts[0].high == 1
    assert found.estimate - found.low == pytest.approx(np.hypot(*halves["down"]) / 2)
    assert found.high - found.estimate == pytest.approx(np.hypot(*halves["up"]) / 2)


def test_a_rare_category_in_clusters_has_no_interval():
    judge, labels = ["a"] * 38 + ["b"] * 2, ["a"] * 37 + ["b"] * 3
    found = cohen_kappa(judge, labels, np.arange(40) // 2)
    assert found.estimate == pytest.approx(0.787, abs=0.01)
    assert found.low is None
    assert "rarer categories" in found.reason
    assert cohen_kappa(judge, labels, range(40)).low is not None


def test_coverage_of_kappa_where_a_category_is_rare():
    hits, repeats = 0, 400
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        labels = rng.random(30) < 0.1
        judge = np.where(rng.random(30) < 0.3, labels, rng.random(30) < 0.1)
        kappa = cohen_kappa(judge, labels, range(30))
        hits += kappa.low is None or kappa.low <= 0.3 <= kappa.high
    assert hits / repeats >= 0.93
