import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats.ranking.length_control import standard_difference


def test_standard_difference_by_hand():
    assert standard_difference([1, 3, 5], [0, 0, 0]) == pytest.approx([0.5, 1.5, 2.5])
    assert standard_difference([4, 4], [4, 4]).tolist() == [0, 0]
    assert np.isnan(standard_difference([5, 6], [4, 5])).all()
    assert np.isnan(standard_difference([5], [4])).all()
    assert np.isnan(standard_difference([5, 6, None], [4, None, 3])).all()


def test_a_negative_length_is_refused():
    with pytest.raises(InputError, match="length"):
        standard_difference([-1, 3], [0, 0])
