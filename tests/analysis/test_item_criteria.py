"""Agreement with people on the criteria of items: pooled and by tag, beside the total against its labels."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from evalhub.analysis import (
    Results,
    agreement,
    annotator_pairs,
    consensus_labels,
    correlations,
    criterion_agreement,
    criterion_answers,
    human_agreement,
    leaderboard,
    meta,
    prediction_powered,
    ratings,
    rows_of,
    sample_details,
    training,
    trust,
)
from evalhub.analysis.agreement.closeness import closeness
from evalhub.report import meta_data, report_data
from evalhub.store import Run

from ..conftest import PAIR_JUDGE, RATE_JUDGE
from ..criteria_desk import JUDGE_OF_ITEMS, criterion, judgments_of, write_dataset, write_suite
from ..resealing import reseal

ITEMS = 14
MET = {"kind": "pointwise", "levels": {0: "no", 1: "yes"}, "consensus": {"by": "majority"}}
WHOLE = {"kind": "pointwise", "range": [0, 1]}
TAGS = {"c1": ("axis:accuracy",), "c2": ("axis:style", "level:item"), "c3": ()}


def of_items() -> dict[str, list[dict[str, Any]]]:
    return {
        f"i{place:02}": [
            criterion("It is right.", 3, *TAGS["c1"]),
            criterion("It is short.", 1, *TAGS["c2"]),
            criterion("It is rude.", -2, *TAGS["c3"]),
        ][: 2 + place % 2]
        for place in range(ITEMS)
    }


def labels() -> list[dict[str, Any]]:
    draw, rows = random.Random(5), []
    for name, criteria in of_items().items():
        for system in ("k", "m"):
            for place in range(1, len(criteria) + 1):
                for annotator in ("ann", "ben", "cem"):
                    rows.append({
                        "item_id": name, "system": system, "criterion": "met", "item_criterion": f"c{place}",
                        "value": float(draw.random() < 0.6), "annotator": annotator,
                    })  # fmt: skip
            rows.append({"item_id": name, "system": system, "criterion": "whole", "annotator": "ann",
                         "value": draw.random()})  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def night(shared_desk: Any) -> Iterator[Any]:
    with shared_desk() as desk:
        write_dataset(desk, of_items(), labels(), criteria={"met": MET, "whole": WHOLE})
        write_suite(desk, metrics=["length"])
        yield desk.run()


@pytest.fixture
def results(night: Run) -> Results:
    return Results(night)


def pairs_by_hand(run: Run, tag: str = "") -> list[tuple[float, float]]:
    """Return the judge's answer and the majority of the people on each criterion of each response."""
    votes: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in labels():
        if row["criterion"] == "met":
            votes[row["item_id"], row["system"], row["item_criterion"]].append(row["value"])
    pairs = []
    for answer in judgments_of(run, criterion="criteria"):
        votes_on_it = votes[answer.item_id, answer.system, answer.item_criterion]
        if not tag or tag in TAGS[answer.item_criterion]:
            pairs.append((answer.value, float(sum(votes_on_it) > len(votes_on_it) / 2)))
    return pairs


def accuracy_and_kappa(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    n = len(pairs)
    agreed = sum(judge == people for judge, people in pairs) / n
    yes = sum(judge for judge, _ in pairs) / n, sum(people for _, people in pairs) / n
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return agreed, (agreed - chance) / (1 - chance)


def test_all_criteria_are_one_row_of_the_agreement_with_an_interval_over_items(
    results: Results, night: Run
) -> None:
    rows = {row["statistic"]: row for row in rows_of(agreement(results)) if row["criterion"] == "criteria"}
    pairs = pairs_by_hand(night)
    agreed, kappa = accuracy_and_kappa(pairs)
    assert rows["accuracy"]["estimate"] == pytest.approx(agreed)
    assert rows["kappa"]["estimate"] == pytest.approx(kappa)
    assert {(row["n"], row["clusters"]) for row in rows.values()} == {(len(pairs), ITEMS)}
    assert rows["accuracy"]["low"] < agreed < rows["accuracy"]["high"]
    assert rows["kappa"]["low"] < kappa < rows["kappa"]["high"]


@pytest.mark.parametrize("tag", ["", "axis:accuracy", "axis:style", "level:item"])
def test_each_tag_of_criteria_has_its_agreement(results: Results, night: Run, tag: str) -> None:
    rows = {row["statistic"]: row for row in rows_of(criterion_agreement(results)) if row["tag"] == tag}
    pairs = pairs_by_hand(night, tag)
    agreed, kappa = accuracy_and_kappa(pairs)
    assert rows["accuracy"]["n"] == len(pairs)
    assert rows["accuracy"]["estimate"] == pytest.approx(agreed)
    assert rows["kappa"]["estimate"] == pytest.approx(kappa)
    assert rows["met"]["estimate"] == pytest.approx(sum(judge for judge, _ in pairs) / len(pairs))
    assert rows["met, labels"]["estimate"] == pytest.approx(sum(people for _, people in pairs) / len(pairs))


def test_no_other_tag_has_a_row(results: Results) -> None:
    tags = {row["tag"] for row in rows_of(criterion_agreement(results))}
    assert tags == {"", "axis:accuracy", "axis:style", "level:item"}


def test_the_total_is_held_against_the_labels_of_whole_responses(results: Results) -> None:
    rows = [row for row in rows_of(correlations(results)) if row["second"] == "grader"]
    assert {row["label_criterion"] for row in rows} == {"whole"}
    in_meta = [row for row in rows_of(meta([results])) if row["rater"] == "grader"]
    assert {(row["label_criterion"], row["criterion"]) for row in in_meta} == {
        ("met", "criteria"), ("whole", "checklist"),
    }  # fmt: skip
    covered = {row["criterion"]: row["n"] for row in in_meta if row["statistic"] == "coverage"}
    assert covered == {"criteria": 2 * (2 * 7 + 3 * 7), "checklist": 2 * ITEMS}


def test_labels_on_single_criteria_rank_no_system_and_enter_no_mean(results: Results) -> None:
    assert set(consensus_labels(results)["label_criterion"]) == {"whole"}
    rankings = {(row["rater"], row["criterion"]) for row in rows_of(leaderboard(results))}
    assert ("human labels", "whole") in rankings
    assert {criterion for _, criterion in rankings if criterion} == {"whole", "checklist"}
    assert set(prediction_powered(results)["label_criterion"]) <= {"whole"}
    assert {row["criterion"] for row in rows_of(trust(results))} == {"checklist"}


def test_people_agree_on_criteria_of_responses(results: Results) -> None:
    (row,) = (row for row in rows_of(human_agreement(results)) if row["statistic"] == "Gwet's AC1")
    assert (row["label_criterion"], row["people"], row["n"]) == ("met", 3, 2 * (2 * 7 + 3 * 7))
    assert {(row["first"], row["second"]) for row in rows_of(annotator_pairs(results))} == {
        ("ann", "ben"), ("ann", "cem"), ("ben", "cem"),
    }  # fmt: skip


def test_a_part_of_a_run_has_its_own_agreement(results: Results, night: Run) -> None:
    part = results.where("item_id IN ('i00', 'i01', 'i02')")
    rows = {row["statistic"]: row for row in rows_of(criterion_agreement(part)) if row["tag"] == ""}
    assert (rows["accuracy"]["n"], rows["accuracy"]["clusters"]) == (2 * (2 + 3 + 2), 3)
    assert len(criterion_answers(part)) == 2 * (2 + 3 + 2)


def test_a_judge_that_gave_no_verdict_is_left_out_and_counted(desk: Any) -> None:
    write_dataset(desk, of_items(), labels(), criteria={"met": MET, "whole": WHOLE})
    rules = [{"match": "It is rude", "choice": "Maybe"}, {"match": "", "choice": "Yes"}]
    write_suite(desk, *rules, controls={"min_coverage": 0})
    rows = [row for row in rows_of(criterion_agreement(Results(desk.run()))) if row["tag"] == ""]
    accuracy = next(row for row in rows if row["statistic"] == "accuracy")
    assert (accuracy["n"], accuracy["n_excluded"]) == (2 * 2 * ITEMS, 2 * 7)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({**MET, "consensus": {"by": "mean"}}, "accuracy of means is not defined"),
        ({**MET, "levels": {0: "no", 1: "partly", 2: "yes"}}, "the judge's levels are not the labels'"),
        ({"kind": "pointwise", "range": [0, 1], "consensus": {"by": "majority"}},
         "the judge's levels are not the labels'"),
        ({**MET, "levels": {1: "no", 0: "yes"}}, "run the other way"),
    ],
)  # fmt: skip
def test_labels_of_another_kind_are_not_compared_and_the_reason_stands(
    desk: Any, spec: dict[str, Any], reason: str
) -> None:
    write_dataset(desk, of_items(), labels(), criteria={"met": spec, "whole": WHOLE})
    write_suite(desk)
    rows = rows_of(criterion_agreement(Results(desk.run())))
    assert {row["estimate"] for row in rows} == {None}
    assert all(reason in row["reason"] for row in rows)


@pytest.mark.parametrize("clip", [[-1, 1], "none"])
def test_how_close_a_score_is_to_its_label_follows_the_range_of_scores(desk: Any, clip: Any) -> None:
    write_dataset(desk, of_items(), labels(), criteria={"met": MET, "whole": WHOLE}, clip=clip)
    write_suite(desk)
    run = desk.run()
    units = [unit for unit in closeness(Results(run)) if unit.judge == "grader"]
    if clip == "none":
        assert not units  # there is no lowest score
        return
    (unit,) = units
    whole = {(row["item_id"], row["system"]): row["value"] for row in labels() if row["criterion"] == "whole"}
    expected = [
        1 - abs((total.value + 1) / 2 - whole[total.item_id, total.system])
        for total in judgments_of(run, criterion="checklist")
    ]
    assert sorted(unit.values) == pytest.approx(sorted(expected))


def test_a_recorded_judge_may_have_answered_the_criteria(desk: Any) -> None:
    write_dataset(
        desk, of_items(), labels(), criteria={"met": MET, "whole": WHOLE},
        judgments="SELECT item_id, system, criterion, item_criterion, value, 'gpt' AS judge FROM labels "
                  "WHERE annotator = 'ann' AND criterion = 'met'",
    )  # fmt: skip
    desk.suite(judges=[])
    (accuracy,) = (
        row
        for row in rows_of(criterion_agreement(Results(desk.run())))
        if (row["tag"], row["statistic"]) == ("", "accuracy")
    )
    votes: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for row in labels():
        if row["criterion"] == "met":
            votes[row["item_id"], row["system"], row["item_criterion"]][row["annotator"]] = row["value"]
    agreed = [(sum(vote.values()) > 1.5) == bool(vote["ann"]) for vote in votes.values()]
    assert accuracy["estimate"] == pytest.approx(sum(agreed) / len(agreed))
    assert (accuracy["rater"], accuracy["rater_kind"]) == ("gpt", "recorded judge")


def test_reports_show_a_line_for_all_criteria_and_for_each_tag(results: Results, cli: Any) -> None:
    assert report_data(results)["criterion_agreement"]
    assert meta_data([results])["criterion_agreement"][0]["run"] == results.run.id
    said = cli("report", "--full", str(results.run.path), "--runs", str(results.run.path.parent))
    assert said.code == 0, said
    page = " ".join(said.out.split())
    assert "Criteria of items against labels" in page
    assert "all criteria" in page
    assert "axis:accuracy" in page


def test_answers_on_single_criteria_are_no_training_data(desk: Any) -> None:
    write_dataset(desk, of_items(), labels(), criteria={"met": MET, "whole": WHOLE})
    desk.suite(judges=[{**JUDGE_OF_ITEMS, "mode": "explain"}])
    exclusions = training([Results(desk.run())]).manifest["exclusions"]
    assert exclusions["judgments on criteria that items bring along"] == 2 * (2 * 7 + 3 * 7)


YOUNGER = {"items": ["criteria"], "judgments": ["item_criterion"], "labels": ["item_criterion"]}


def forget_columns(run: Run) -> None:
    """Write the files of a run as they were written before items could bring criteria."""
    for kind, names in YOUNGER.items():
        for file in Run(run.path).files(kind, {}):
            table = pq.read_table(file.path)
            pq.write_table(table.drop_columns(names), file.path)
            reseal(run, file.path)


@pytest.mark.parametrize("is_large", [False, True])
def test_a_run_from_before_there_were_criteria_of_items_is_read_as_ever(
    desk: Any, cli: Any, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    if is_large:
        monkeypatch.setattr("evalhub.analysis.database.connection.MANY", 1)
    rated = [{"item_id": f"i{place:03}", "system": system, "criterion": "quality", "value": 1 + place % 3,
              "annotator": "ann"} for place in range(4) for system in ("k", "m")]  # fmt: skip
    desk.dataset(labels=rated)
    desk.suite(judges=[RATE_JUDGE, PAIR_JUDGE])
    run = desk.run()
    tables = (agreement, leaderboard, human_agreement, criterion_agreement, consensus_labels, ratings)
    before = [rows_of(table(Results(run))) for table in tables]
    forget_columns(run)
    old = Run(run.path)
    assert [rows_of(table(Results(old))) for table in tables] == before
    assert Results(old).sql("SELECT count(*) AS n FROM criterion_facts")["n"].tolist() == [0]
    assert [item.criteria for item in old.records("items")] == [()] * 4
    assert {judgment.item_criterion for judgment in old.records("judgments")} == {None}
    assert sample_details(Results(old), "tiny", "i000", ["k"], judge="pt")["judgments"]
    for command in (["report"], ["meta"], ["verify"]):
        said = cli(*command)
        assert said.code == 0, said
