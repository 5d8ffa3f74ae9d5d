"""The author's loop at the command line: new, check, gold cases; what is wrong is one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.cli.judges import DEMO_JUDGE
from evalhub.judging import PROTOCOLS, expectations, starter
from evalhub.specs import load_cases, load_rubric, load_suite, parse_rubric

CASES: list[dict[str, Any]] = [
    {"id": "one", "prompt": "1 + 1?", "response_a": "good", "response_b": "bad", "expect": "a"},
    {"id": "two", "prompt": "2 + 2?", "response_a": "bad", "response_b": "good", "expect": "b"},
]
RATED: dict[str, Any] = {"id": "one", "prompt": "1 + 1?", "response": "good", "expect": 3}


def cases(desk: Any, rubric: str, *found: Any, text: str | None = None) -> Path:
    path: Path = desk.folder / "judges" / f"{rubric}.cases.yaml"
    path.write_text(yaml.safe_dump({"cases": list(found)}) if text is None else text)
    return path


def refused(output: Any, *parts: str) -> None:
    assert output.code == 2, output
    for part in parts:
        assert part in output.sentence, output.sentence


class TestNew:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_the_first_file_passes_and_its_cases_run(
        self, desk: Any, cli: Callable[..., Any], protocol: str
    ) -> None:
        output = cli("judges", "new", "mine", "--protocol", protocol, "--json")
        assert output.code == 0, output
        assert json.loads(output.out) == {"rubric": "judges/mine.md", "gold_cases": "judges/mine.cases.yaml"}
        (row,) = json.loads(cli("judges", "check", "mine", "--json").out)
        assert row["gold_cases"] == 2
        # A reward model reads the conversation itself, so that nothing of its prompt is fixed.
        assert (row["fixed_chars"] == 0) is (protocol == "reward")
        assert row["fixed_chars"] < row["prompt_chars"]
        assert row["fixed_tokens"] is None  # there is no model in this cache
        assert cli("judges", "preview", "mine").code == 0
        output = cli("judges", "test", "mine", "--model", "m", "--engine", "scripted", "--json")
        assert output.code in (0, 1)
        assert [row["case"] for row in json.loads(output.out)] == ["right-or-wrong", "beside-the-request"]

    def test_it_says_what_to_do_next(self, desk: Any, cli: Callable[..., Any]) -> None:
        output = cli("judges", "new", "mine")
        assert "evalhub judges check mine" in output.err
        assert "evalhub judges test mine --model" in output.err

    @pytest.mark.parametrize(
        ("arguments", "parts"),
        [
            (("pair",), ("judges/pair.md", "already exists", "another name")),
            (("helpfulness",), ("helpfulness.md", "already exists")),  # a packaged one
            (("../out",), ("NAME", "'../out'", "letters")),
            (("x.md",), ("NAME", "'x.md'", "without an ending")),
            (("x\n",), ("NAME",)),
            (("mine", "--protocol", "pairwize"), ("--protocol", "did you mean 'pairwise'?")),
        ],
    )
    def test_what_cannot_be_made(
        self, desk: Any, cli: Callable[..., Any], arguments: tuple[str, ...], parts: tuple[str, ...]
    ) -> None:
        before = (desk.folder / "judges" / "pair.md").read_text()
        refused(cli("judges", "new", *arguments), *parts)
        assert (desk.folder / "judges" / "pair.md").read_text() == before
        assert sorted(path.name for path in (desk.folder / "judges").iterdir()) == ["pair.md", "rate.md"]

    def test_cases_that_are_there_are_not_written_over(self, desk: Any, cli: Callable[..., Any]) -> None:
        cases(desk, "mine", *CASES)
        refused(cli("judges", "new", "mine"), "mine.cases.yaml", "exists already")
        assert not (desk.folder / "judges" / "mine.md").exists()

    def test_one_that_does_both_compares(self) -> None:
        assert parse_rubric(starter("x", "self-reference")[0], "x").shows == ("response_a", "response_b")


class TestVersions:
    def change(self, desk: Any, version: int = 1) -> None:
        path = desk.folder / "judges" / "pair.md"
        text = path.read_text().replace("The better answer.", "The much better answer.")
        path.write_text(text.replace("version: 1", f"version: {version}"))

    def test_a_changed_text_needs_a_new_version(self, desk: Any, cli: Callable[..., Any]) -> None:
        desk.run()
        assert cli("judges", "check", "pair").code == 0
        self.change(desk)
        for command in (("judges", "check", "pair"), ("plan", "s"), ("run", "s"), ("suites", "check", "s")):
            refused(cli(*command), "pair:version", "version 1 in the run s-", "raise version to 2")
        output = cli("judges", "attack", "pair", "--model", "m", "--dataset", "tiny", "--engine", "scripted")
        refused(output, "raise version to 2")
        self.change(desk, 2)
        assert cli("judges", "check", "pair").code == 0
        assert cli("run", "s").code == 0

    def test_the_version_to_raise_to_is_one_that_nobody_used(
        self, desk: Any, cli: Callable[..., Any]
    ) -> None:
        first = (desk.folder / "judges" / "pair.md").read_text()
        desk.run()
        self.change(desk, 2)
        desk.run()
        (desk.folder / "judges" / "pair.md").write_text(first.replace("## User", "## User\nOnce more."))
        refused(cli("judges", "check", "pair"), "raise version to 3")

    def test_title_source_and_another_folder_of_runs_do_not_matter(
        self, desk: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.run()
        path = desk.folder / "judges" / "pair.md"
        path.write_text(path.read_text().replace("version: 1", "version: 1\ntitle: Which?\nsource: me"))
        assert cli("judges", "check", "pair").code == 0
        self.change(desk)
        assert cli("judges", "check", "pair").code == 2
        assert cli("judges", "check", "pair", "--runs", "elsewhere").code == 0
        monkeypatch.setenv("EVALHUB_RUNS", "elsewhere")
        assert cli("plan", "s").code == 0

    def test_gold_cases_are_no_use_of_a_version(self, desk: Any, cli: Callable[..., Any]) -> None:
        cases(desk, "pair", *CASES)
        test = ("judges", "test", "pair", "--model", "m", "--engine", "scripted")
        assert cli(*test).code in (0, 1)
        self.change(desk)
        assert cli("judges", "check", "pair").code == 0
        assert cli(*test).code in (0, 1)

    def test_a_damaged_manifest_hides_nothing_else(self, desk: Any, cli: Callable[..., Any]) -> None:
        done = desk.run()
        (desk.runs / "broken").mkdir()
        (desk.runs / "broken" / "manifest.json").write_text("{")
        told = json.loads((done.path / "manifest.json").read_text())
        told["rubrics"]["strange"] = {"id": "pair", "version": "none"}
        (done.path / "manifest.json").write_text(json.dumps(told))
        assert cli("judges", "check", "pair").code == 0
        self.change(desk)
        refused(cli("judges", "check", "pair"), "raise version to 2")


class TestCases:
    def test_a_rubric_without_cases(self, desk: Any, cli: Callable[..., Any]) -> None:
        output = cli("judges", "test", "pair", "--model", "m", "--engine", "scripted")
        refused(output, "pair.cases.yaml", "no gold cases", "evalhub judges new")
        assert not desk.runs.exists()

    @pytest.mark.parametrize(
        ("found", "parts"),
        [
            ([], ("pair.cases.yaml:cases", "at least one case")),
            ([CASES[0], CASES[0]], ("pair.cases.yaml:cases", "'one' appears twice")),
            ([{**CASES[0], "expct": "a"}], ("cases.0.expct", "did you mean 'expect'?")),
            ([{**CASES[0], "expect": "A"}], ("pair.cases.yaml:one.expect", "cannot say", "a, b")),
            ([{**CASES[0], "expect": "tie"}], ("one.expect", "'tie'", "a, b")),
            ([{**CASES[0], "criterion": "overal"}], ("one.criterion", "did you mean 'overall'?")),
            ([{**CASES[0], "at_least": 2}], ("cases.0", "what to expect")),
            ([{**CASES[0], "expect": None}], ("cases.0", "what to expect")),
            ([{**CASES[0], "expect": None, "at_least": 2}], ("one.at_least", "only ratings")),
            ([{**CASES[0], "prompt": None}], ("cases.0", "has a prompt")),
            ([{**CASES[0], "prompt": " "}], ("cases.0", "prompt is empty")),
            ([{**CASES[0], "response_b": None}], ("yaml:one:", "other responses", "response_a, response_b")),
            ([RATED], ("pair.cases.yaml:one", "other responses", "'response'")),
            ([{**CASES[0], "response_a": ["x", "y"]}], ("one", "one answer for each")),
            ([{**CASES[0], "id": "a b"}], ("cases.0.id",)),
        ],
    )  # fmt: skip
    def test_a_wrong_case(
        self, desk: Any, cli: Callable[..., Any], found: list[Any], parts: tuple[str, ...]
    ) -> None:
        cases(desk, "pair", *found)
        for command in (("check", "pair"), ("test", "pair", "--model", "m", "--engine", "scripted")):
            refused(cli("judges", *command), *parts)
        assert not desk.runs.exists()

    @pytest.mark.parametrize(
        ("changes", "parts"),
        [
            ({"expect": 4}, ("rate.cases.yaml:one.expect", "no level", "got 4", "1, 2, 3")),
            ({"expect": "right"}, ("one.expect", "'right'", "1, 2, 3")),
            ({"expect": ["x"]}, ("one.expect", "no level")),
            ({"expect": None, "at_least": 3, "at_most": 1}, ("one", "above at_most")),
            ({"criterion": "overall"}, ("one.criterion", "quality")),
        ],
    )
    def test_a_wrong_rating(
        self, desk: Any, cli: Callable[..., Any], changes: dict[str, Any], parts: tuple[str, ...]
    ) -> None:
        cases(desk, "rate", {**RATED, **changes})
        refused(cli("judges", "check", "rate"), *parts)

    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("", ("must hold keys",)),
            ("- id: x\n", ("must hold keys",)),
            ("cases: 3\n", ("pair.cases.yaml:cases",)),
            ("case: []\n", ("did you mean 'cases'?",)),
            ("cases: []\ncases: []\n", ("pair.cases.yaml:2", "appears twice")),
            ("cases: [\n", ("pair.cases.yaml:2",)),
        ],
    )
    def test_a_file_that_is_none(
        self, desk: Any, cli: Callable[..., Any], text: str, parts: tuple[str, ...]
    ) -> None:
        cases(desk, "pair", text=text)
        refused(cli("judges", "check", "pair"), *parts)

    def test_what_the_rubric_shows_must_be_there(self, desk: Any, cli: Callable[..., Any]) -> None:
        text = (desk.folder / "judges" / "rate.md").read_text()
        text = text.replace("[question, response]", "[question, reference, response]")
        desk.rubric("rate", text + "Reference:\n{{reference}}\n")
        cases(desk, "rate", RATED)
        refused(cli("judges", "check", "rate"), "one.refs", "shows the reference")

    def test_line_ends_of_another_system_change_nothing(self, desk: Any, cli: Callable[..., Any]) -> None:
        path = cases(desk, "pair", *CASES)
        before = load_cases("pair")
        for file in (path, desk.folder / "judges" / "pair.md"):
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        assert load_cases("pair") == before
        assert cli("judges", "check", "pair").code == 0


def test_the_demo_s_judge_is_the_default() -> None:
    assert DEMO_JUDGE in {judge.model for judge in load_suite("quickstart")[0].judges}


def test_tokens_are_asked_of_a_model_that_exists(desk: Any, cli: Callable[..., Any]) -> None:
    refused(cli("judges", "check", "pair", "--model", "smollm2-135m-instrukt"), "did you mean")
    refused(cli("judges", "check", "pair", "--model", "./nowhere"), "no such model folder")


@pytest.mark.parametrize(("name", "least"), [("instruction-following", 6), ("answer-correctness", 5)])
def test_packaged_cases_fit_their_rubric_and_lean_to_no_side(name: str, least: int) -> None:
    found, rubric = load_cases(name), load_rubric(name)
    assert found is not None
    assert len(found.cases) >= least
    wanted = [one.winner for one in expectations(rubric, found.cases, name)]
    assert wanted.count("a") == wanted.count("b")
