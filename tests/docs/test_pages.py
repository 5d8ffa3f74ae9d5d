"""The pages are true: their commands exist, their links lead somewhere, their lists are whole."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from evalhub import errors
from evalhub.cli import app
from evalhub.records import FailureKind

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SH = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:evalhub|make) [^`]+)`")
LINK = re.compile(r"\]\(([^)#]+)")
PARSER = typer.main.get_command(app)
# A page that is linked before it is there.
COMING: set[str] = set()


def commands(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the commands of a page, and whether each stands in a block and is therefore whole."""
    text = page.read_text(encoding="utf-8")
    for block in SH.findall(text):
        for line in block.splitlines():
            yield line.split("  #")[0].strip(), True
    for command in INLINE.findall(BLOCK.sub("", text)):
        yield " ".join(command.split()), False


COMMANDS = [
    pytest.param(command, complete, id=f"{page.name}: {command}")
    for page in PAGES
    for command, complete in dict.fromkeys(commands(page))
]


def parse(words: list[str], complete: bool) -> None:
    """Parse the words of a command as the command line does, without running it.

    Args:
        words: What follows `evalhub`.
        complete: Whether required arguments must be there.
    """
    command: Any = PARSER
    while words and hasattr(command, "commands"):
        name, *words = words
        if name in ("--version", "--help"):
            return
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
    if hasattr(command, "commands"):
        assert command.invoke_without_command or not complete
        return
    command.make_context(command.name, words, resilient_parsing=not complete)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options | {"--help"}


@pytest.mark.parametrize(("command", "complete"), COMMANDS)
def test_commands_exist(command: str, complete: bool) -> None:
    words = [word for word in shlex.split(command) if word != "…"]
    if words[:1] == ["evalhub"]:
        parse(words[1:], complete)
    elif words[:1] == ["make"]:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = [word for word in words[1:] if "=" not in word]
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_commands_that_do_not_exist_are_refused() -> None:
    for words in (["rum"], ["run", "s", "--fast"], ["judges", "forge", "x"]):
        with pytest.raises((AssertionError, typer.Exit, Exception), match=r"rum|fast|forge"):
            parse(words, complete=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in link and Path(link).name not in COMING:
            assert (page.parent / link).exists(), link


def test_the_index_lists_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\S+)\]\(\1\)", index, re.MULTILINE)
    assert sorted(listed) == sorted(({page.name for page in DOCS.glob("*.md")} | COMING) - {"index.md"})


def column(page: str, header: str) -> list[str]:
    """Return the first cells, without quotes, of the table of a page whose header begins so."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = text.split(header, 1)[1].split("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1].strip().strip("`") for row in rows]


def test_every_kind_of_failure_is_explained() -> None:
    assert column("reliability.md", "| kind | what happened |") == [kind.value for kind in FailureKind]


def test_every_exit_code_is_explained() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in classes if issubclass(kind, errors.EvalhubError)}
    assert {int(code) for code in column("commands.md", "| code | meaning |")} == {0, *codes}


def test_every_card_is_listed() -> None:
    cards = {path.stem for path in (ROOT / "datasets").glob("*.yaml")}
    assert set(column("datasets.md", "| card | what it holds | labels of |")) == cards


def test_the_python_example_runs(desk: Any) -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example.replace('"quickstart"', '"s"'), names)
    assert len(names["results"].judgments())


def test_every_variable_is_explained() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "evalhub").rglob("*.py"))
    names = set(re.findall(r"EVALHUB_(?:RUNS|CACHE|PATH|MIRROR|NOTIFY|NIGHT)\b", code))
    assert set(column("commands.md", "| variable | meaning |")) == names


def test_the_rooms_stand_in_the_order_that_is_tested() -> None:
    page = (DOCS / "contributing.md").read_text(encoding="utf-8")
    (order,) = re.findall(r"^`(\w+(?: < \w+)+)`$", page, re.MULTILINE)
    architecture = (ROOT / "tests" / "test_architecture.py").read_text(encoding="utf-8")
    layers = re.findall(r'"(\w+)"', re.search(r"^LAYERS = \((.*?)^\)", architecture, re.M | re.S)[1])  # type: ignore[index]
    assert order.split(" < ") == layers
