"""Every protocol through the real run, with a scripted engine in its child process."""

from typing import Any

import pytest

from evalhub.analysis import Results, coverage, pair_verdicts, ratings, rows_of
from evalhub.errors import SpecError, UnknownNameError
from evalhub.runner import Options, prepare
from evalhub.store import verify

JUDGE = {"id": "j", "model": "m", "engine": "scripted", "families": ["beta"]}
ALL = {"pairs": {"by": "all"}}


def rubric(protocol: str, *inputs: str, front: str = "", criteria: str = "{overall: Better.}") -> str:
    slots = "\n".join(f"{{{{{name}}}}}" for name in inputs)
    more = "\n{{criterion}}" if "," in criteria else ""
    return (
        f"---\nid: made\nversion: 1\nprotocol: {protocol}\ninputs: [{', '.join(inputs)}]\n"
        f"criteria: {criteria}\n{front}\n---\n## User\n{slots}{more}\n"
    )


TWO = ("question", "response_a", "response_b")
RUBRICS: dict[str, tuple[str, dict[str, Any], int]] = {
    "swap": (rubric("swap", *TWO, front="ties: false"), ALL, 4 * 3 * 2),
    "self-reference": (rubric("self-reference", *TWO, "reference", front="ties: true"), ALL, 4 * 3 * 2),
    "self-questions-reference": (
        rubric("self-questions-reference", *TWO, "questions", "reference", front="ties: false"), ALL, 4 * 3 *
        2,
    ),
    "listwise": (rubric("listwise", "question", "responses"), {}, 4 * 6 * 3),
    "checklist": (
        rubric("checklist", "question", "response", criteria="{right: 'Right?', short: 'Short?'}"),
        {"label_criteria": {"checklist": "quality"}}, 4 * 3 * 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["direct", "explain", "think"])
@pytest.mark.parametrize("protocol", RUBRICS)
def test_a_protocol_runs_whole_and_again_for_nothing(desk: Any, protocol: str, mode: str) -> None:
    text, settings, expected = RUBRICS[protocol]
    desk.rubric("made", text)
    desk.dataset(systems=("k", "m", "n"))
    desk.suite(judges=[{**JUDGE, "rubric": "made", "mode": mode, **settings}])
    planned = prepare("s", Options(runs=desk.runs)).plan
    run = desk.run()
    assert planned.judgments == expected
    assert len(list(run.records("judgments"))) == expected
    rows = [row for row in rows_of(coverage(Results(run))) if row["statistic"] == "coverage"]
    assert [(row["estimate"], row["n"]) for row in rows] == [(1, expected)]
    again = desk.run()
    assert again.manifest.engines == ()
    assert list(run.records("judgments")) == list(again.records("judgments"))
    assert all(finding.problem is None for finding in verify(run))


def test_a_list_is_read_as_pairs_and_a_checklist_as_ratings(desk: Any) -> None:
    desk.dataset(systems=("k", "m", "n"))
    desk.rubric("made", RUBRICS["listwise"][0])
    desk.suite(judges=[{**JUDGE, "rubric": "made"}])
    pairs = rows_of(pair_verdicts(Results(desk.run())))
    assert [row["askings"] for row in pairs] == [6] * 12
    assert all(row["winner"] and row["p_a"] is not None for row in pairs)
    desk.rubric("checks", RUBRICS["checklist"][0].replace("id: made", "id: checks"))
    desk.suite(judges=[{**JUDGE, "rubric": "checks", "label_criteria": {"checklist": "quality"}}])
    rated = rows_of(ratings(Results(desk.run())))
    assert {row["criterion"] for row in rated} == {"right", "short", "checklist"}
    assert all(0 <= row["expected"] <= 1 for row in rated)


def test_a_response_that_failed_fails_every_judgment_about_it(desk: Any) -> None:
    desk.rubric("made", RUBRICS["swap"][0])
    crash = {"type": "scripted", "script": {"max_length": 2}}
    bot = {"id": "bot", "model": "b", "families": ["alpha"], "engine": crash}
    desk.dataset(systems=("k",))
    desk.suite(candidates=[bot], judges=[{**JUDGE, "rubric": "made", **ALL}])
    with pytest.raises(Exception, match="gave no valid verdict"):
        desk.run()


def test_a_budget_counts_judgments(desk: Any) -> None:
    desk.rubric("made", RUBRICS["listwise"][0])
    desk.dataset(systems=("k", "m", "n"))
    desk.suite(judges=[{**JUDGE, "rubric": "made"}], budget={"judgments": 20})
    planned = prepare("s", Options(runs=desk.runs)).plan
    assert (planned.judgments, planned.over_budget) == (18, 54)


def test_a_jury_stands_beside_its_members(desk: Any) -> None:
    judges = [{**JUDGE, "id": name, "model": name, "rubric": "pair", **ALL} for name in ("x", "y", "z")]
    desk.suite(judges=judges, juries=[{"id": "panel", "members": ["x", "y", "z"], "combine": "vote"}])
    rows = rows_of(pair_verdicts(Results(desk.run())))
    by_judge = {
        judge: [r["winner"] for r in rows if r["judge"] == judge] for judge in ("x", "y", "z", "panel")
    }
    votes = list(zip(by_judge["x"], by_judge["y"], by_judge["z"], strict=True))
    assert by_judge["panel"] == [max(set(vote), key=vote.count) for vote in votes]


@pytest.mark.parametrize(
    ("jury", "error", "said"),
    [
        ({"members": ["x"]}, SpecError, "a jury has at least two members"),
        ({"members": ["x", "x"]}, SpecError, "a member appears twice"),
        ({"members": ["x", "why"]}, UnknownNameError, "did you mean"),
        ({"members": ["x", "r"]}, SpecError, "rate, or compare, but not both"),
        ({"members": ["r", "list"]}, SpecError, r"different scales.*1 \(worst\) to 3.*0 to 1"),
        ({"members": ["x", "y"], "quorum": 3}, SpecError, "cannot be met by 2 members"),
        ({"members": ["x", "y"], "combine": "weighted"}, SpecError, "no labels"),
        ({"id": "x", "members": ["x", "y"]}, SpecError, "appears twice"),
    ],
)
def test_a_jury_that_cannot_be_is_one_sentence(
    desk: Any, jury: dict[str, Any], error: type[Exception], said: str
) -> None:
    desk.dataset(card={"criteria": {"other": {"kind": "pointwise", "range": [1, 3]}}})
    pairs = [{**JUDGE, "id": name, "rubric": "pair", **ALL} for name in ("x", "y")]
    desk.rubric(
        "list",
        rubric("checklist", "question", "response", criteria="{right: 'Right?'}").replace("made", "list"),
    )
    rates = [{**JUDGE, "id": name, "rubric": rubric} for name, rubric in (("r", "rate"), ("list", "list"))]
    desk.suite(judges=[*pairs, *rates], juries=[{"id": "panel", **jury}])
    with pytest.raises(error, match=said):
        prepare("s", Options(runs=desk.runs))
