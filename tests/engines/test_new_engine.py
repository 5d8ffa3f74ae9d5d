"""An engine of another package: one file and one entry point, nothing else."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.engines import complete, identify, open_engine
from evalhub.records import Message, Request
from evalhub.specs import EngineSpec

ECHO = '''
"""An engine that repeats the last question, and always chooses the last choice."""

from collections.abc import Mapping
from typing import Any

from evalhub.engines import ChildEngine, EngineIdentity, EngineKind, EngineSettings, Opening, Outcome
from evalhub.engines import QueueBackend, open_child
from evalhub.models import ResolvedModel
from evalhub.records import Request, digest


class EchoSettings(EngineSettings):
    prefix: str = "You asked: "


class EchoBackend(QueueBackend):
    def answer(self, request: Request) -> Outcome:
        if request.choices:
            logprobs = {choice: -9.0 for choice in request.choices} | {request.choices[-1]: -0.1}
            return Outcome(request.choices[-1], logprobs=logprobs, finish_reason="choice")
        return Outcome(self.settings["prefix"] + request.messages[-1].content, finish_reason="stop")


def identify(settings: EchoSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    return EngineIdentity("echo", name, digest(["echo", name]), settings=settings.model_dump())


def open_echo(opening: Opening[EchoSettings]) -> ChildEngine:
    return open_child(opening, "my_engine:EchoBackend")


ECHO = EngineKind(EchoSettings, identify, open_echo)
'''


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with the engine, where child processes find it too."""
    folder = tmp_path / "package"
    facts = folder / "my_engine-1.dist-info"
    facts.mkdir(parents=True)
    (folder / "my_engine.py").write_text(ECHO)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: my-engine\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[evalhub.engines]\necho = my_engine:ECHO\n")
    monkeypatch.syspath_prepend(str(folder))
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    yield
    sys.modules.pop("my_engine", None)


def test_the_example_answers(tmp_path: Path) -> None:
    spec = EngineSpec(type="echo", prefix="> ")
    requests = {
        "text": Request((Message("user", "Why?"),)),
        "verdict": Request((Message("user", "?"),), choices=("A", "B")),
    }
    with open_engine(spec, name="parrot", log_folder=tmp_path / "logs") as engine:
        completions = {completion.key: completion for completion in complete(engine, requests.items())}
    assert completions["text"].text == "> Why?"
    assert completions["verdict"].text == "B"
    assert identify(spec, name="parrot").settings == {"seed": 0, "prefix": "> "}


def test_a_suite_runs_it(desk: Any) -> None:
    judge = {"id": "pw", "rubric": "pair", "model": "parrot", "families": ["beta"], "pairs": {"by": "all"}}
    desk.suite(judges=[{**judge, "engine": {"type": "echo", "prefix": "> "}}])
    results = Results(desk.run())
    assert results.suite.judges[0].engine.model_dump() == {
        "type": "echo", "seed": 0, "prefix": "> ",
    }  # fmt: skip
    assert results.manifest.resolved.models["pw"].engine == "echo"


def test_the_command_line_takes_it_by_name(desk: Any, cli: Callable[..., Any]) -> None:
    attack = (
        "judges",
        "attack",
        "pair",
        "--model",
        "parrot",
        "--dataset",
        "tiny",
        "--only",
        "ignore",
        "--json",
    )
    for engine in ("echo", "{type: echo, prefix: '> '}"):
        answer = cli(*attack, "--engine", engine)
        assert answer.code == 0, answer
        assert json.loads(answer.out)["run"]


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ("eco", "--engine: unknown engine, got 'eco'"),
        (
            "{type: echo, prefx: x}",
            "--engine:prefx: the engine echo has no such setting; allowed: prefix, seed",
        ),
        ("{type: echo, prefix: 3}", "--engine:prefix: a text is needed, got 3"),
        ("{type: echo", "--engine:1: "),
    ],
)
def test_a_wrong_engine_on_the_command_line_is_one_sentence(
    desk: Any, cli: Callable[..., Any], engine: str, sentence: str
) -> None:
    answer = cli("judges", "test", "pair", "--model", "parrot", "--engine", engine)
    assert answer.code == 2
    assert sentence in answer.sentence
