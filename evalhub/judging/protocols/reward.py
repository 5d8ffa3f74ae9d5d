"""A reward model as a judge: a value for each response, and for a pair the sigmoid of the difference.

Each response is read alone, so that no order of a pair can play a role, and a response costs one request
however many pairs it is in.

Source: Bradley and Terry, Rank analysis of incomplete block designs, 1952; Ouyang et al., Training language
models to follow instructions with human feedback, 2022, section 3.5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evalhub.judging.probabilities import hard_winner, log_sigmoid, preference, softmax
from evalhub.judging.prompts.conversation import conversation
from evalhub.judging.protocols.base import JudgmentGenerator, Task, new_judgment
from evalhub.records import Completion, FailureKind, Request, RequestKind, Sampling
from evalhub.scales import Kind

# Nothing is drawn. The fields stand in the keys of completions.
_SAMPLING = Sampling(max_tokens=1)


def reward(task: Task) -> JudgmentGenerator:
    """Ask for the reward of each response of the task. A failure of one is the judgment's."""
    rubric = task.judge.rubric
    completions = yield tuple(
        Request(
            conversation(rubric, task.item, task.criterion, response),
            _SAMPLING,
            kind=RequestKind.REWARD,
        )
        for response in task.responses
    )
    fields: dict[str, Any] = {"completions": tuple(completion.key for completion in completions)}
    failed = next(filter(None, map(_failure, completions)), None)
    if failed:
        fields |= {"failure": failed[0], "detail": failed[1]}
    elif rubric.kind is Kind.POINTWISE:
        (value,) = (completion.values[0] for completion in completions)
        fields |= {"value": value, "expected": value}
    else:
        reward_a, reward_b = (completion.values[0] for completion in completions)
        fields |= pair_fields(reward_a - reward_b, f"reward of a {reward_a:.6g}, of b {reward_b:.6g}")
    return (replace(new_judgment(task), **fields),)


def _failure(completion: Completion) -> tuple[FailureKind, str | None] | None:
    """Return why a completion holds no reward. None if it holds one."""
    if completion.failure:
        return completion.failure, completion.detail
    if len(completion.values) != 1:
        return FailureKind.ENGINE, f"the engine gave {len(completion.values)} values for one reward"
    return None


def pair_fields(log_odds: float, text: str) -> dict[str, Any]:
    """Return the fields of a pair's verdict. With the two exchanged, it is the exchanged verdict.

    Args:
        log_odds: That a is better than b.
        text: What the verdict is read from.
    """
    chances = softmax({"a": log_odds / 2, "b": -log_odds / 2})
    return {
        "winner": hard_winner(chances),
        "p_a": preference(chances),
        "logprobs": {"a": log_sigmoid(log_odds), "b": log_sigmoid(-log_odds)},
        "raw_text": text,
    }
