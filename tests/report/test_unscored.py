"""The report counts the responses that have no value of a metric, with the reason."""

from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.metrics.exact import UNCLEAR
from evalhub.report import print_report, report_data
from evalhub.report.outputs.page import report_page

NUMBER = {"exact_match": {"normalizer": "number"}}


def test_scores_without_a_value_are_counted_by_reason(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    references = {"a": ["3600"], "b": ["3600"], "c": [], "d": ["many"], "e": ["3600"]}
    texts = {"k": "It is 3.600.", "m": "It is 3,600."}
    desk.dataset(
        items=[{"item_id": item, "prompt": f"{item}?", "refs": refs} for item, refs in references.items()],
        responses=[
            {"item_id": item, "system": system, "family": "alpha", "text": text}
            for item in references
            for system, text in texts.items()
        ],
    )
    desk.suite(judges=[], metrics=[NUMBER, "length"])
    data = report_data(Results(desk.run()))
    counts = {row["reason"]: (row["n"], row["scores"], row["systems"]) for row in data["missing_scores"]}
    assert counts == {
        UNCLEAR: (3, 10, 1),
        "no reference": (2, 10, 2),
        "no reference holds anything that number compares": (2, 10, 2),
    }
    assert {row["metric"] for row in data["missing_scores"]} == {"number_match"}
    capsys.readouterr()
    print_report(data, full=True)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Scores without a value" in printed
    assert "3 of 10" in printed
    assert "references without separators" in report_page(data)


def test_where_every_response_has_a_value_nothing_is_said(
    desk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.suite(judges=[], metrics=["rouge"])
    data = report_data(Results(desk.run()))
    assert data["missing_scores"] == []
    print_report(data, full=True)
    assert "Scores without a value" not in capsys.readouterr().out
