import math

import pytest

from evalhub.errors import InputError
from evalhub.stats import Estimate


def test_none_says_why():
    estimate = Estimate.none("no judgments", n=2, clusters=1, n_excluded=3, confidence=0.9)
    assert (estimate.estimate, estimate.low, estimate.high, estimate.width) == (None, None, None, None)
    assert (estimate.n, estimate.clusters, estimate.n_excluded, estimate.confidence) == (2, 1, 3, 0.9)
    assert estimate.reason == "no judgments"


def test_withdrawing_the_interval_keeps_the_estimate():
    estimate = Estimate(0.5, 0.4, 0.6, 0.95, "wilson", 10, 10, 0, None).without_interval("dependent rows")
    assert (estimate.estimate, estimate.low, estimate.method, estimate.reason) == (
        0.5,
        None,
        "none",
        "dependent rows",
    )


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((math.nan, 0.1, 0.2), None),
        ((0.1, 0.0, math.inf), None),
        ((0.1, None, 0.2), "why"),
        ((0.1, None, None), None),
        ((None, None, None), ""),
    ],
)
def test_what_an_estimate_refuses(numbers, reason):
    with pytest.raises(InputError):
        Estimate(*numbers, 0.95, "wilson", 1, 1, 0, reason)
