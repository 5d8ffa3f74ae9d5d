"""A judge behind a server that moves: it is noticed, nothing old is used, and the change is split in two."""

import hashlib
import json
import random
import re
from datetime import date, timedelta
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.errors import SpecError
from evalhub.gates import charts_of_night, kept_charts
from evalhub.night import Night, run_night
from evalhub.runner import Options, prepare
from evalhub.store import PartKind, Run, all_runs, find_run, remove_run, set_tags
from evalhub.store.manifest import write_manifest

pytest.importorskip("openai")

ITEMS, UNITS = 200, 150
START = date(2026, 11, 1)
GATE = {"system": "k", "measure": "mean score", "margin": 0.3, "sd": 0.7}


class ServedJudge:
    """A judge that gives the level that a text names, and after it moved a share of texts one level less.

    Attributes:
        share: The share of texts that it rates lower.
        is_silent: Whether it gives no verdict on half of these texts.
    """

    def __init__(self, server: Any) -> None:
        self.server, self.share = server, 0.0
        self.is_silent = False
        server.behave = self._behave

    @property
    def asked(self) -> int:
        return len(self.server.asked)

    def _behave(self, request: dict[str, Any]) -> tuple[int, Any]:
        text = request["messages"][-1]["content"]
        level, place = re.findall(r"level (\d) at (0\.\d+)", text)[-1]
        is_lower = float(place) < self.share and level != "1"
        if self.is_silent and float(place) < self.share / 2:
            return 200, self.server.reply("I cannot say")
        return 200, self.server.reply(str(int(level) - is_lower))


@pytest.fixture
def judge(chat_server: Any) -> ServedJudge:
    return ServedJudge(chat_server)


def texts(seed: int, good: float) -> list[str]:
    draws = random.Random(seed)
    return [f"level {3 if draws.random() < good else 2} at {draws.random():.6f}" for _ in range(ITEMS)]


@pytest.fixture
def night(desk: Any, judge: ServedJudge) -> Any:
    """Run a night with other answers. The calibration has 150 labelled answers."""
    labelled = texts(99, 0.5)[:UNITS]
    desk.dataset(
        "frozen",
        items=UNITS,
        responses=[
            {"item_id": f"i{n:03}", "system": "old", "family": "alpha", "text": text}
            for n, text in enumerate(labelled)
        ],
        labels=[
            {
                "item_id": f"i{n:03}", "criterion": "quality", "system": "old", "annotator": "ann",
                "value": int(text[6]),
            }
            for n, text in enumerate(labelled)
        ],
    )  # fmt: skip

    def run(day: int, seed: int = 1, good: float = 0.7, *, reports: bool = False, **suite: Any) -> Night:
        desk.dataset(
            items=ITEMS,
            responses=[
                {"item_id": f"i{n:03}", "system": "k", "family": "alpha", "text": text}
                for n, text in enumerate(texts(seed, good))
            ],
        )
        engine = judge.server.engine(logprobs="none", structured="none", **suite.pop("engine", {}))
        use = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": engine}
        desk.suite(judges=[use], gates=[GATE], **({"calibration": ["frozen"]} | suite))
        return run_night(
            "s", Options(runs=desk.runs, night=str(START + timedelta(days=day))), reports=reports
        )

    return run


def sign_off(night: Night) -> None:
    set_tags(night.results.run, ["baseline"])


def charts_of(runs: list[Run]) -> Any:
    return next(kept_charts(run) for run in runs if run.manifest.suite == "calibration-s")


def test_a_quiet_night_asks_for_the_calibration_alone(night: Any, judge: ServedJudge, desk: Any) -> None:
    first = night(0)
    assert judge.asked == ITEMS + UNITS
    sign_off(first)
    second = night(1)
    assert judge.asked == ITEMS + 2 * UNITS
    assert (first.exit_code, second.exit_code) == (3, 0)  # the first night has no baseline
    assert "it did not move" in second.gates[0].sentence
    (chart,) = charts_of(all_runs(desk.runs))
    assert (chart.nights, chart.chart.nights, chart.moved) == (1, 2, False)
    assert chart.agreement == pytest.approx(1.0)
    again = night(1)
    assert (again.exit_code, judge.asked) == (0, ITEMS + 2 * UNITS)


def test_a_judge_that_moved_is_no_regression_and_its_change_is_split(
    night: Any, judge: ServedJudge, desk: Any
) -> None:
    sign_off(night(0))
    night(1, 2)
    judge.share, before = 0.3, judge.asked
    moved = night(2, 3, 0.3)
    assert moved.exit_code == 3
    assert (
        "The judge changed: pt (quality) agrees with the labels of frozen by 0.8" in moved.gates[0].sentence
    )
    gate = moved.gates[1]
    assert "because the judge changed (server)" in gate.sentence
    assert gate.split is not None
    assert gate.split.cause.value == "both the judge and the system"
    assert gate.split.judge.estimate == pytest.approx(-0.3, abs=0.1)
    assert gate.split.system.estimate == pytest.approx(-0.4, abs=0.12)
    total = (gate.split.judge.estimate or 0) + (gate.split.system.estimate or 0)
    assert gate.estimate.estimate == pytest.approx(total)
    assert "both the judge and the system moved it" in gate.sentence
    # The calibration, tonight's answers and those of the baseline are all asked of the judge as it is now.
    assert judge.asked == before + UNITS + 2 * ITEMS
    calm = night(3, 3, 0.3, reports=True)
    assert judge.asked == before + 2 * UNITS + 2 * ITEMS
    assert (calm.exit_code, calm.gates[0].state.value) == (3, "pass")
    (row,) = [row for row in calm.data["gates"] if row["kind"] == "measure"]
    assert row["judge_estimate"] == pytest.approx(gate.split.judge.estimate)
    sign_off(night(4, 3, 0.3))
    assert night(5, 4, 0.3).exit_code == 0


def test_the_run_of_a_night_is_found_before_those_made_for_it(
    night: Any, judge: ServedJudge, desk: Any
) -> None:
    sign_off(night(0))
    judge.share = 0.3
    moved = night(1)
    assert {run.manifest.part_of for run in all_runs(desk.runs)} == {None, "s"}
    assert all_runs(desk.runs)[0].manifest.suite == "rejudged-s"
    assert find_run(None, desk.runs).id == moved.results.run.id


def test_answers_of_a_server_have_an_age(night: Any, judge: ServedJudge) -> None:
    age = {"engine": {"max_age": 7}, "calibration": []}
    first = night(0, **age)
    since = first.results.run.manifest.created[:10]
    days = (date.fromisoformat(since) - START).days
    night(days + 6, **age)
    assert judge.asked == ITEMS
    aged = night(days + 7, **age)
    assert judge.asked == 2 * ITEMS
    models = aged.results.manifest.resolved.models
    assert (models["pt"].since, models["pt"].moved) == (str(START + timedelta(days=days + 7)), None)


def test_a_moved_judge_stays_moved_if_the_night_was_lost(night: Any, judge: ServedJudge, desk: Any) -> None:
    night(0)
    night(1)
    judge.share = 0.5
    lost = night(2)
    remove_run(lost.results.run)
    found = prepare(
        "s", Options(runs=desk.runs, night=str(START + timedelta(days=3))), moved={"pt": "2026-11-03"}
    )
    assert found.resolved.judges[0].runs.identity.since == "2026-11-03"
    before = judge.asked
    night(3)
    assert judge.asked == before + UNITS + ITEMS


def test_a_changed_rubric_begins_a_new_chart(night: Any, desk: Any) -> None:
    night(0)
    night(1)
    file = desk.folder / "judges" / "rate.md"
    file.write_text(file.read_text().replace("version: 1", "version: 2").replace("You rate", "Now you rate"))
    third = night(2)
    assert "This is the first night of its chart" in third.gates[0].sentence


def test_changed_labels_begin_a_new_chart(night: Any, desk: Any) -> None:
    night(0)
    night(1)
    folder, card = desk.folder / "datasets" / "samples" / "frozen", desk.folder / "datasets" / "frozen.yaml"
    labels = folder / "labels.jsonl"
    old_hash = hashlib.sha256(labels.read_bytes()).hexdigest()
    labels.write_text(labels.read_text().replace('"value": 3', '"value": 1'))
    card.write_text(card.read_text().replace(old_hash, hashlib.sha256(labels.read_bytes()).hexdigest()))
    third = night(2)
    assert "This is the first night of its chart" in third.gates[0].sentence


def test_a_calibration_without_a_verdict_ends_no_night(night: Any, judge: ServedJudge) -> None:
    sign_off(night(0))
    judge.share, judge.is_silent = 3.0, True
    silent = night(1)
    assert [gate.state.value for gate in silent.gates] == ["inconclusive", "pass"]
    assert silent.exit_code == 3
    judge.share = 0.0
    later = night(2)
    assert later.exit_code == 0
    assert "it did not move" in later.gates[0].sentence


def test_verdicts_that_fail_on_one_night_are_no_move(night: Any, judge: ServedJudge) -> None:
    judge.share = 0.5
    frozen = {"calibration": ["frozen"], "controls": {"min_coverage": 0}}
    night(0, **frozen)
    night(1, **frozen)
    judge.is_silent = True
    third = night(2, **frozen)
    assert third.gates[0].state.value == "pass"
    judge.is_silent = False
    assert night(3, **frozen).gates[0].state.value == "pass"


def test_a_run_has_the_charts_of_its_own_night_alone(night: Any, judge: ServedJudge, desk: Any) -> None:
    """The judge that moved on the night before is in the suite no more, and a trial has no calibration."""
    night(0)
    judge.share = 0.5
    assert "The judge changed" in night(1).gates[0].sentence
    trial = run_night("s", Options(runs=desk.runs, limit=5, night="2026-11-02"), reports=False)
    assert charts_of_night(trial.results.run) == []
    local = {"id": "here", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    desk.suite(judges=[local], calibration=["frozen"], gates=[{"coverage": 0.5}])
    after = run_night("s", Options(runs=desk.runs, night="2026-11-03"), reports=False)
    assert [(gate.kind, after.exit_code) for gate in after.gates] == [("coverage", 0)]


def test_a_calibration_in_the_second_in_which_a_run_ended_is_of_the_next_night(
    night: Any, judge: ServedJudge, desk: Any
) -> None:
    first = night(0).results.run
    judge.share = 0.5
    night(1)
    (calibration,) = [
        run
        for run in all_runs(desk.runs)
        if run.manifest.part_of and run.manifest.created > first.manifest.created
    ]
    moved = change_times(calibration, created="2026-11-01T02:30:00.500000+00:00")
    assert kept_charts(moved)[0].moved
    begun = "2026-11-01T02:29:00.000000+00:00"
    (own,) = [run for run in all_runs(desk.runs) if run.manifest.part_of and run.id != moved.id]
    change_times(own, created=begun)
    ended = change_times(first, created=begun, sealed="2026-11-01T02:30:00.400000+00:00")
    assert [chart.moved for chart in charts_of_night(ended)] == [False]


def change_times(run: Run, **times: str) -> Run:
    """Write other times into the manifest of a run, and return the run."""
    write_manifest(run.path, run.manifest.replace(**times))
    return Run(run.path)


def test_one_dataset_twice_in_a_calibration_is_refused(night: Any) -> None:
    with pytest.raises(SpecError, match="'frozen' appears twice among datasets of the calibration"):
        night(0, calibration=["frozen", "frozen"])


def test_a_calibration_without_labels_is_refused(night: Any, cli: Any, desk: Any) -> None:
    desk.dataset("bare", items=2, card={"criteria": {}})
    with pytest.raises(SpecError, match=r"calibration: a calibration is held against labels"):
        night(0, calibration=["bare"])


def test_a_local_judge_is_calibrated_once(desk: Any) -> None:
    desk.dataset(
        "frozen",
        labels=[
            {"item_id": f"i{n:03}", "criterion": "quality", "system": "k", "annotator": "a", "value": 2}
            for n in range(4)
        ],
    )
    judge = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    desk.suite(judges=[judge], calibration=["frozen"])
    nights = [
        run_night("s", Options(runs=desk.runs, night=f"2026-11-0{day}"), reports=False) for day in (1, 2)
    ]
    assert [night.exit_code for night in nights] == [0, 0]
    newest = next(run for run in all_runs(desk.runs) if run.manifest.suite == "calibration-s")
    (part,) = [part for part in newest.manifest.parts if part.kind is PartKind.JUDGMENTS]
    assert json.loads((newest.part_folder(part) / "part.json").read_text())["run"] != newest.id
    assert len(Results(newest).judgments()) == 8
