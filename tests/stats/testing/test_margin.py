"""Non-inferiority against a margin fixed beforehand."""

import numpy as np
import pytest
from scipy import stats

from evalhub.stats import Estimate, MarginFinding, finding, mean_difference


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(0.0, MarginFinding.NON_INFERIOR), (-0.3, MarginFinding.INCONCLUSIVE), (-0.9, MarginFinding.INFERIOR)],
)
def test_the_finding_is_that_of_two_one_sided_t_tests(shift: float, expected: MarginFinding) -> None:
    rng = np.random.default_rng(4)
    other = rng.normal(size=40)
    noise = rng.normal(size=40)
    values = other + shift + 0.5 * (noise - noise.mean())
    assert finding(mean_difference(values, other, range(40)), 0.3) is expected
    better = stats.ttest_rel(values + 0.3, other, alternative="greater").pvalue < 0.025
    worse = stats.ttest_rel(values + 0.3, other, alternative="less").pvalue < 0.025
    assert (better, worse) == (expected is MarginFinding.NON_INFERIOR, expected is MarginFinding.INFERIOR)


def test_without_an_interval_it_is_inconclusive() -> None:
    assert finding(Estimate.none("nothing was measured"), 1) is MarginFinding.INCONCLUSIVE
