"""Verdicts combined by hand: sigmoid of mean log-odds, ties, penalties."""

import math
import random

import pytest

from evalhub.judging import combine_orders, hard_winner, penalise, penalise_score, preference, softmax
from evalhub.scales import Winner


def odds(a: float, b: float) -> dict[str, float]:
    return {"a": math.log(a), "b": math.log(b)}


def test_a_constant_preference_for_a_position_cancels() -> None:
    for bias in (0.5, 2.0, 7.0):
        first = {"a": bias, "b": 0.0}  # a is shown first and gains
        second = {"a": 0.0, "b": bias}  # b is shown first and gains as much
        chances = combine_orders([softmaxed(first), softmaxed(second)])
        assert chances["a"] == pytest.approx(0.5, abs=1e-12)
        assert hard_winner(chances) is Winner.TIE


def softmaxed(weights: dict[str, float]) -> dict[str, float]:
    return {name: math.log(value) for name, value in softmax(weights).items()}


def test_a_true_preference_outlives_a_constant_bias() -> None:
    truth, bias = 0.4, 3.0
    orders = [softmaxed({"a": truth + bias, "b": 0.0}), softmaxed({"a": truth - bias, "b": 0.0})]
    assert combine_orders(orders)["a"] == pytest.approx(1 / (1 + math.exp(-truth)))
    assert hard_winner(combine_orders(orders)) is Winner.A


def test_label_mass_does_not_count() -> None:
    half = {name: value + math.log(0.5) for name, value in odds(0.9, 0.1).items()}
    assert combine_orders([half])["a"] == pytest.approx(0.9)


def test_ties_are_averaged_in_logs_and_renormalised() -> None:
    # exp(mean log): a sqrt(.5*.1)=.2236, tie sqrt(.3*.3)=.3, b sqrt(.2*.6)=.3464; sum .8700
    first = {"a": math.log(0.5), "tie": math.log(0.3), "b": math.log(0.2)}
    second = {"a": math.log(0.1), "tie": math.log(0.3), "b": math.log(0.6)}
    chances = combine_orders([first, second])
    assert chances == pytest.approx({"a": 0.25701, "tie": 0.34482, "b": 0.39817}, abs=1e-5)
    assert hard_winner(chances) is Winner.B
    assert preference(chances) == pytest.approx(0.25701 + 0.34482 / 2, abs=1e-5)
    assert sum(chances.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b", "tie", "winner"),
    [
        (0.5, 0.5, None, Winner.TIE),
        (0.5 + 0.9e-6, 0.5 - 0.9e-6, None, Winner.TIE),
        (0.5 + 1.1e-6, 0.5 - 1.1e-6, None, Winner.A),
        (0.5 - 1.1e-6, 0.5 + 1.1e-6, None, Winner.B),
        (0.3, 0.3, 0.4, Winner.TIE),
        (0.4, 0.3, 0.3, Winner.A),
        (0.4, 0.2, 0.4, Winner.TIE),
        (0.45, 0.45, 0.1, Winner.TIE),
        (1.0, 0.0, None, Winner.A),
    ],
)
def test_the_hard_verdict(a: float, b: float, tie: float | None, winner: Winner) -> None:
    chances = {"a": a, "b": b} | ({} if tie is None else {"tie": tie})
    assert hard_winner(chances) is winner
    swapped = {"a": b, "b": a} | ({} if tie is None else {"tie": tie})
    assert hard_winner(swapped) is winner.swapped()


def test_certainty_is_no_nan() -> None:
    assert softmax({"a": -math.inf, "b": -math.inf}) == {"a": 0.5, "b": 0.5}
    assert softmax({"a": 0.0, "b": -math.inf}) == {"a": 1.0, "b": 0.0}
    assert softmax({"a": 1000.0, "b": -1000.0}) == {"a": 1.0, "b": 0.0}


class TestPenalties:
    def test_the_log_odds_fall_by_strength_times_tanh(self) -> None:
        # a is one spread longer: log-odds 0 - .5 * tanh(1) = -.38080, sigmoid .40594
        after = penalise({"a": 0.5, "b": 0.5}, 0.5, extra=100, spread=100)
        assert after["a"] == pytest.approx(0.40594, abs=1e-5)
        back = penalise({"a": 0.5, "b": 0.5}, 0.5, extra=-100, spread=100)
        assert back["a"] == pytest.approx(1 - 0.40594, abs=1e-5)

    def test_the_tie_keeps_its_odds_between_the_two(self) -> None:
        after = penalise({"a": 0.4, "tie": 0.2, "b": 0.4}, 1.0, extra=50, spread=50)
        assert math.log(after["a"] / after["b"]) == pytest.approx(-math.tanh(1))
        assert sum(after.values()) == pytest.approx(1)

    def test_nothing_to_penalise(self) -> None:
        chances = {"a": 0.7, "b": 0.3}
        assert penalise(chances, 0, extra=10, spread=5) == chances
        assert penalise(chances, 1, extra=10, spread=0) == chances
        assert penalise(chances, 1, extra=0, spread=5) == pytest.approx(chances)
        assert penalise({"a": 1.0, "b": 0.0}, 1, extra=5, spread=5) == {"a": 1.0, "b": 0.0}

    def test_a_rating_falls_for_each_doubling_over_the_median(self) -> None:
        assert penalise_score(4.0, 0.5, chars=400, median=100) == 3.0  # two doublings
        assert penalise_score(4.0, 0.5, chars=100, median=100) == 4.0
        assert penalise_score(4.0, 0.5, chars=25, median=100) == 4.0
        assert penalise_score(4.0, 0.0, chars=400, median=100) == 4.0
        assert penalise_score(4.0, 0.5, chars=0, median=100) == 4.0
        assert penalise_score(4.0, 0.5, chars=10, median=0) == 4.0


def test_combining_is_symmetric() -> None:
    rng = random.Random(3)
    for _ in range(200):
        one, two = ({name: -rng.expovariate(1) for name in ("a", "tie", "b")} for _ in range(2))
        chances = combine_orders([one, two])
        mirrored = combine_orders([{"a": x["b"], "tie": x["tie"], "b": x["a"]} for x in (two, one)])
        assert preference(chances) == pytest.approx(1 - preference(mirrored))
