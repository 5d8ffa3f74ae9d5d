"""Which units systems share, on designs whose answer can be read off."""

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import shared_units

Design = dict[str, range]


def shared(design: Design):  # type: ignore[no-untyped-def]
    rows = [(system, unit) for system, units in design.items() for unit in units]
    return shared_units([system for system, _ in rows], [unit for _, unit in rows]), rows


def test_two_systems_compare_on_what_both_have() -> None:
    found, rows = shared({"x": range(30), "y": range(25, 35)})
    assert (found.systems, found.units, found.apart) == (("x", "y"), 5, ())
    assert [unit for (_, unit), counts in zip(rows, found.rows, strict=True) if counts] == [
        *range(25, 30), *range(25, 30),
    ]  # fmt: skip


def test_a_system_with_little_does_not_shrink_the_others() -> None:
    found, _ = shared({"x": range(100), "y": range(100), "z": range(5)})
    assert (found.systems, found.units, found.apart) == (("x", "y"), 100, ("z",))
    assert (found.having["z"], found.common) == (5, 100)
    assert found.rows.sum() == 200


@pytest.mark.parametrize(("has", "apart"), [(49, ("z",)), (50, ()), (51, ())])
def test_half_of_the_common_units_is_enough(has: int, apart: tuple[str, ...]) -> None:
    found, _ = shared({"x": range(100), "y": range(100), "z": range(has)})
    assert found.apart == apart
    assert found.units == (100 if apart else has)


def test_the_system_with_more_is_apart_where_the_others_share_something_else() -> None:
    found, _ = shared({"x": range(100), "y": range(100, 160), "z": range(100, 160)})
    assert (found.systems, found.units, found.apart) == (("y", "z"), 60, ("x",))


def test_nothing_in_common() -> None:
    found, _ = shared({"x": range(10), "y": range(10, 20)})
    assert (found.units, found.rows.any(), found.apart) == (0, False, ())
    halves, _ = shared({"v": range(10), "w": range(10), "x": range(10, 20), "y": range(10, 20)})
    assert (halves.units, halves.rows.any()) == (0, False)


def test_one_left_alone_is_not_ranked() -> None:
    found, _ = shared({"w": range(90), "x": range(30), "y": range(30, 60), "z": range(60, 90)})
    assert (found.systems, found.units, found.rows.any()) == ((), 0, False)
    assert found.apart == ("x", "y", "z")


def test_one_system_and_none() -> None:
    found, _ = shared({"x": range(3)})
    assert (found.systems, found.units, found.rows.all()) == (("x",), 3, True)
    assert shared_units([], []).systems == ()


def test_names_and_order_decide_nothing() -> None:
    design = {"a": range(40), "b": range(10, 50), "c": range(7), "d": range(5, 45)}
    found, rows = shared(design)
    order = np.random.default_rng(1).permutation(len(rows))
    renamed = {"a": "z", "b": "y", "c": "x", "d": "w"}
    other = shared_units([renamed[rows[at][0]] for at in order], [rows[at][1] for at in order])
    assert other.rows.tolist() == found.rows[order].tolist()
    assert {renamed[name] for name in found.systems} == set(other.systems)


def test_columns_of_one_length() -> None:
    with pytest.raises(InputError):
        shared_units(["x"], ["q1", "q2"])
