"""What `meta` prints of several runs, and the sentences about attacks."""

from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.analysis.bias.attacks import ALL_ATTACKS
from evalhub.report import meta_data, print_meta
from evalhub.report.format import Footnotes
from evalhub.report.grids.attacks import attack_grids, attack_lines

PW = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "j", "families": ["beta"]}


@pytest.fixture(scope="module")
def two(shared_desk: Any) -> list[Results]:
    """Two runs of one judge on a dataset that names its language; the second model says nothing of length."""
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
         "winner": "a"}
        for n in range(4)
    ]  # fmt: skip
    items = "SELECT item_id, prompt, refs, 'de' AS lang FROM items"
    runs = []
    with shared_desk() as desk:
        desk.dataset(labels=labels, card={"items": items})
        for rule in ({"logprobs": {"A": -0.1, "B": -2.4}}, {"logprobs": {"A": -2.4, "B": -0.1}}):
            desk.suite(judges=[{**PW, "engine": {"type": "scripted", "script": {"rules": [rule]}}}])
            runs.append(Results(desk.run()))
    return runs


@pytest.fixture(scope="module")
def data(two: list[Results]) -> dict[str, Any]:
    """What `meta` says of both."""
    return meta_data(two)


def test_rows_of_each_run_stand_apart(
    two: list[Results], data: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = {one.run.id for one in two}
    assert len(ids) == 2
    for name in ("raters", "cost", "languages", "contamination"):
        assert {row["run"] for row in data[name]} == ids, name
    print_meta(data)
    said = capsys.readouterr().out
    for heading in ("Cost, over all datasets of a run", "Languages", "May have been seen in training"):
        part = said.split(heading)[1].split("\n\n")[0]
        assert all(run.rsplit("-", 1)[-1] in part for run in ids), heading
    assert "the other biases held fixed" in said
    assert max(map(len, said.splitlines())) <= 100


def test_the_accuracy_in_a_language_says_whose_labels(data: dict[str, Any]) -> None:
    (row, other) = (row for row in data["languages"] if row["statistic"] == "accuracy")
    assert (row["label_criterion"], row["annotator_kind"], row["n"]) == ("overall", "human", 4)
    assert row["run"] != other["run"]


def net(attack: str, value: float | None) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    return {
        "dataset": "d", "judge": "j", "criterion": "c", "attack": attack, "statistic": "net",
        "estimate": value, "low": low, "high": high, "n": 0 if value is None else 9, "n_excluded": 0,
        "reason": "why" if value is None else None,
    }  # fmt: skip


def test_an_attack_that_is_not_measured_is_not_the_worst() -> None:
    rows = [net("a", None), net("b", -0.2), net("c", -0.1), net(ALL_ATTACKS, -0.15)]
    told = {"attacks": rows, "controls": [], "unattacked_items": []}
    (line,) = attack_lines(told)
    assert "over 2 attacks. The worst attack is c (net -0.10 [-0.20, 0.00], n 9)" in line
    (grid,) = attack_grids(told, Footnotes())
    assert [row[0] for row in grid.rows] == ["c", "b", "a", ALL_ATTACKS]


def test_without_a_measured_attack_none_is_the_worst() -> None:
    rows = [net("a", None), net(ALL_ATTACKS, None)]
    (line,) = attack_lines({"attacks": rows, "controls": [], "unattacked_items": []})
    assert line == "j on d · c: mean net rate –¹ over 0 attacks"
