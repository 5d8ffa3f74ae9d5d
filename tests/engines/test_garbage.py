"""Row 27: a child that answers garbage on one request of 256 is started anew, and the others are answered."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import EngineIdentity, complete
from evalhub.engines.harness import ChildEngine, Start
from evalhub.records import FailureKind, Message, Request

BACKEND = '''
"""Answers each request, and writes what it is told on one of them into its own pipe."""

import os
import sys

from evalhub.engines import Outcome, QueueBackend


class Odd(QueueBackend):
    def answer(self, request):
        if request.messages[-1].content == "item 77":
            frame = sys._getframe()
            while not hasattr(frame.f_locals.get("self"), "_write_fd"):
                frame = frame.f_back
            os.write(frame.f_locals["self"]._write_fd, self.settings["says"].encode("latin-1"))
        return Outcome("fine", finish_reason="stop")
'''
GARBAGE = {
    "no JSON": "\xff\xfe\x00 Segmentation fault\n",
    "half a message": '{"done": 1, "outc\n',
    "a number": "5\n",
    "a request that nobody asked": json.dumps({"done": 10**6, "outcome": {"text": "A"}}) + "\n",
    "an outcome with another field": json.dumps({"done": 78, "outcome": {"score": 1}}) + "\n",
    "an unknown failure": json.dumps({"done": 78, "outcome": {"failure": "nonsense"}}) + "\n",
    "no outcome": json.dumps({"done": 78}) + "\n",
}


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "odd_backend.py").write_text(BACKEND)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("odd_backend", None)


@pytest.mark.parametrize("says", GARBAGE)
def test_one_request_fails_and_the_others_are_answered(tmp_path: Path, says: str) -> None:
    opening: dict[str, Any] = {
        "backend": "odd_backend:Odd",
        "settings": {"says": GARBAGE[says]},
        "device": "none",
    }
    start = Start(opening={**opening, "model": None, "share": None}, log_folder=tmp_path / "logs")
    requests = {f"k{number}": Request((Message("user", f"item {number}"),)) for number in range(256)}
    with ChildEngine(EngineIdentity("odd", "odd", "o" * 64), start).wait_until_ready() as engine:
        completions = {one.key: one for one in complete(engine, requests.items())}
        restarts = engine.facts().restarts
    assert completions.keys() == requests.keys()
    failed = [one for one in completions.values() if one.failure]
    assert [(one.key, one.failure) for one in failed] == [("k77", FailureKind.ENGINE)]
    assert "no message that can be read" in (failed[0].detail or "")
    assert {one.text for one in completions.values()} == {"fine", None}
    assert 1 <= restarts <= 3
    assert not list(tmp_path.glob("logs/*"))
