from enum import StrEnum

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import first_position_rate, flip_rate, win_values


def test_wins_by_hand():
    assert win_values(["a", "tie", "b"]).tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(win_values([None])).all()


def test_members_of_an_enum_are_verdicts():
    class Winner(StrEnum):
        A = "a"
        TIE = "tie"

    assert win_values([Winner.A, Winner.TIE]).tolist() == [1.0, 0.5]


def test_flip_rate_by_hand():
    # Same, swapped, tie in one order alone, two ties, one order failed.
    rate = flip_rate(["a", "a", "a", "tie", "b"], ["a", "b", "tie", "tie", None], range(5))
    assert (rate.estimate, rate.n, rate.n_excluded) == (0.5, 4, 1)


def test_first_position_rate_by_hand():
    verdicts = ["a", "a", "b", "b", "tie", None, "a"]
    shown = ["ab", "ba", "ba", "ab", "ab", "ab", None]
    rate = first_position_rate(verdicts, shown, ["q1", "q1", "q2", "q2", "q3", "q3", "q4"])
    assert (rate.estimate, rate.n, rate.clusters, rate.n_excluded) == (0.5, 4, 2, 3)


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
        lambda: win_values(["A"]),
        lambda: first_position_rate(["a"], ["AB"], ["q"]),
        lambda: flip_rate(["a"], ["a", "b"], ["q"]),
    ],
)
def test_what_is_refused(call):
    with pytest.raises(InputError):
        call()
