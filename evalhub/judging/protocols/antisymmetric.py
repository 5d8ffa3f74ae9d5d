"""One verdict from both orders of a pair, for a model that was trained on their difference.

The score of one order alone has an offset that belongs to the prompt and means nothing. In the difference of
the two orders it cancels, so that exchanging the systems mirrors the verdict exactly.
"""

from __future__ import annotations

from dataclasses import replace

from evalhub.judging.protocols.base import JudgmentGenerator, Task, new_judgment
from evalhub.judging.protocols.one_token import TokenAnswer
from evalhub.judging.protocols.pointwise_pairwise import ask_better
from evalhub.judging.protocols.reward import pair_fields
from evalhub.judging.protocols.together import ask_together
from evalhub.scales import Order


def antisymmetric(task: Task) -> JudgmentGenerator:
    """Ask in both orders at once. The log-odds are half of the first order's minus those of the second."""
    first, second = yield from ask_together(ask_better(task, order) for order in (Order.AB, Order.BA))
    judgment = replace(new_judgment(task), completions=(*first.completions, *second.completions))
    failed = next((answer for answer in (first, second) if answer.failure), None)
    if failed:
        return (replace(judgment, failure=failed.failure, detail=failed.detail),)
    scores = _log_odds(first), _log_odds(second)
    text = f"score of a first {scores[0]:.6g}, of b first {scores[1]:.6g}"
    return (replace(judgment, **pair_fields((scores[0] - scores[1]) / 2, text)),)


def _log_odds(answer: TokenAnswer) -> float:
    """Return the log-odds that the response shown first is better."""
    logprobs = answer.logprobs or {}
    return logprobs["A"] - logprobs["B"]
