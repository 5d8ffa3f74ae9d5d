"""Non-inferiority, superiority and equivalence against a stated margin."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import ttost_paired

from evalhub.errors import InputError
from evalhub.stats.intervals import Interval, Options
from evalhub.stats.testing.margin import Aim, Finding, margin_test

ONE_SIDED_05 = Options(level=0.9)


def columns(shift: float, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    other = rng.normal(size=n)
    noise = rng.normal(size=n)
    return other + shift + 0.5 * (noise - noise.mean()), other


def test_p_of_values_without_bounds_is_the_shifted_t_test() -> None:
    one, other = columns(0.05)
    for margin in (0.01, 0.1, 0.3):
        known = scipy_stats.ttest_rel(one + margin, other, alternative="greater").pvalue
        assert margin_test(one, other, range(40), margin=margin).p == pytest.approx(known, abs=1e-7)
        known = scipy_stats.ttest_rel(one - margin, other, alternative="greater").pvalue
        found = margin_test(one, other, range(40), margin=margin, aim=Aim.SUPERIORITY)
        assert found.p == pytest.approx(known, abs=1e-7)


def test_equivalence_is_the_tost_of_statsmodels() -> None:
    for shift in (0.0, 0.1, 0.3, 0.6):
        one, other = columns(shift)
        known = ttost_paired(one, other, -0.25, 0.25)[0]
        found = margin_test(one, other, range(40), margin=0.25, aim=Aim.EQUIVALENCE, options=ONE_SIDED_05)
        assert found.p == pytest.approx(known, abs=1e-7)
        assert (found.finding is Finding.EQUIVALENT) == (known < 0.05)


@pytest.mark.parametrize(
    ("shift", "aim", "finding"),
    [
        (0.0, Aim.NON_INFERIORITY, Finding.NON_INFERIOR),
        (-0.3, Aim.NON_INFERIORITY, Finding.INCONCLUSIVE),
        (-0.9, Aim.NON_INFERIORITY, Finding.INFERIOR),
        (0.9, Aim.SUPERIORITY, Finding.SUPERIOR),
        (0.3, Aim.SUPERIORITY, Finding.INCONCLUSIVE),
        (0.0, Aim.SUPERIORITY, Finding.NOT_SUPERIOR),
        (0.0, Aim.EQUIVALENCE, Finding.EQUIVALENT),
        (0.3, Aim.EQUIVALENCE, Finding.INCONCLUSIVE),
        (0.9, Aim.EQUIVALENCE, Finding.DIFFERENT),
        (-0.9, Aim.EQUIVALENCE, Finding.DIFFERENT),
    ],
)
def test_findings(shift: float, aim: Aim, finding: Finding) -> None:
    found = margin_test(*columns(shift), range(40), margin=0.3, aim=aim)
    assert found.finding is finding
    assert found.p is not None
    shown = finding in (Finding.NON_INFERIOR, Finding.SUPERIOR, Finding.EQUIVALENT)
    assert (found.p < found.alpha) == shown
    assert found.alpha == pytest.approx(0.025)


def test_p_and_interval_agree_for_right_and_wrong() -> None:
    rng = np.random.default_rng(0)
    for share in (0.6, 0.75, 0.9):
        one, other = rng.random(60) < share, rng.random(60) < 0.75
        for aim in Aim:
            found = margin_test(one, other, range(60), margin=0.1, aim=aim, bounds=(0, 1))
            shown = found.finding in (Finding.NON_INFERIOR, Finding.SUPERIOR, Finding.EQUIVALENT)
            assert found.p is not None
            assert (found.p < found.alpha) == shown


def test_far_beyond_the_margin_p_has_a_floor_and_a_ceiling() -> None:
    one, other = columns(50.0)
    assert margin_test(one, other, range(40), margin=1).p == 1e-12
    assert margin_test(other, one, range(40), margin=1).p == pytest.approx(1)


def test_superiority_by_any_amount() -> None:
    one, other = columns(0.5)
    found = margin_test(one, other, range(40), margin=0, aim=Aim.SUPERIORITY)
    assert found.finding is Finding.SUPERIOR


def test_a_bootstrap_can_be_asked_for() -> None:
    one, other = columns(0.0)
    options = Options(interval=Interval.BOOTSTRAP, resamples=500)
    found = margin_test(one, other, range(40), margin=0.3, options=options)
    assert found.finding is Finding.NON_INFERIOR
    assert found.difference.method == "cluster-bootstrap-500"


def test_too_little_is_inconclusive() -> None:
    two = margin_test([1, 2], [1, 1], ["a", "b"], margin=1)
    assert (two.finding, two.p, two.reason) == (Finding.INCONCLUSIVE, None, "fewer than 3 clusters")
    same = margin_test([3, 4, 5], [3, 4, 5], list("abc"), margin=1)
    assert (same.finding, same.p) == (Finding.INCONCLUSIVE, None)
    assert margin_test([], [], [], margin=1).reason == "nothing was measured"


@pytest.mark.parametrize("margin", [0, -1, float("nan"), float("inf")])
def test_bad_margins(margin: float) -> None:
    with pytest.raises(InputError, match="margin"):
        margin_test([1, 2, 3], [1, 2, 2], list("abc"), margin=margin)


def test_other_bad_inputs() -> None:
    with pytest.raises(InputError, match="margin"):
        margin_test([1], [1], ["a"], margin=-0.1, aim=Aim.SUPERIORITY)
    with pytest.raises(InputError, match="one length"):
        margin_test([1], [1, 2], ["a"], margin=1)
    with pytest.raises(InputError, match="outside"):
        margin_test([1, 7, 1], [1, 2, 3], list("abc"), margin=1, bounds=(1, 5))
