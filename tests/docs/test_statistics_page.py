"""The page about statistics names functions and commands that there are."""

import re
from pathlib import Path

import pytest
import typer

from evalhub import stats
from evalhub.cli import app

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and "`" in line
]
COMMANDS = typer.main.get_command(app)


def test_the_table_is_there() -> None:
    assert len(ROWS) >= 15
    assert "(docs/statistics.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_functions_and_commands_exist(row: list[str]) -> None:
    for name in re.findall(r"`(\w+)`", row[2]):
        assert name in stats.__all__, f"evalhub.stats has no {name}"
    for command in re.findall(r"`([^`]+)`", row[1]):
        words = command.split()
        if words[0].endswith(":"):  # a key of a suite
            continue
        found = COMMANDS.commands[words[0]]  # type: ignore[attr-defined]
        for word in words[1:]:
            if word.startswith("--"):
                assert any(word in option.opts for option in found.params), command
            else:
                found = found.commands[word]
