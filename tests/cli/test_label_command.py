"""`evalhub label`, as a user types it: what it refuses, and that its server ends with it."""

import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import QueueRequest, Results, labelling_queue
from evalhub.store import write_queue

from .test_dashboard_command import free_port, wait_until


@pytest.fixture
def queue(desk: Any) -> Path:
    path: Path = desk.folder / "first.jsonl"
    write_queue(path, labelling_queue(Results(desk.run()), QueueRequest("pw", "overall", "tiny", 4)))
    return path


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "gone.jsonl: the queue cannot be read (No such file or directory)"),
        ("", "gone.jsonl: the queue is empty"),
        ("no JSON\n", "gone.jsonl:1: the line is no JSON, got 'no JSON'"),
        ('{"item_id": "i"}\n', "this key is required"),
    ],
)
def test_a_bad_queue_is_refused(desk: Any, cli: Any, content: str | None, sentence: str) -> None:
    path = desk.folder / "gone.jsonl"
    if content is not None:
        path.write_text(content)
    output = cli("label", str(path))
    assert output.code == 2
    assert sentence in output.sentence
    assert not (desk.folder / "labels").exists()


@pytest.mark.parametrize("name", ["../up", "a b", "", "adjudicated"])
def test_a_bad_name_is_refused(queue: Path, cli: Any, name: str) -> None:
    output = cli("label", str(queue), "--annotator", name)
    assert output.code == 2
    assert "annotator" in output.sentence


def test_ratings_of_an_unknown_criterion_are_refused(desk: Any, cli: Any, tmp_path: Path) -> None:
    path = desk.folder / "q.jsonl"
    write_queue(
        path,
        [{"dataset": "d", "item_id": "i", "criterion": "c", "system": "k", "prompt": "?", "response": "!"}],
    )
    output = cli("label", str(path))
    assert output.code == 2
    assert "no run says which ratings the criterion c of d has" in output.sentence


def test_it_serves_and_ends_with_its_server(desk: Any, queue: Path) -> None:
    port = free_port()
    process = desk.start(
        "label", str(queue), "--port", str(port), "--annotator", "ann", start_new_session=True
    )
    try:
        wait_until(port, served=True, process=process)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=20) as reply:
            assert reply.read() == b"ok"
        os.kill(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 128 + signal.SIGTERM
        assert f"4 to label. Labels are stored in {desk.folder / 'labels'}" in said
        wait_until(port, served=False, process=process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
