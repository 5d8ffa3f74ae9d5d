"""The question that one token answers, in each mode: at once, after a rationale, or after thinking."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalhub.judging.probabilities import log_sigmoid
from evalhub.judging.prompts.escape import defuse
from evalhub.judging.prompts.slots import messages, state
from evalhub.judging.protocols.base import Judge, Task
from evalhub.judging.replies.hard import read_answer
from evalhub.records import (
    CUT,
    Completion,
    FailureKind,
    Judgment,
    Message,
    Question,
    Request,
    RequestKind,
    Response,
    Sampling,
)
from evalhub.specs import Mode

EXPLAIN = "First explain your assessment in at most three sentences. Do not give the verdict yet."
WAIT = "\nWait"
# A sum of probabilities is off by less. Answers of 0.05 do not fail a floor of 0.05.
_ROUNDING = 1e-6
# Nothing is drawn. The fields stand in the keys of completions.
_DECISION = Sampling(max_tokens=1)
_THINK, _THOUGHT = "<think>\n", "\n</think>\n\n"


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The answer to one question: log-probabilities of all choices, one choice without them, or a failure.

    Attributes:
        conversation: The messages up to and with the question.
        text: The generated text.
        choice: The hard verdict of a judge that gives no probabilities.
        logprobs: Natural-log probability of each choice.
        unlisted: The choices whose log-probability is only an upper bound, since the server did not list
            them.
        choice_mass: Total probability of the choices, in [0, 1].
        top_token: The most probable token, allowed or not.
        completions: Keys of all completions behind the answer.
        score: The number of a classifier of the prompt.
    """

    conversation: tuple[Message, ...]
    text: str | None = None
    choice: str | None = None
    logprobs: Mapping[str, float] | None = None
    unlisted: tuple[str, ...] = ()
    choice_mass: float | None = None
    top_token: str | None = None
    failure: FailureKind | None = None
    detail: str | None = None
    rationale: str | None = None
    rationale_cut: bool | None = None
    completions: tuple[str, ...] = ()
    score: float | None = None

    @property
    def best(self) -> str:
        """The verdict's token: the most probable choice, or the only choice that is known.

        Raises:
            ValueError: The answer is a failure.
        """
        if self.logprobs is None:
            if self.choice is None:
                raise ValueError("a failed answer has no verdict")
            return self.choice
        logprobs = self.logprobs
        return max(logprobs, key=lambda choice: logprobs[choice])

    def fill(self, judgment: Judgment, **verdict: Any) -> Judgment:
        """Return the judgment with the answer and the fields of its verdict."""
        fields = {
            "failure": self.failure,
            "detail": self.detail,
            "choice_mass": self.choice_mass,
            "top_token": self.top_token,
            "rationale": self.rationale,
            "rationale_cut": self.rationale_cut,
            "raw_text": self.text,
            "completions": self.completions,
        }
        return replace(judgment, **{**fields, **verdict})

    def rename_choices(self, names: Mapping[str, str]) -> TokenAnswer:
        """Return the answer with its choices under other names. The text stays as generated."""
        if self.logprobs is None:
            return replace(self, choice=names.get(self.choice or ""))
        return replace(
            self,
            logprobs={names[name]: value for name, value in self.logprobs.items()},
            unlisted=tuple(names[name] for name in self.unlisted),
        )


AnswerGenerator = Generator[tuple[Request, ...], tuple[Completion, ...], TokenAnswer]
"""Yields requests, is sent their completions, and returns the answer to one question."""


def ask_token(
    task: Task,
    shown: tuple[Response, ...],
    question: str,
    choices: tuple[str, ...],
    *,
    self_written: Mapping[str, str] | None = None,
    completions: tuple[str, ...] = (),
    note: str = "",
    typed: Question | None = None,
) -> AnswerGenerator:
    """Show the rubric with some responses and ask for one of the choices, in the judge's mode.

    Args:
        task: The judge, the item and the criterion.
        shown: The responses in the order shown.
        question: Names the choices.
        choices: Each one token.
        self_written: Texts for the slots that the judge filled itself.
        completions: Keys of the completions behind those texts.
        note: Stands before the first question, which asks for a rationale or for the verdict.
        typed: The same question for a decision model. Its options are named by the choices.
    """
    judge = task.judge
    if judge.asks is RequestKind.DECIDE:
        return (yield from _decide(task, shown, typed, choices))
    closing = note + (EXPLAIN if judge.mode is Mode.EXPLAIN else question)
    conversation = messages(
        judge.rubric,
        task.item,
        task.criterion,
        shown,
        closing=closing,
        self_written=self_written or {},
        form=judge.form_of(task.criterion),
        item_criterion=task.item_criterion,
    )
    answer = TokenAnswer(conversation, completions=completions)
    if judge.asks is RequestKind.REWARD:
        return (yield from _classify(answer, choices))
    if judge.mode is Mode.EXPLAIN:
        answer = yield from _explain(answer, judge, question, task.repeat)
    elif judge.mode is Mode.THINK:
        answer = yield from _think(answer, judge, task.repeat)
    return answer if answer.failure else (yield from _choose(answer, judge, choices))


def ask_next_token(
    answer: TokenAnswer, judge: Judge, question: str, choices: tuple[str, ...]
) -> AnswerGenerator:
    """Ask a further question of one token in the conversation of an answer."""
    turns = (Message("assistant", defuse(answer.text or "")), Message("user", question))
    answer = replace(answer, conversation=(*answer.conversation, *turns))
    return (yield from _choose(answer, judge, choices))


def _explain(answer: TokenAnswer, judge: Judge, question: str, sample: int) -> AnswerGenerator:
    sampling = replace(judge.sampling, max_tokens=judge.rationale_tokens)
    (rationale,) = yield (Request(answer.conversation, sampling, sample=sample),)
    turns = (Message("assistant", defuse(rationale.text or "")), Message("user", question))
    return replace(
        answer,
        conversation=(*answer.conversation, *turns),
        rationale=rationale.text,
        rationale_cut=rationale.finish_reason == CUT,
        completions=(*answer.completions, rationale.key),
        failure=rationale.failure,
        detail=rationale.detail,
    )


def _think(answer: TokenAnswer, judge: Judge, sample: int) -> AnswerGenerator:
    """Let the judge think. The budget forces the end of its think text, "Wait" puts the end off.

    Source: Muennighoff et al., s1: Simple test-time scaling, arXiv 2501.19393, section 3.1.
    """
    thoughts, budget, cut = "", judge.think_tokens, False
    completions = answer.completions
    for extension in range(judge.think_extensions + 1):
        thoughts += WAIT if extension else ""
        conversation = (*answer.conversation, Message("assistant", _THINK + defuse(thoughts)))
        sampling = replace(judge.sampling, max_tokens=budget, stop=("</think>",))
        (completion,) = yield (Request(conversation, sampling, sample=sample),)
        completions = (*completions, completion.key)
        if completion.failure:
            return replace(
                answer, completions=completions, failure=completion.failure, detail=completion.detail
            )
        thoughts += (completion.reasoning if completion.reasoning is not None else completion.text) or ""
        cut = completion.finish_reason == CUT
        budget -= completion.completion_tokens or 0
        if cut or budget <= 0:
            break
    turn = Message("assistant", f"{_THINK}{defuse(thoughts.strip())}{_THOUGHT}")
    return replace(
        answer,
        conversation=(*answer.conversation, turn),
        rationale=thoughts.strip(),
        rationale_cut=cut,
        completions=completions,
    )


def _decide(
    task: Task, shown: tuple[Response, ...], question: Question | None, choices: tuple[str, ...]
) -> AnswerGenerator:
    """Put a typed question to a decision model. The conversation is the same for all criteria of a rubric."""
    if question is None:
        raise ValueError("the protocol asks no typed question")
    answer = TokenAnswer(state(task.judge.rubric, task.item, shown))
    request = Request(answer.conversation, _DECISION, choices, kind=RequestKind.DECIDE, question=question)
    return (yield from _ask_verdict(answer, task.judge, request))


def _classify(answer: TokenAnswer, choices: tuple[str, ...]) -> AnswerGenerator:
    """Ask a classifier of the prompt for the log-odds of the first of two answers against the second."""
    first, second = choices
    answer = yield from ask_score(answer)
    log_odds = answer.score
    if log_odds is None:
        return answer
    logprobs = {first: log_sigmoid(log_odds), second: log_sigmoid(-log_odds)}
    return replace(answer, text=first if log_odds >= 0 else second, logprobs=logprobs)


def ask_score(answer: TokenAnswer) -> AnswerGenerator:
    """Ask a classifier of the prompt for its number, in the conversation of an answer."""
    (completion,) = yield (Request(answer.conversation, _DECISION, kind=RequestKind.REWARD),)
    answer = replace(answer, completions=(*answer.completions, completion.key))
    if completion.failure:
        return replace(answer, failure=completion.failure, detail=completion.detail)
    if len(completion.values) != 1:
        detail = f"the engine gave {len(completion.values)} values for one verdict"
        return replace(answer, failure=FailureKind.ENGINE, detail=detail)
    return replace(answer, score=completion.values[0])


def _choose(answer: TokenAnswer, judge: Judge, choices: tuple[str, ...]) -> AnswerGenerator:
    verdict = Sampling(temperature=0.0, max_tokens=1, seed=judge.sampling.seed)
    return (yield from _ask_verdict(answer, judge, Request(answer.conversation, verdict, choices)))


def _ask_verdict(answer: TokenAnswer, judge: Judge, request: Request) -> AnswerGenerator:
    (completion,) = yield (request,)
    fields = {
        "text": completion.text,
        "top_token": completion.top_token,
        "completions": (*answer.completions, completion.key),
        "failure": completion.failure,
        "detail": completion.detail,
    }
    return replace(answer, **{**fields, **_read_choice(judge, completion, request.choices)})


def _read_choice(judge: Judge, completion: Completion, choices: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of an answer that a completion decides: its choice, or the failure."""
    logprobs = completion.logprobs
    mass = min(math.fsum(map(math.exp, (logprobs or {}).values())), 1.0)
    if logprobs and mass < judge.min_choice_mass - _ROUNDING:
        detail = _off_choice(judge.min_choice_mass, completion.top_token)
        return {"choice_mass": mass, "failure": FailureKind.OFF_CHOICE, "detail": detail}
    if completion.failure:
        return {}
    if logprobs is None:
        return _read_text(completion, choices)
    if set(logprobs) != set(choices):
        return {"failure": FailureKind.PARSE, "detail": "no probability for every verdict token"}
    return {"logprobs": logprobs, "unlisted": completion.unlisted, "choice_mass": mass}


def _read_text(completion: Completion, choices: tuple[str, ...]) -> dict[str, Any]:
    """Return the hard verdict of a text without probabilities, or the failure with its reason."""
    if completion.finish_reason == CUT:
        detail = "the verdict was cut at its token limit; engine: answer_tokens allows more"
        return {"failure": FailureKind.TRUNCATED, "detail": detail}
    choice = read_answer(completion.text or "", choices)
    if choice is None:
        mismatch = f"the answer is not one of {', '.join(choices)} and nothing else"
        detail = mismatch if (completion.text or "").strip() else "the answer is empty"
        return {"failure": FailureKind.PARSE, "detail": detail}
    return {"choice": choice}


def _off_choice(floor: float, top_token: str | None) -> str:
    """Return the failure's detail with the most probable token. Its probability stands in the judgment."""
    preferred = "" if top_token is None else f"; the most probable token was {top_token!r}"
    return (
        f"the allowed answers together are less probable than {floor:g} (controls.min_choice_mass){preferred}"
    )
