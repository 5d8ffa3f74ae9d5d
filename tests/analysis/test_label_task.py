"""What annotators are asked, what they agree on, and decisions between them."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import (
    QueueRequest,
    Results,
    consensus_labels,
    count_undecided_disputes,
    findings,
    human_agreement,
    label_task,
    labelling_queue,
    queue_progress,
    rows_of,
    self_agreement,
)
from evalhub.analysis.people.label_task import names_any
from evalhub.errors import InputError
from evalhub.scales import Winner
from evalhub.store import (
    ADJUDICATED,
    Answer,
    Decision,
    LabelEntry,
    LabelFile,
    LabelSession,
    Run,
    labels_folder,
    read_entries,
    read_labels,
    read_queue,
    showings,
    write_queue,
)

from ..conftest import PAIR_JUDGE, RATE_JUDGE


def drawn(run: Run, path: Path, judge: str = "pw", criterion: str = "overall", number: int = 20) -> Path:
    write_queue(path, labelling_queue(Results(run), QueueRequest(judge, criterion, "tiny", number)))
    return path


def label(run: Run, number: int, winner: Winner, annotator: str = "ann", **changes: Any) -> None:
    entry = LabelEntry(
        annotator=annotator, dataset="tiny", item_id=f"i{number:03}", criterion="overall", system_a="k",
        system_b="m", winner=winner, **changes,
    )  # fmt: skip
    LabelFile(labels_folder(run.path.parent), annotator).append(entry)


@pytest.fixture
def run(desk: Any) -> Run:
    desk.dataset(items=20)
    desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE])
    finished: Run = desk.run()
    return finished


def test_the_guideline_of_pairs_is_that_of_the_judge(run: Run, tmp_path: Path) -> None:
    task = label_task(drawn(run, tmp_path / "first.jsonl"), run.path.parent)
    guideline = task.guideline
    assert (guideline.criterion, guideline.version) == ("The better answer.", "v1")
    assert guideline.has_ties  # the labels' criterion allows them, although the judge gives none
    assert task.title == "first"


def test_the_answers_of_a_rating(desk: Any, tmp_path: Path) -> None:
    rated = {
        "kind": "pointwise",
        "levels": {"4": "bad", "na": {"meaning": "-", "applicable": False}, "1": "good"},
    }
    desk.dataset(items=20, card={"criteria": {"quality": rated}})
    desk.suite(judges=[RATE_JUDGE])
    run = desk.run()
    guideline = label_task(drawn(run, tmp_path / "q.jsonl", "pt", "quality"), desk.runs).guideline
    assert [(level.name, level.value) for level in guideline.levels] == [("4", 4.0), ("1", 1.0)]
    assert guideline.criterion == "The answer is right."


@pytest.mark.parametrize(
    ("bounds", "higher", "names"),
    [
        ([1, 3], True, ["1", "2", "3"]),
        ([1, 3], False, ["3", "2", "1"]),
        ([0, 9], True, []),
        ([0, 0.5], True, []),
    ],
)
def test_a_short_range_of_whole_numbers_is_levels(
    desk: Any, tmp_path: Path, bounds: list[float], higher: bool, names: list[str]
) -> None:
    criterion = {"kind": "pointwise", "range": bounds, "higher_is_better": higher}
    desk.dataset(items=20, card={"criteria": {"quality": criterion}})
    desk.suite(judges=[RATE_JUDGE], controls={"cross_family": "allow"})
    guideline = label_task(drawn(desk.run(), tmp_path / "q.jsonl", "pt", "quality"), desk.runs).guideline
    assert [level.name for level in guideline.levels] == names
    assert guideline.range == tuple(bounds)


def test_a_dataset_without_criteria_has_those_of_the_judge(desk: Any, tmp_path: Path) -> None:
    desk.dataset(items=20, card={"criteria": {}})
    desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE])
    run = desk.run()
    pairs = label_task(drawn(run, tmp_path / "p.jsonl"), desk.runs).guideline
    assert not pairs.has_ties
    rated = label_task(drawn(run, tmp_path / "r.jsonl", "pt", "quality"), desk.runs).guideline
    assert [level.meaning for level in rated.levels] == ["wrong", "fair", "right"]


def test_what_a_queue_says_itself_comes_first(run: Run, tmp_path: Path) -> None:
    rows = labelling_queue(Results(run), QueueRequest("pw", "overall", "tiny", 5))
    write_queue(
        tmp_path / "q.jsonl", [{**row, "guideline": "Be kind.", "guideline_version": "v7"} for row in rows]
    )
    guideline = label_task(tmp_path / "q.jsonl", run.path.parent).guideline
    assert (guideline.criterion, guideline.version, guideline.title) == ("Be kind.", "v7", "")


def test_without_a_run_pairs_can_be_labelled_and_ratings_cannot(run: Run, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    pairs = label_task(drawn(run, tmp_path / "p.jsonl"), nowhere).guideline
    assert (pairs.criterion, pairs.version, pairs.has_ties) == ("", "", True)
    rated = drawn(run, tmp_path / "r.jsonl", "pt", "quality")
    with pytest.raises(InputError, match="no run says which ratings the criterion quality of tiny has"):
        label_task(rated, nowhere)


@pytest.mark.parametrize("name", ["pw", "my-pw-queue", "2 m", "k_or_m"])
def test_a_queue_whose_name_tells_too_much_has_no_title(run: Run, tmp_path: Path, name: str) -> None:
    assert label_task(drawn(run, tmp_path / f"{name}.jsonl"), run.path.parent).title == ""


def test_short_names_are_whole_words() -> None:
    assert not names_any("monkey", ["k", "m", "on"])
    assert names_any("MyZebraFish2", ["zebrafish"])


def test_annotators_read_the_right_answers_that_the_judge_reads(desk: Any) -> None:
    rubric = (desk.folder / "judges" / "rate.md").read_text()
    rubric = rubric.replace("inputs: [question,", "inputs: [question, reference,")
    desk.rubric("rate", rubric.replace("Answer:\n", "Reference:\n{{reference}}\nAnswer:\n"))
    desk.dataset(items=20)
    desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE])
    results = Results(desk.run())
    (row,) = labelling_queue(results, QueueRequest("pt", "quality", "tiny", 40))[:1]
    assert row["references"] == [f"It is {2 * int(row['item_id'][1:])}"]
    assert "references" not in labelling_queue(results, QueueRequest("pw", "overall", "tiny", 5))[0]


def test_a_decision_between_annotators_is_the_consensus(run: Run) -> None:
    for number in range(6):
        label(run, number, Winner.A)
        label(run, number, Winner.A if number < 4 else Winner.B, "bea")
    before = {row["item_id"]: row["label_winner"] for row in rows_of(consensus_labels(Results(run)))}
    assert before == {f"i{number:03}": "a" for number in range(4)}
    agreement = rows_of(human_agreement(Results(run)))
    label(run, 4, Winner.B, ADJUDICATED, adjudicator="boss")
    label(run, 5, Winner.TIE, ADJUDICATED, adjudicator="boss")
    after = {row["item_id"]: row["label_winner"] for row in rows_of(consensus_labels(Results(run)))}
    assert after == {**before, "i004": "b", "i005": "tie"}
    assert rows_of(human_agreement(Results(run))) == agreement  # the decision is no third opinion
    assert agreement[0]["people"] == 2


def test_a_decision_on_ratings_replaces_their_mean(desk: Any) -> None:
    desk.dataset(items=20)
    desk.suite(judges=[RATE_JUDGE])
    run = desk.run()
    for annotator, value in (("ann", 1.0), ("bea", 2.0), (ADJUDICATED, 3.0)):
        entry = LabelEntry(
            annotator=annotator, dataset="tiny", item_id="i001", criterion="quality", system="k", value=value
        )
        LabelFile(labels_folder(run.path.parent), annotator).append(entry)
    (row,) = rows_of(consensus_labels(Results(run)))
    assert row["label_value"] == 3.0


def test_a_card_s_rule_says_whose_labels_a_decision_replaces(desk: Any) -> None:
    rule = {"annotators": "expert-*", "by": "majority"}
    overall = {"kind": "pairwise", "levels": ["a", "tie", "b"], "consensus": rule}
    desk.dataset(items=20, card={"criteria": {"overall": overall}})
    desk.suite(judges=[PAIR_JUDGE])
    run = desk.run()
    for number, names in enumerate([("expert-1", "expert-2"), ("ann", "bea")]):
        for name, winner in zip(names, (Winner.A, Winner.B), strict=True):
            label(run, number, winner, name)
        label(run, number, Winner.TIE, ADJUDICATED)
    rows = rows_of(consensus_labels(Results(run)))
    assert [(row["item_id"], row["label_winner"]) for row in rows] == [("i000", "tie")]
    sentences = " ".join(row["sentence"] for row in rows_of(findings(Results(run))))
    assert "Labels of ann and bea do not count on tiny (2)" in sentences


def test_progress_and_agreement_with_oneself(run: Run, tmp_path: Path) -> None:
    queue = read_queue(drawn(run, tmp_path / "q.jsonl"))
    folder = labels_folder(run.path.parent)
    for name in ("ann", "bea"):
        order = showings(queue, name)
        work = LabelSession(folder=folder, queue=queue.name, annotator=name, showings=order)
        for showing in order:
            if name == "bea" and showing.number == 3:
                work.decide(showing, Answer(decision=Decision.CANNOT_DECIDE))
                continue
            differs = showing.repeat and showing.unit.key == order[-1].unit.key and order[-1].repeat
            work.decide(showing, Answer(winner=Winner.B if name == "bea" or differs else Winner.A))
    ann, bea = queue_progress(queue, read_entries(folder))
    assert (ann.annotator, ann.labelled, ann.undecided) == ("ann", 20, 0)
    assert (bea.annotator, bea.labelled, bea.undecided) == ("bea", 19, 1)
    assert ann.self_agreement.n == 2
    assert len(Results(run).added_labels) == 39  # second labels count nowhere
    labels = read_labels(folder, ["tiny"])
    assert count_undecided_disputes(queue, labels) == 19
    number = int(next(entry for entry in labels if entry.annotator == "bea").item_id[1:])
    label(run, number, Winner.A, ADJUDICATED)
    assert count_undecided_disputes(queue, read_labels(folder, ["tiny"])) == 18


def test_agreement_with_oneself_by_hand(run: Run) -> None:
    def pair(number: int, *winners: Winner | None) -> list[LabelEntry]:
        return [
            LabelEntry(
                annotator="ann", dataset="d", item_id=f"i{number}", criterion="c", system_a="k", system_b="m",
                repeat=repeat, winner=winner, decision=Decision.LABEL if winner else Decision.CANNOT_DECIDE,
            )
            for repeat, winner in enumerate(winners)
        ]  # fmt: skip

    a, b = Winner.A, Winner.B
    entries = [*pair(1, a, a), *pair(2, a, b), *pair(3, b, b), *pair(4, b, b), *pair(5, a, None), *pair(6, a)]
    estimate = self_agreement(entries)
    assert (estimate.estimate, estimate.n, estimate.method) == (0.75, 4, "wilson")
    assert estimate.low == pytest.approx(0.3006, abs=1e-4)
    assert estimate.high == pytest.approx(0.9544, abs=1e-4)
    assert self_agreement(pair(1, a)).estimate is None


def test_a_queue_of_the_command_is_one_that_is_read(run: Run, cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    assert cli("labels", "queue", "--judge", "pw", "--n", "20", "--out", str(path)).code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [unit.item_id for unit in read_queue(path).units] == [row["item_id"] for row in rows]


def test_a_decision_counts_only_while_annotators_differ(run: Run) -> None:
    label(run, 1, Winner.A, "ann")
    label(run, 1, Winner.B, "bob")
    label(run, 1, Winner.A, ADJUDICATED, adjudicator="boss")

    def winner() -> str:
        (row,) = rows_of(consensus_labels(Results(run)))
        return str(row["label_winner"])

    assert winner() == "a"
    label(run, 1, Winner.B, "ann")
    assert winner() == "b"
