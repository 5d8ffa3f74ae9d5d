"""A judge that wants to say something else than a verdict: said in the report and in meta."""

from collections.abc import Callable
from typing import Any

import pytest

from evalhub.analysis import Results, choice_mass, rows_of
from evalhub.report import report_data
from evalhub.report.notes import choice_mass_notes

HEAD = "judge pw gave its allowed answers a mean probability of "
TOKEN = ". Its most probable token was most often "


def suite(desk: Any, *rules: Any, **judge: Any) -> None:
    engine = {"type": "scripted", "script": {"rules": list(rules)}}
    used = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "m", "families": ["beta"], **judge}
    desk.suite(judges=[{**used, "engine": engine}], controls={"min_coverage": 0})


def notes(desk: Any) -> list[str]:
    return [note for note in report_data(Results(desk.run()))["notes"] if "allowed answers" in note]


@pytest.mark.parametrize(
    ("mass", "token", "mode", "said"),
    [
        (0.12, "Sure", "direct", [f"{HEAD}0.12{TOKEN}'Sure' (8 of 8)"]),
        (0.49, " A", "direct", [f"{HEAD}0.49"]),  # one of the allowed answers, with a space
        (0.5, "Sure", "direct", []),
        (0.3, "<think>", "direct", [f"{HEAD}0.30{TOKEN}'<think>' (8 of 8). Its model "
                                    "thinks before it answers, so use mode: think"]),
        (0.3, "<think>", "explain", [f"{HEAD}0.30{TOKEN}'<think>' (8 of 8)"]),
        (0.3, "\x1b[31m", "direct", [f"{HEAD}0.30{TOKEN}'\\x1b[31m' (8 of 8)"]),
    ],
)  # fmt: skip
def test_the_finding(desk: Any, mass: float, token: str, mode: str, said: list[str]) -> None:
    suite(desk, {"mass": mass, "top_token": token}, mode=mode)
    assert notes(desk) == said


def test_verdicts_below_the_floor_count_too(desk: Any, cli: Callable[..., Any]) -> None:
    suite(desk, {"match": "i000|0 plus", "mass": 0.5, "top_token": "A"}, {"mass": 0.02, "top_token": "\n"})
    results = Results(desk.run())
    (row,) = rows_of(choice_mass(results))
    assert row["mass"] == pytest.approx((2 * 0.5 + 6 * 0.02) / 8)
    assert (row["n"], row["token"], row["token_n"], row["low"], row["thinks"]) == (8, "\n", 6, True, False)
    assert f"{HEAD}0.14{TOKEN}'\\n' (6 of 8)" in " ".join(cli("meta").out.split())


def test_a_template_that_opens_a_think_tag(desk: Any) -> None:
    suite(desk, {"mass": 0.2, "top_token": "Sure"})
    done = desk.run()
    judges = {"pw": done.manifest.judges["pw"].model_copy(update={"opens_thinking": True})}
    done.manifest = done.manifest.replace(judges=judges)
    (row,) = rows_of(choice_mass(Results(done)))
    assert row["thinks"]
    (sentence,) = choice_mass_notes([row])
    assert sentence.endswith("so use mode: think")


def test_recorded_judges_and_failures_have_no_mass(desk: Any) -> None:
    suite(desk, {"match": "0 plus", "logprobs": {"A": -0.1, "B": -3}}, {"mass": 0.9})
    results = Results(desk.run())
    (row,) = rows_of(choice_mass(results))
    assert row["token"] is None
    assert list(choice_mass_notes([row])) == []


def test_a_thinking_model_behind_a_server(desk: Any, chat_server: Any) -> None:
    """The server lists none of the answers, so that together they have almost no probability."""
    thinking, sure = [("<think>", -0.0001), ("Okay", -9.5)], [("A", -0.01), ("B", -5.0)]

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        return 200, chat_server.reply("", top=sure if "What is 0" in str(sent["messages"]) else thinking)

    chat_server.behave = behave
    judge = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "m", "families": ["beta"]}
    desk.dataset(items=4)
    desk.suite(judges=[{**judge, "engine": chat_server.engine()}], controls={"min_coverage": 0})
    results = Results(desk.run())
    assert results.judgments()["failure"].value_counts().to_dict() == {"off_choice": 6}
    (note,) = [note for note in report_data(results)["notes"] if "allowed answers" in note]
    assert note == (
        f"{HEAD}0.25{TOKEN}'<think>' (6 of 8). Its model thinks before it answers, so use mode: think"
    )


def test_a_criterion_does_not_hide_behind_others(desk: Any) -> None:
    rules = [{"match": "be clear", "mass": 0.2, "top_token": "Well"}, {"mass": 0.9, "top_token": "1"}]
    path = desk.folder / "judges" / "two.md"
    path.write_text(
        "---\nid: two\nversion: 1\nprotocol: pointwise\ninputs: [response]\nscale: {1: bad, 2: good}\n"
        "criteria: {clear: be clear, kind: be kind, short: be short}\n---\n"
        "## User\n{{response}}\n{{criterion}}\n{{scale}}\n",
        "utf-8",
    )
    desk.dataset(items=3)
    judge = {"id": "pt", "rubric": "two", "model": "m", "families": ["beta"]}
    desk.suite(judges=[{**judge, "engine": {"type": "scripted", "script": {"rules": rules}}}])
    results = Results(desk.run())
    rows = {row["criterion"]: (row["mass"], row["n"], row["low"]) for row in rows_of(choice_mass(results))}
    assert rows == {
        "": (pytest.approx(2 / 3), 18, False), "clear": (pytest.approx(0.2), 6, True),
        "kind": (pytest.approx(0.9), 6, False), "short": (pytest.approx(0.9), 6, False),
    }  # fmt: skip
    (note,) = [note for note in report_data(results)["notes"] if "allowed answers" in note]
    assert note == (
        "judge pt gave its allowed answers on tiny · clear a mean probability of 0.20. Its most probable "
        "token was most often 'Well' (6 of 6)"
    )
