"""A served judge gives the verdicts of a run, to the last bit, and its numbers are those of the tables."""

from collections.abc import Callable
from typing import Any

import pytest

from evalhub import stats
from evalhub.analysis import Results, calibration, pair_verdicts, ratings, rows_of
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.tables import floats
from tests.conftest import PAIR, PAIR_JUDGE, RATE_JUDGE, Desk
from tests.serving.conftest import Served, item_row, label_pairs

SWAP = PAIR.replace("id: pair", "id: swapped").replace("protocol: pairwise", "protocol: swap")
TIES = PAIR.replace("id: pair", "id: tied").replace("ties: false", "ties: true")
WRITES = """---
id: writes
version: 1
protocol: self-reference
inputs: [question, reference, response_a, response_b]
criteria: {overall: The better answer.}
ties: false
---
## User
{{question}}
{{reference}}
{{response_a}}
{{response_b}}
"""
REWARDS = """---
id: rewards
version: 1
protocol: reward
inputs: [question, response]
criteria: {overall: The better answer.}
verdict: pairwise
---
## User
{{question}}
## Assistant
{{response}}
"""
CHECKS = """---
id: checks
version: 1
protocol: checklist
inputs: [question, response]
criteria: {right: 'It is right.', short: 'It is short.'}
weights: {right: 2}
---
## User
{{question}}
{{response}}
{{criterion}}
"""
SAMPLED = {"mode": "explain", "samples": 3, "sampling": {"temperature": 1.0}}


def texts(number: int) -> dict[str, str]:
    return {"k": f"k says {number}", "m": f"m says {number}"}


@pytest.mark.parametrize(
    ("rubric", "settings"),
    [
        (PAIR, {}),
        (TIES, {}),
        (PAIR, SAMPLED),
        (TIES, {**SAMPLED, "combine": "vote"}),
        (PAIR, {"mode": "think"}),
        (SWAP, {"mode": "explain"}),
        (WRITES, {}),
        (REWARDS, {}),
    ],
    ids=["direct", "ties", "samples", "votes", "thinks", "swaps", "writes", "rewards"],
)
def test_pairs_are_those_of_a_run(
    desk: Desk, serve: Callable[..., Any], rubric: str, settings: dict[str, Any]
) -> None:
    name = rubric.split("id: ")[1].split("\n")[0]
    desk.rubric(name, rubric)
    items = [item_row(number) for number in range(6)]
    desk.dataset(items=items)
    desk.suite(judges=[{**PAIR_JUDGE, "rubric": name, **settings}])
    pairs = rows_of(pair_verdicts(Results(desk.run())))
    assert len(pairs) == 6
    with serve("pw") as served, served.client() as client:
        for number, pair in enumerate(pairs):
            sides = texts(number)
            status, answer = client.judge(
                prompt=items[number]["prompt"], response_a=sides["k"], response_b=sides["m"]
            )
            assert status == 200, answer
            assert answer["winner"] == pair["winner"]
            assert answer["probability"]["raw"] == pair["p_a"]
            orders = {order["shown"]: order["winner"] for order in answer["orders"]}
            if name == "rewards":
                assert orders == {None: pair["winner"]}
                assert answer["orders_agree"] is None
            else:
                assert orders == {"ab": pair["winner_ab"], "ba": pair["winner_ba"]}
                assert answer["orders_agree"] is (pair["winner_ab"] == pair["winner_ba"])


def test_the_sides_exchanged_give_the_exchanged_verdict(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.run()
    with serve("pw") as served, served.client() as client:
        for number in range(4):
            sides = texts(number)
            prompt = f"What is {number} plus {number}?"
            _, first = client.judge(prompt=prompt, response_a=sides["k"], response_b=sides["m"])
            _, second = client.judge(prompt=prompt, response_a=sides["m"], response_b=sides["k"])
            assert first["probability"]["raw"] == 1 - second["probability"]["raw"]
            assert first["winner"] != second["winner"]


@pytest.mark.parametrize("settings", [{}, SAMPLED, {**SAMPLED, "combine": "vote"}], ids=["1", "3", "vote"])
@pytest.mark.parametrize("name", ["rate", "checks"])
def test_ratings_are_those_of_a_run(
    desk: Desk, serve: Callable[..., Any], name: str, settings: dict[str, Any]
) -> None:
    desk.rubric("checks", CHECKS)
    desk.suite(judges=[{**RATE_JUDGE, "rubric": name, **settings}])
    run = desk.run()
    total = {"rate": "quality", "checks": "checklist"}[name]
    rows = [row for row in rows_of(ratings(Results(run))) if row["criterion"] == total]
    assert len(rows) == 8
    with serve("pt") as served, served.client() as client:
        for row in rows:
            number = int(row["item_id"][1:])
            status, answer = client.judge(
                prompt=f"What is {number} plus {number}?", response=texts(number)[row["system"]]
            )
            assert status == 200, answer
            assert answer["level"] == row["value"]
            assert answer["expected"]["raw"] == row["expected"]


@pytest.fixture
def labelled(desk: Desk) -> tuple[Desk, Results]:
    label_pairs(desk, 120)
    return desk, Results(desk.run())


def ask_all(served: Served, pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    with served.client() as client:
        for pair in pairs:
            number = int(pair["item_id"][1:])
            sides = texts(number)
            status, answer = client.judge(
                prompt=f"What is {number} plus {number}?", response_a=sides["k"], response_b=sides["m"]
            )
            assert status == 200, answer
            answers.append(answer)
    return answers


def test_the_map_is_that_of_all_labels_and_the_errors_are_those_of_the_tables(
    labelled: tuple[Desk, Results], serve: Callable[..., Any]
) -> None:
    _, results = labelled
    pairs = labelled_pairs(results)
    outcomes = [{"a": 1.0, "b": 0.0}[winner] for winner in pairs["label_winner"]]
    sides = stats.calibration_map(floats(pairs["p_a"]), outcomes)
    brier = {row["statistic"]: row for row in rows_of(calibration(results))}
    with serve("pw") as served:
        answers = ask_all(served, rows_of(pairs)[:10])
    for answer, p_a in zip(answers, floats(pairs["p_a"]), strict=False):
        assert answer["probability"]["raw"] == p_a
        assert answer["probability"]["calibrated"] == sides.at([p_a])[0]
        block = answer["calibration"]
        assert (block["labels"], block["clusters"], block["reason"]) == (120, 60, None)
        for name, statistic in (("raw", "Brier"), ("calibrated", "Brier (recalibrated)")):
            shown, row = block["brier"][name], brier[statistic]
            assert {key: shown[key] for key in shown} == {key: row[key] for key in shown}
        measure = answer["measured"][0]
        assert (measure["dataset"], measure["annotator_kind"], measure["n"]) == ("tiny", "human", 120)
        assert measure["low"] < measure["agreement"] < measure["high"]
        assert measure["coin"] == pytest.approx(0.5, abs=0.15)
