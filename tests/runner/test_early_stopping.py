"""A judge is asked no more about two systems whose order is settled, and the run still ends well."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from evalhub import runner
from evalhub.analysis import (
    Results,
    bradley_terry_ratings,
    comparisons,
    leaderboard,
    pair_verdicts,
    ranks,
    rows_of,
    sensitivity,
    sequential_tests,
)
from evalhub.analysis.frames.outcomes import STOPPED_EARLY
from evalhub.errors import Inconclusive, Interrupted
from evalhub.judging.early_stopping import STOPPED, cluster_order
from evalhub.records import Completion, Judgment
from evalhub.report.data import report_data
from evalhub.report.outputs.page import report_page
from evalhub.runner import Options, prepare
from evalhub.runner.execute.rounds import ROUND
from evalhub.runner.progress import Silent
from evalhub.store import Run, all_runs

ITEMS = 70


def judge(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    engine = {"type": "scripted", "script": {"rules": list(rules)}}
    plain = {"id": "pw", "rubric": "pair", "model": "j", "families": ["beta"], "pairs": {"by": "all"}}
    return {**plain, "engine": engine, **changes}


def prefers(first: str, second: str) -> list[dict[str, Any]]:
    """Rules under which the one system's response wins in both orders."""
    return [
        {"match": f"{first} says[^§]*{second} says", "choice": "A"},
        {"match": f"{second} says[^§]*{first} says", "choice": "B"},
    ]


# The first response always wins, so both orders together are a tie.
ALIKE = [{"match": "First response", "choice": "A"}]


def judged(run: Run, **of: str) -> list[Judgment]:
    found = [one for one in run.records("judgments") if isinstance(one, Judgment)]
    return [one for one in found if all(getattr(one, name) == value for name, value in of.items())]


class Interrupting(Silent):
    """Presses Ctrl-C after some answers of the engine."""

    def __init__(self, answers: int) -> None:
        self._left = answers

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        self._left -= steps + failures + cache_hits == 0
        if self._left == 0:
            self._left = -1
            signal.raise_signal(signal.SIGINT)


def completions(run: Run) -> list[str]:
    return [one.key for one in run.records("completions") if isinstance(one, Completion)]


@pytest.fixture
def sure(desk: Any) -> Any:
    """A desk whose judge always prefers k."""
    desk.dataset(items=ITEMS)
    desk.suite(judges=[judge(*prefers("k", "m"))], budget={"early_stopping": 0.95})
    return desk


def exclusions(run: Run, name: str = "pw") -> dict[str, int]:
    return dict(run.manifest.exclusions[name]["tiny"])


class TestStops:
    def test_a_clear_order_is_settled_in_one_round(self, sure: Any, cli: Callable[..., Any]) -> None:
        assert cli("run", "s").code == 0
        (run,) = all_runs(sure.runs)
        assert run.finished
        assert len(judged(run)) == len(completions(run)) == 2 * ROUND
        assert run.manifest.coverage["pw"].model_dump() == dict.fromkeys(
            ("expected", "judgments", "valid"), 2 * ROUND
        )
        assert run.manifest.expected == {"pw": 2 * ROUND}
        assert exclusions(run) == {STOPPED: 2 * (ITEMS - ROUND)}
        (pair,) = run.manifest.early_stopping.pairs
        (row,) = rows_of(sequential_tests(Results(run)))
        assert {name: row[name] for name in type(pair).model_fields} == pair.model_dump()
        assert (row["first"], row["second"], row["decision"]) == ("k", "m", "first")
        assert 5 <= row["stopped_at"] < row["clusters"] == ROUND
        assert row["estimate"] == 1
        assert row["low"] > 0.5

    def test_the_clusters_are_a_draw_and_not_the_first_ones(self, sure: Any) -> None:
        run = sure.run()
        seen = {one.item_id for one in judged(run)}
        ids = sorted((f"i{n:03}" for n in range(ITEMS)), key=lambda one: cluster_order(0, "tiny", one))
        assert seen == set(ids[:ROUND])
        assert seen != set(sorted(ids)[:ROUND])

    def test_alike_systems_are_judged_whole(self, desk: Any) -> None:
        desk.dataset(items=ITEMS)
        desk.suite(judges=[judge(*ALIKE)], budget={"early_stopping": 0.95})
        run = desk.run()
        assert len(judged(run)) == 2 * ITEMS
        assert exclusions(run) == {}
        (row,) = rows_of(sequential_tests(Results(run)))
        assert (row["decision"], row["stopped_at"], row["estimate"]) == ("open", None, 0.5)
        assert not any("settled" in note for note in report_data(Results(run))["notes"])

    def test_only_the_settled_pairs_stop(self, desk: Any) -> None:
        desk.dataset(items=ITEMS, systems=("k", "m", "n"))
        rules = [*prefers("k", "m"), *prefers("n", "k"), *ALIKE]
        desk.suite(judges=[judge(*rules)], budget={"early_stopping": 0.95})
        run = desk.run()
        sizes = {pair: len(judged(run, system_a=pair[0], system_b=pair[1])) for pair in ("km", "kn", "mn")}
        assert sizes == {"km": 2 * ROUND, "kn": 2 * ROUND, "mn": 2 * ITEMS}
        assert {round(row["confidence"], 4) for row in rows_of(sequential_tests(Results(run)))} == {0.9833}
        tests = rows_of(sequential_tests(Results(run)))
        assert {row["first"] + row["second"]: row["decision"] for row in tests} == {
            "km": "first", "kn": "second", "mn": "open",
        }  # fmt: skip
        assert exclusions(run) == {STOPPED: 4 * (ITEMS - ROUND)}

    def test_what_was_asked_of_some_pairs_more_than_of_others_ranks_nobody(
        self, desk: Any, cli: Callable[..., Any]
    ) -> None:
        desk.dataset(items=ITEMS, systems=("k", "m", "n"))
        desk.suite(
            judges=[judge(*prefers("k", "m"), *prefers("n", "k"), *ALIKE)], budget={"early_stopping": 0.95}
        )
        run = Results(desk.run())
        rates = [row for row in rows_of(leaderboard(run)) if row["rater"] == "pw"]
        gaps = [row for row in rows_of(comparisons(run)) if row["rater"] == "pw"]
        placed = [row for row in rows_of(ranks(run)) if row["rater"] == "pw"]
        rated = [row for row in rows_of(bradley_terry_ratings(run)) if row["rater"] == "pw"]
        assert {row["estimate"] for row in rates + gaps} == {None}
        assert {row["low"] for row in placed + rated} == {None}
        assert {row["reason"] for row in rates + gaps + placed} == {STOPPED_EARLY}
        assert sensitivity([run]).query("rater_kind == 'judge'").empty
        said = cli("sensitivity")
        assert (said.code, "judging stopped early" in said.sentence) == (2, True)
        for command in ("leaderboard", "compare"):
            assert "read the sequential tests" in " ".join(cli(command).out.split())

    def test_failed_verdicts_say_nothing_of_the_order(self, desk: Any) -> None:
        rows = [{"item_id": f"i{n:03}", "prompt": "word " * (5 if n % 2 else 500)} for n in range(ITEMS)]
        desk.dataset(items=rows)
        engine = {"type": "scripted", "script": {"rules": prefers("k", "m"), "max_length": 200}}
        desk.suite(
            judges=[judge(engine=engine)], budget={"early_stopping": 0.999}, controls={"min_coverage": 0}
        )
        run = desk.run()
        (row,) = rows_of(sequential_tests(Results(run)))
        assert row["n_excluded"] == sum(one.failure is not None for one in judged(run)) / 2 > 0
        assert row["clusters"] == len(judged(run)) / 2 - row["n_excluded"]

    def test_a_look_reads_what_the_analysis_reads(self, desk: Any) -> None:
        desk.dataset(items=ITEMS, systems=("k", "m", "n"))
        rules = [*prefers("k", "m"), *prefers("n", "k"), *ALIKE]
        for rule in rules[:4]:  # where an item's number starts with another digit the two are alike
            rule["match"] = rule["match"].replace(" says[^§]", " says [1-5][^§]")
        desk.suite(judges=[judge(*rules)], budget={"early_stopping": 0.95})
        run = desk.run()
        rows = {(row["first"], row["second"]): row for row in rows_of(sequential_tests(Results(run)))}
        pairs = run.manifest.early_stopping.pairs
        assert [pair.decision for pair in pairs] == ["first", "second"]
        for pair in pairs:
            row = rows[pair.first, pair.second]
            assert {name: row[name] for name in type(pair).model_fields} == pair.model_dump()
            assert 0 < row["estimate"] < 1
            assert row["clusters"] % ROUND == 0


class TestOthers:
    def test_judges_of_one_engine_share_it(self, desk: Any) -> None:
        desk.dataset(items=ITEMS)
        engine = {"type": "scripted", "script": {"rules": [*prefers("k", "m")]}}
        other = judge(id="px", rubric="rate", engine=engine)
        other.pop("pairs")
        judges = [judge(engine=engine), judge(id="late", engine=engine, seed=3), other]
        desk.suite(judges=judges, budget={"early_stopping": 0.95})
        run = desk.run()
        assert len(run.manifest.engines) == 1
        assert {name: len(judged(run, judge=name)) for name in ("pw", "late", "px")} == {
            "pw": 2 * ROUND, "late": 2 * ROUND, "px": 2 * ITEMS,
        }  # fmt: skip
        assert {one.item_id for one in judged(run, judge="pw")} != {
            one.item_id for one in judged(run, judge="late")
        }
        assert {row["judge"] for row in rows_of(sequential_tests(Results(run)))} == {"pw", "late"}

    def test_systems_without_names_are_judged_whole(self, sure: Any) -> None:
        sure.dataset(items=ITEMS, card={"anonymous": True})
        run = sure.run()
        assert len(judged(run)) == 2 * ITEMS
        assert rows_of(sequential_tests(Results(run))) == []

    def test_a_limit_and_a_run_without_settling(self, sure: Any) -> None:
        assert len(judged(sure.run(limit=ROUND + 5))) == 2 * ROUND
        sure.suite(judges=[judge(*prefers("k", "m"))])
        run = sure.run()
        assert len(judged(run)) == 2 * ITEMS
        assert run.manifest.early_stopping is None
        assert rows_of(sequential_tests(Results(run))) == []

    def test_what_is_settled_needs_no_budget(self, sure: Any) -> None:
        sure.suite(judges=[judge(*prefers("k", "m"))], budget={"early_stopping": 0.95, "judgments": 50})
        run = sure.run()
        assert run.finished
        assert run.manifest.over_budget == 0
        assert exclusions(run) == {STOPPED: 2 * (ITEMS - ROUND)}

    def test_a_budget_that_ends_before_it_is_settled(self, desk: Any) -> None:
        desk.dataset(items=ITEMS)
        for budget in (60, 200):
            desk.suite(judges=[judge(*ALIKE)], budget={"early_stopping": 0.95, "judgments": budget})
            if budget == 60:
                with pytest.raises(Inconclusive, match="80 judgments left"):
                    desk.run()
                (run,) = all_runs(desk.runs)
                drawn = sorted(
                    {one.item_id for one in judged(run)}, key=lambda one: cluster_order(0, "tiny", one)
                )
                assert len(drawn) == 30
                rest = {f"i{n:03}" for n in range(ITEMS)} - set(drawn)
                assert cluster_order(0, "tiny", drawn[-1]) < min(
                    cluster_order(0, "tiny", one) for one in rest
                )
        assert len(judged(desk.run())) == 2 * ITEMS

    def test_a_run_begun_without_settling_is_asked_nothing_twice_with_it(self, sure: Any) -> None:
        sure.suite(judges=[judge(*prefers("k", "m"))], budget={"judgments": 80})
        with pytest.raises(Inconclusive):
            sure.run()
        (run,) = all_runs(sure.runs)
        assert len(judged(run)) == 80
        sure.suite(judges=[judge(*prefers("k", "m"))], budget={"early_stopping": 0.95})
        done = sure.run()
        assert done.id != run.id
        assert done.finished
        assert len(judged(done)) == 2 * ROUND
        assert exclusions(done) == {STOPPED: 2 * (ITEMS - ROUND)}
        asked = sum(completion not in set(completions(run)) for completion in completions(done))
        assert sum(engine["requests"] for engine in done.manifest.engines) == asked


class TestAgain:
    def test_a_second_run_is_found_in_the_cache_and_settles_alike(self, sure: Any) -> None:
        one, two = sure.run(), sure.run()
        assert one.id != two.id
        assert two.manifest.engines == ()
        assert one.manifest.early_stopping == two.manifest.early_stopping
        assert judged(one) == judged(two)
        assert rows_of(sequential_tests(Results(one))) == rows_of(sequential_tests(Results(two)))

    def test_an_interrupted_run_asks_nothing_twice(self, desk: Any) -> None:
        desk.dataset(items=ITEMS, systems=("k", "m", "n"))
        slow = {"rules": [*prefers("k", "m"), *ALIKE], "seconds": 0.02, "batch": 4}
        engine = {"type": "scripted", "script": slow}
        desk.suite(judges=[judge(engine=engine)], budget={"early_stopping": 0.95})
        sizes = []
        for answers in (15, 150):
            with pytest.raises(Interrupted):
                runner.run("s", Options(runs=desk.runs), Interrupting(answers))
            (begun,) = all_runs(desk.runs)
            sizes.append(len(judged(begun)))
        assert [pair.second for pair in begun.manifest.early_stopping.pairs] == ["m"]
        done = desk.run()
        assert done.id == begun.id
        assert done.finished
        assert 15 <= sizes[0] < 6 * ROUND < sizes[1] < 2 * ROUND + 4 * ITEMS
        assert len(judged(done)) == 2 * ROUND + 4 * ITEMS
        asked = [engine["requests"] for engine in done.manifest.engines]
        assert len(asked) == 3
        assert sum(asked) == len(completions(done)) == len(set(completions(done))) == 2 * ROUND + 4 * ITEMS
        assert exclusions(done) == {STOPPED: 2 * (ITEMS - ROUND)}


@pytest.mark.parametrize(
    ("budget", "more", "parts"),
    [
        ({"early_stopping": 0.5}, {}, ("budget.early_stopping", "greater than 0.5", "got 0.5")),
        ({"early_stopping": 1}, {}, ("budget.early_stopping", "less than 1", "got 1")),
        ({"early_stopping": "soon"}, {}, ("budget.early_stopping", "number")),
        ({"early_stop": 0.9}, {}, ("budget.early_stop", "did you mean 'early_stopping'?")),
        (
            {"early_stopping": 0.9},
            {"juries": [{"id": "two", "members": ["pw", "px"]}]},
            ("budget.early_stopping", "juries"),
        ),
        (
            {"early_stopping": 0.9},
            {"cascades": [{"id": "c", "stages": ["pw"]}]},
            ("budget.early_stopping", "cascades"),
        ),
    ],
)
def test_what_cannot_be_settled_is_one_sentence(
    desk: Any, cli: Callable[..., Any], budget: dict[str, Any], more: dict[str, Any], parts: tuple[str, ...]
) -> None:
    desk.suite(judges=[judge(), judge(id="px")], budget=budget, **more)
    said = cli("plan", "s")
    assert said.code == 2
    for part in parts:
        assert part in said.sentence


def test_the_report_says_where_judging_stopped(sure: Any, cli: Callable[..., Any]) -> None:
    results = Results(sure.run())
    assert len(pair_verdicts(results)) == ROUND
    data = report_data(results)
    assert any("read the sequential tests" in note for note in data["notes"])
    assert "Sequential tests, valid at every look" in report_page(data)
    for command in (("report", "--full"), ("leaderboard",)):
        assert "Sequential tests, valid at every look" in cli(*command).out


def test_the_plan_says_what_it_may_ask_at_most(sure: Any) -> None:
    planned = prepare("s", Options()).plan
    assert planned.judgments == 2 * ITEMS
    order_sizes = {"pw": {"tiny": {"overall": 1}}}
    assert planned.early_stopping.model_dump() == {
        "confidence": 0.95,
        "seeds": {"pw": 0},
        "order_sizes": order_sizes,
        "pairs": (),
    }
