"""How close verdicts are to labels: what has no verdict, or a label that cannot be met, has no value."""

from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.agreement.closeness import closeness
from tests.conftest import PAIR_JUDGE, scripted


def test_failed_verdicts_and_ties_that_cannot_be_met_have_no_value(desk: Any) -> None:
    """The judge of pairs may give no tie, and has no verdict on the third pair."""
    desk.dataset(
        labels=[
            {
                "item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
                "annotator": "ann", "winner": winner,
            }
            for n, winner in enumerate(["a", "tie", "b", "b"])
        ]
    )  # fmt: skip
    engine = scripted(
        {"match": "What is 2", "top_token": "well", "mass": 0.0001},
        {"match": r"First response:\n`+\nk says", "choice": "A"},
        {"choice": "B"},
    )
    judge = {**PAIR_JUDGE, "pairs": {"by": "labelled"}, "engine": engine}
    desk.suite(judges=[judge], controls={"min_coverage": 0})
    (column,) = closeness(Results(desk.run()))
    assert column.labels == ("a", None, "b", "b")
    assert column.values == (1.0, None, None, 0.0)
