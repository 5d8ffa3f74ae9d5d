"""The harness against the raw engine: the same prompts, sampling, settings and process environment.

Each repeat starts the raw engine (`LLM.generate` on ready token prompts) and the harness (a child process,
messages in, completions out) one after the other, the order turned each time. Both are warmed on other
prompts. Starts are not counted, the harness's rendering and tokenizing is. Prints the median of the paired
ratios. The goal is at most 1.05. Run it on a quiet machine.

    python benchmarks/harness.py [--model qwen2.5-coder-0.5b-instruct] [--prompts 100] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evalhub.engines import complete, identify, open_engine
from evalhub.engines.base import EngineIdentity
from evalhub.engines.prompts import Prompts
from evalhub.engines.vllm import vllm_environment
from evalhub.engines.vllm_backend import engine_arguments, load_vllm
from evalhub.models import ResolvedModel, resolve
from evalhub.records import Message, Request, Sampling
from evalhub.specs import EngineSpec

GOAL = 1.05
CHOICES = ("A", "B")
WARM = 8

_WORDS = "time year people way day thing woman life child world school state family student group"


def judge_requests(count: int, *, seed: int) -> list[Request]:
    """Return pairwise judging prompts of about 400 tokens that share their rubric."""
    draw = random.Random(seed)
    rubric = "You compare two answers to one question. " + "Judge what is said, not how long it is. " * 15
    requests = []
    for _ in range(count):
        question, first, second = (" ".join(draw.choices(_WORDS.split(), k=size)) for size in (30, 80, 80))
        task = f"Question:\n{question}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}"
        instruction = f"{task}\n\nWhich is better? Say A or B."
        requests.append(
            Request(
                (Message("system", rubric), Message("user", instruction)), Sampling(max_tokens=1), CHOICES
            )
        )
    return requests


def time_harness(model: ResolvedModel, spec: EngineSpec, count: int) -> float:
    """Return the seconds that the harness takes for all prompts."""
    with open_engine(spec, model) as engine:
        for _ in complete(engine, enumerated(judge_requests(WARM, seed=1))):
            pass
        requests = judge_requests(count, seed=2)
        steps = engine.facts().seconds_busy
        start_time = time.perf_counter()
        completions = list(complete(engine, enumerated(requests)))
        seconds = time.perf_counter() - start_time
        if len(completions) != count or any(completion.failure for completion in completions):
            raise SystemExit("the harness lost a prompt")
        facts = engine.facts()
        outside = 1 - (facts.seconds_busy - steps) / seconds
        print(f"  harness: {outside:.1%} of its time outside vLLM's steps, preload {facts.preload}")
    return seconds


def enumerated(requests: list[Request]) -> list[tuple[str, Request]]:
    """Return each request under a key of its own."""
    return [(str(index), request) for index, request in enumerate(requests)]


def time_raw(model: ResolvedModel, identity: EngineIdentity, count: int) -> float:
    """Return the seconds that the raw engine takes, in a process started as the harness starts its own."""
    with tempfile.NamedTemporaryFile() as out, tempfile.TemporaryFile() as log:
        arguments_json = json.dumps([str(model.path), dict(identity.settings), count, out.name])
        ran = subprocess.run(
            [sys.executable, __file__, "--raw", arguments_json],
            env={**os.environ, **vllm_environment(identity)},
            stdout=log,
            stderr=log,
            check=False,
        )
        if ran.returncode:
            log.seek(0)
            raise SystemExit(log.read().decode(errors="replace")[-3000:])
        return float(Path(out.name).read_text())


def run_raw(arguments_json: str) -> None:
    """Time `LLM.generate` in this process."""
    path, settings, count, out = json.loads(arguments_json)
    vllm = load_vllm()
    llm = vllm.LLM(**engine_arguments(path, settings))
    prompts = Prompts(llm.get_tokenizer())

    def ready(requests: list[Request]) -> tuple[list[dict[str, list[int]]], list[object]]:
        rendered = [prompts.render(prompt.messages) for prompt in requests]
        tokens = [list(prompts.choice_tokens(prompt, CHOICES)) for prompt in rendered]
        sampling = [
            vllm.SamplingParams(
                temperature=0.0, max_tokens=1, allowed_token_ids=ids, logprob_token_ids=ids, detokenize=False
            )
            for ids in tokens
        ]
        return [{"prompt_token_ids": list(prompt.tokens)} for prompt in rendered], sampling

    llm.generate(*ready(judge_requests(WARM, seed=1)), use_tqdm=False)
    inputs = ready(judge_requests(count, seed=2))
    start_time = time.perf_counter()
    llm.generate(*inputs, use_tqdm=False)
    Path(out).write_text(str(time.perf_counter() - start_time))


def main() -> int:
    """Print the paired times and the median ratio. 1 where it is above the goal."""
    parser = argparse.ArgumentParser(description="Time the harness against the raw engine.")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--raw", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.raw:
        run_raw(options.raw)
        return 0
    if os.getloadavg()[0] > 1.0:
        print(f"the machine is busy (load {os.getloadavg()[0]:.1f}): the times will be noise")
    model, spec = resolve(options.model), EngineSpec()
    identity = identify(spec, model)
    ratios = []
    for repeat in range(options.repeats):
        times = {}
        for side in ("raw", "harness") if repeat % 2 == 0 else ("harness", "raw"):
            times[side] = (
                time_raw(model, identity, options.prompts)
                if side == "raw"
                else time_harness(model, spec, options.prompts)
            )
        ratios.append(times["harness"] / times["raw"])
        shown = ", ".join(f"{side} {seconds:.2f} s" for side, seconds in sorted(times.items()))
        print(f"  {shown}, ratio {ratios[-1]:.3f}", flush=True)
    ratio = statistics.median(ratios)
    print(f"harness over raw engine, {options.prompts} prompts, {model.id}: {ratio:.3f} (goal {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
