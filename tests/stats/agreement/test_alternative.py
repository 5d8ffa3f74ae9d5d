import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from evalhub.errors import InputError
from evalhub.stats.agreement.alternative import Alignment, alternative_test


def draw(seed, *, n=60, people=5, numbers=False, judge_right=0.8):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, n)
    right = np.append(rng.uniform(0.4, 0.9, people), judge_right)
    said = [np.where(rng.random(n) < share, truth, rng.integers(0, 4, n)).astype(float) for share in right]
    table, judge = np.stack(said[:-1]), said[-1]
    if numbers:
        table, judge = table + rng.integers(0, 2, table.shape) / 2, judge
    table[rng.random(table.shape) < 0.1] = np.nan
    return table, judge


def long(table, judge):
    people, n = table.shape
    return (
        (table.ravel(), np.tile(judge, people), np.tile(np.arange(n), people)),
        {"annotators": np.repeat(np.arange(people), n), "clusters": np.tile(np.arange(n), people)},
    )


def by_the_paper(table, judge, *, epsilon, score):
    """The procedure of section 3, item by item, with other people's t-test and step-up rule."""
    p_values, advantages = [], []
    for j in range(len(table)):
        machine, human = [], []
        for i in range(table.shape[1]):
            others = [table[k, i] for k in range(len(table)) if k != j and not np.isnan(table[k, i])]
            if np.isnan(table[j, i]) or not others:
                continue
            f, h = score(judge[i], others), score(table[j, i], others)
            machine.append(float(f >= h))
            human.append(float(h >= f))
        gap = np.array(human) - np.array(machine)
        p_values.append(stats.ttest_1samp(gap, epsilon, alternative="less").pvalue)
        advantages.append(np.mean(machine))
    wins = multipletests(p_values, alpha=0.05, method="fdr_by")[0]
    return p_values, wins, float(np.mean(advantages))


@pytest.mark.parametrize("alignment", list(Alignment))
@pytest.mark.parametrize("seed", range(8))
def test_is_the_procedure_of_the_paper(alignment, seed):
    table, judge = draw(seed, numbers=alignment is Alignment.RMSE)
    rows, columns = long(table, judge)
    found = alternative_test(*rows, **columns, alignment=alignment, epsilon=0.1)
    score = {
        Alignment.ACCURACY: lambda value, others: np.mean([value == other for other in others]),
        Alignment.RMSE: lambda value, others: -np.sqrt(np.mean([(value - other) ** 2 for other in others])),
    }[alignment]
    p_values, wins, advantage = by_the_paper(table, judge, epsilon=0.1, score=score)
    assert [one.p for one in found.annotators.values()] == pytest.approx(p_values, rel=1e-6)
    assert [one.wins for one in found.annotators.values()] == wins.tolist()
    assert found.winning_rate == pytest.approx(wins.mean())
    assert found.advantage.estimate == pytest.approx(advantage)
    assert found.advantage.low < advantage < found.advantage.high


def test_a_judge_like_the_majority_replaces_and_a_coin_does_not():
    table, judge = draw(3, n=200, judge_right=0.98)
    rows, columns = long(table, judge)
    good = alternative_test(*rows, **columns, alignment=Alignment.ACCURACY)
    assert good.winning_rate == 1
    coin = np.random.default_rng(5).integers(0, 4, 200).astype(float)
    rows, columns = long(table, coin)
    bad = alternative_test(*rows, **columns, alignment=Alignment.ACCURACY)
    assert bad.winning_rate == 0


def test_copies_in_a_cluster_are_no_evidence():
    table, judge = draw(2)
    rows, columns = long(np.repeat(table, 3, axis=1), np.repeat(judge, 3))
    once = alternative_test(*long(table, judge)[0], **long(table, judge)[1], alignment=Alignment.ACCURACY)
    copied = alternative_test(
        *rows,
        annotators=columns["annotators"],
        clusters=columns["clusters"] // 3,
        alignment=Alignment.ACCURACY,
    )
    for name, one in once.annotators.items():
        assert copied.annotators[name].p == pytest.approx(one.p, rel=0.05)


def test_where_all_rows_say_the_same_the_p_is_a_bound():
    table = np.tile(np.array([0.0, 1.0] * 20), (3, 1))
    rows, columns = long(table, table[0])
    found = alternative_test(*rows, **columns, alignment=Alignment.ACCURACY)
    # Were the mean -.2 or less, 40 ties in a row had a chance of .8^40 at most.
    assert [one.p for one in found.annotators.values()] == pytest.approx([0.8**40] * 3)
    assert found.winning_rate == 1
    rows, columns = long(table, 1 - table[0])
    found = alternative_test(*rows, **columns, alignment=Alignment.ACCURACY)
    assert [one.p for one in found.annotators.values()] == [1.0] * 3
    assert (found.winning_rate, found.advantage.estimate) == (0, 0)


def test_too_few_say_why():
    table, judge = draw(0, people=3)
    for few in (table[:2], np.where(np.arange(60) < 29, table, np.nan)):
        rows, columns = long(few, judge)
        found = alternative_test(*rows, **columns, alignment=Alignment.ACCURACY)
        assert (found.winning_rate, found.advantage.estimate) == (None, None)
        assert found.reason == "fewer than 3 annotators of 30 items or more"
    assert set(found.excluded.values()) == {"fewer than 30 items"}
    rows, columns = long(table, judge)
    one = alternative_test(
        *rows, annotators=columns["annotators"], clusters=np.zeros(180), alignment=Alignment.ACCURACY
    )
    assert set(one.excluded.values()) == {"fewer than 3 clusters"}
    nothing = alternative_test(
        np.full(180, np.nan), rows[1], rows[2], **columns, alignment=Alignment.ACCURACY
    )
    assert nothing.winning_rate is None


def test_a_larger_epsilon_demands_less_of_the_judge():
    table, judge = draw(1, judge_right=0.6)
    rows, columns = long(table, judge)
    rates = [
        alternative_test(*rows, **columns, alignment=Alignment.ACCURACY, epsilon=epsilon).winning_rate
        for epsilon in (0.1, 0.15, 0.2)
    ]
    assert rates == sorted(rates)


@pytest.mark.parametrize("epsilon", [-0.1, 1])
def test_misuse(epsilon):
    rows, columns = long(*draw(0))
    with pytest.raises(InputError):
        alternative_test(*rows, **columns, alignment=Alignment.ACCURACY, epsilon=epsilon)
