"""A working directory with a tiny dataset, two rubrics and a suite, and the command line on top of it."""

import gc
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from evalhub import runner
from evalhub.cli import main
from evalhub.store import Run
from tests.chat_server import ChatServer
from tests.messages_server import MessagesServer
from tests.sharing import CARD_READER, READ_CARD, read_once
from tests.signals import keep_signals

# Tests call the command line many times in one process, and it is the same each time.
typer.main.get_command = cache(typer.main.get_command)

# Tests that are not about reading cards read each small one once.
CARD_READER.select = read_once

ROOT = Path(__file__).resolve().parent.parent

PAIR = """---
id: pair
version: 1
protocol: pairwise
inputs: [question, response_a, response_b]
criteria: {overall: The better answer.}
ties: false
---
## User
Question:
{{question}}
First response:
{{response_a}}
Second response:
{{response_b}}
"""

RATE = """---
id: rate
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: The answer is right.}
scale: {1: wrong, 2: fair, 3: right}
---
## System
You rate one answer.
## User
Question:
{{question}}
Levels:
{{scale}}
Answer:
{{response}}
"""

JUDGE = {"model": "toy-judge", "engine": "scripted", "families": ["beta"]}
PAIR_JUDGE = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGE}
RATE_JUDGE = {"id": "pt", "rubric": "rate", **JUDGE}
CANDIDATE = {"id": "bot", "model": "toy-bot", "engine": "scripted", "families": ["alpha"]}

Row = dict[str, Any]

SLOW_LIST = Path(__file__).parent / "slow.txt"
SLOW_SECONDS = 0.5


def function_name(nodeid: str) -> str:
    """Return the file and the function of a test, without folders and parameters: a test may move."""
    return nodeid.split("[")[0].split("/")[-1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the list of slow tests anew."""
    parser.addoption("--write-slow-list", action="store_true", help=f"write {SLOW_LIST.name} from this run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, and allow warnings where a real model runs: vLLM's own modules warn of much."""
    slow = set(SLOW_LIST.read_text(encoding="utf-8").splitlines())
    for item in items:
        if function_name(item.nodeid) in slow:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.filterwarnings("default"))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at ten thousand tests again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the slow tests of a run of all tests. The fastest of each folder never counts as slow."""
    if not config.getoption("--write-slow-list"):
        return
    seconds: dict[str, Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = "/".join(report.nodeid.split("/")[:2])
                seconds.setdefault(folder, Counter())[function_name(report.nodeid)] += report.duration
    names = {
        name
        for durations in seconds.values()
        for name, duration in durations.items()
        if duration > SLOW_SECONDS and duration > min(durations.values())
    }
    SLOW_LIST.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


@dataclass(frozen=True)
class Said:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of an error, without its prefix."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("evalhub: ")]
        return line.removeprefix("evalhub: ")


def scripted(*rules: Row, **options: Any) -> Row:
    """Return the settings of a scripted engine."""
    return {"type": "scripted", "script": {"rules": list(rules), **options}}


class Desk:
    """A working directory that a user might have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.suite_file = folder / "suites" / "s.yaml"
        self.rubric("pair", PAIR)
        self.rubric("rate", RATE)
        self.dataset()
        self.suite()

    def rubric(self, name: str, text: str) -> Path:
        """Write a rubric."""
        return self._write(self.folder / "judges" / f"{name}.md", text)

    def dataset(
        self,
        name: str = "tiny",
        *,
        items: int | Iterable[Row] = 4,
        systems: Iterable[str] = ("k", "m"),
        responses: Iterable[Row] | None = None,
        labels: Iterable[Row] = (),
        card: Row | None = None,
    ) -> Path:
        """Write a card with its files.

        By default each system answers each item in words of its own, and nobody labelled anything.
        """
        if isinstance(items, int):
            items = [
                {"item_id": f"i{n:03}", "prompt": f"What is {n} plus {n}?", "refs": [f"It is {2 * n}"]}
                for n in range(items)
            ]
        items = list(items)
        if responses is None:
            responses = [
                {
                    "item_id": item["item_id"],
                    "system": system,
                    "family": "alpha",
                    "text": f"{system} says {n}",
                }
                for n, item in enumerate(items)
                for system in systems
            ]
        tables: dict[str, tuple[list[Row], dict[str, str]]] = {
            "items": (
                items,
                {"item_id": "VARCHAR", "prompt": "VARCHAR", "refs": "VARCHAR[]", "cluster": "VARCHAR"},
            ),
            "responses": (
                list(responses),
                {"item_id": "VARCHAR", "system": "VARCHAR", "family": "VARCHAR", "text": "VARCHAR"},
            ),
            "labels": (
                list(labels),
                {
                    "item_id": "VARCHAR", "criterion": "VARCHAR", "system": "VARCHAR", "system_a": "VARCHAR",
                    "system_b": "VARCHAR", "annotator": "VARCHAR", "value": "DOUBLE", "winner": "VARCHAR",
                },
            ),
        }  # fmt: skip
        values: Row = {
            "id": name, "version": 1, "title": "Tiny", "licence": "none", "source": "written for this test",
            "files": {},
            "criteria": {
                "overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]},
                "quality": {"kind": "pointwise", "range": [1, 3]},
            },
            "items": "SELECT item_id, prompt, refs, coalesce(cluster, item_id) AS cluster FROM items",
            "responses": "SELECT * EXCLUDE (file, line) FROM responses",
            "labels": "SELECT * EXCLUDE (file, line), 'human' AS annotator_kind FROM labels",
        }  # fmt: skip
        for table, (rows, columns) in tables.items():
            if not rows and table != "items":
                values.pop(table, None)
                continue
            # A column that no row has would be refused. The first row names them all.
            text = "".join(json.dumps({**dict.fromkeys(columns), **row}) + "\n" for row in rows)
            path = self._write(self.folder / "datasets" / "samples" / name / f"{table}.jsonl", text)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            values["files"][table] = {
                "path": path.name, "format": "jsonl", "columns": columns, "sha256": sha256,
            }  # fmt: skip
        values.update(card or {})
        return self._write(self.folder / "datasets" / f"{name}.yaml", yaml.safe_dump(values, sort_keys=False))

    def suite(self, text: str | None = None, **changes: Any) -> Path:
        """Write the suite `s`: one pairwise judge of recorded responses, with what the test changes."""
        plain: Row = {"suite": "s", "datasets": [{"id": "tiny"}], "judges": [PAIR_JUDGE]}
        return self._write(
            self.suite_file, yaml.safe_dump(plain | changes, sort_keys=False) if text is None else text
        )

    def run(self, **options: Any) -> Run:
        """Run the suite in this process."""
        return runner.run("s", runner.Options(runs=self.runs, **options))

    def start(self, *arguments: str, **settings: Any) -> "subprocess.Popen[str]":
        """Start the real command line in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "evalhub", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **settings,
        )

    def command(self, *arguments: str, **settings: Any) -> Said:
        """Run the real command line in a process of its own, to its end."""
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=120)
        return Said(process.returncode, out, err)

    def _write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def _cards_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CARD_READER, "select", READ_CARD)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return _sat_at(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AbstractContextManager[Desk]]:
    """Return what sits down at a new desk and leaves it: for a run that several tests read.

    The folder stays when the desk is left, so that the run can be read for as long as the session.
    """

    @contextmanager
    def sit() -> Iterator[Desk]:
        with pytest.MonkeyPatch.context() as patch:
            yield _sat_at(tmp_path_factory.mktemp("desk"), patch)

    return sit


def _sat_at(folder: Path, patch: pytest.MonkeyPatch) -> Desk:
    for name in ("EVALHUB_MIRROR", "EVALHUB_PATH"):
        patch.delenv(name, raising=False)
    patch.setenv("EVALHUB_CACHE", str(folder / "cache"))
    patch.setenv("EVALHUB_RUNS", str(folder / "runs"))
    patch.setenv("COLUMNS", "1000")
    patch.chdir(folder)
    return Desk(folder)


@pytest.fixture(autouse=True)
def with_own_signals() -> Iterator[None]:
    """Let no test leave signals ignored."""
    with keep_signals():
        yield


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Call the command line's entry point in this process."""

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["evalhub", *arguments])
        capsys.readouterr()
        with keep_signals(), pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return call


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def messages_server() -> Iterator[MessagesServer]:
    server = MessagesServer()
    yield server
    server.close()
