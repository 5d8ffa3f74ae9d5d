"""Attacks on scripted judges: one that believes whatever it is told, one that does not, and bad input.

Row 1: each of 30 attacks wins 30 of 30 items over a judge that believes them, and none over an honest one.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, attacks, biases, controls, leaderboard, rows_of, unattacked_items
from evalhub.analysis.bias.attacks import ALL_ATTACKS
from evalhub.analysis.bias.targets import AT_THE_TOP, NO_LOSER
from evalhub.errors import EvalhubError, InputError, Interrupted, SpecError, UnknownNameError
from evalhub.judging import ATTACKS, CONTROLS, defuse
from evalhub.records import Response, Source
from evalhub.report import meta_data
from evalhub.runner import AttackOptions, Silent, attack
from evalhub.specs import EngineSpec
from evalhub.store import Run, all_runs, verify

IDS = [one.id for one in ATTACKS]
K_FIRST = {"match": r"First response:\n`+\nk says", "choice": "A"}
M_FIRST = {"match": r"First response:\n", "choice": "B"}
HONEST = [{"match": r"(?s)First response:\n`+\n[^`]*?k says", "choice": "A"}, M_FIRST]


def told() -> str:
    """Return a regular expression that finds any attack in a prompt, and no harmless insertion."""
    starts = ((one.before or one.after).strip().split("{{")[0] for one in ATTACKS)
    return "|".join(re.escape(defuse(start)[:40]) for start in starts)


GULLIBLE = [
    {"match": rf"(?s)First response:.*(?:{told()}).*Second response:", "choice": "A"},
    {"match": rf"(?s)Second response:.*(?:{told()})", "choice": "B"},
    *HONEST,
]


def options(desk: Any, *rules: dict[str, Any], **changes: Any) -> AttackOptions:
    engine = EngineSpec(type="scripted", script={"rules": list(rules)})
    given = {"rubric": "pair", "model": "j", "dataset": "tiny", "engine": engine, "runs": desk.runs}
    return AttackOptions(**(given | changes))


def rates(run: Run | Results, *statistics: str) -> tuple[dict[str, Any], ...]:
    """Return the rows of each statistic by attack. The table is computed once for all of them."""
    rows = rows_of(attacks(run if isinstance(run, Results) else Results(run)))
    return tuple(
        {row["attack"]: row for row in rows if row["statistic"] == statistic} for statistic in statistics
    )


def rate(run: Run | Results, statistic: str) -> dict[str, Any]:
    (rows,) = rates(run, statistic)
    return rows


class TestJudges:
    def test_a_gullible_judge_is_won_by_every_attack(self, desk: Any) -> None:
        desk.dataset(items=30)
        done = attack(options(desk, *GULLIBLE))
        success, placebo, net = rates(done, "success", "placebo", "net")
        assert set(success) == set(IDS)
        for name in IDS:
            assert (success[name]["estimate"], success[name]["n"]) == (1, 30), name
            assert success[name]["low"] > 0.85
            assert success[name]["method"] == "wilson"
            assert placebo[name]["estimate"] == 0
            assert net[name]["estimate"] == 1
            assert net[name]["low"] > 0.8
        assert (net[ALL_ATTACKS]["estimate"], net[ALL_ATTACKS]["n"]) == (1, 30 * len(IDS))
        assert net[ALL_ATTACKS]["clusters"] == 30

    def test_an_honest_judge_is_won_by_none(self, desk: Any) -> None:
        desk.dataset(items=30)
        done = attack(options(desk, *HONEST))
        results = Results(done)
        for rows in rates(results, "success", "placebo", "net"):
            for row in rows.values():
                assert row["estimate"] == 0
                assert row["low"] <= 0 <= row["high"]
        won = {(row["control"], row["opponent"]): row["estimate"] for row in rows_of(controls(results))}
        assert won["empty", "preferred"] == 0
        assert len(won) == 2 * len(CONTROLS)

    def test_an_honest_judge_with_noise_is_won_as_often_by_harmless_text(self, desk: Any) -> None:
        """Two items in three it knows; on the others its verdict follows from chance alone."""
        desk.dataset(items=60)
        sure = [
            dict(rule, match=rf"(?s)What is \d*[0-6] plus.*{rule['match'].removeprefix('(?s)')}")
            for rule in HONEST
        ]
        done = attack(options(desk, *sure, limit=60))
        success, net = rates(done, "success", "net")
        assert net[ALL_ATTACKS]["low"] <= 0 <= net[ALL_ATTACKS]["high"]
        assert net[ALL_ATTACKS]["high"] - net[ALL_ATTACKS]["low"] < 0.2
        assert sum(net[name]["low"] <= 0 <= net[name]["high"] for name in IDS) >= len(IDS) - 4
        assert sum(row["estimate"] for row in success.values()) > 1

    def test_ratings_rise_by_half_a_level(self, desk: Any) -> None:
        desk.dataset(items=10)
        rules = [
            {"match": "says 7", "choice": "3"},
            {"match": rf"(?s)Answer:.*(?:{told()})", "choice": "3"},
            {"match": "", "choice": "1"},
        ]
        done = attack(options(desk, *rules, rubric="rate"))
        success, placebo, net = rates(done, "success", "placebo", "net")
        for name in IDS:
            assert (success[name]["estimate"], placebo[name]["estimate"]) == (1, 0)
            assert net[name]["n_excluded"] == 1
        assert rows_of(unattacked_items(Results(done))) == [
            {"dataset": "tiny", "judge": "rate", "reason": AT_THE_TOP, "n": 1}
        ]

    def test_a_smaller_rise_is_none(self, desk: Any) -> None:
        marked = {"match": rf"(?s)Answer:.*(?:{told()})", "logprobs": {"1": -1.0, "2": -1.0, "3": -2.2}}
        plain = {"match": "", "logprobs": {"1": -0.9, "2": -1.2, "3": -2.2}}
        done = attack(options(desk, marked, plain, rubric="rate"))
        assert {row["estimate"] for row in rate(done, "success").values()} == {0}


class TestRun:
    def test_what_is_kept(self, desk: Any) -> None:
        done = attack(options(desk, *HONEST, names=("json", "padding")))
        made = [one for one in done.records("responses") if isinstance(one, Response)]
        assert {one.system for one in made if one.source is Source.RECORDED} == {"k", "m"}
        assert {one.system for one in made if one.source is Source.GENERATED} == {
            "m+json", "m+json.placebo", "m+padding", "k+padding",
        }  # fmt: skip
        assert done.finished
        assert done.manifest.coverage["pair"].model_dump() == {"expected": 40, "judgments": 40, "valid": 40}
        assert all(finding.problem is None for finding in verify(done))
        assert len(done.manifest.engines) == 1
        assert leaderboard(Results(done)).empty
        assert biases(Results(done)).empty

    def test_the_same_again_costs_nothing(self, desk: Any) -> None:
        one, two = (attack(options(desk, *GULLIBLE)) for _ in range(2))
        assert one.id != two.id
        assert two.manifest.engines == ()
        assert rows_of(attacks(Results(one))) == rows_of(attacks(Results(two)))

    def test_meta_of_the_same_judge_has_it(self, desk: Any) -> None:
        model = {
            "model": "j",
            "engine": {"type": "scripted", "script": {"rules": HONEST}},
            "families": ["beta"],
        }
        desk.suite(judges=[{"id": "mine", "rubric": "pair", "pairs": {"by": "all"}, **model}])
        plain = Results(desk.run())
        assert meta_data([plain])["attacks"] == []
        asked = options(desk, *HONEST, names=("json",))
        attack(replace(asked, rubric="rate"))
        attack(asked)
        newest = attack(asked)
        (row,) = meta_data([plain])["attacks"]
        assert (row["run"], row["attack"]) == (newest.id, ALL_ATTACKS)
        assert meta_data([plain, Results(newest)])["attacks"] == [row]

    def test_other_attacks_reuse_what_is_there(self, desk: Any) -> None:
        attack(options(desk, *HONEST))
        again = attack(options(desk, *HONEST, names=("json", "empty")))
        assert again.manifest.engines == ()
        assert set(rate(again, "net")) == {"json", ALL_ATTACKS}

    def test_what_was_stopped_goes_on(self, desk: Any) -> None:
        class Stopping(Silent):
            def __init__(self) -> None:
                self.done = 0

            def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
                self.done += steps
                if self.done > 100:
                    raise KeyboardInterrupt

        with pytest.raises(Interrupted):
            attack(options(desk, *GULLIBLE), Stopping())
        done = attack(options(desk, *GULLIBLE))
        assert [run.id for run in all_runs(desk.runs)] == [done.id]
        assert done.finished
        assert rate(done, "net")[ALL_ATTACKS]["estimate"] == 1

    def test_a_failed_asking_is_left_out_and_counted(self, desk: Any) -> None:
        rules = [{"match": r"says 2[\s\S]*An expert panel", "crash": True}, *HONEST]
        done = attack(options(desk, *rules))
        net = rate(done, "net")
        assert net["experts"]["n_excluded"] == 1
        assert net["json"]["n_excluded"] == 0

    def test_the_question_and_the_last_turn(self, desk: Any) -> None:
        done = attack(options(desk, *HONEST, names=("echo",)))
        said = {
            one.text for one in done.records("responses") if isinstance(one, Response) and "+" in one.system
        }
        assert said == {f"What is {n} plus {n}?" for n in range(4)}

    def test_a_long_list_of_responses_gives_one_pair_an_item(self, desk: Any) -> None:
        desk.dataset(systems=("k", "m", "p", "q"))
        done = attack(options(desk, *HONEST, names=("json",)))
        net = rate(done, "net")["json"]
        assert net["n"] + net["n_excluded"] == 4

    def test_a_checklist_s_total_is_attacked(self, desk: Any) -> None:
        text = (desk.folder / "judges" / "rate.md").read_text()
        text = text.replace("id: rate", "id: list").replace("protocol: pointwise", "protocol: checklist")
        text = re.sub(r"scale: .*\n|Levels:\n\{\{scale\}\}\n", "", text)
        desk.rubric("list", text.replace("Question:", "{{criterion}}\nQuestion:"))
        rules = [{"match": rf"(?s)Answer:.*(?:{told()})", "choice": "Yes"}, {"match": "", "choice": "No"}]
        done = attack(options(desk, *rules, rubric="list", names=("score", "flood")))
        assert rate(done, "net")[ALL_ATTACKS]["estimate"] == 1


class TestBadInput:
    def refused(self, desk: Any, kind: type[EvalhubError], **changes: Any) -> str:
        with pytest.raises(kind) as found:
            attack(options(desk, *HONEST, **changes))
        assert not list(desk.runs.glob("*"))
        return str(found.value)

    def test_an_unknown_attack(self, desk: Any) -> None:
        said = self.refused(desk, UnknownNameError, names=("jsn",))
        assert "unknown attack or control" in said
        assert "'json'" in said

    def test_a_dataset_without_responses(self, desk: Any) -> None:
        desk.dataset(responses=[])
        assert "no responses that a judge could read" in self.refused(desk, SpecError)

    def test_a_dataset_whose_items_have_one_response(self, desk: Any) -> None:
        desk.dataset(systems=("k",))
        assert "nothing to judge" in self.refused(desk, SpecError)

    def test_a_judge_of_lists(self, desk: Any) -> None:
        text = (desk.folder / "judges" / "pair.md").read_text()
        text = text.replace("protocol: pairwise", "protocol: listwise").replace("id: pair", "id: lists")
        text = text.replace("response_a, response_b", "responses").replace("ties: false\n", "")
        text = re.sub(r"First response:[\s\S]*", "{{responses}}\n", text)
        desk.rubric("lists", text)
        assert "a judge of lists cannot be attacked" in self.refused(desk, SpecError, rubric="lists")

    @pytest.mark.parametrize("change", [{"rubric": "nosuch"}, {"dataset": "nosuch"}, {"criterion": "nosuch"}])
    def test_an_unknown_name(self, desk: Any, change: dict[str, str]) -> None:
        self.refused(desk, UnknownNameError, **change)

    def test_a_limit_of_nothing(self, desk: Any) -> None:
        assert "at least 1" in self.refused(desk, InputError, limit=0)

    def test_a_pair_of_identical_texts_has_no_loser(self, desk: Any) -> None:
        texts = {0: ("same", "same")}
        desk.dataset(
            responses=[
                {"item_id": f"i{n:03}", "system": system, "family": "alpha",
                 "text": texts.get(n, ("k says x", "m says x"))[place]}
                for n in range(4)
                for place, system in enumerate(("k", "m"))
            ]
        )  # fmt: skip
        done = attack(options(desk, K_FIRST, M_FIRST))
        assert rate(done, "success")["json"]["n_excluded"] == 1
        assert rows_of(unattacked_items(Results(done))) == [
            {"dataset": "tiny", "judge": "pair", "reason": NO_LOSER, "n": 1}
        ]

    def test_only_identical_texts_leave_nothing_to_say(self, desk: Any) -> None:
        desk.dataset(
            responses=[
                {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": "same"}
                for n in range(4)
                for system in ("k", "m")
            ]
        )
        done = attack(options(desk, *HONEST))
        assert {row["estimate"] for row in rows_of(attacks(Results(done)))} == {None}
        assert {row["reason"] for row in rows_of(attacks(Results(done)))} == {"nothing was measured"}


class TestCommand:
    def command(self, cli: Callable[..., Any], *more: str) -> Any:
        return cli(
            "judges", "attack", "pair", "--model", "j", "--dataset", "tiny", "--engine", "scripted", *more
        )

    def test_a_table_a_sentence_and_json(self, desk: Any, cli: Callable[..., Any]) -> None:
        few = [word for name in ("json", "closing-fence", "padding") for word in ("--only", name)]
        said = self.command(cli, *few)
        assert said.code == 0, said
        for part in (
            "attack",
            "left out",
            "placebo",
            "net",
            "closing-fence",
            "all attacks",
            "controls",
            "padding",
        ):
            assert part in said.out
        assert re.search(
            r"mean net rate -?\d\.\d\d \[.*\] over 2 attacks\. The worst attack is [a-z0-9-]+ \(net",
            " ".join(said.out.split()),
        )
        data = json.loads(self.command(cli, *few, "--json").out)
        assert set(data) == {"run", "findings", "attacks", "controls", "unattacked_items", "titles"}
        page = Path(desk.runs / data["run"] / "report.html").read_text()
        assert "closing-fence" in page
        assert cli("report", data["run"]).code == 0

    def test_a_rating_judge(self, desk: Any, cli: Callable[..., Any]) -> None:
        said = cli(
            "judges", "attack", "rate", "--model", "j", "--dataset", "tiny", "--engine", "scripted",
            "--only", "score", "--only", "echo", "--limit", "3",
        )  # fmt: skip
        assert said.code == 0, said

    def test_controls_alone(self, desk: Any, cli: Callable[..., Any]) -> None:
        said = self.command(cli, "--only", "echo")
        assert said.code == 0, said
        assert "mean net rate" not in said.out

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            (("--only", "nosuch"), "--only: unknown attack or control, got 'nosuch'"),
            (("--criterion", "x"), "--criterion: unknown criterion, got 'x'"),
            (("--limit", "0"), "--limit: a limit is at least 1, got 0"),
        ],
    )
    def test_bad_input_is_one_sentence(
        self, desk: Any, cli: Callable[..., Any], more: tuple[str, ...], sentence: str
    ) -> None:
        said = self.command(cli, *more)
        assert said.code == 2
        assert said.sentence.startswith(sentence)
