"""`evalhub judges noise`: a judge is asked the same again, and what differs is only noise."""

import json
import math
from collections import Counter
from typing import Any

import pytest

pytest.importorskip("openai")

ITEMS = 20


@pytest.fixture
def responses(desk: Any) -> None:
    desk.dataset(
        items=ITEMS,
        responses=[
            {"item_id": f"i{n:03}", "system": "k", "family": "alpha", "text": f"text {n}."}
            for n in range(ITEMS)
        ],
    )


def ask(cli: Any, engine: dict[str, Any], *more: str) -> Any:
    return cli(
        "judges", "noise", "rate", "--model", "j", "--dataset", "tiny", "--engine", json.dumps(engine), *more
    )


def test_a_judge_that_gives_one_answer_once(cli: Any, responses: None, chat_server: Any) -> None:
    askings: Counter[str] = Counter()

    def behave(request: dict[str, Any]) -> tuple[int, Any]:
        text = request["messages"][-1]["content"]
        askings[text] += 1
        is_flaky = any(f"text {n}." in text for n in (3, 7)) and askings[text] == 2
        return 200, chat_server.reply("3" if is_flaky else "2")

    chat_server.behave = behave
    engine = chat_server.engine(logprobs="none", structured="none")
    output = ask(cli, engine, "--json")
    data = json.loads(output.out)
    rows = {(row["again"], row["statistic"]): row for row in data["noise"]}
    assert set(askings.values()) == {3}  # a server has no batches
    assert rows["seed", "flips"]["estimate"] == pytest.approx(2 / ITEMS)
    assert rows["order", "flips"]["estimate"] == 0
    deviation = math.sqrt(1 / 3)  # of 2, 3 and 2
    assert rows["all askings", "spread"]["estimate"] == pytest.approx(2 * deviation / ITEMS)
    assert rows["all askings", "spread"]["low"] == 0.0  # no deviation is negative
    smallest = rows["all askings", "smallest difference"]["estimate"]
    assert smallest == pytest.approx(1.96 * math.sqrt(2 * (2 / 3 / ITEMS) / ITEMS), rel=1e-3)
    flaky = [(row["item_id"], row["first"], row["seed"], row["order"]) for row in data["flaky"]]
    assert flaky == [("i003", 2.0, 3.0, 2.0), ("i007", 2.0, 3.0, 2.0)]
    again = ask(cli, engine)
    assert set(askings.values()) == {3}  # the same command asks nothing anew
    assert "0.100 [" in again.out
    assert "of 20 verdicts change if the judge is asked again (other seeds)" in again.out
    assert "i007" in again.out


def test_a_judge_that_never_changes(cli: Any, responses: None) -> None:
    output = ask(cli, {"type": "scripted"})
    assert output.code == 0
    assert output.out.count("0.000 [0.000, 0.161] of 20 verdicts change") == 3
    assert "no verdict changed in any asking" in output.out


def test_bad_input_is_one_sentence(cli: Any) -> None:
    output = ask(cli, {"type": "scripted"}, "--limit", "0")
    assert (output.code, output.sentence) == (2, "--limit: a limit is at least 1, got 0.")
    assert cli("judges", "noise", "nothing", "--model", "j").code == 2
