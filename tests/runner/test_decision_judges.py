"""Decision models as judges of a suite, through the real run against a server."""

from typing import Any

import pytest

from evalhub.analysis import Results, pair_verdicts, ratings, rows_of
from evalhub.errors import SpecError
from evalhub.runner import Options, prepare
from tests.chat_server import ChatServer

BOTH = """---
id: both
version: 1
protocol: pairwise
inputs: [question, response_a, response_b]
ties: true
criteria: {right: The right answer., short: The shorter answer.}
---
## System
You compare.
{{criterion}}
## User
{{question}}
{{response_a}}
{{response_b}}
"""
CHECKS = """---
id: checks
version: 1
protocol: checklist
inputs: [question, response]
criteria: {right: 'It is right.', short: 'It is short.', kind: 'It is kind.'}
weights: {right: 2}
---
## User
{{question}}
{{response}}
{{criterion}}
"""
LEVELS = """---
id: levels
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {tone: How polite it is., depth: How deep it goes.}
scale:
  tone: {1: rude, 2: neither, 3: polite}
  depth: {1: shallow, 2: deep, none: {meaning: nothing to say, applicable: false}}
---
## User
{{question}}
{{criterion}}
{{scale}}
{{response}}
"""


def use(name: str, rubric: str, server: ChatServer, **settings: Any) -> dict[str, Any]:
    engine = server.engine(type="systemone", concurrency=2)
    return {"id": name, "rubric": rubric, "model": "m", "families": ["beta"], "engine": engine, **settings}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Answer a question: the first option has .7, the others share what is left."""
    if question["type"] == "noul":
        return {"type": "noul", "noul": 0.8 if "right" in question["instructions"] else 0.25}
    criteria = question["criteria"]
    names = [str(place) for place in range(len(criteria))] if isinstance(criteria, list) else list(criteria)
    rest = 0.3 / (len(names) - 1)
    probabilities = {name: 0.7 if place == 0 else rest for place, name in enumerate(names)}
    return {"type": question["type"], "probabilities": probabilities}


def rated(run: Any) -> set[tuple[str, float, float]]:
    """Return each criterion with a level and the expected level of some response."""
    rows = rows_of(ratings(Results(run)))
    return {(row["criterion"], row["value"], round(float(row["expected"]), 4)) for row in rows}


@pytest.fixture
def server(chat_server: ChatServer) -> ChatServer:
    def behave(request: dict[str, Any]) -> tuple[int, Any]:
        answers = {name: answer(question) for name, question in request["questions"].items()}
        return 200, {
            "model": "m-1", "answers": answers, "usage": {"input_tokens": 30, "output_tokens": 1},
        }  # fmt: skip

    chat_server.behave = behave
    return chat_server


def test_all_criteria_of_a_pair_are_one_request_in_each_order(desk: Any, server: ChatServer) -> None:
    desk.rubric("both", BOTH)
    desk.suite(judges=[use("d", "both", server, pairs={"by": "all"})])
    run = desk.run()
    assert len(list(run.records("judgments"))) == 4 * 2 * 2
    assert len(server.asked) == 4 * 2
    assert {len(request["questions"]) for request in server.asked} == {2}
    state = server.asked[0]["state"]
    assert state.startswith("You compare.\nright: The right answer.\nshort: The shorter answer.\n\n")
    assert state.endswith("```")
    texts = {question["instructions"] for question in server.asked[0]["questions"].values()}
    assert texts == {
        "Which response is better? right: The right answer.",
        "Which response is better? short: The shorter answer.",
    }
    pairs = rows_of(pair_verdicts(Results(run)))
    # The first option always has .7, whichever response it stands for. Both orders together take that away.
    assert {row["winner_ab"] for row in pairs} == {"a"}
    assert {row["winner_ba"] for row in pairs} == {"b"}
    assert {round(float(row["p_a"]), 6) for row in pairs} == {0.5}


def test_an_unchanged_night_asks_nothing(desk: Any, server: ChatServer) -> None:
    desk.rubric("both", BOTH)
    desk.suite(judges=[use("d", "both", server, pairs={"by": "all"})])
    first = desk.run()
    count = len(server.asked)
    second = desk.run()
    assert len(server.asked) == count
    assert list(first.records("judgments")) == list(second.records("judgments"))


def test_a_checklist_is_one_request_of_predicates(desk: Any, server: ChatServer) -> None:
    desk.rubric("checks", CHECKS)
    desk.suite(judges=[use("d", "checks", server)])
    run = desk.run()
    assert len(server.asked) == 8
    assert {len(request["questions"]) for request in server.asked} == {3}
    values = {
        (row["criterion"], row["value"], round(float(row["expected"]), 4))
        for row in rows_of(ratings(Results(run)))
    }
    assert values == {
        ("right", 1.0, 0.8), ("short", 0.0, 0.25), ("kind", 0.0, 0.25),
        ("checklist", 0.5, round((2 * 0.8 + 0.25 + 0.25) / 4, 4)),
    }  # fmt: skip


def test_levels_are_ordered_options_unless_one_does_not_apply(desk: Any, server: ChatServer) -> None:
    desk.rubric("levels", LEVELS)
    desk.suite(judges=[use("d", "levels", server)])
    run = desk.run()
    questions = server.asked[0]["questions"].values()
    assert {question["type"]: question["criteria"] for question in questions} == {
        "score": ["1: rude", "2: neither", "3: polite"],
        "choice": {"1": "shallow", "2": "deep", "none": "nothing to say"},
    }
    assert "tone\n1: rude" in server.asked[0]["state"]
    assert rated(run) == {("tone", 1.0, 1.45), ("depth", 1.0, round((0.7 + 2 * 0.15) / 0.85, 4))}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": "explain"}, "writes nothing before its verdict"),
        ({"rubric": "helpfulness-ranking"}, "the protocol listwise needs a text or a ranking"),
        ({"rubric": "instruction-following-swap"}, "the protocol swap needs"),
    ],
)
def test_a_judge_that_would_have_to_write_is_refused(
    desk: Any, server: ChatServer, changes: dict[str, Any], sentence: str
) -> None:
    desk.suite(judges=[{**use("d", "pair", server), **changes}])
    with pytest.raises(SpecError, match=sentence):
        prepare("s", Options(runs=desk.runs))
    assert server.asked == []


def test_a_candidate_cannot_be_a_decision_model(desk: Any, server: ChatServer) -> None:
    desk.suite(candidates=[{"id": "c", "model": "m", "engine": server.engine(type="systemone")}])
    with pytest.raises(SpecError, match="the engine systemone gives no text"):
        prepare("s", Options(runs=desk.runs))


def test_a_server_that_answers_with_other_options_loses_no_other_judgment(
    desk: Any, server: ChatServer
) -> None:
    behave = server.behave

    def other_options(request: dict[str, Any]) -> tuple[int, Any]:
        status, reply = behave(request)
        for name, question in request["questions"].items():
            if "short" in question["instructions"]:
                reply["answers"][name] = {"type": "choice", "probabilities": {"left": 0.5, "right": 0.5}}
        return status, reply

    server.behave = other_options
    desk.rubric("both", BOTH)
    desk.suite(judges=[use("d", "both", server, pairs={"by": "all"})], controls={"min_coverage": 0})
    judgments = list(desk.run().records("judgments"))
    failures = {(judgment.criterion, judgment.failure) for judgment in judgments}
    assert failures == {("right", None), ("short", "parse")}
    (detail,) = {judgment.detail for judgment in judgments if judgment.failure}
    assert detail == "the server answers with the options left, right, and was asked for A, B, C"
