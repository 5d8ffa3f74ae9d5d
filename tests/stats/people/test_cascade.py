"""Thresholds of cascades: the bound is the exact one, no label chooses a test, and the promise is kept."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from evalhub.errors import InputError
from evalhub.stats import (
    Promise,
    StageVerdicts,
    decided_at,
    disagreement_bound,
    evaluate_cascade,
    set_thresholds,
)

PATH = Path(__file__).resolve().parents[3] / "benchmarks" / "cascade.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("cascade_bench", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["cascade_bench"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["cascade_bench"]


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
@settings(max_examples=60, deadline=None)
def test_the_bound_is_clopper_and_pearsons(counts, confidence):
    wrong, n = counts
    bound = disagreement_bound(wrong, n, confidence=confidence)
    test = reference.binomtest(wrong, n, alternative="less")
    assert bound == pytest.approx(test.proportion_ci(confidence, method="exact").high, abs=1e-9)
    expected = 1.0 if wrong == n else reference.beta.ppf(confidence, wrong + 1, n - wrong)
    assert bound == pytest.approx(expected, abs=1e-9)


def draw(seed, n=300, **levels):
    random = np.random.default_rng(seed)
    sure = random.uniform(0.5, 1, n)
    return sure, (random.random(n) < levels.get("right", sure)).astype(float)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_decided_keeps_the_promise_on_the_labels_themselves(seed):
    sure, right = draw(seed)
    (found,) = set_thresholds([StageVerdicts(sure, right)], range(300), promise=Promise(0.8, 0.9))
    if found.value is None:
        assert "no threshold keeps the promise" in found.reason
        return
    decided = sure >= found.value
    wrong = int((right[decided] == 0).sum())
    # whatever error is left when a test is made, it is at most the whole of it
    assert reference.binomtest(wrong, int(decided.sum()), 0.2, alternative="less").pvalue <= 0.1
    assert found.upper_bound <= 0.2
    assert (found.n, found.start) == (300, 30)
    assert decided.sum() >= found.start


def test_all_agree_and_everything_is_decided():
    (found,) = set_thresholds([StageVerdicts([0.7] * 50, [1] * 50)], range(50))
    assert (found.value, found.n, found.reason) == (0.7, 50, None)
    assert found.upper_bound == pytest.approx(1 - 0.1 ** (1 / 50))


def test_equal_confidences_are_one_test_of_all():
    sure = [0.9] * 100
    few, many = ([0] * wrong + [1] * (100 - wrong) for wrong in (10, 25))
    assert set_thresholds([StageVerdicts(sure, few)], range(100))[0].value == 0.9
    (found,) = set_thresholds([StageVerdicts(sure, many)], range(100))
    assert found.value is None
    assert "25 of the 100 most confident" in found.reason


def test_a_judge_who_only_ties_decides_nothing_where_people_do_not_tie():
    (found,) = set_thresholds([StageVerdicts([0.5] * 60, [0] * 60)], range(60))
    assert found.value is None
    assert found.reason


@pytest.mark.parametrize("n", [0, 1, 29])
def test_fewer_than_thirty_items_escalate_everything(n):
    found = set_thresholds([StageVerdicts([0.9] * n, [1] * n)] * 2, range(n))
    assert [one.value for one in found] == [None, None]
    assert all(one.reason == f"{n} labelled items with a verdict, and the tests start at 30" for one in found)


def test_thirty_items_of_which_none_disagrees_are_enough():
    assert set_thresholds([StageVerdicts([0.9] * 30, [1] * 30)], range(30))[0].value == 0.9


def test_no_labels_and_no_verdicts():
    unlabelled = StageVerdicts([0.9] * 50, [None] * 50)
    mute = StageVerdicts([None] * 50, [None] * 50)
    for judged in (unlabelled, mute):
        (found,) = set_thresholds([judged], range(50))
        assert (found.value, found.n) == (None, 0)


def test_labels_choose_no_test():
    sure, right = draw(1, n=400)
    random = np.random.default_rng(0)
    starts = {
        set_thresholds([StageVerdicts(sure, random.permutation(right))], range(400))[0].start
        for _ in range(9)
    }
    assert starts == {40}


def test_the_second_stage_is_tested_on_what_the_first_hands_on():
    # the first is right where it is sure; the second is right on the rest alone
    first = StageVerdicts([0.9] * 50 + [0.6] * 50, [1] * 50 + [0, 1] * 25)
    second = StageVerdicts([0.95] * 50 + [0.8] * 50, [0] * 50 + [1] * 50)
    one, two = set_thresholds([first, second], range(100))
    assert (one.value, one.n) == (0.9, 100)
    assert (two.value, two.n) == (0.8, 50)
    alone = set_thresholds([second], range(100))[0]
    assert alone.value is None


def test_the_error_is_split_over_the_stages():
    # 2 of 30 wrong: bound .168 at 90%, .195 at 95% and .235 at 98.3%
    judged = StageVerdicts([0.9] * 30, [0] * 2 + [1] * 28)
    assert set_thresholds([judged], range(30))[0].value == 0.9
    assert set_thresholds([judged] * 2, range(30))[0].value == 0.9
    assert set_thresholds([judged] * 3, range(30))[0].value is None


def test_one_item_stands_for_its_cluster():
    judged = StageVerdicts([0.9] * 120, [1] * 120)
    clusters = np.repeat(np.arange(20), 6)
    (found,) = set_thresholds([judged], clusters)
    assert (found.value, found.n) == (None, 20)
    assert set_thresholds([judged], range(120))[0].n == 120


def test_the_order_of_rows_changes_nothing_and_the_seed_is_the_only_chance():
    sure, right = draw(3)
    mixed = np.random.default_rng(9).permutation(300)
    plain = set_thresholds([StageVerdicts(sure, right)], range(300))
    assert plain == set_thresholds([StageVerdicts(sure[mixed], right[mixed])], np.arange(300)[mixed])
    clusters = np.arange(300) // 3
    again = [set_thresholds([StageVerdicts(sure, right)], clusters, seed=seed) for seed in (5, 5)]
    assert again[0] == again[1]


def test_measured_on_other_items():
    first = StageVerdicts([0.9, 0.9, 0.6, 0.6, None], [1, 0, 1, 1, None], cost=1)
    second = StageVerdicts([0.9, 0.9, 0.9, 0.6, 0.9], [1, 1, 0, 1, 1], cost=10)
    found = evaluate_cascade([first, second], [0.8, 0.8], range(5))
    assert [(one.n, one.n_decided) for one in found.stages] == [(5, 2), (3, 2)]
    assert [one.agreement.estimate for one in found.stages] == [0.5, 0.5]
    assert [one.cost for one in found.stages] == [2.5, 15]
    assert found.combined.agreement.n == 4
    assert (found.combined.share.estimate, found.people.estimate) == (0.8, pytest.approx(0.2))
    assert found.combined.cost == 35 / 4
    nothing = evaluate_cascade([first], [None], range(5))
    assert nothing.stages[0].agreement.estimate is None
    assert nothing.stages[0].agreement.reason == "the stage decides nothing"
    assert (nothing.stages[0].cost, nothing.people.estimate) == (None, 1)


def test_measured_on_nothing():
    found = evaluate_cascade([StageVerdicts([], [])], [0.8], [])
    assert found.people.estimate is None
    assert found.stages[0].n == 0


def test_what_is_refused():
    with pytest.raises(InputError, match="at least one stage"):
        set_thresholds([], range(3))
    with pytest.raises(InputError, match="one length"):
        set_thresholds([StageVerdicts([0.9], [1, 0])], range(2))
    for wrong in (0.3, 1.2):
        with pytest.raises(InputError, match=r"between \.5 and 1"):
            set_thresholds([StageVerdicts([wrong], [1])], range(1))
    with pytest.raises(InputError, match="promised agreement"):
        Promise(agreement=1)
    assert decided_at([[0.5, None]], [None]).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["calibrated", "uninformative, .799", "two opposed stages"])
def test_promises_are_kept(bench, name):
    number, generator = next((number, one) for number, one in enumerate(bench.GENERATORS) if one.name == name)
    found = bench.simulate(generator, repeats=60, items=400, seed=number)
    assert found.broken <= bench.at_most(60)
    if name == "calibrated":
        assert found.share >= 0.7 * found.oracle


def test_a_few_unlucky_verdicts_at_the_top_do_not_end_the_search():
    # 6 of the 30 most confident disagree, more than pass, and none of the other 270
    sure = np.linspace(1, 0.5, 300)
    right = np.ones(300)
    right[:30:5] = 0
    (found,) = set_thresholds([StageVerdicts(sure, right)], range(300))
    assert found.value == pytest.approx(0.5)
