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
        fields |= _pair(*(completion.values[0] for completion in completions))
    return (replace(new_judgment(task), **fields),)


def _failure(completion: Completion) -> tuple[FailureKind, str | None] | None:
    """Return why a completion holds no reward. None if it holds one."""
    if completion.failure:
        return completion.failure, completion.detail
    if len(completion.values) != 1:
        return FailureKind.ENGINE, f"the engine gave {len(completion.values)} values for one reward"
    return None


def _pair(reward_a: float, reward_b: float) -> dict[str, Any]:
    """Return the fields of a pair's verdict. With the two exchanged, it is the exchanged verdict."""
    chances = softmax({"a": reward_a, "b": reward_b})
    return {
        "winner": hard_winner(chances),
        "p_a": preference(chances),
        "logprobs": {"a": log_sigmoid(reward_a - reward_b), "b": log_sigmoid(reward_b - reward_a)},
        "raw_text": f"reward of a {reward_a:.6g}, of b {reward_b:.6g}",
    }
