"""The main job with a scripted engine: reuse, failures that stay their own, what is planned."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from evalhub.analysis import Results, agreement, leaderboard, rows_of
from evalhub.errors import Inconclusive, InputError, UnknownNameError
from evalhub.records import Judgment, Response
from evalhub.runner import Options, prepare
from evalhub.scales import Order
from evalhub.store import Run, all_runs, verify

CANDIDATE = {"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}
PAIR = {
    "id": "pw",
    "rubric": "pair",
    "model": "j",
    "engine": "scripted",
    "families": ["beta"],
    "pairs": {"by": "all"},
}
RATE = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}


def scripted(*rules: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"type": "scripted", "script": {"rules": list(rules), **options}}


def judgments(run: Run) -> list[Judgment]:
    return [one for one in run.records("judgments") if isinstance(one, Judgment)]


def responses(run: Run) -> list[Response]:
    return [one for one in run.records("responses") if isinstance(one, Response)]


class TestReuse:
    def test_an_unchanged_second_run_starts_no_engine_and_says_the_same(self, desk: Any) -> None:
        desk.dataset(
            labels=[
                {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
                 "annotator": "x", "winner": "a" if n % 2 else "b"}
                for n in range(4)
            ]
        )  # fmt: skip
        desk.suite(candidates=[CANDIDATE], judges=[PAIR, {**RATE, "mode": "explain"}], metrics=["length"])
        one, two = desk.run(), desk.run()
        assert one.id != two.id
        assert len(one.manifest.engines) == 2
        assert two.manifest.engines == ()
        assert one.manifest.suite_hash == two.manifest.suite_hash
        for number in (leaderboard, agreement):
            assert rows_of(number(Results(one))) == rows_of(number(Results(two)))
        assert {done.computed_in for done in two.records("completions")} == {one.id}
        assert judgments(one) == judgments(two)
        assert all(finding.problem is None for run in (one, two) for finding in verify(run))

    def test_a_changed_rubric_asks_only_its_own_questions_again(self, desk: Any) -> None:
        desk.suite(candidates=[CANDIDATE], judges=[PAIR, RATE])
        desk.run()
        path = desk.folder / "judges" / "rate.md"
        text = path.read_text().replace("You rate one answer.", "You rate one single answer.")
        path.write_text(text.replace("version: 1", "version: 2"))
        again = desk.run()
        fresh = {one.key for one in again.records("completions") if one.computed_in is None}
        mine = {key for one in judgments(again) if one.judge == "pt" for key in one.completions}
        assert fresh == mine
        assert len(mine) == 12

    def test_a_run_in_another_folder_is_asked_too(self, desk: Any) -> None:
        desk.suite(judges=[RATE])
        desk.run()
        desk.suite(suite="t", judges=[{**RATE, "id": "other"}])
        assert desk.run().manifest.engines == ()

    @pytest.mark.parametrize(
        "change",
        [
            {"model": "other"},
            {"mode": "explain"},
            {"engine": scripted({"match": "x", "choice": "A"})},
        ],
    )
    def test_what_decides_a_completion_decides_its_key(self, desk: Any, change: dict[str, Any]) -> None:
        desk.run()
        desk.suite(judges=[PAIR | change])
        assert desk.run().manifest.engines

    def test_samples_are_drawn_apart(self, desk: Any) -> None:
        desk.suite(
            candidates=[CANDIDATE | {"samples": 3, "sampling": {"temperature": 1.0, "seed": 4}}],
            judges=[RATE],
        )
        done = desk.run()
        made = [one for one in responses(done) if one.system == "bot"]
        assert len(made) == 12
        assert len({one.text for one in made}) == 12
        assert {one.sample for one in judgments(done)} == {0, 1, 2}


class TestFailures:
    def test_a_prompt_that_is_too_long_is_its_item_s_failure(self, desk: Any) -> None:
        rows = [{"item_id": f"i{n}", "prompt": "word " * (500 if n == 2 else 5)} for n in range(4)]
        desk.dataset(items=rows)
        bot = CANDIDATE | {"engine": scripted(max_length=100)}
        desk.suite(candidates=[bot], judges=[RATE], controls={"min_coverage": 0})
        done = desk.run()
        failed = [one for one in responses(done) if one.failure]
        assert [(one.item_id, one.system, one.failure, one.text) for one in failed] == [
            ("i2", "bot", "too_long", None)
        ]
        judged = [one for one in judgments(done) if one.system == "bot"]
        assert {one.item_id: one.failure for one in judged} == {
            "i0": None, "i1": None, "i2": "too_long", "i3": None,
        }  # fmt: skip
        assert done.manifest.coverage["pt"].model_dump() == {"expected": 12, "judgments": 12, "valid": 11}

    def test_a_judge_s_prompt_that_is_too_long(self, desk: Any) -> None:
        rows = [{"item_id": f"i{n}", "prompt": "word " * (500 if n == 2 else 5)} for n in range(4)]
        desk.dataset(items=rows)
        desk.suite(judges=[RATE | {"engine": scripted(max_length=200)}], controls={"min_coverage": 0.75})
        failed = [one for one in judgments(desk.run()) if one.failure]
        assert {(one.item_id, one.failure) for one in failed} == {("i2", "too_long")}
        assert all("500" in (one.detail or "") or "tokens" in (one.detail or "") for one in failed)

    def test_a_prompt_that_kills_the_engine_is_a_failure_of_its_own(self, desk: Any) -> None:
        desk.suite(judges=[RATE | {"engine": scripted({"match": "k says 2", "crash": True})}])
        done = desk.run()
        failed = [one for one in judgments(done) if one.failure]
        assert [(one.item_id, one.system, one.failure) for one in failed] == [("i002", "k", "engine")]
        assert "died" in (failed[0].detail or "")
        assert done.manifest.engines[0]["restarts"] > 0
        assert done.finished

    def test_a_judge_that_never_answers_is_told(self, desk: Any, cli: Callable[..., Any]) -> None:
        desk.suite(judges=[RATE | {"engine": scripted(max_length=3)}])
        said = cli("run", "s")
        assert said.code == 3
        assert "the judge pt gave no valid verdict at all (too_long" in said.sentence
        (run,) = all_runs(desk.runs)
        assert run.finished

    def test_failed_pairs_have_no_verdict(self, desk: Any) -> None:
        desk.suite(judges=[PAIR | {"engine": scripted({"match": "k says 2[^§]*m says 2", "crash": True})}])
        by_order = {(one.item_id, one.shown): one.failure for one in judgments(desk.run())}
        assert by_order["i002", Order.AB] == "engine"
        assert by_order["i002", Order.BA] is None


def test_long_answers_are_asked_for_first(desk: Any, chat_server: Any) -> None:
    desk.dataset(items=3)
    engine = chat_server.engine(concurrency=1)
    judges = {"quick": "direct", "slow": "think", "middle": "explain"}
    desk.suite(
        judges=[
            {**PAIR, "id": name, "mode": mode, "model": "m", "engine": engine}
            for name, mode in judges.items()
        ],
        controls={"min_coverage": 0},
    )
    chat_server.behave = lambda _: (200, chat_server.reply("A", top=[("A", -0.1), ("B", -2.5)]))
    run = desk.run()
    assert [facts["serves"] for facts in run.manifest.engines] == [["quick", "slow", "middle"]]
    limits = list(dict.fromkeys(asked["max_tokens"] for asked in chat_server.asked))
    assert limits == [512, 256, 1]


class TestPlan:
    def plan(self, **options: Any) -> Any:
        prepared = prepare("s", Options(**options))
        return prepared.resolved, prepared.plan

    def test_nothing_is_run(self, desk: Any, cli: Callable[..., Any]) -> None:
        assert self.plan()[1].judgments == 8
        said = cli("run", "s", "--dry-run", "--json")
        assert said.code == 0
        assert json.loads(said.out)["judgments"] == 8
        assert not desk.runs.exists()

    def test_only_and_limit(self, desk: Any) -> None:
        desk.suite(candidates=[CANDIDATE], judges=[PAIR, RATE])
        resolved, planned = self.plan(names=("pt",), limit=2)
        assert list(planned.tasks) == ["pt"]
        assert planned.generations == 2
        assert [one.spec.id for one in resolved.candidates] == ["bot"]
        assert planned.judgments == 6
        juries = [{"id": "both", "members": [PAIR["id"], "pw2"]}]
        desk.suite(judges=[PAIR, {**PAIR, "id": "pw2"}, RATE], juries=juries)
        resolved, _ = self.plan(names=(PAIR["id"],))
        assert resolved.suite.juries == ()
        with pytest.raises(UnknownNameError):
            self.plan(names=("px",))
        with pytest.raises(InputError):
            self.plan(limit=0)

    def test_a_limit_draws_the_same_items_each_time(self, desk: Any) -> None:
        desk.dataset(items=30)
        desk.suite(datasets=[{"id": "tiny", "limit": 5, "seed": 1}])
        one, two = ({item.item_id for item in self.plan()[0].datasets[0].items} for _ in range(2))
        assert one == two
        desk.suite(datasets=[{"id": "tiny", "limit": 5, "seed": 2}])
        assert {item.item_id for item in self.plan()[0].datasets[0].items} != one
        larger = {item.item_id for item in self.plan(limit=3)[0].datasets[0].items}
        assert len(larger) == 3

    @pytest.mark.parametrize(
        ("pairs", "expected"),
        [
            ({"by": "all"}, [("a", "b"), ("a", "c"), ("b", "c")]),
            ({"by": "baseline", "baseline": "b"}, [("a", "b"), ("b", "c")]),
            ({"by": "labelled"}, [("a", "c")]),
        ],
    )
    def test_which_pairs_are_shown(self, desk: Any, pairs: dict[str, str], expected: list[Any]) -> None:
        desk.dataset(
            systems=("b", "a", "c"),
            labels=[{"item_id": "i001", "criterion": "overall", "system_a": "a", "system_b": "c",
                     "annotator": "x", "winner": "a"}],
        )  # fmt: skip
        desk.suite(judges=[PAIR | {"pairs": pairs}])
        cells = self.plan()[1].tasks["pw"]
        assert sorted({cell.systems for cell in cells if cell.item_id == "i001"}) == expected

    def test_a_cap_is_drawn_per_item(self, desk: Any) -> None:
        desk.dataset(items=20, systems="abcd")
        desk.suite(judges=[PAIR | {"pairs": {"by": "all", "cap": 2}}])
        cells = self.plan()[1].tasks["pw"]
        assert len(cells) == 20 * 2 * 2
        assert len({cell.systems for cell in cells}) == 6

    def test_an_item_without_the_baseline_is_left_out(self, desk: Any) -> None:
        desk.dataset(
            responses=[
                {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": "x"}
                for n, systems in enumerate(("km", "kmn", "mn", "k"))
                for system in systems
            ]
        )
        desk.suite(judges=[PAIR | {"pairs": {"by": "baseline", "baseline": "k"}}])
        cells = self.plan()[1].tasks["pw"]
        assert sorted({(cell.item_id, *cell.systems) for cell in cells}) == [
            ("i000", "k", "m"), ("i001", "k", "m"), ("i001", "k", "n"),
        ]  # fmt: skip

    def test_items_without_a_rubric_s_inputs_are_counted(self, desk: Any) -> None:
        rows = [{"item_id": f"i{n}", "prompt": "x", "refs": ["y"] if n else []} for n in range(4)]
        desk.dataset(items=rows)
        path = desk.folder / "judges" / "rate.md"
        text = path.read_text().replace("[question, response]", "[question, reference, response]")
        path.write_text(text.replace("Levels:", "Reference:\n{{reference}}\nLevels:"))
        desk.suite(judges=[RATE])
        planned = self.plan()[1]
        assert planned.skipped["pt"]["tiny"] == {"items without an input of the rubric": 1}
        assert planned.judgments == 6

    def exclusions(self) -> dict[str, int]:
        return dict(self.plan()[1].exclusions["pw"]["tiny"])

    def test_pairs_are_left_out_by_name(self, desk: Any) -> None:
        label = {"item_id": "i001", "criterion": "overall", "system_a": "a", "system_b": "c"}
        desk.dataset(systems="abc", labels=[label | {"annotator": "x", "winner": "a"}])
        for pairs, expected in (
            ({"by": "all"}, {}),
            ({"by": "labelled"}, {"pairs without a label (pairs.by)": 11}),
            ({"by": "baseline", "baseline": "b"}, {"pairs without the baseline (pairs.by)": 4}),
            ({"by": "all", "cap": 1}, {"pairs over the cap of their item (pairs.cap)": 8}),
            (
                {"by": "baseline", "baseline": "b", "cap": 1},
                {
                    "pairs without the baseline (pairs.by)": 4,
                    "pairs over the cap of their item (pairs.cap)": 4,
                },
            ),
        ):
            desk.suite(judges=[PAIR | {"pairs": pairs}])
            assert self.exclusions() == expected

    def test_samples_that_the_baseline_does_not_have_are_counted(self, desk: Any) -> None:
        desk.suite(
            candidates=[CANDIDATE | {"samples": 3, "sampling": {"temperature": 1.0}}],
            judges=[PAIR | {"pairs": {"by": "baseline", "baseline": "k"}}],
        )
        assert self.plan()[1].judgments == 4 * 2 * 2
        assert self.exclusions() == {
            "pairs without the baseline (pairs.by)": 4 * 3,
            "pairs of which one system has no such sample": 4 * 2,
        }

    def test_a_budget_gives_each_judge_the_same_items(self, desk: Any) -> None:
        desk.dataset(items=10)
        judges = [PAIR, PAIR | {"id": "px"}, RATE]
        for budget in (6, 13, 24, 57):
            desk.suite(judges=judges, budget={"judgments": budget})
            planned = self.plan()[1]
            items = [[cell.item_id for cell in cells] for cells in planned.tasks.values()]
            assert [len(one) for one in items[1:]] == [budget // 6 * 2] * 2
            assert len(items[0]) == budget // 6 * 2 + (2 if budget % 6 > 1 else 0)
            assert items[1] == items[2] == items[0][: len(items[1])]
            assert planned.judgments + planned.over_budget == 60
            assert planned.exclusions["pt"]["tiny"] == {"judgments over the budget": 20 - len(items[2])}

    def test_a_budget_waits_for_no_dataset(self, desk: Any) -> None:
        desk.dataset(items=[{"item_id": f"i{n}", "prompt": "x"} for n in range(9)])
        desk.dataset("late", items=9)
        path = desk.folder / "judges" / "rate.md"
        text = path.read_text().replace("[question, response]", "[question, reference, response]")
        path.write_text(text.replace("Levels:", "Reference:\n{{reference}}\nLevels:"))
        desk.suite(datasets=[{"id": "tiny"}, {"id": "late"}], judges=[PAIR, RATE], budget={"judgments": 12})
        cells = self.plan()[1].tasks
        assert {judge: len(found) for judge, found in cells.items()} == {"pw": 8, "pt": 4}
        assert {cell.dataset for cell in cells["pt"]} == {"late"}

    def test_a_lower_budget_never_covers_more_than_all(self, desk: Any) -> None:
        desk.dataset(items=6)
        for budget, asked in ((20, 20), (4, 20), (24, 24)):
            desk.suite(judges=[PAIR, RATE], budget={"judgments": budget})
            with suppress(Inconclusive):
                desk.run()
            (found,) = all_runs(desk.runs)
            counts = found.manifest.coverage.values()
            assert sum(judge.expected for judge in counts) == asked
            assert all(judge.expected == judge.judgments == judge.valid for judge in counts)
            assert found.manifest.over_budget == 24 - asked
        assert found.finished

    def test_labels_of_one_dataset_alone(self, desk: Any) -> None:
        desk.dataset("bare", card={"criteria": {}})
        desk.suite(
            datasets=[{"id": "tiny"}, {"id": "bare"}],
            judges=[RATE | {"label_criteria": {"quality": "quality"}}],
        )
        assert self.plan()[1].label_criteria["pt"] == {"tiny": {"quality": "quality"}, "bare": {}}

    def test_random_positions_are_balanced(self, desk: Any) -> None:
        desk.dataset(items=20)
        desk.suite(judges=[PAIR | {"positions": "random"}])
        shown = [cell.shown for cell in self.plan()[1].tasks["pw"]]
        assert (len(shown), shown.count("ab")) == (20, 10)


def test_no_judges_at_all(desk: Any) -> None:
    desk.suite(judges=[], metrics=["length"])
    done = desk.run()
    assert done.finished
    assert len(list(done.records("scores"))) > 0


def test_everything_failed_in_generation(desk: Any) -> None:
    desk.dataset(responses=[], items=3)
    desk.suite(candidates=[CANDIDATE | {"engine": scripted(max_length=1)}], judges=[RATE])
    with pytest.raises(Inconclusive, match="no valid verdict"):
        desk.run()
