"""`evalhub plan` says what a run is expected to take, by what earlier runs took."""

import json
from typing import Any

import pytest

from tests.conftest import PAIR_JUDGE


def planned(cli: Any, desk: Any) -> dict[str, Any]:
    output = cli("plan", "s", "--json", "--runs", str(desk.runs))
    assert output.code == 0
    data: dict[str, Any] = json.loads(output.out)
    return data


def test_nothing_is_known_before_the_first_run(desk: Any, cli: Any) -> None:
    (expense,) = planned(cli, desk)["expected"]
    assert (expense["source"], expense["requests"], expense["tokens"]) == ("pw", 8, None)


def test_expected_tokens_are_those_of_earlier_requests(desk: Any, cli: Any) -> None:
    price = {"prompt": 1000.0, "completion": 5000.0}
    desk.dataset(items=4)
    desk.suite(judges=[{**PAIR_JUDGE, "price": price}])
    run = desk.run()
    (engine,) = run.manifest.engines
    desk.dataset(items=10)
    desk.suite(judges=[{**PAIR_JUDGE, "price": price}], title="longer")
    (expense,) = planned(cli, desk)["expected"]
    assert (expense["requests"], expense["measured_in"]) == (12, run.id)
    share = 12 / engine["requests"]
    assert expense["tokens"] == round(share * (engine["prompt_tokens"] + engine["completion_tokens"]))
    cost = (engine["prompt_tokens"] * 1000 + engine["completion_tokens"] * 5000) / 1e6
    assert expense["cost"] == pytest.approx(share * cost)
    assert expense["minutes"] == pytest.approx(share * engine["seconds_busy"] / 60)
    assert "expected, as in earlier runs" in cli("plan", "s", "--runs", str(desk.runs)).out


def test_a_server_that_counts_no_tokens_has_no_expected_price(
    desk: Any, cli: Any, chat_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai")

    def behave(_: dict[str, Any]) -> tuple[int, Any]:
        return 200, {**chat_server.reply("A", top=[("A", -0.1), ("B", -2.5)]), "usage": None}

    chat_server.behave = behave
    use = {**PAIR_JUDGE, "engine": chat_server.engine(), "price": {"prompt": 3.0, "completion": 15.0}}
    desk.dataset(items=4)
    desk.suite(judges=[use])
    desk.run()
    desk.dataset(items=10)
    desk.suite(judges=[use], title="longer")
    (expense,) = planned(cli, desk)["expected"]
    assert (expense["requests"], expense["tokens"], expense["cost"]) == (12, None, None)
    assert expense["minutes"] is not None
    assert cli("plan", "s", "--runs", str(desk.runs)).code == 0


def test_nothing_is_expected_of_what_is_reused(desk: Any, cli: Any) -> None:
    desk.run()
    assert planned(cli, desk)["expected"] == []
