"""What goes wrong between two nights costs work at most, and never a number."""

from typing import Any

import pytest

from evalhub.analysis import Results, leaderboard, rows_of
from evalhub.errors import Inconclusive, StorageError
from evalhub.records import key_of
from evalhub.runner.execute.rounds import ROUND
from evalhub.store import PartKind, all_runs, part_writer, verify

from ..conftest import CANDIDATE, PAIR_JUDGE, scripted
from .test_reuse import DATASETS, new_parts

FIRST, SECOND = (rf"First response:[^§]*\b{name} says[^§]*Second response:" for name in "km")
PREFERS_K = scripted({"match": FIRST, "choice": "A"}, {"match": SECOND, "choice": "B"})
STOPPING = PAIR_JUDGE | {"engine": PREFERS_K}


def test_a_run_goes_on_after_another_has_made_its_part(desk: Any) -> None:
    desk.dataset(items=8)
    desk.suite(budget={"judgments": 6})
    with pytest.raises(Inconclusive):
        desk.run()
    (begun,) = all_runs(desk.runs)
    desk.suite(suite="other")
    other = desk.run()
    desk.suite()
    run = desk.run()
    assert (run.id, run.finished) == (begun.id, True)
    assert run.manifest.parts[1].computed_in == other.id
    assert len(list(run.records("judgments"))) == 16


def test_a_damaged_part_of_an_unfinished_run_stops_no_run(desk: Any) -> None:
    desk.dataset(items=8)
    desk.suite(budget={"judgments": 6})
    with pytest.raises(Inconclusive):
        desk.run()
    (begun,) = all_runs(desk.runs)
    next(begun.path.glob("parts/judgments-*/part.json")).write_text("{")
    assert [finding.path for finding in verify(begun) if finding.problem]
    desk.suite(suite="other")
    assert desk.run().finished
    desk.suite()
    run = desk.run()
    assert (run.id, run.finished) == (begun.id, True)
    assert not any(finding.problem for finding in verify(run))


def test_a_damaged_record_of_the_run_itself(desk: Any) -> None:
    desk.dataset(items=8)
    desk.suite(budget={"judgments": 6})
    with pytest.raises(Inconclusive):
        desk.run()
    (begun,) = all_runs(desk.runs)
    next(begun.path.glob("parts/judgments-*/part.json")).write_text("{")
    desk.suite()
    run = desk.run()
    assert (run.id, run.finished) == (begun.id, True)
    assert len(list(run.records("judgments"))) == 16


def test_judgments_of_responses_that_are_made_again(desk: Any) -> None:
    """Their part is found only after the responses. The manifest tells the same as in the first night."""
    desk.dataset(items=40)
    desk.suite(candidates=[CANDIDATE], judges=[STOPPING], budget={"early_stopping": 0.95})
    first = desk.run()
    expected = rows_of(leaderboard(Results(first)))
    next(first.path.glob("parts/responses-*/*.parquet")).write_bytes(b"PAR1")
    second = desk.run()
    assert {place[0] for place in new_parts(second)} == {"responses"}
    names = ("expected", "exclusions", "early_stopping", "coverage")
    assert [getattr(second.manifest, name) for name in names] == [
        getattr(first.manifest, name) for name in names
    ]
    assert rows_of(leaderboard(Results(second))) == expected


def test_decided_pairs_of_an_earlier_night_stay_withheld(desk: Any) -> None:
    for name in DATASETS:
        desk.dataset(name, items=40)
    suite = {"judges": [STOPPING], "budget": {"early_stopping": 0.95}}
    desk.suite(datasets=[{"id": "one"}], **suite)
    desk.run()
    desk.suite(datasets=[{"id": name} for name in DATASETS], **suite)
    second = desk.run()
    assert {pair.dataset for pair in second.manifest.early_stopping.pairs} == set(DATASETS)
    assert {row["estimate"] for row in rows_of(leaderboard(Results(second)))} == {None}


def test_a_crash_at_the_end_of_a_part_doubles_nothing(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dataset(items=40)
    desk.suite(judges=[STOPPING], budget={"early_stopping": 0.95})
    write_part = part_writer.write_part

    def fail_once(folder: Any, record: Any) -> None:
        if record.complete and record.step.kind is PartKind.JUDGMENTS:
            monkeypatch.setattr(part_writer, "write_part", write_part)
            raise StorageError("no room")
        write_part(folder, record)

    monkeypatch.setattr(part_writer, "write_part", fail_once)
    with pytest.raises(StorageError, match="no room"):
        desk.run()
    run = desk.run()
    keys = [key_of(record) for record in run.records("judgments")]
    assert len(keys) == len(set(keys)) == run.manifest.coverage["pw"].expected == 40


def test_a_budget_that_cuts_a_round_decides_nothing(desk: Any) -> None:
    desk.dataset(items=40)
    desk.suite(judges=[STOPPING], budget={"early_stopping": 0.95, "judgments": 18})
    with pytest.raises(Inconclusive):
        desk.run()
    desk.suite(judges=[STOPPING], budget={"early_stopping": 0.95})
    run = desk.run()
    assert [pair.clusters for pair in run.manifest.early_stopping.pairs] == [ROUND]
    assert run.manifest.coverage["pw"].judgments == 40
