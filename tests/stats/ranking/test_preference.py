from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats import first_position_rate, flip_rate, mean_score, soft_win_rate, win_rate, win_values


def test_hard_win_rate_by_hand():
    verdicts = ["a", "a", "tie", "b", None]
    rate = win_rate(verdicts, range(5))
    assert (rate.estimate, rate.n, rate.left_out) == (2.5 / 4, 4, 1)
    assert win_rate(verdicts, range(5), side="b").estimate == 1.5 / 4
    assert win_rate(verdicts, range(5), side=["a", "b", "a", "b", "a"]).estimate == 2.5 / 4


@given(st.lists(st.sampled_from(["a", "tie", "b", None])))
def test_the_two_sides_sum_to_one(verdicts):
    total = win_values(verdicts) + win_values(verdicts, side="b")
    assert all(value == 1 or verdict is None for value, verdict in zip(total, verdicts, strict=True))


def test_members_of_an_enum_are_verdicts():
    class Winner(StrEnum):
        A = "a"
        TIE = "tie"

    assert win_values([Winner.A, Winner.TIE]).tolist() == [1.0, 0.5]


def test_all_ties_have_no_interval():
    rate = win_rate(["tie"] * 9, range(9))
    assert (rate.estimate, rate.low) == (0.5, None)


def test_soft_win_rate_and_mean_score():
    assert soft_win_rate([0.9, 0.2, None], range(3)).estimate == pytest.approx(0.55)
    score = mean_score([1, 5, 4, None, 2], range(5), bounds=(1, 5))
    assert (score.estimate, score.left_out, score.method) == (3, 1, "wilson-cluster-t")
    assert 1 <= score.low < 3 < score.high <= 5
    assert mean_score([], []).reason == "nothing was measured"


def test_flip_rate_by_hand():
    # Same, swapped, tie in one order alone, two ties, one order failed.
    rate = flip_rate(["a", "a", "a", "tie", "b"], ["a", "b", "tie", "tie", None], range(5))
    assert (rate.estimate, rate.n, rate.left_out) == (0.5, 4, 1)


def test_first_position_rate_by_hand():
    verdicts = ["a", "a", "b", "b", "tie", None, "a"]
    shown = ["ab", "ba", "ba", "ab", "ab", "ab", None]
    rate = first_position_rate(verdicts, shown, ["q1", "q1", "q2", "q2", "q3", "q3", "q4"])
    assert (rate.estimate, rate.n, rate.clusters, rate.left_out) == (0.5, 4, 2, 3)


def test_a_judge_that_sees_positions_alone():
    shown = ["ab", "ba"] * 20
    verdicts = ["a" if order == "ab" else "b" for order in shown]
    rate = first_position_rate(verdicts, shown, np.repeat(range(20), 2))
    assert rate.estimate == 1
    # 20 clusters of 2 askings count as 20: Wilson of 20 of 20.
    assert rate.low == pytest.approx(0.8389, abs=1e-4)
    assert flip_rate(verdicts[::2], verdicts[1::2], range(20)).estimate == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: win_rate(["A"], ["q"]),
        lambda: win_rate(["a"], ["q"], side="tie"),
        lambda: win_rate(["a"], ["q"], side=[None]),
        lambda: win_rate(["a"], ["q", "r"]),
        lambda: win_rate(["a", "b"], ["q", "r"], side=["a"]),
        lambda: first_position_rate(["a"], ["AB"], ["q"]),
        lambda: flip_rate(["a"], ["a", "b"], ["q"]),
        lambda: soft_win_rate([1.1], ["q"]),
    ],
)
def test_what_is_refused(call):
    with pytest.raises(InputError):
        call()
