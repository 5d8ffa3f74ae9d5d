"""With the two systems exchanged, every way to combine verdicts gives the exact mirror."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalhub.judging import (
    combine_orders,
    combine_winners,
    hard_winner,
    log_odds_of,
    penalise,
    preference,
    softmax,
    unanimous_winner,
    with_exact_complement,
)
from evalhub.scales import Winner

SIDES = {"a": "b", "b": "a", "tie": "tie"}
LOG = st.floats(-9999, 0) | st.sampled_from([0.0, -9999.0, math.log(0.5), -1e-12])
WINNER = st.sampled_from(list(Winner))


def flip(outcomes: dict[str, float]) -> dict[str, float]:
    """Exchange the sides, the order of the mapping too."""
    return {SIDES[name]: value for name, value in reversed(outcomes.items())}


@st.composite
def orders(draw: st.DrawFn) -> list[dict[str, float]]:
    names = draw(st.sampled_from([("a", "b"), ("a", "tie", "b")]))
    return [{name: draw(LOG) for name in names} for _ in range(draw(st.integers(1, 2)))]


@given(orders())
@example([{"a": 0.0, "b": -9999.0}, {"a": -9999.0, "b": 0.0}])
@example([{"a": math.log(0.1), "tie": math.log(0.3), "b": math.log(0.6)}])
def test_probabilities_mirror(logs: list[dict[str, float]]) -> None:
    chances = combine_orders(logs)
    exchanged = combine_orders([flip(order) for order in reversed(logs)])
    assert exchanged == flip(chances)
    assert preference(exchanged) == 1 - preference(chances)
    assert hard_winner(exchanged) is hard_winner(chances).swapped()


@given(orders(), st.floats(0, 10), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_the_length_penalty_mirrors(
    logs: list[dict[str, float]], strength: float, extra: float, spread: float
) -> None:
    chances = softmax(logs[0])
    before = penalise(chances, strength, extra=extra, spread=spread)
    after = penalise(flip(chances), strength, extra=-extra, spread=spread)
    assert after == flip(before)
    assert preference(after) == 1 - preference(before)
    assert hard_winner(after) is hard_winner(before).swapped()


@given(st.lists(st.lists(WINNER, min_size=1, max_size=7), min_size=1, max_size=2))
def test_hard_verdicts_mirror(orders: list[list[Winner]]) -> None:
    exchanged = [[winner.swapped() for winner in order] for order in reversed(orders)]
    assert combine_winners(exchanged) is combine_winners(orders).swapped()
    firsts = [order[0] for order in orders]
    assert unanimous_winner([winner.swapped() for winner in firsts]) is unanimous_winner(firsts).swapped()


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5]), min_size=1, max_size=2))
@example([1.0, 0.0])
@example([0.1, 0.7])
def test_recorded_probabilities_mirror(recorded: list[float]) -> None:
    probabilities = [with_exact_complement(p) for p in recorded]
    chances = combine_orders([log_odds_of(p) for p in probabilities])
    exchanged = combine_orders([log_odds_of(1 - p) for p in reversed(probabilities)])
    assert exchanged == flip(chances)
    assert hard_winner(exchanged) is hard_winner(chances).swapped()
    assert all(
        math.isclose(p, given, abs_tol=1e-16) for p, given in zip(probabilities, recorded, strict=True)
    )


@pytest.mark.parametrize(
    ("orders", "winner"),
    [
        (([Winner.A], [Winner.A]), Winner.A),
        (([Winner.A], [Winner.TIE]), Winner.A),
        (([Winner.TIE], [Winner.B]), Winner.B),
        (([Winner.A], [Winner.B]), Winner.TIE),
        (([Winner.TIE], [Winner.TIE]), Winner.TIE),
        # an order counts once, however many samples it has: 1/3 against -1
        (([Winner.A, Winner.A, Winner.B], [Winner.B]), Winner.B),
        (([Winner.A, Winner.TIE, Winner.TIE], [Winner.B] + [Winner.TIE] * 5), Winner.A),
        (([Winner.A] + [Winner.TIE] * 2, [Winner.B] * 2 + [Winner.TIE] * 4), Winner.TIE),
        (([Winner.B],), Winner.B),
    ],
)
def test_the_net_sum_of_hard_verdicts(orders: tuple[list[Winner], ...], winner: Winner) -> None:
    assert combine_winners(orders) is winner


@pytest.mark.parametrize("first", [0.0, 1e-15, 1e-9, 0.2, 0.4999999, 0.5])
def test_two_opposite_probabilities_are_a_tie(first: float) -> None:
    p = with_exact_complement(first)
    chances = combine_orders([log_odds_of(p), log_odds_of(1 - p)])
    assert chances == {"a": 0.5, "b": 0.5}
    assert hard_winner(chances) is Winner.TIE


@pytest.mark.parametrize(("p", "winner"), [(0.0, Winner.B), (1.0, Winner.A)])
def test_certainty_beside_a_tie_is_a_win(p: float, winner: Winner) -> None:
    assert hard_winner(combine_orders([log_odds_of(p), log_odds_of(0.5)])) is winner
