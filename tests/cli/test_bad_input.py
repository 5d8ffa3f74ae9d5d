"""What is wrong is told in one sentence that names the place and the value, with the right exit code."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CANDIDATE = {"id": "bot", "model": "toy-bot", "engine": "scripted", "families": ["alpha"]}
JUDGE = {
    "id": "pw", "rubric": "pair", "model": "j", "engine": "scripted", "families": ["beta"],
    "pairs": {"by": "all"},
}  # fmt: skip

RATE = """---
id: bad
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: The answer is right.}
scale: {1: wrong, 2: right}
---
## User
{{question}}
{{scale}}
{{response}}
"""


def refused(output: Any, *parts: str, code: int = 2) -> None:
    """Hold an answer against what it must name; nothing but one sentence is printed."""
    assert output.code == code, output
    assert not output.out
    assert "Traceback" not in output.err
    assert output.sentence[-1] in ".?"
    for part in parts:
        assert part in output.sentence


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"judgez": []}, ("s.yaml:judgez", "unknown key", "did you mean 'judges'?")),
        ({"budget": {"judgements": 3}}, ("s.yaml:budget.judgements", "did you mean 'judgments'?")),
        ({"datasets": [{"id": "tiny", "limt": 3}]}, ("s.yaml:datasets.0.limt", "did you mean 'limit'?")),
        ({"datasets": "tiny"}, ("s.yaml:datasets", "got 'tiny'")),
        ({"datasets": []}, ("s.yaml:datasets", "at least one entry", "got []")),
        ({"datasets": [{"id": "tiny", "limit": "many"}]}, ("s.yaml:datasets.0.limit", "got 'many'")),
        ({"datasets": [{"id": "tiny", "limit": 0}]}, ("s.yaml:datasets.0.limit", "got 0")),
        ({"datasets": [{"id": "tiny"}, {"id": "tiny"}]}, ("s.yaml", "'tiny' appears twice among datasets")),
        ({"suite": "a b"}, ("s.yaml:suite", "got 'a b'")),
        ({"controls": {"cross_family": "never"}}, ("cross_family", "'require', 'exclude' or 'allow'")),
        ({"controls": {"length_penalty": -1}}, ("controls.length_penalty", "got -1")),
        ({"judges": [{**JUDGE, "positions": "all"}]}, ("judges.0.positions", "'both', 'random' or 'fixed'")),
        ({"judges": [{**JUDGE, "pairs": {"by": "baseline"}}]}, ("judges.0.pairs", "baseline")),
        (
            {"judges": [{**JUDGE, "engine": {"type": "scripted", "sed": 1}}]},
            ("judges.pw.engine.sed", "the engine scripted has no such setting", "mean 'seed'?"),
        ),
        ({"gates": ["x"]}, ("s.yaml:gates",)),
        ({"metrics": [{"length": {}, "rouge": {}}]}, ("s.yaml:metrics", "a metric is a name")),
        ({"metrics": ["length", "length"]}, ("s.yaml", "'length' appears twice among metrics")),
        ({"judges": [JUDGE], "candidates": [{**CANDIDATE, "id": "pw"}]}, ("'pw' appears twice among cand",)),
        ({"datasets": [{"id": "tinny"}]}, ("datasets.tinny.id", "unknown dataset", "did you mean 'tiny'?")),
        ({"judges": [{**JUDGE, "rubric": "pare"}]}, ("judges.pw.rubric", "unknown rubric", "mean 'pair'?")),
        ({"judges": [{**JUDGE, "rubric": "x.md"}]}, ("judges.pw.rubric", "no rubric file", "'x.md'")),
        ({"metrics": ["rogue"]}, ("s.yaml:metrics", "unknown metric", "'rogue'", "did you mean 'rouge'?")),
        ({"metrics": [{"rouge": {"varants": [1]}}]}, ("s.yaml:metrics", "variants")),
        ({"judges": [{**JUDGE, "engine": "scripte"}]}, ("unknown engine", "did you mean 'scripted'?")),
        (
            {"judges": [{**JUDGE, "engine": "vllm", "model": "qwen2.5-coder-1.5b-instruc"}]},
            ("unknown model", "did you mean 'qwen2.5-coder-1.5b-instruct'?"),
        ),
        ({"judges": [{**JUDGE, "criteria": ["overal"]}]}, ("judges.pw.criteria", "did you mean 'overall'?")),
        (
            {"judges": [{**JUDGE, "label_criteria": {"overal": "x"}}]},
            ("judges.pw.label_criteria", "mean 'overall'?"),
        ),
        (
            {"judges": [{**JUDGE, "label_criteria": {"overall": "overal"}}]},
            ("judges.pw.label_criteria", "criterion of the labels", "did you mean 'overall'?"),
        ),
        (
            {"judges": [{**JUDGE, "label_criteria": {"overall": "quality"}}]},
            (
                "judges.pw.label_criteria",
                "pairwise criterion of the labels",
                "got 'quality'",
                "allowed: overall",
            ),
        ),
        (
            {"judges": [{**JUDGE, "pairs": {"by": "baseline", "baseline": "n"}}]},
            ("judges.pw.pairs.baseline", "unknown system", "allowed: k, m"),
        ),
        ({"judges": [{**JUDGE, "pairs": {"by": "labelled"}}]}, ("judges.pw", "nothing to judge")),
        ({"candidates": [{**CANDIDATE, "id": "k"}]}, ("s.yaml:candidates", "recorded system", "'k'")),
        ({"datasets": [{"id": "tiny", "tags": ["x"]}]}, ("datasets.tiny", "no item", "'x'")),
        ({"datasets": [{"id": "tiny", "split": "train"}]}, ("datasets.tiny", "no item", "'train'")),
    ],
)  # fmt: skip
def test_a_wrong_suite(desk: Any, cli: Callable[..., Any], changes: Any, parts: tuple[str, ...]) -> None:
    desk.suite(**changes)
    refused(cli("plan", "s"), *parts)
    refused(cli("run", "s"), *parts)
    assert not desk.runs.exists()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("suite: s\nsuite: t\n", ("s.yaml:2", "the key 'suite' appears twice")),
        ("suite: s\ndatasets: [{id: tiny, id: tiny}]\n", ("s.yaml:2", "the key 'id' appears twice")),
        ("- a\n- b\n", ("s.yaml", "must hold keys with values")),
        ("", ("s.yaml", "must hold keys with values")),
        ("suite: [\n", ("s.yaml:2",)),
        ("suite: s\n", ("s.yaml:datasets", "required")),
        ("suite: !!python/object/apply:os.getcwd []\n", ("s.yaml:1", "python/object")),
    ],
)
def test_a_suite_that_is_no_proper_yaml(
    desk: Any, cli: Callable[..., Any], text: str, parts: tuple[str, ...]
) -> None:
    desk.suite(text)
    refused(cli("run", "s"), *parts)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("version: 1", "version: 1\nversoin: 2", ("bad.md:versoin", "did you mean 'version'?")),
        ("version: 1", "version: 1\nversion: 2", ("bad.md:4", "the key 'version' appears twice")),
        ("version: 1", "version: one", ("bad.md:version", "got 'one'")),
        ("version: 1\n", "", ("bad.md:version", "required")),
        ("scale: {1: wrong, 2: right}", "scale: {1: wrong}", ("bad.md:scale", "at least two levels")),
        ("scale: {1: wrong, 2: right}", "scale: [1, 2]", ("bad.md:scale",)),
        ("scale: {1: wrong, 2: right}", "scale: {1: wrong, 2: 3}", ("bad.md:scale",)),
        ("scale: {1: wrong, 2: right}", "scale: {other: {1: a, 2: b}}", ("bad.md", "'quality'")),
        (
            "scale: {1: wrong, 2: right}",
            "scale: {quality: {1: a, 2: b}, qualty: {1: a, 2: b}}",
            ("bad.md", "'qualty'"),
        ),
        ("scale: {1: wrong, 2: right}\n", "", ("the protocol pointwise needs scale", "bad:scale")),
        ("{quality: The answer is right.}", "{}", ("bad.md:criteria", "at least one entry")),
        ("protocol: pointwise", "protocol: pointwize", ("bad:protocol", "did you mean 'pointwise'?")),
        ("[question, response]", "[question, responce]", ("bad.md:inputs", "'responce' is not an input")),
        (
            "[question, response]",
            "[question, response, context]",
            ("bad.md", "a slot is missing", "{{context}}"),
        ),
        ("[question, response]", "[response]", ("bad.md:inputs", "'question'")),
        ("---\nid", "id", ("bad.md:1", "front matter")),
        ("id: bad", "id: bad\nuser: x", ("bad.md:user", "in a section")),
        ("## User", "## Usr", ("bad.md", "unknown section", "'## Usr'", "## System, ## User")),
        ("## User", "## User\n## User", ("bad.md", "section appears twice", "'## User'")),
        ("## User", "## System", ("bad.md", "'## User' is missing")),
        ("## User", "Dear judge\n## User", ("bad.md", "outside a section", "'Dear judge'")),
        ("{{question}}", "{{qestion}}", ("bad.md:User", "unknown slot", "did you mean 'question'?")),
        ("{{question}}\n", "", ("bad.md", "a slot is missing", "{{question}}")),
        ("{{scale}}\n", "", ("bad.md", "a slot is missing", "{{scale}}")),
        ("{{question}}", "Q: {{question}}", ("bad.md:User", "alone on its line", "'Q: {{question}}'")),
        ("{{question}}", "{{question}} {{question}}", ("bad.md:User", "alone on its line")),
        ("{{question}}", "{{question}}\n{{question}}", ("bad.md", "slot appears twice", "'question'")),
        ("## User", "## System\n{{question}}\n## User", ("bad.md:System", "User section", "'question'")),
        ("{{response}}", "{{response_a}}\n{{response}}", ("bad.md:inputs", "'response_a'")),
        ("{{response}}", "{{responses}}\n{{response}}", ("bad.md:inputs", "'responses'")),
        ("[question, response]", "[question, response, response_a]", ("bad.md", "{{response_a}}")),
    ],
)
def test_a_wrong_rubric(
    desk: Any, cli: Callable[..., Any], old: str, new: str, parts: tuple[str, ...]
) -> None:
    assert old in RATE
    desk.rubric("bad", RATE.replace(old, new))
    desk.suite(judges=[{"id": "pt", "rubric": "bad", "model": "j", "engine": "scripted", "families": ["b"]}])
    refused(cli("run", "s"), *parts)
    refused(cli("judges", "check", "bad"), *parts)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"licens": "none"}, ("tiny.yaml:licens", "did you mean 'licence'?")),
        ({"version": "one"}, ("tiny.yaml:version", "got 'one'")),
        ({"anonymous": "perhaps"}, ("tiny.yaml:anonymous", "got 'perhaps'")),
        ({"criteria": {"x": {"kind": "pairwize"}}}, ("tiny.yaml:criteria.x.kind", "got 'pairwize'")),
        ({"criteria": {"x": {"kind": "pairwise", "levls": 1}}}, ("criteria.x.levls", "'levels'")),
        ({"files": {}}, ("tiny.yaml:files",)),
        ({"items": "SELECT item_id, prompt FROM items WHERE false"}, ("tiny", "no items")),
        ({"items": "SELECT item_id, promt FROM items"}, ("tiny.yaml:items", "promt")),
    ],
)
def test_a_wrong_card(desk: Any, cli: Callable[..., Any], changes: Any, parts: tuple[str, ...]) -> None:
    desk.dataset(card=changes)
    refused(cli("run", "s"), *parts)


def test_a_key_that_stands_twice_in_a_card(desk: Any, cli: Callable[..., Any]) -> None:
    path = desk.dataset()
    path.write_text(path.read_text() + "title: Again\n")
    refused(cli("run", "s"), "tiny.yaml:", "the key 'title' appears twice")


def test_a_file_with_another_sha256(desk: Any, cli: Callable[..., Any]) -> None:
    card = yaml.safe_load(desk.dataset().read_text())
    data = desk.folder / "datasets" / "samples" / "tiny" / "items.jsonl"
    data.write_text(data.read_text() + "\n")
    output = cli("run", "s")
    assert output.code == 2
    assert card["files"]["items"]["sha256"] in output.sentence
    assert len(set(re.findall(r"[0-9a-f]{64}", output.sentence))) == 2


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("run", "t"), ("unknown suite", "'t'")),
        (("run", "t.yaml"), ("no suite file", "'t.yaml'")),
        (("run", "s", "--only", "pv"), ("s.yaml:--only", "'pv'", "did you mean 'pw'?")),
        (("run", "s", "--limit", "0"), ("--limit", "at least 1", "got 0")),
        (("plan", "s", "--limit", "-3"), ("--limit", "got -3")),
        (("judges", "show", "pare"), ("unknown rubric", "did you mean 'pair'?")),
        (("datasets", "show", "tinny"), ("unknown dataset", "did you mean 'tiny'?")),
        (("models", "show", "smollm2-135m-instrukt"), ("did you mean 'smollm2-135m-instruct'?",)),
        (("leaderboard",), ("there are no runs yet",)),
        (("verify", "x"), ("there are no runs yet",)),
        (("dashboard",), ("there are no runs yet",)),
        (("judges", "preview", "pair", "--dataset", "tiny", "--item", "i00"), ("--item", "i000, i001")),
        (("judges", "preview", "pair", "--dataset", "tiny", "--criterion", "x"), ("--criterion", "overall")),
    ],
)
def test_wrong_arguments(
    desk: Any, cli: Callable[..., Any], arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    refused(cli(*arguments), *parts)


def test_the_nearest_run_is_named(desk: Any, cli: Callable[..., Any]) -> None:
    done = desk.run()
    refused(cli("leaderboard", done.id[:-1] + "x"), "unknown run", f"did you mean '{done.id}'?")


def test_a_judge_with_the_name_of_a_recorded_one(desk: Any, cli: Callable[..., Any]) -> None:
    desk.dataset(
        card={
            "judges": {"pw": {"family": "gamma"}},
            "judgments": "SELECT item_id, 'k' AS system_a, 'm' AS system_b, 'overall' AS criterion, "
            "'pw' AS judge, 'a' AS winner FROM items",
        }
    )
    refused(cli("run", "s"), "judges", "recorded judge", "'pw'")


class TestFamilies:
    def own(self, desk: Any, rule: str, families: tuple[str, ...] = ("alpha", "beta")) -> None:
        judge = {**JUDGE, "families": list(families)}
        desk.suite(judges=[judge], controls={"cross_family": rule})

    def test_require_refuses_the_suite(self, desk: Any, cli: Callable[..., Any]) -> None:
        self.own(desk, "require")
        refused(cli("run", "s"), "s.yaml:judges.pw", "shares a family with", "alpha, beta", "got 'j'")

    def test_require_refuses_what_is_unknown(self, desk: Any, cli: Callable[..., Any]) -> None:
        self.own(desk, "require", ("unknown",))
        refused(cli("run", "s"), "s.yaml:judges.pw", "may share a family with", "unknown")

    def test_require_is_the_default(self, desk: Any, cli: Callable[..., Any]) -> None:
        desk.suite(judges=[{**JUDGE, "families": ["alpha"]}])
        refused(cli("run", "s"), "shares a family with")

    def test_exclude_leaves_out_and_says_so(self, desk: Any, cli: Callable[..., Any]) -> None:
        rows = [
            {"item_id": f"i{n:03}", "system": system, "family": family, "text": f"{system} {n}"}
            for n in range(4)
            for system, family in (("k", "beta"), ("m", "alpha"), ("n", "none"))
        ]
        desk.dataset(responses=rows)
        self.own(desk, "exclude", ("beta",))
        output = cli("run", "s", "--json")
        assert output.code == 0, output
        (folder,) = desk.runs.iterdir()
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["exclusions"]["pw"]["tiny"] == {
            "pairs of the judge's own family (controls.cross_family)": 8
        }
        assert manifest["expected"]["pw"] == 8

    def test_allow_judges_and_flags(self, desk: Any) -> None:
        self.own(desk, "allow")
        done = desk.run()
        assert [one.same_family for one in done.records("judgments")] == [True] * 8

    def test_what_is_no_model_is_of_no_family(self, desk: Any) -> None:
        desk.dataset(
            responses=[
                {"item_id": "i000", "system": system, "family": "none", "text": system} for system in "km"
            ]
        )
        self.own(desk, "require", ("none",))
        assert [one.same_family for one in desk.run().records("judgments")] == [False, False]


def test_debug_shows_the_traceback(desk: Any) -> None:
    output = desk.command("--debug", "run", "nowhere")
    assert output.code != 0
    assert "Traceback" in output.err
    assert "UnknownNameError" in output.err


def test_the_real_process_says_the_same(desk: Any, cli: Callable[..., Any]) -> None:
    desk.suite(judgez=[])
    output, in_process = desk.command("run", "s"), cli("run", "s")
    assert (output.code, output.sentence) == (2, in_process.sentence)
    output = desk.command("run")
    assert output.code == 2
    assert "SUITE" in output.err


def test_a_folder_that_is_no_run(desk: Any, cli: Callable[..., Any], tmp_path: Path) -> None:
    desk.run()
    (tmp_path / "empty").mkdir()
    refused(cli("verify", str(tmp_path / "empty")), "unknown run")


@pytest.mark.parametrize(
    "script", [{"rules": 5}, {"seconds": "x"}, {"rules": [{"match": "a", "seconds": "x"}]}]
)
def test_a_script_of_the_wrong_type(desk: Any, cli: Callable[..., Any], script: dict[str, Any]) -> None:
    judge = {"id": "j", "rubric": "pair", "model": "m", "families": ["beta"], "pairs": {"by": "all"}}
    desk.suite(judges=[{**judge, "engine": {"type": "scripted", "script": script}}])
    output = cli("run", "s")
    assert output.code == 2, output
    assert "is needed" in output.sentence
    assert not list(desk.runs.glob("*"))


def test_a_dry_run_looks_into_the_same_runs(desk: Any, cli: Callable[..., Any]) -> None:
    assert cli("run", "s", "--runs", "other").code == 0
    path = desk.folder / "judges" / "pair.md"
    path.write_text(path.read_text().replace("First response", "One response"))
    for words in (("run", "s", "--dry-run"), ("plan", "s")):
        assert cli(*words).code == 0
        assert cli(*words, "--runs", "other").code == 2


def test_what_a_card_says_is_json(desk: Any, cli: Callable[..., Any]) -> None:
    output = json.loads(cli("datasets", "show", "tiny", "--json").out)
    assert output["card"]["criteria"]["overall"]["kind"] == "pairwise"
    shown = cli("datasets", "show", "tiny").out
    assert "overall pairwise" in shown
    assert "(" not in shown.replace("\n", "")


def test_a_closed_pipe_is_no_failed_gate(desk: Any) -> None:
    desk.run()
    process = desk.start("report", "--json")
    process.stdout.close()
    assert process.wait(timeout=60) == 141, process.stderr.read()
    process.stderr.close()
