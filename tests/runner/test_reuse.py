"""A night in which nothing changed makes nothing, and a changed one makes what changed.

Row 31: a change of a suite makes exactly its parts anew.
"""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub import runner
from evalhub.analysis import Results, leaderboard, rows_of
from evalhub.errors import StorageError
from evalhub.records import Completion
from evalhub.runner.plan import steps
from evalhub.runner.progress import Silent
from evalhub.runner.run import carry_out
from evalhub.store import PartKind, Run, all_runs, verify

from ..conftest import CANDIDATE, PAIR, PAIR_JUDGE, RATE_JUDGE, scripted

EXPLAINING = {**PAIR_JUDGE, "mode": "explain", "samples": 2, "sampling": {"temperature": 0.5}}
SUITE: dict[str, Any] = {
    "suite": "s",
    "datasets": [{"id": "one"}, {"id": "two", "limit": 3}],
    "candidates": [CANDIDATE | {"sampling": {"max_tokens": 12}}],
    "judges": [
        {
            **PAIR_JUDGE,
            "mode": "explain",
            "samples": 2,
            "sampling": {"temperature": 0.5},
            "rationale_tokens": 20,
        },
        RATE_JUDGE,
    ],
    "metrics": ["length", {"rouge": {"variants": [1]}}],
}
DATASETS = ("one", "two")
Place = tuple[str, str, str]


def places(*sources: str, datasets: tuple[str, ...] = DATASETS) -> set[Place]:
    """Return the places of the parts of some sources on some datasets."""
    kinds = {"bot": "responses", "pw": "judgments", "pt": "judgments", "length": "scores", "rouge": "scores"}
    return {(kinds[source], dataset, source) for source in sources for dataset in datasets}


ALL = places("bot", "pw", "pt", "length", "rouge") | {("dataset", name, name) for name in DATASETS}


def new_parts(run: Run) -> set[Place]:
    """Return the places of the parts that a run made itself."""
    return {
        (part.kind.value, part.dataset, part.source) for part in run.manifest.parts if not part.computed_in
    }


def answers(run: Run) -> list[str | None]:
    """Return the run that computed each completion, None for this one."""
    return [row["computed_in"] for row in rows_of(Results(run).sql("SELECT computed_in FROM completions"))]


def prepare(desk: Any) -> None:
    """Write a suite of two datasets, a candidate, two judges and two metrics."""
    desk.dataset("one", items=5)
    desk.dataset("two", items=4, systems=("x", "y", "z"))
    desk.suite(**SUITE)


@pytest.fixture(scope="module")
def first_runs(shared_desk: Any) -> Path:
    """The folder of the runs in which the suite was run once."""
    with shared_desk() as desk:
        prepare(desk)
        assert new_parts(desk.run()) == ALL
        return Path(desk.runs).resolve()


@pytest.fixture
def night(desk: Any, first_runs: Path) -> Any:
    """A desk whose suite was run once."""
    prepare(desk)
    shutil.copytree(first_runs, desk.runs)
    return desk


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("this is work that an earlier run has done")


def test_a_night_in_which_nothing_changed_makes_nothing(night: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = [Run(folder) for folder in night.runs.iterdir()]
    for place in (
        "evalhub.runner.plan.datasets.load",
        "evalhub.runner.plan.plan.plan_tasks",
        "evalhub.runner.execute.session.open_engine",
        "evalhub.store.part_writer.write_records",
        "evalhub.store.run.read_records",
    ):
        monkeypatch.setattr(place, refuse)
    second = night.run()
    monkeypatch.undo()
    assert second.id != first.id
    assert new_parts(second) == set()
    assert {part.computed_in for part in second.manifest.parts} == {first.id}
    assert second.manifest.engines == ()
    told = ("expected", "exclusions", "label_criteria", "coverage", "metrics", "cards", "generations")
    assert [getattr(second.manifest, name) for name in told] == [
        getattr(first.manifest, name) for name in told
    ]
    assert rows_of(leaderboard(Results(second))) == rows_of(leaderboard(Results(first)))
    assert set(answers(second)) == {first.id}
    assert not any(finding.problem for finding in verify(second))


def change(**changes: Any) -> Callable[[Any], None]:
    """Return what writes the suite with other values. `judges.0.mode` is a key of its first judge."""

    def write(desk: Any) -> None:
        suite = copy.deepcopy(SUITE)
        for path, value in changes.items():
            *parents, name = path.split("__")
            place: Any = suite
            for parent in parents:
                place = place[int(parent) if parent.isdigit() else parent]
            place[int(name) if name.isdigit() else name] = value
        desk.suite(**suite)

    return write


def rubric(desk: Any) -> None:
    desk.rubric("pair", PAIR.replace("version: 1", "version: 2").replace("First response", "Response one"))


PW, PT, BOT = places("pw"), places("pt"), places("bot")
AFTER_BOT = places("bot", "pw", "pt", "length", "rouge")
TWO = places("bot", "pw", "pt", "length", "rouge", datasets=("two",)) | {("dataset", "two", "two")}
OTHER_ENGINE = scripted(max_length=900)

CHANGES: dict[str, tuple[Callable[[Any], None], set[Place]]] = {
    "the title": (change(title="Another"), set()),
    "a rubric": (rubric, PW),
    "a judge's mode": (change(judges__0={**EXPLAINING, "mode": "think"}), PW),
    "a judge's positions": (change(judges__0__positions="fixed"), PW),
    "a judge's seed": (change(judges__0__seed=3), PW),
    "a judge's pairs": (change(judges__0__pairs={"by": "baseline", "baseline": "bot"}), PW),
    "a judge's rationale": (change(judges__0__rationale_tokens=19), PW),
    "a judge's samples": (change(judges__0__samples=3), PW),
    "a judge's way to combine samples": (change(judges__0__combine="vote"), PW),
    "a judge's temperature": (change(judges__0__sampling={"temperature": 0.6}), PW),
    "a judge's model": (change(judges__1__model="other"), PT),
    "a judge's engine": (change(judges__1__engine=OTHER_ENGINE), PT),
    "a judge's families": (change(judges__1__families=["gamma"]), PT),
    "a judge's name": (change(judges__1__id="pt2"), {(k, d, "pt2") for k, d, _ in PT}),
    "the rule of families": (change(controls={"cross_family": "allow"}), PW | PT),
    "the least choice mass": (change(controls={"min_choice_mass": 0.01}), PW | PT),
    "the length penalty": (change(controls={"length_penalty": 0.5}), set()),
    "the least coverage": (change(controls={"min_coverage": 0.5}), set()),
    "a budget that suffices": (change(budget={"judgments": 1000}), set()),
    "early stopping": (change(budget={"early_stopping": 0.9}), PW | PT),
    "a metric's options": (change(metrics=["length", {"rouge": {"variants": [2]}}]), places("rouge")),
    "a further metric": (
        change(metrics=[*SUITE["metrics"], "exact_match"]),
        {("scores", dataset, "exact_match") for dataset in DATASETS},
    ),
    "a candidate's tokens": (change(candidates__0__sampling={"max_tokens": 6}), AFTER_BOT),
    "a candidate's families": (change(candidates__0__families=["delta"]), BOT | PW | PT),
    "a limit of items": (change(datasets__1__limit=2), TWO),
    "a split": (change(datasets__1__split=None), set()),
    "the seed of the items": (change(datasets__1__seed=1), TWO),
    "one dataset less": (change(datasets=[{"id": "one"}]), set()),
    "one judge less": (change(judges=SUITE["judges"][:1]), set()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_makes_its_parts_anew_and_none_else(night: Any, what: str) -> None:
    write, expected = CHANGES[what]
    write(night)
    run = night.run()
    assert new_parts(run) == expected
    assert not any(finding.problem for finding in verify(run))


@pytest.mark.parametrize("kind", list(PartKind))
def test_another_version_of_the_code_makes_its_parts_anew(
    night: Any, monkeypatch: pytest.MonkeyPatch, kind: PartKind
) -> None:
    monkeypatch.setitem(steps.CODE, kind, 99)
    run = night.run()
    assert new_parts(run) == {place for place in ALL if place[0] == kind}
    assert None not in answers(run)


def test_another_version_of_an_extension_makes_its_parts_anew(
    night: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "extensions", lambda: {"a-protocol": "2.0"})
    run = night.run()
    assert new_parts(run) == ALL
    assert None not in answers(run)


def test_an_added_item_pays_for_itself_alone(night: Any) -> None:
    night.dataset("one", items=6)
    run = night.run()
    one = places("bot", "pw", "pt", "length", "rouge", datasets=("one",)) | {("dataset", "one", "one")}
    assert new_parts(run) == one
    rows = rows_of(
        Results(run).sql(
            "SELECT item_id, count(*) AS n FROM judgments, unnest(completions) AS used(key) "
            "JOIN completions USING (key) WHERE computed_in IS NULL GROUP BY ALL"
        )
    )
    # Three pairs of systems in two orders with two samples of two requests, three ratings, one response.
    assert rows == [{"item_id": "i005", "n": 27}]
    assert answers(run).count(None) == 28


def test_what_an_engine_failed_to_answer_is_asked_again(desk: Any, chat_server: Any) -> None:
    failing = True

    def behave(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        text = body["messages"][-1]["content"]
        if failing and "k says 2" in text:
            return 400, {"error": {"message": "a bad day"}}
        return 200, chat_server.reply("A", top=[("A", -0.1), ("B", -2.4)])

    chat_server.behave = behave
    desk.suite(judges=[PAIR_JUDGE | {"engine": chat_server.engine()}], controls={"min_coverage": 0})
    first = desk.run()
    assert first.manifest.coverage["pw"].valid == 6
    failing = False
    chat_server.asked.clear()
    second = desk.run()
    assert second.manifest.coverage["pw"].valid == 8
    assert new_parts(second) == {("judgments", "tiny", "pw")}
    assert len(chat_server.asked) == 2
    third = desk.run()
    assert (new_parts(third), len(chat_server.asked)) == (set(), 2)


@pytest.mark.parametrize("content", [b"PAR1", None])
def test_a_part_that_is_damaged_is_made_again_and_said(night: Any, cli: Any, content: bytes | None) -> None:
    (first,) = [Run(folder) for folder in night.runs.iterdir()]
    path = next(first.path.glob("parts/judgments-*/0001-judgments.parquet"))
    path.unlink() if content is None else path.write_bytes(content)
    result = cli("run", "s", "--json")
    assert result.code == 0, result
    assert f"in {first.id} cannot be reused (0001-judgments.parquet: the " in result.err
    second = next(run for run in map(Run, night.runs.iterdir()) if run.id != first.id)
    assert len(new_parts(second)) == 1
    assert None not in answers(second)
    assert not any(finding.problem for finding in verify(second))


class TestPlan:
    def states(self, cli: Any) -> dict[str, list[tuple[str, str]]]:
        result = cli("plan", "s", "--json")
        assert result.code == 0, result
        states: dict[str, list[tuple[str, str]]] = {}
        for step in json.loads(result.out)["steps"]:
            states.setdefault(step["state"], []).append((step["source"], step["reason"]))
        return states

    def test_of_a_first_run(self, desk: Any, cli: Any) -> None:
        assert self.states(cli) == {
            "new": [("tiny", "no run of this suite has it"), ("pw", "no run of this suite has it")]
        }

    def test_of_an_unchanged_suite(self, night: Any, cli: Any) -> None:
        assert list(self.states(cli)) == ["reused"]
        assert "every step is reused, so a run makes nothing" in cli("plan", "s").err

    def test_it_says_what_changed(self, night: Any, cli: Any) -> None:
        change(judges__0__rationale_tokens=19, judges__1__engine=OTHER_ENGINE)(night)
        states = self.states(cli)
        assert {("pw", "rationale_tokens 20 -> 19")} == {state for state in states["new"] if state[0] == "pw"}
        (reason,) = {why for source, why in states["new"] + states.get("partly", []) if source == "pt"}
        assert reason.startswith("engine.script ")

    def test_it_counts_what_is_answered_already(self, night: Any, cli: Any) -> None:
        night.dataset("one", items=6)
        result = cli("plan", "s")
        assert result.code == 0, result
        assert "5 of 6 requests are answered; prompts changed" in result.out
        assert "depends on responses that are not made yet" in result.out
        assert "6 of 12 steps are reused" in result.err

    def test_it_does_not_wait_for_what_is_known(self, night: Any, cli: Any) -> None:
        rubric(night)
        states = self.states(cli)
        assert states["new"] == [("pw", "rubric changed")] * 2
        assert "later" not in states


def test_two_suites_share_what_they_have_in_common(night: Any) -> None:
    night.suite(**{**SUITE, "suite": "other", "judges": SUITE["judges"][:1]})
    assert new_parts(night.run()) == set()


def test_a_part_keeps_the_completions_that_another_part_asked_for(night: Any) -> None:
    """Two judges of one rubric ask the same. Each part has all of its own completions."""
    night.suite(**{**SUITE, "judges": [SUITE["judges"][0], SUITE["judges"][0] | {"id": "twin"}]})
    run = night.run()
    assert new_parts(run) == {("judgments", dataset, "twin") for dataset in DATASETS}
    assert None not in answers(run)
    completions = [record for record in run.records("completions") if isinstance(record, Completion)]
    keys = {record.key for record in completions}
    assert len(completions) > len(keys) == len(answers(run))


def test_prepare_without_reuse_plans_everything(night: Any) -> None:
    prepared = runner.prepare("s", runner.Options(runs=night.runs), reuse=False)
    assert prepared.plan.judgments == sum(prepared.plan.expected.values()) > 0
    assert runner.prepare("s", runner.Options(runs=night.runs)).plan.judgments == 0


def test_a_run_that_is_removed_while_another_begins(night: Any) -> None:
    prepared = runner.prepare("s", runner.Options(runs=night.runs))
    (first,) = [Run(folder) for folder in night.runs.iterdir()]
    shutil.rmtree(first.path)
    with pytest.raises(StorageError, match="have vanished from an earlier run; give the same"):
        carry_out(prepared, night.runs, Silent())
    (begun,) = all_runs(night.runs)
    assert not [part for part in begun.manifest.parts if part.kind is PartKind.JUDGMENTS]
    run = night.run()
    assert (run.id, run.finished) == (begun.id, True)
    assert run.manifest.coverage == first.manifest.coverage
