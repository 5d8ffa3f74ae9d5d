"""The difference of two proportions on the same rows."""

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import paired_difference


def test_by_hand() -> None:
    """Newcombe's method 10 by hand: shares 4/6 and 1/6, their Wilson ends, phi .3162."""
    net = paired_difference([1, 1, 1, 0, 1, 0], [0, 1, 0, 0, 0, 0], list("abcdef"))
    assert net.estimate == pytest.approx(0.5)
    p, q, phi = 4 / 6, 1 / 6, 0.316228
    low_p, high_p, low_q, high_q = 0.300001, 0.903230, 0.030054, 0.563501
    down = ((p - low_p) ** 2 - 2 * phi * (p - low_p) * (high_q - q) + (high_q - q) ** 2) ** 0.5
    up = ((high_p - p) ** 2 - 2 * phi * (high_p - p) * (q - low_q) + (q - low_q) ** 2) ** 0.5
    assert (net.low, net.high) == pytest.approx((0.5 - down, 0.5 + up), abs=1e-5)
    assert (net.n, net.clusters, net.n_excluded, net.method) == (6, 6, 0, "newcombe-paired")


def test_what_never_differs_still_has_a_width() -> None:
    for value in (0, 1):
        net = paired_difference([value] * 30, [value] * 30, range(30))
        assert net.estimate == 0
        assert net.low is not None
        assert net.high is not None
        assert -0.2 < net.low < 0 < net.high < 0.2


def test_the_ends_stay_within_what_can_be() -> None:
    net = paired_difference([1] * 30, [0] * 30, range(30))
    assert (net.estimate, net.high) == (1, 1)
    assert net.low is not None
    assert net.low > 0.8


def test_swapping_the_two_turns_the_sign() -> None:
    one, other = [1, 0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 1, 0, 0]
    net, back = (paired_difference(*both, range(7)) for both in ((one, other), (other, one)))
    assert (net.estimate, net.low, net.high) == pytest.approx((-back.estimate, -back.high, -back.low))  # type: ignore[operator]


def test_a_row_that_lacks_either_is_left_out() -> None:
    net = paired_difference([1, None, 1, 0, 1], [0, 0, None, 0, 1], range(5))
    assert (net.n, net.n_excluded) == (3, 2)
    assert net.estimate == pytest.approx(1 / 3)
    assert paired_difference([None], [1], ["a"]).reason == "nothing was measured"


def test_too_few_clusters_give_no_interval() -> None:
    net = paired_difference([1, 0, 1, 0], [0, 0, 0, 0], ["a", "a", "b", "b"])
    assert net.estimate == 0.5
    assert net.low is None
    assert net.reason


def test_bad_columns() -> None:
    with pytest.raises(InputError, match="one length"):
        paired_difference([1], [1, 0], [1, 2])
    with pytest.raises(InputError, match="outside"):
        paired_difference([2, 0, 0], [1, 0, 0], [1, 2, 3])


@pytest.mark.parametrize(("clusters", "rows", "shared"), [(30, 1, 0.6), (30, 10, 0.5), (12, 20, 0.5)])
def test_the_interval_holds_what_it_says(clusters: int, rows: int, shared: float) -> None:
    """Successes with probabilities .3 and .2, correlated within a row and within a cluster."""
    rng = np.random.default_rng(5)
    members = np.arange(clusters).repeat(rows)
    held = 0
    for _ in range(300):
        common = rng.normal(size=clusters).repeat(rows)
        draws = [
            np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=clusters * rows)
            for _ in range(2)
        ]
        net = paired_difference(draws[0] < -0.524401, draws[1] < -0.841621, members)
        assert net.low is not None
        assert net.high is not None
        held += net.low <= 0.1 <= net.high
    assert held / 300 >= 0.91
