"""Blank references are not compared with; empty answers are scored, judged and counted."""

from typing import Any

import pytest

from evalhub.analysis import Results, answers, exclusions, rows_of
from evalhub.errors import SpecError
from evalhub.report import report_data
from evalhub.runner import prepare

JUDGED = {"model": "j", "engine": "scripted", "families": ["beta"]}
PW = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGED}
PT = {"id": "pt", "rubric": "rate", **JUDGED}

REFERENCE = """---
id: referenced
version: 1
protocol: pointwise
inputs: [question, reference, response]
criteria: {quality: The answer is right.}
scale: {1: wrong, 2: fair, 3: right}
---
## User
{{question}}
{{reference}}
{{scale}}
{{response}}
"""


def answered(**texts: str) -> list[dict[str, Any]]:
    return [{"item_id": item, "system": "k", "family": "alpha", "text": text} for item, text in texts.items()]


class TestReferences:
    @pytest.fixture
    def results(self, desk: Any) -> Results:
        references = {"w": ["\u00a0", "Quito"], "x": ["\u2800", ""], "y": [], "z": ["Lima", "\ufeff"]}
        items = [{"item_id": item, "prompt": f"{item}?", "refs": refs} for item, refs in references.items()]
        desk.dataset(items=items, responses=answered(w="Quito", x="Quito", y="Quito", z="Lima"))
        desk.rubric("referenced", REFERENCE)
        metrics = [{"rouge": {"variants": [1, "L"]}}, "exact_match"]
        desk.suite(judges=[{**PT, "rubric": "referenced"}], metrics=metrics)
        return Results(desk.run())

    def test_a_right_answer_scores_full_beside_a_blank_reference(self, results: Results) -> None:
        scores = results.scores().set_index(["item_id", "metric"]).sort_index()
        for item in ("w", "z"):
            assert set(scores.loc[item]["value"]) == {1.0}

    def test_without_a_reference_that_shows_something_there_is_no_value(self, results: Results) -> None:
        scores = results.scores().set_index(["item_id", "metric"]).sort_index()
        for item in ("x", "y"):
            assert scores.loc[item]["value"].isna().all()
            assert set(scores.loc[item]["reason"]) == {"no reference"}

    def test_the_judge_is_not_asked_about_a_blank_reference(self, results: Results) -> None:
        assert sorted(results.judgments()["item_id"]) == ["w", "z"]
        (row,) = rows_of(exclusions(results))
        assert (row["reason"], row["n"]) == ("items without an input of the rubric", 2)


class TestEmptyAnswers:
    @pytest.fixture
    def results(self, desk: Any) -> Results:
        texts = {"k": ["", " \u200b", "It is 4", "It is 6"], "m": ["It is 0", "It is 2", "It is 4", ""]}
        desk.dataset(
            responses=[
                {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": text}
                for system, found in texts.items()
                for n, text in enumerate(found)
            ]
        )
        desk.suite(judges=[PW, PT], metrics=["rouge", "exact_match", "length"])
        return Results(desk.run())

    def test_they_are_scored(self, results: Results) -> None:
        scores = results.scores()
        assert scores["value"].notna().all()
        empty = scores[(scores["system"] == "k") & scores["item_id"].isin(["i000", "i001"])]
        assert set(empty[~empty["metric"].isin(["chars", "words"])]["value"]) == {0.0}

    def test_they_are_judged(self, results: Results) -> None:
        judged = results.judgments()
        assert judged["failure"].isna().all()
        assert len(judged) == 4 * 2 + 4 * 2

    def test_they_are_counted_per_system(self, results: Results) -> None:
        rows = rows_of(answers(results))
        assert [(one["system"], one["responses"], one["empty"], one["absent"]) for one in rows] == [
            ("k", 4, 2, 0), ("m", 4, 1, 0),
        ]  # fmt: skip

    def test_the_report_shows_them(self, desk: Any, cli: Any, results: Results) -> None:
        assert report_data(results)["answers"] == rows_of(answers(results))
        said = cli("report", "--full")
        (line,) = [line for line in said.out.splitlines() if line.split()[:2] == ["tiny", "k"]]
        assert line.split() == ["tiny", "k", "4", "2", "–"]  # nothing says whether recorded answers were cut


class TestPrompts:
    @pytest.fixture
    def votes(self, desk: Any) -> Any:
        items = [{"item_id": f"i{n:03}", "prompt": "One?" if n else "\u00a0"} for n in range(3)]
        pair = {"criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x"}
        labels = [{"item_id": f"i{n:03}", "winner": "ab"[n % 2], **pair} for n in range(3)]
        desk.dataset(items=items, labels=labels)
        return desk

    @pytest.mark.parametrize("part", ["candidates", "judges"])
    def test_they_are_needed_where_something_is_generated_or_judged(self, votes: Any, part: str) -> None:
        one = {"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}
        votes.suite(**{"judges": [], part: [one if part == "candidates" else PW]})
        with pytest.raises(SpecError, match=r"1 of 3 items have no prompt, which (bot|pw) needs, got 'i000'"):
            prepare("s")

    def test_votes_and_lengths_need_none(self, votes: Any, cli: Any) -> None:
        votes.suite(judges=[], metrics=["length"])
        assert cli("run", "s").code == 0
        board = cli("leaderboard", "--json")
        assert board.code == 0
        assert '"win rate"' in board.out
