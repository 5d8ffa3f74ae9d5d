import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats import Interval, Options, accuracy, cohen_kappa

BOOTSTRAP = Options(interval=Interval.BOOTSTRAP)


def test_cohens_own_kind_of_table():
    # 50 rows: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed .7, chance .5.
    judge = ["yes"] * 25 + ["no"] * 25
    labels = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    kappa = cohen_kappa(judge, labels, range(50))
    assert kappa.estimate == pytest.approx(0.4)
    # The large-sample standard error of kappa here is .1272 (Fleiss, Cohen & Everitt 1969).
    assert kappa.method == "cluster-jackknife-wilson-t"
    assert (kappa.low, kappa.high) == pytest.approx((0.4 - 0.26, 0.4 + 0.25), abs=0.06)
    assert accuracy(judge, labels, range(50)).estimate == pytest.approx(0.7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["a", "tie", "b", None])] * 2), max_size=40))
def test_kappa_is_its_formula(rows):
    kept = [row for row in rows if None not in row]
    judge, labels = [row[0] for row in rows], [row[1] for row in rows]
    kappa = cohen_kappa(judge, labels, range(len(rows)))
    assert (kappa.n, kappa.left_out) == (len(kept), len(rows) - len(kept))
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


def test_a_judge_that_never_changes_has_kappa_zero_without_interval():
    for options in (Options(), BOOTSTRAP):
        kappa = cohen_kappa(["a"] * 40, ["a", "b"] * 20, range(40), options=options)
        assert (kappa.estimate, kappa.low) == (0, None)
        assert "no width" in kappa.reason


def test_full_agreement_has_no_interval_of_kappa_but_one_of_accuracy():
    labels = ["a", "b"] * 10
    for options in (Options(), BOOTSTRAP):
        kappa = cohen_kappa(labels, labels, range(20), options=options)
        assert (kappa.estimate, kappa.low) == (1, None)
    assert accuracy(labels, labels, range(20)).low == pytest.approx(0.8389, abs=1e-4)


def test_nothing_to_compare_and_too_few_clusters():
    nothing = cohen_kappa(["a", None], [None, "b"], range(2))
    assert (nothing.estimate, nothing.left_out) == (None, 2)
    two = cohen_kappa(["a", "b", "a", "b"], ["a", "b", "b", "b"], [1, 1, 2, 2])
    assert (two.estimate, two.low, two.reason) == (0.5, None, "fewer than 3 clusters")
    with pytest.raises(InputError):
        accuracy(["a"], ["a", "b"], [1])


def test_copies_inside_a_cluster_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 40)
    judge = np.where(rng.random(40) < 0.7, labels, rng.integers(0, 3, 40))
    for options in (Options(), BOOTSTRAP):
        one = cohen_kappa(judge, labels, range(40), options=options)
        many = cohen_kappa(
            np.repeat(judge, 3), np.repeat(labels, 3), np.repeat(range(40), 3), options=options
        )
        assert (many.low, many.high) == pytest.approx((one.low, one.high))


def test_seeds_reproduce_bit_for_bit():
    judge, labels = ["a", "b", "b", "a", "b"] * 4, ["a", "b", "a", "a", "a"] * 4
    assert cohen_kappa(judge, labels, range(20), options=BOOTSTRAP) == cohen_kappa(
        judge, labels, range(20), options=BOOTSTRAP
    )


def test_coverage_of_kappa_at_40():
    hits, repeats = 0, 500
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        labels = rng.random(40) < 0.5
        judge = np.where(rng.random(40) < 0.6, labels, rng.random(40) < 0.5)
        kappa = cohen_kappa(judge, labels, range(40))
        hits += kappa.low <= 0.6 <= kappa.high
    assert 0.92 <= hits / repeats <= 0.98
