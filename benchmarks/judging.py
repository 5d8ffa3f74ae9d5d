"""What judging costs: `direct` against `explain`, and a layout for the prefix cache against its reverse.

Both halves judge pairs of the shipped sample with a real model, in both orders, one engine each. The first
prints judgments a second and generated tokens; the goal is at least 2 times and 50 times. The second asks for
three criteria on prompts of 500 tokens or more and prints the prompt tokens that had to be computed, the
hit rate and the time; the goal is a ratio of at most .6. Run it on a quiet machine.

    python benchmarks/judging.py [--model qwen2.5-coder-0.5b-instruct] [--pairs 16]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass

from evalhub.engines import Engine, complete, open_engine
from evalhub.engines.base import completion_key
from evalhub.engines.facts import EngineFacts
from evalhub.judging import PROTOCOLS, Judge, Task
from evalhub.models import ResolvedModel, resolve
from evalhub.records import Item, Judgment, Response
from evalhub.scales import Order
from evalhub.sources import load
from evalhub.specs import EngineSpec, Mode, Rubric, load_card, load_rubric, parse_rubric

FASTER, LONGER, SHORTER = 2.0, 50.0, 0.6
CONTEXT_WORDS = 320

_FRONT = """---
id: layout
version: 1
protocol: pairwise
inputs: [question, context, response_a, response_b]
ties: false
criteria:
  correct: The response in which nothing is wrong.
  complete: The response that leaves nothing out.
  brief: The response that is no longer than it needs to be.
---
"""
FRIENDLY = f"""{_FRONT}## System
You compare two responses to a question about a text.
## User
{{{{context}}}}
{{{{question}}}}
{{{{criterion}}}}
{{{{response_a}}}}
{{{{response_b}}}}
"""
REVERSE = f"""{_FRONT}## User
{{{{response_a}}}}
{{{{response_b}}}}
{{{{criterion}}}}
{{{{question}}}}
{{{{context}}}}
You compare two responses to a question about a text.
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way of judging took."""

    judgments: int
    seconds: float
    generated: int
    prompt: int
    cached: int

    @property
    def computed(self) -> int:
        """Prompt tokens that no cache held."""
        return self.prompt - self.cached


def pairs(count: int) -> list[tuple[Item, tuple[Response, Response]]]:
    """Return items of the shipped sample with two of their responses."""
    data = load(*load_card("quickstart"))
    found = []
    for item in data.items:
        mine = sorted(
            (one for one in data.responses if one.item_id == item.item_id), key=lambda one: one.system
        )
        if len(mine) >= 2:
            found.append((item, (mine[0], mine[1])))
    return found[:count]


def with_long_context(
    items: list[tuple[Item, tuple[Response, Response]]],
) -> Iterator[tuple[Item, tuple[Response, Response]]]:
    """Yield the items with a context of several hundred words, each its own."""
    words = " ".join(response.text or "" for _, both in items for response in both).split()
    for at, (item, both) in enumerate(items):
        text = " ".join((words[37 * at :] + words * (1 + CONTEXT_WORDS // len(words)))[:CONTEXT_WORDS])
        yield Item(item.dataset, item.item_id, turns=item.turns, context=(text,)), both


def judge(
    model: ResolvedModel, rubric: Rubric, mode: Mode, items: list[tuple[Item, tuple[Response, Response]]]
) -> Cost:
    """Judge every pair under every criterion in both orders, on an engine of its own."""
    judge_ = Judge("judge", rubric, model.id, mode=mode)
    askings = [
        Task(judge_, item, criterion, both, shown=order)
        for item, both in items
        for criterion in rubric.criteria
        for order in Order
    ]
    with open_engine(EngineSpec(), model) as engine:
        judgments = drive(engine, askings)
        facts = engine.facts()
    if len(judgments) != len(askings) or any(one.failure for one in judgments):
        raise SystemExit("a judgment was lost")
    return cost(facts, len(judgments))


def drive(engine: Engine, askings: list[Task]) -> list[Judgment]:
    """Run the protocols step by step, every step of all askings together."""
    running = [PROTOCOLS[one.judge.rubric.protocol].ask(one) for one in askings]
    waiting = [(steps, next(steps)) for steps in running]
    judgments: list[Judgment] = []
    while waiting:
        keyed = {completion_key(engine.identity, request): request for _, (request,) in waiting}
        done = {one.key: one for one in complete(engine, keyed.items())}
        going = []
        for steps, (request,) in waiting:
            try:
                going.append((steps, steps.send((done[completion_key(engine.identity, request)],))))
            except StopIteration as end:
                judgments += end.value
        waiting = going
    return judgments


def cost(facts: EngineFacts, judgments: int) -> Cost:
    """Return what the engine says of itself."""
    return Cost(
        judgments, facts.seconds_busy, facts.completion_tokens, facts.prompt_tokens, facts.cached_tokens
    )


def modes(model: ResolvedModel, count: int) -> bool:
    """Print `direct` against `explain`; return whether both goals are met."""
    rubric = load_rubric("instruction-following")
    direct, explain = (judge(model, rubric, mode, pairs(count)) for mode in (Mode.DIRECT, Mode.EXPLAIN))
    for name, one in (("direct", direct), ("explain", explain)):
        rate = one.judgments / one.seconds
        print(f"{name:8} {one.judgments} judgments, {rate:.2f} a second, {one.generated} tokens generated")
    faster = (direct.judgments / direct.seconds) / (explain.judgments / explain.seconds)
    longer = explain.generated / direct.generated
    print(f"direct: {faster:.1f} times the judgments a second (goal {FASTER:.0f})")
    print(f"explain: {longer:.0f} times the generated tokens (goal {LONGER:.0f})")
    return faster >= FASTER and longer >= LONGER


def layouts(model: ResolvedModel, count: int) -> bool:
    """Print the friendly layout against its reverse; return whether the goal is met."""
    items = list(with_long_context(pairs(count)))
    friendly, reverse = (
        judge(model, parse_rubric(text, "layout"), Mode.DIRECT, items) for text in (FRIENDLY, REVERSE)
    )
    for name, one in (("friendly", friendly), ("reverse", reverse)):
        print(
            f"{name:8} {one.prompt / one.judgments:.0f} prompt tokens a judgment, "
            f"{one.computed} of {one.prompt} computed, "
            f"hit rate {one.cached / one.prompt:.0%}, {one.seconds:.1f} s"
        )
    tokens, seconds = friendly.computed / reverse.computed, friendly.seconds / reverse.seconds
    print(f"friendly / reverse: {tokens:.2f} of the tokens, {seconds:.2f} of the time (goal {SHORTER})")
    return max(tokens, seconds) <= SHORTER


def main() -> int:
    """Print both halves; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description="Time modes and layouts of judging.")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--pairs", type=int, default=16)
    options = parser.parse_args()
    if os.getloadavg()[0] > 1.0:
        print(f"the machine is busy (load {os.getloadavg()[0]:.1f}): the times will be noise")
    model = resolve(options.model)
    met = [layouts(model, options.pairs), modes(model, options.pairs)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
