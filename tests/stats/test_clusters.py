import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats.clusters import categories, codes, draw, floats, same_length


def test_missing_numbers_in_every_form():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    assert floats([1, None, np.nan, np.inf, -np.inf]).tolist()[:1] == [1.0]
    assert np.isnan(floats([None, np.nan, np.inf, -np.inf])).all()
    assert np.isnan(floats(masked)).tolist() == [False, True]


def test_input_is_not_changed():
    given = np.array([1.0, np.inf])
    floats(given)
    assert np.isinf(given[1])


@pytest.mark.parametrize("values", [["a"], [[1.0, 2.0]], 3.0])
def test_what_is_no_row_of_numbers(values):
    with pytest.raises(InputError):
        floats(values)


def test_missing_categories_in_every_form():
    masked = np.ma.array(["a", "b"], mask=[True, False])
    assert categories(["a", None, float("nan"), "", 1])[1].tolist() == [True, False, False, False, True]
    assert categories(masked)[1].tolist() == [False, True]


def test_codes_do_not_hang_on_the_order_of_rows():
    assert codes(["b", "a", "b"])[0].tolist() == [1, 0, 1]
    assert codes([])[1] == 0


@pytest.mark.parametrize("columns", [{"x": [1], "y": [1, 2]}, {"x": 1, "y": 1}])
def test_columns_of_one_length(columns):
    with pytest.raises(InputError):
        same_length(columns)


def test_draws_reproduce_bit_for_bit():
    assert np.array_equal(draw(7, 50, seed=3), draw(7, 50, seed=3))
    assert not np.array_equal(draw(7, 50, seed=3), draw(7, 50, seed=4))
    assert np.all(draw(7, 50, seed=3).sum(axis=1) == 7)
