"""Labels of one turn are held against verdicts of the same turn, and against nothing else."""

from typing import Any

import pytest

from evalhub.analysis import Results, agreement, correlations, human_agreement, rows_of
from evalhub.errors import SpecError
from evalhub.records import Judgment, Label
from evalhub.sources import check

PAIRWISE = {"id": "pw", "rubric": "pair", "model": "j", "engine": "scripted", "families": ["beta"]}
RATE = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}
ITEMS = 12


def conversations(desk: Any, *, labels: str, judgments: str | None = None, **card: Any) -> None:
    """Write a dataset of conversations of two turns with two systems, and verdicts by a SELECT."""
    desk.dataset(
        items=[{"item_id": f"i{n:02}", "prompt": f"One {n}?", "refs": ["yes"]} for n in range(ITEMS)],
        responses=[
            {"item_id": f"i{n:02}", "system": system, "family": "alpha", "text": f"{system}{n}" * (1 + n % 3)}
            for n in range(ITEMS)
            for system in ("k", "m")
        ],
        card={
            "items": "SELECT item_id, [prompt, 'And then?'] AS turns, [['no'], refs] AS refs FROM items",
            "responses": "SELECT item_id, system, family, ['First.', text] AS turns FROM responses",
            "labels": labels,
            **({"judgments": judgments} if judgments else {}),
            **card,
        },
    )


RATED = """
SELECT item_id, system, 'quality' AS criterion, 'human' AS annotator_kind, turn,
  1 + (line + turn * (line % 4)) % 3 AS value
FROM responses, (VALUES (1), (2)) t(turn)
"""


def test_each_turn_is_a_criterion_of_its_own(desk: Any) -> None:
    conversations(desk, labels=RATED)
    desk.suite(judges=[RATE], metrics=["length", {"rouge": {"variants": [1]}}])
    results = Results(desk.run())
    labels = [record for record in results.run.records("labels") if isinstance(record, Label)]
    assert {(record.criterion, record.turn) for record in labels} == {
        ("quality@turn1", 1),
        ("quality@turn2", 2),
    }
    assert len(labels) == 4 * ITEMS
    assert set(results.labels()["turn"]) == {1, 2}
    # Neither the judge, nor a metric or the length, is about one turn.
    assert results.manifest.label_criteria["pt"]["tiny"] == {"quality": "quality"}
    assert rows_of(agreement(results)) == []
    assert rows_of(correlations(results)) == []


def test_a_recorded_judge_is_held_against_the_labels_of_its_turn(desk: Any) -> None:
    right_verdicts = RATED.replace("'human' AS annotator_kind", "'them' AS judge")
    verdicts = right_verdicts.replace(
        "1 + (line + turn * (line % 4)) % 3 AS value", "if(turn = 1, 1 + (line + line % 4) % 3, 2) AS value"
    )
    conversations(desk, labels=RATED, judgments=verdicts)
    desk.suite(judges=[], metrics=["length"])
    results = Results(desk.run())
    judged = [record for record in results.run.records("judgments") if isinstance(record, Judgment)]
    assert {(record.criterion, record.turn) for record in judged} == {
        ("quality@turn1", 1),
        ("quality@turn2", 2),
    }
    estimates = {
        (row["label_criterion"], row["second"]): row["estimate"]
        for row in rows_of(correlations(results))
        if row["first"] == "labels" and row["coefficient"] == "spearman" and row["n"] == 2 * ITEMS
    }
    assert estimates["quality@turn1", "them"] == pytest.approx(1)
    assert set(estimates) == {("quality@turn1", "them"), ("quality@turn2", "them")}
    assert estimates["quality@turn2", "them"] is None


def test_annotators_are_compared_within_a_turn(desk: Any) -> None:
    annotated = RATED.replace("turn,", "turn, who AS annotator,").replace(
        "t(turn)", "t(turn), (VALUES ('x'), ('y')) a(who)"
    )
    quality = {"kind": "pointwise", "range": [1, 3], "consensus": {"by": "mean"}}
    conversations(desk, labels=annotated, criteria={"quality": quality})
    desk.suite(judges=[RATE])
    criteria = {row["label_criterion"] for row in rows_of(human_agreement(Results(desk.run())))}
    assert criteria == {"quality@turn1", "quality@turn2"}


def test_pairs_that_were_labelled_by_turn_are_not_asked_about_as_labelled(desk: Any) -> None:
    pairs = """
    SELECT item_id, 'k' AS system_a, 'm' AS system_b, 'overall' AS criterion, 'human' AS annotator_kind,
      if(line <= 3, NULL, 2) AS turn, 'a' AS winner FROM items
    """
    conversations(desk, labels=pairs)
    desk.suite(judges=[PAIRWISE], metrics=["exact_match"])
    run = desk.run()
    judged = {record.item_id for record in run.records("judgments") if isinstance(record, Judgment)}
    assert judged == {"i00", "i01", "i02"}
    rows = rows_of(agreement(Results(run)))
    assert {row["label_criterion"] for row in rows if row["rater_kind"] != "baseline"} == {"overall"}
    assert all(row["n"] == 0 for row in rows if (row["rater"], row["label_criterion"][-1]) == ("longer", "2"))


def test_the_only_turn_of_a_response_is_the_whole_of_it(desk: Any) -> None:
    labels = RATED.replace("(VALUES (1), (2))", "(VALUES (1))")
    desk.dataset(card={"labels": labels})
    desk.suite(judges=[RATE])
    results = Results(desk.run())
    assert set(results.labels()["criterion"]) == {"quality"}
    assert results.labels()["turn"].isna().all()
    assert results.manifest.label_criteria["pt"]["tiny"] == {"quality": "quality"}


@pytest.mark.parametrize(
    ("turn", "message"), [("3", "a turn that its response does not have"), ("0", "whole number from 1")]
)
def test_a_turn_that_is_not_there_is_refused(desk: Any, turn: str, message: str) -> None:
    conversations(desk, labels=RATED.replace("(VALUES (1), (2))", f"(VALUES ({turn}))"))
    with pytest.raises(SpecError, match=message):
        check("tiny")


def test_a_judge_cannot_be_held_against_a_turn(desk: Any) -> None:
    conversations(desk, labels=RATED)
    desk.suite(judges=[{**RATE, "label_criteria": {"quality": "quality@turn1"}}])
    with pytest.raises(Exception, match="quality@turn1"):
        desk.run()
