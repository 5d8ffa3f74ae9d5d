"""A sample shows the judge's answer on each criterion of its item."""

from typing import Any

from evalhub.texts import number

from ..criteria_desk import CRITERIA, judgments_of, write_dataset, write_suite


def test_the_criteria_of_a_sample_stand_with_their_points_and_answers(desk: Any, opened: Any) -> None:
    write_dataset(desk)
    write_suite(desk)
    run = desk.run()
    page = opened(desk.runs, "views/samples.py", unit="i3~k~0", of="grader · checklist")
    assert page.tabs[0].label == "Criteria"
    (shown,) = (element.value for element in page.table if "points" in element.value)
    table = shown.map(lambda text: text.replace("\\", ""))  # as Markdown escapes it
    answers = {
        answer.item_criterion: answer
        for answer in judgments_of(run, item_id="i3", system="k", criterion="criteria")
    }
    assert table["criterion"].tolist() == [row["id"] for row in CRITERIA["i3"] or ()]
    assert table["points"].tolist() == ["-6", "+1", "+2.5", "-1"]
    assert table["met"].tolist() == [number(answers[name].value) for name in table["criterion"]]
    assert table["probability"].tolist() == [number(answers[name].expected) for name in table["criterion"]]
