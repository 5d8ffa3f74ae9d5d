"""Which cells two systems have in common."""

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import Matching, paired_comparison


def test_units_and_opponents_of_both() -> None:
    #        0    1    2    3    4    5
    sides = ["x", "y", "x", "y", "x", "z"]
    units = ["1", "1", "2", "3", "1", "1"]
    rivals = ["b", "b", "b", "b", "y", "x"]
    met = Matching(sides, units, rivals)
    assert met.sides == ("x", "y", "z")
    rows, others, direct = met.pair("x", "y")
    assert (rows.tolist(), others.tolist(), direct.tolist()) == ([0], [1], [False])
    assert met.lacking("x", "y") == 2
    assert met.lacking("y", "z") == 1
    assert len(met.pair("x", "z")[0]) == 0


def test_each_other_is_an_opponent_that_both_have() -> None:
    met = Matching(["x", "y", "y", "x"], ["1", "1", "2", "2"], ["y", "x", "x", "y"])
    rows, others, direct = met.pair("y", "x")
    assert (rows.tolist(), others.tolist(), direct.tolist()) == ([1, 2], [0, 3], [True, True])


def test_responses_have_no_opponent() -> None:
    rng = np.random.default_rng(3)
    sides = np.repeat(["x", "y"], 30)
    units = np.concatenate([rng.permutation(30), rng.permutation(30)])
    rows, others, direct = Matching(sides, units, [""] * 60).pair("x", "y")
    assert (units[rows] == units[others]).all()
    assert (len(rows), direct.any()) == (30, False)


def test_an_item_counts_once_by_its_mean() -> None:
    one, other = [1, 3, 5, None, 2, 2], [0, 0, 1, 1, 1, 1]
    found = paired_comparison(one, other, list("aabbcc"), items=list("aabbcc"))
    # 2, 4 (the other row of b failed) and 1
    assert found.difference.estimate == pytest.approx(7 / 3)
    assert (found.difference.n, found.difference.n_excluded) == (3, 0)
    whole = paired_comparison([None, 1, 2, 3], [1, 1, 1, 1], list("abcd"), items=list("abcd"))
    assert (whole.difference.n, whole.difference.n_excluded) == (3, 1)
    with pytest.raises(InputError, match="two clusters"):
        paired_comparison([1, 2], [0, 0], ["a", "b"], items=["i", "i"])
    with pytest.raises(InputError, match="one length"):
        paired_comparison([1, 2], [0, 0], ["a", "b"], items=["i"])
