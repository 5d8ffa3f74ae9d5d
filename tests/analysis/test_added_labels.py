"""Labels that people give beside the runs enter every number at once, and make only tables of labels anew."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import (
    QueueRequest,
    Results,
    agreement,
    findings,
    labelled_responses,
    labelling_queue,
    prediction_powered,
    rows_of,
    trust,
)
from evalhub.report import report_data
from evalhub.report.tables.registry import TABLES
from evalhub.report.tables.stored import read_table, table_key
from evalhub.scales import Winner
from evalhub.store import LabelEntry, LabelFile, Run, hash_texts, labels_folder

ITEMS = 60
JUDGE = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "j", "families": ["beta"],
         "engine": "scripted"}  # fmt: skip


@pytest.fixture
def run(desk: Any) -> Run:
    desk.dataset(items=ITEMS)
    desk.suite(judges=[JUDGE], datasets=[{"id": "tiny"}])
    finished: Run = desk.run()
    return finished


def label(
    run: Run, number: int, *, winner: Winner = Winner.A, annotator: str = "ann", **changes: Any
) -> None:
    entry = LabelEntry(
        annotator=annotator, dataset="tiny", item_id=f"i{number:03}", criterion="overall", system_a="k",
        system_b="m", winner=winner, **changes,
    )  # fmt: skip
    LabelFile(labels_folder(run.path.parent), annotator).append(entry)


def test_they_enter_agreement_trust_and_findings(run: Run) -> None:
    assert [row["trust"] for row in rows_of(trust(Results(run)))] == ["not known"]
    for number in range(40):
        label(run, number, winner=Winner.A if number % 4 else Winner.B)
    results = Results(run)
    (accuracy,) = [
        row
        for row in rows_of(agreement(results))
        if (row["rater"], row["reading"], row["statistic"], row["reference_rater"])
        == ("pw", "combined", "accuracy", "labels")
    ]
    assert accuracy["n"] == 40
    assert accuracy["annotator_kind"] == "human"
    assert any("people on" in row["sentence"] for row in rows_of(findings(results)))


def test_people_and_judge_together_use_them(run: Run) -> None:
    assert rows_of(prediction_powered(Results(run))) == []
    for number in range(30):
        label(run, number)
    rows = rows_of(prediction_powered(Results(run)))
    assert {row["labelled"] for row in rows} == {30}


@pytest.mark.parametrize(
    ("number", "changes"),
    [(1, {"blind": False}), (1, {"is_review": True}), (999, {}), (1, {"sample": 3})],
)
def test_reviews_and_labels_of_other_responses_do_not(run: Run, number: int, changes: dict[str, Any]) -> None:
    label(run, number, **changes)
    assert Results(run).added_labels == ()


def test_only_tables_of_labels_are_made_anew(run: Run) -> None:
    before = {table.name: table_key(Results(run), table) for table in TABLES}
    label(run, 1)
    after = {table.name: table_key(Results(run), table) for table in TABLES}
    changed = {name for name in before if before[name] != after[name]}
    assert {"agreement", "trust", "findings", "leaderboard", "prediction_powered"} <= changed
    assert not {"coverage", "answers", "pair_verdicts", "cost", "attacks", "failures"} & changed
    assert len(changed) < len(before)


def test_tables_without_labels_do_not_read_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table that says so comes out the same with labels as without."""
    independent = [table for table in TABLES if not table.uses_labels]
    before = {table.name: rows_of(table.function(Results(run))) for table in independent}
    for number in range(40):
        label(run, number)
    after = {table.name: rows_of(table.function(Results(run))) for table in independent}
    assert before == after


def test_a_new_label_is_in_the_next_report(run: Run) -> None:
    first = report_data(Results(run))
    for number in range(30):
        label(run, number)
    second = report_data(Results(run))
    assert first["trust"][0]["label_criterion"] is None
    assert second["trust"][0]["n"] == 30
    assert second["coverage"] == first["coverage"]


def test_two_annotators_make_a_consensus(run: Run) -> None:
    for number in range(20):
        label(run, number, winner=Winner.A)
        label(run, number, winner=Winner.A if number < 15 else Winner.B, annotator="bea")
    (row,) = rows_of(trust(Results(run)))
    assert row["n"] == 15  # the two differ on 5 pairs, which have no majority


def test_what_is_labelled_is_not_drawn_again(run: Run) -> None:
    request = QueueRequest("pw", "overall", "tiny", 10)
    for number in range(ITEMS - 10):
        label(run, number)
    queue = labelling_queue(Results(run), request)
    assert {row["item_id"] for row in queue} == {f"i{n:03}" for n in range(ITEMS - 10, ITEMS)}
    assert queue[0]["prompt"].startswith("What is")
    assert {queue[0]["response_a"].split()[0], queue[0]["response_b"].split()[0]} == {"k", "m"}


def test_import_and_export_from_the_command_line(run: Run, cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    rows = "".join(f"i{n:03},m,k,{'k' if n % 3 else 'm'}\n" for n in range(12))
    path.write_text("item_id,system_a,system_b,winner\n" + rows)
    options = ("--annotator", "ann", "--dataset", "tiny", "--criterion", "overall")
    stored = json.loads(cli("labels", "import", str(path), *options, "--json").out)
    assert (stored["stored"], stored["annotators"]) == (12, ["ann"])
    assert cli("labels", "import", str(path), *options).code == 0  # again: nothing counts twice
    (row,) = json.loads(cli("report", "--json").out)["trust"]
    assert row["n"] == 12
    out = tmp_path / "out.jsonl"
    assert cli("labels", "export", str(out)).code == 0
    assert len(out.read_text().splitlines()) == 12
    assert cli("labels", "export", str(out)).code == 2
    assert "unknown annotator" in cli("labels", "export", str(tmp_path / "x.csv"), "--annotator", "no").err


def test_labels_of_another_run_are_refused(run: Run, cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("item_id,system,value\nnowhere,k,1\n")
    output = cli(
        "labels", "import", str(path), "--annotator", "a", "--dataset", "tiny", "--criterion", "overall"
    )
    assert output.code == 2
    assert "has no such response, got 'tiny, nowhere, k'" in output.err
    assert not labels_folder(run.path.parent).exists()


def test_a_table_is_stored_for_each_set_of_labels(run: Run) -> None:
    table = next(table for table in TABLES if table.name == "trust")
    for number in range(20):
        label(run, number)
    assert read_table(Results(run), table)["n"].tolist() == [20]
    assert read_table(Results(run), table)["n"].tolist() == [20]  # read from its file
    label(run, 30)
    assert read_table(Results(run), table)["n"].tolist() == [21]


def test_a_dataset_without_criteria_can_be_labelled_on_those_of_the_judge(desk: Any) -> None:
    desk.dataset(items=40, card={"criteria": {}})
    rate = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    desk.suite(judges=[JUDGE, rate], datasets=[{"id": "tiny"}])
    run: Run = desk.run()
    for number in range(30):
        label(run, number)
        entry = LabelEntry(
            annotator="ann", dataset="tiny", item_id=f"i{number:03}", criterion="quality", system="k",
            value=float(1 + number % 3),
        )  # fmt: skip
        LabelFile(labels_folder(run.path.parent), "ann").append(entry)
    rows = {row["judge"]: row for row in rows_of(trust(Results(run)))}
    assert (rows["pw"]["label_criterion"], rows["pw"]["n"]) == ("overall", 30)
    assert rows["pt"]["label_criterion"] == "quality"
    assert report_data(Results(run))["findings"]


def test_a_label_counts_only_for_the_texts_that_it_is_about(run: Run) -> None:
    label(run, 1, texts=hash_texts(["k says 1", "m says 1"]))
    label(run, 2, texts=hash_texts(["another answer", "m says 2"]))
    assert [added.item_id for added in Results(run).added_labels] == ["i001"]


def test_a_rating_outside_of_the_criterion_is_refused_and_never_counts(
    run: Run, cli: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("item_id,system,value\ni001,k,999\n")
    options = ("--annotator", "ann", "--dataset", "tiny")
    output = cli("labels", "import", str(path), *options, "--criterion", "quality")
    assert output.code == 2
    assert "the criterion quality of tiny has no such label, got 999.0" in output.sentence
    assert "unknown criterion" in cli("labels", "import", str(path), *options, "--criterion", "qualty").err
    entry = LabelEntry(
        annotator="ann", dataset="tiny", item_id="i001", criterion="quality", system="k", value=999.0
    )
    LabelFile(labels_folder(run.path.parent), "ann").append(entry)
    assert Results(run).added_labels == ()


def test_nothing_is_stored_if_one_annotator_cannot_be(
    run: Run, cli: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("item_id,system_a,system_b,winner,annotator\ni001,k,m,a,ann\ni002,k,m,a,.hidden\n")
    output = cli("labels", "import", str(path), "--dataset", "tiny", "--criterion", "overall")
    assert output.code == 2
    assert not labels_folder(run.path.parent).exists()


def test_ratings_of_two_annotators_are_averaged(desk: Any) -> None:
    rate = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    rated = [
        {"item_id": f"i{n:03}", "criterion": "quality", "system": "k", "value": 1.0 + n % 3, "annotator": "x"}
        for n in range(30)
    ]
    desk.dataset(items=30, labels=rated)
    desk.suite(judges=[rate])
    run: Run = desk.run()
    for number in range(30):
        entry = LabelEntry(
            annotator="ann",
            dataset="tiny",
            item_id=f"i{number:03}",
            criterion="quality",
            system="k",
            value=2.0,
        )
        LabelFile(labels_folder(run.path.parent), "ann").append(entry)
    (frame,) = labelled_responses(Results(run)).values()
    assert frame["labels"].tolist()[:3] == [1.5, 2.0, 2.5]


def test_labels_that_the_consensus_of_a_dataset_leaves_out_are_said(desk: Any) -> None:
    criteria = {
        "overall": {
            "kind": "pairwise",
            "levels": ["a", "tie", "b"],
            "consensus": {"annotators": "expert-*", "by": "majority"},
        }
    }
    desk.dataset(items=40, card={"criteria": criteria})
    desk.suite(judges=[JUDGE])
    run: Run = desk.run()
    label(run, 1)
    label(run, 2, annotator="expert-1")
    sentences = [row["sentence"] for row in rows_of(findings(Results(run)))]
    assert "Labels of ann do not count on tiny (1): the dataset takes those of expert-*." in sentences
