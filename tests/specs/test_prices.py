"""The price of a model's tokens."""

import pytest

from evalhub.errors import SpecError
from evalhub.specs.base import validate
from evalhub.specs.suite import Price


def test_cached_tokens_have_a_price_of_their_own() -> None:
    price = Price(prompt=3, completion=15, cached=0.3)
    assert price.money(1_000_000, 0) == 3
    assert price.money(0, 1_000_000) == 15
    assert price.money(1_000_000, 0, cached=1_000_000) == pytest.approx(0.3)
    assert price.money(1000, 10, cached=400) == pytest.approx((600 * 3 + 400 * 0.3 + 10 * 15) / 1e6)


def test_without_one_they_cost_what_others_cost() -> None:
    for prompt, completion, cached in ((7, 3, 7), (1013, 17, 999), (1, 0, 1)):
        money = Price(prompt=0.7, completion=2.1).money(prompt, completion, cached=cached)
        assert money == (prompt * 0.7 + completion * 2.1) / 1e6  # to the last bit


def test_a_cached_prompt_may_cost_nothing() -> None:
    assert Price(prompt=3, completion=15, cached=0).money(100, 0, cached=100) == 0


def test_more_cached_tokens_than_there_are_earn_no_money() -> None:
    assert Price(prompt=3, completion=15, cached=0).money(100, 0, cached=500) == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cached": 3.5}, "cached prompt tokens cost at most what others cost, 3"),
        ({"cached": -1}, "greater than or equal to 0"),
        ({"cached": float("nan")}, "finite"),
        ({"cached": "cheap"}, "number"),
        ({"reading": 1}, "reading"),
    ],
)
def test_prices_that_make_no_sense(fields: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words) as error:
        validate(Price, {"prompt": 3, "completion": 15, **fields}, "s.yaml:judges.j.price")
    assert error.value.sentence().startswith("s.yaml:judges.j.price")
