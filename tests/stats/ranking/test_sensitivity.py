"""Rankings of the same systems under other choices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from evalhub.errors import InputError
from evalhub.stats.ranking.sensitivity import RankingChange, ranking_changes


def change(reference: dict[str, float | None], other: dict[str, float | None]) -> RankingChange:
    rows = [("raw", *row) for row in reference.items()] + [("other", *row) for row in other.items()]
    variants, systems, estimates = zip(*rows, strict=True)
    (found,) = ranking_changes(variants, systems, estimates, reference="raw")
    return found


def test_by_hand() -> None:
    found = change({"w": 4, "x": 3, "y": 2, "z": 1}, {"w": 3, "x": 4, "y": 1, "z": 2.5})
    # Swapped: w-x and y-z; of 6 pairs 4 agree.
    assert (found.swapped, found.pairs) == (2, 6)
    assert found.kendall == pytest.approx(2 / 6)
    assert found.spearman == pytest.approx(1 - 6 * 4 / (4 * 15))
    assert (found.moved_system, found.moved_ranks) == ("w", -1)
    assert (found.winners, found.winner_changes) == (("x",), True)
    assert (found.missing, found.reason) == ((), None)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=12))
def test_coefficients_are_scipys(rows: list[tuple[int, int]]) -> None:
    names = [f"s{place:02}" for place in range(len(rows))]
    one, other = zip(*rows, strict=True)
    found = change(dict(zip(names, one, strict=True)), dict(zip(names, other, strict=True)))
    swapped = sum((one[i] - one[j]) * (other[i] - other[j]) < 0 for i in range(len(rows)) for j in range(i))
    assert found.swapped == swapped
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert (found.kendall, found.spearman) == (None, None)
        assert "ties all" in str(found.reason)
    else:
        assert found.kendall == pytest.approx(scipy_stats.kendalltau(one, other).statistic)
        assert found.spearman == pytest.approx(scipy_stats.spearmanr(one, other).statistic)
    ranks = [scipy_stats.rankdata(side) for side in (one, other)]
    assert abs(found.moved_ranks) == np.abs(ranks[1] - ranks[0]).max()


def test_the_same_order_changes_nothing() -> None:
    found = change({"x": 1, "y": 2, "z": 3}, {"x": -5, "y": 0, "z": 100})
    assert (found.kendall, found.swapped, found.moved_system, found.moved_ranks) == (
        pytest.approx(1),
        0,
        None,
        0,
    )
    assert (found.winners, found.winner_changes) == (("z",), False)


def test_a_tie_is_no_swap_but_shares_the_first_place() -> None:
    found = change({"x": 3, "y": 2, "z": 1}, {"x": 3, "y": 3, "z": 1})
    assert (found.swapped, found.winners, found.winner_changes) == (0, ("x", "y"), True)
    assert (found.moved_system, found.moved_ranks) == ("x", -0.5)


def test_float_noise_breaks_no_tie() -> None:
    found = change({"x": 0.3, "y": 0.3, "z": 0.1}, {"x": 0.1 + 0.2, "y": 0.3, "z": 0.1})
    assert (found.swapped, found.winners, found.winner_changes) == (0, ("x", "y"), False)


def test_systems_that_one_lacks_are_named_and_left_out() -> None:
    found = change({"x": 3, "y": 2, "z": 1, "v": None}, {"x": 1, "y": 2, "z": None, "w": 9})
    assert (found.systems, found.missing) == (2, ("w", "z"))
    assert (found.kendall, found.winners, found.winner_changes) == (pytest.approx(-1), ("y",), True)
    alone = change({"x": 3}, {"x": 1, "y": 2})
    assert (alone.kendall, alone.winner_changes, alone.pairs) == (None, None, 0)
    assert "fewer than 2" in str(alone.reason)
    assert change({"x": 3}, {"y": 1}).winners == ()


def test_one_row_for_each_variant_in_any_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    variants = np.repeat(["raw", "length", "soft", "judge-2"], 6)
    systems = np.tile(list("uvwxyz"), 4)
    estimates = rng.random(24)
    found = ranking_changes(variants, systems, estimates, reference="raw")
    assert [one.variant for one in found] == ["judge-2", "length", "soft"]
    order = rng.permutation(24)
    again = ranking_changes(variants[order], systems[order], estimates[order], reference="raw")
    assert again == found
    assert ranking_changes(["raw"], ["x"], [1], reference="raw") == ()


def test_bad_inputs() -> None:
    with pytest.raises(InputError, match="unknown variant"):
        ranking_changes(["raw"], ["x"], [1], reference="rwa")
    with pytest.raises(InputError, match="twice"):
        ranking_changes(["raw", "raw"], ["x", "x"], [1, None], reference="raw")
    with pytest.raises(InputError, match="no name"):
        ranking_changes(["raw"], [None], [1], reference="raw")
    with pytest.raises(InputError, match="one length"):
        ranking_changes(["raw"], ["x"], [1, 2], reference="raw")
