"""The level of one response from one score, for a model that was trained on ratings.

The prompt is that of a direct judge. The score and the cut points between the levels give each level its
probability, by proportional odds (McCullagh, Regression models for ordinal data, JRSS B 42(2), 1980). A
higher score makes every higher level more probable. A level that is not applicable has no probability.
"""

from __future__ import annotations

from dataclasses import replace

from evalhub import stats
from evalhub.judging.prompts.slots import messages
from evalhub.judging.protocols.base import JudgmentGenerator, Task, new_judgment
from evalhub.judging.protocols.one_token import TokenAnswer, ask_score
from evalhub.judging.protocols.pointwise_pairwise import rate, rating_question
from evalhub.scales import Scale


def ordinal(task: Task) -> JudgmentGenerator:
    """Ask for the score of one response, and rate it as a direct judge with these probabilities would."""
    import numpy as np

    judge, criterion = task.judge, task.criterion
    scale = judge.rubric.scale_for(criterion) or Scale(())
    form = judge.form_of(criterion)
    question = rating_question(scale, form)
    conversation = messages(judge.rubric, task.item, criterion, task.responses, closing=question, form=form)
    answer = yield from ask_score(TokenAnswer(conversation))
    if answer.score is not None:
        levels = [level.name for level in scale.levels if level.applicable]
        logs = stats.level_log_probabilities(np.array([answer.score]), np.array(judge.cut_points))[0]
        logprobs = dict(zip(levels, logs.tolist(), strict=True))
        answer = replace(answer, text=f"score {answer.score:.6g}", logprobs=logprobs)
    return (rate(new_judgment(task), answer, scale),)
