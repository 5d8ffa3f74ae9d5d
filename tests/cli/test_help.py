"""The help is true: every command and option says what it does, and commands.md names every command."""

import json
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer

from evalhub.cli import app, main
from tests.sharing import share_tables

ROOT = Path(__file__).resolve().parent.parent.parent


def commands(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command below a group, with its words."""
    for name, one in getattr(command, "commands", {}).items():
        yield (*names, name), one
        yield from commands(one, (*names, name))


COMMANDS = dict(commands(typer.main.get_command(app)))
VERBS = ("run", "plan", "leaderboard", "report", "meta", "dashboard", "export", "serve", "verify")
GROUPS = {
    "judges": {
        "new", "list", "show", "check", "preview", "test", "attack", "noise", "export", "train", "tune",
    },
    "datasets": {"list", "new", "show", "check", "fetch"},
    "models": {"list", "show", "check", "fetch"},
    "suites": {"list", "show", "check"},
}  # fmt: skip


def test_every_verb_is_there() -> None:
    assert set(VERBS) <= {names[0] for names in COMMANDS}
    for group, verbs in GROUPS.items():
        assert {names[1] for names in COMMANDS if names[0] == group and len(names) == 2} == verbs


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_everything_has_help(names: tuple[str, ...]) -> None:
    command = COMMANDS[names]
    assert (command.help or "").strip().endswith(".")
    for option in command.params:
        assert option.help, f"{' '.join(names)} {option.name}"


@pytest.mark.parametrize(
    "names", [names for names, one in COMMANDS.items() if not hasattr(one, "commands")], ids=" ".join
)
def test_answers_come_as_json_too(names: tuple[str, ...]) -> None:
    if names[0] in ("dashboard", "export", "label"):
        return  # their answer is a page, or a file
    assert "--json" in {word for option in COMMANDS[names].params for word in option.opts}


def test_the_documents_name_every_verb() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for names, command in COMMANDS.items():
        if not hasattr(command, "commands"):
            assert f"| `evalhub {' '.join(names)}" in page, f"commands.md lacks {' '.join(names)}"


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_help_is_printed(cli: Callable[..., Any], names: tuple[str, ...]) -> None:
    output = cli(*names, "--help")
    assert output.code == 0
    assert " ".join(names) in output.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "s"), ("judges", "list"), ("judges", "show", "pair"), ("judges", "check", "pair", "rate"),
        ("judges", "preview", "rate", "--dataset", "tiny"), ("datasets", "show", "tiny"),
        ("datasets", "check", "tiny"), ("suites", "list"), ("suites", "show", "s"), ("suites", "check", "s"),
        ("models", "list"), ("models", "show", "smollm2-135m-instruct"), ("datasets", "list"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
def test_verbs_that_read_answer(
    desk: Any, cli: Callable[..., Any], arguments: tuple[str, ...], as_json: bool
) -> None:
    output = cli(*arguments, *(["--json"] if as_json else []))
    assert output.code == 0, output
    assert output.out
    if as_json:
        json.loads(output.out)


def test_verbs_about_runs_answer(desk: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    share_tables(monkeypatch)
    desk.suite(
        candidates=[{"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}],
        metrics=["length"],
    )
    output = cli("run", "s")
    assert output.code == 0, output
    assert "bot" in output.out
    assert "evalhub dashboard" in output.err
    assert json.loads(cli("run", "s", "--json").out)
    for verb in ("leaderboard", "report", "verify"):
        assert json.loads(cli(verb, "--json").out)
        assert cli(verb).out
    (newest, _) = sorted(desk.runs.iterdir(), reverse=True)
    assert (newest / "report.html").is_file()
    assert json.loads((newest / "report.json").read_text())
    assert cli("export", "x.duckdb").code == 0
    assert (desk.folder / "x.duckdb").is_file()


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["evalhub", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert capsys.readouterr().out == f"evalhub {metadata.version('evalhub-laaj')}\n"
