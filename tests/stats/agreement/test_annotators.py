import numpy as np
import pytest
from scipy import stats

from evalhub.errors import InputError
from evalhub.stats.agreement.annotators import AgreementMeasure, ceiling, leave_one_out


def draw(n=200, noises=(0.5, 0.5, 1.5), judge_noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(n)
    said = np.stack([truth + noise * rng.standard_normal(n) for noise in noises])
    judge = truth + judge_noise * rng.standard_normal(n)
    return said, judge


def long(said, judge):
    people, n = said.shape
    return (
        (said.ravel(), np.tile(judge, people), np.tile(np.arange(n), people)),
        {
            "annotators": np.repeat([f"p{i}" for i in range(people)], n),
            "clusters": np.tile(np.arange(n), people),
        },
    )


def test_numbers_are_compared_with_the_mean_of_the_others():
    said, judge = draw()
    rows, columns = long(said, judge)
    found = ceiling(*rows, **columns, measure=AgreementMeasure.SPEARMAN)
    human, machine = [], []
    for i in range(3):
        others = np.delete(said, i, axis=0).mean(axis=0)
        human.append(stats.spearmanr(said[i], others)[0])
        machine.append(stats.spearmanr(judge, others)[0])
        one = found.annotators[f"p{i}"]
        assert (one.human.estimate, one.judge.estimate) == pytest.approx((human[i], machine[i]))
        assert one.difference.estimate == pytest.approx(machine[i] - human[i])
    assert found.mean.human.estimate == pytest.approx(np.mean(human))
    assert found.mean.judge.estimate == pytest.approx(np.mean(machine))
    gap = found.mean.difference
    assert gap.estimate == pytest.approx(np.mean(machine) - np.mean(human))
    assert gap.low < gap.estimate < gap.high
    assert (gap.n, gap.clusters, gap.n_excluded) == (200, 200, 0)


def test_the_majority_of_the_others_by_hand():
    # The others of p0: b,b / a,b; of p1: a,b / a,b; of p2: a,b / a,a. A tie counts one half for each.
    units = [["a", "b", "b"], ["a", "a", "b"]] * 10
    judge = ["b", "a"] * 10
    rows, columns = long(np.array(units).T, np.array(judge))
    found = ceiling(*rows, **columns, measure=AgreementMeasure.ACCURACY)
    human = [one.human.estimate for one in found.annotators.values()]
    machine = [one.judge.estimate for one in found.annotators.values()]
    assert human == pytest.approx([(0 + 0.5) / 2, (0.5 + 0.5) / 2, (0.5 + 0) / 2])
    assert machine == pytest.approx([(1 + 0.5) / 2, (0.5 + 0.5) / 2, (0.5 + 1) / 2])
    assert found.mean.difference.estimate == pytest.approx(np.mean(machine) - np.mean(human))


def test_a_judge_that_is_a_person_equals_that_person():
    said, _ = draw()
    rows, columns = long(said, said[0])
    one = ceiling(*rows, **columns, measure=AgreementMeasure.SPEARMAN).annotators["p0"]
    assert one.difference.estimate == 0
    assert one.difference.low is None
    assert "no width" in one.difference.reason


def test_rows_in_another_order_and_missing_values_change_nothing():
    said, judge = draw(60)
    said[0, :5] = np.nan
    judge[10:15] = np.nan
    rows, columns = long(said, judge)
    found = ceiling(*rows, **columns, measure=AgreementMeasure.SPEARMAN)
    assert (found.mean.human.n, found.mean.human.n_excluded) == (55, 5)
    order = np.random.default_rng(1).permutation(len(rows[0]))
    mixed = ceiling(
        *[row[order] for row in rows],
        **{name: column[order] for name, column in columns.items()},
        measure=AgreementMeasure.SPEARMAN,
    )
    assert mixed.mean.difference.estimate == pytest.approx(found.mean.difference.estimate, abs=1e-12)
    assert mixed.mean.difference.low == pytest.approx(found.mean.difference.low, abs=1e-9)


def test_too_little_says_why():
    said, judge = draw(60)
    said[2, 5:] = np.nan
    said[1, :] = np.where(np.isnan(said[1]), said[1], 3.0)
    rows, columns = long(said, judge)
    found = ceiling(*rows, **columns, measure=AgreementMeasure.SPEARMAN)
    assert found.mean.human.estimate is None
    assert found.mean.human.reason == "fewer than 2 annotators of 10 units or more"
    assert found.excluded == {"p1": "a constant column has no correlation", "p2": "fewer than 10 units"}
    one, alone = long(said[:1], judge)
    assert ceiling(*one, **alone, measure=AgreementMeasure.SPEARMAN).mean.judge.estimate is None
    nobody = [np.full(60, np.nan), judge, np.arange(60)]
    for measure in AgreementMeasure:
        assert ceiling(*nobody, **alone, measure=measure).mean.judge.estimate is None
        assert leave_one_out(*nobody, **alone, measure=measure) == ()


def test_who_moves_the_consensus():
    said, judge = draw(noises=(0.3, 0.3, 3.0))
    rows, columns = long(said, judge)
    out = leave_one_out(*rows, **columns, measure=AgreementMeasure.SPEARMAN)
    assert [one.annotator for one in out] == ["p0", "p1", "p2"]
    for i, one in enumerate(out):
        without = stats.spearmanr(judge, np.delete(said, i, axis=0).mean(axis=0))[0]
        everyone = stats.spearmanr(judge, said.mean(axis=0))[0]
        assert one.agreement.estimate == pytest.approx(without)
        assert one.change.estimate == pytest.approx(without - everyone)
    assert out[2].change.low > 0 > out[0].change.high


def test_dropping_a_vote_by_hand():
    units = [["a", "a", "b"], ["a", "b", "b"], ["a", "b", "b"]] * 5
    rows, columns = long(np.array(units).T, np.array(["a", "b", "b"] * 5))
    out = leave_one_out(*rows, **columns, measure=AgreementMeasure.ACCURACY)
    # All: always the majority. Without p0: a/b tie, b, b; without p1: tie, tie, tie; without p2: a, tie, tie.
    assert [one.agreement.estimate for one in out] == pytest.approx([2.5 / 3, 0.5, 2 / 3])
    assert [one.change.estimate for one in out] == pytest.approx([2.5 / 3 - 1, -0.5, 2 / 3 - 1])


def test_one_person_leaves_no_consensus():
    said, judge = draw(20)
    rows, columns = long(said[:1], judge)
    (only,) = leave_one_out(*rows, **columns, measure=AgreementMeasure.SPEARMAN)
    assert (only.agreement.estimate, only.agreement.reason) == (None, "no unit has another annotator")
    assert only.agreement.n_excluded == 20


def test_misuse():
    people = {"annotators": ["x", "y"], "clusters": [0, 0]}
    with pytest.raises(InputError, match="judge has two values"):
        ceiling([1, 2], [1, 2], ["u", "u"], **people, measure=AgreementMeasure.SPEARMAN)
    with pytest.raises(InputError, match="one length"):
        ceiling([1, 2], [1], ["u", "u"], **people, measure=AgreementMeasure.SPEARMAN)
    with pytest.raises(InputError, match="numbers"):
        ceiling(["a", "b"], ["a", "a"], ["u", "u"], **people, measure=AgreementMeasure.SPEARMAN)
