"""A rating's level and its expected one, with a level that is not applicable and with a falling scale."""

import math

import pytest

from evalhub.judging.length_penalty import penalise_score
from evalhub.judging.protocols.one_token import TokenAnswer
from evalhub.judging.protocols.pointwise_pairwise import rate
from evalhub.records import FailureKind, Judgment
from evalhub.scales import Scale
from evalhub.specs import LevelSpec, scale_of

SCALE = scale_of({9: "rude", "none": LevelSpec(meaning="no text", applicable=False), 4: "cold", 1: "kind"})


def judged(scale: Scale, **shares: float) -> Judgment:
    logprobs = {label.lstrip("_"): math.log(share) for label, share in shares.items()}
    return rate(Judgment("d", "j", "tone", "i", system="k"), TokenAnswer((), logprobs=logprobs), scale)


def test_the_expected_level_is_that_of_the_applicable_ones() -> None:
    judgment = judged(SCALE, _9=0.1, none=0.3, _4=0.2, _1=0.4)
    assert (judgment.value, judgment.failure) == (1.0, None)
    assert judgment.expected == pytest.approx((9 * 0.1 + 4 * 0.2 + 1 * 0.4) / 0.7)


def test_a_judge_may_find_that_nothing_applies() -> None:
    judgment = judged(SCALE, _9=0.3, none=0.4, _4=0.2, _1=0.1)
    assert (judgment.value, judgment.expected) == (None, None)
    assert judgment.failure is FailureKind.NOT_APPLICABLE
    assert set(judgment.logprobs or {}) == {"9", "none", "4", "1"}


@pytest.mark.parametrize("higher", [True, False])
def test_the_length_penalty_makes_a_long_answer_worse(higher: bool) -> None:
    options = {"chars": 400, "median": 100.0, "higher_is_better": higher}
    assert penalise_score(3.0, 0.5, **options) == (2.0 if higher else 4.0)
    short = {**options, "chars": 50}
    assert penalise_score(3.0, 0.5, **short) == 3.0
