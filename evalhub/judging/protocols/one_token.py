"""The one-token question in each mode: at once, after a rationale, or after thinking."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from evalhub.judging.prompts.escape import defuse
from evalhub.judging.prompts.slots import messages
from evalhub.judging.protocols.base import Asking, Judge
from evalhub.judging.replies.hard import read_answer
from evalhub.records import CUT, Completion, FailureKind, Judgment, Message, Request, Response, Sampling
from evalhub.specs import Mode

EXPLAIN = "First explain your assessment in at most three sentences. Do not give the verdict yet."
WAIT = "\nWait"
# A sum of probabilities is off by less. Answers of 0.05 do not fail a floor of 0.05.
_ROUNDING = 1e-6
_THINK, _THOUGHT = "<think>\n", "\n</think>\n\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question: log-probabilities of all choices, one choice without any, or a failure.

    Attributes:
        sent: The conversation up to the question.
        text: What was generated.
        choice: The hard verdict of a judge that gives no probabilities.
        unlisted: The choices whose log-probability is only a bound, since the server did not list them.
        completions: Keys of all completions behind the answer.
    """

    sent: tuple[Message, ...]
    text: str | None = None
    choice: str | None = None
    logprobs: Mapping[str, float] | None = None
    unlisted: tuple[str, ...] = ()
    label_mass: float | None = None
    top_token: str | None = None
    failure: FailureKind | None = None
    detail: str | None = None
    rationale: str | None = None
    rationale_cut: bool | None = None
    completions: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The verdict's token: the most probable choice, or the only one that is known.

        Raises:
            ValueError: The answer is a failure.
        """
        if self.logprobs is None:
            if self.choice is None:
                raise ValueError("a failed answer has no verdict")
            return self.choice
        logprobs = self.logprobs
        return max(logprobs, key=lambda choice: logprobs[choice])

    def fill(self, judgment: Judgment) -> Judgment:
        """Return the judgment with everything but its verdict."""
        return replace(
            judgment,
            failure=self.failure,
            detail=self.detail,
            label_mass=self.label_mass,
            top_token=self.top_token,
            rationale=self.rationale,
            rationale_cut=self.rationale_cut,
            raw_text=self.text,
            completions=self.completions,
        )

    def renamed(self, names: Mapping[str, str]) -> Answer:
        """Return the answer with its choices under other names; the text stays as generated."""
        if self.logprobs is None:
            return replace(self, choice=names.get(self.choice or ""))
        return replace(
            self,
            logprobs={names[name]: value for name, value in self.logprobs.items()},
            unlisted=tuple(names[name] for name in self.unlisted),
        )


Asked = Generator[tuple[Request, ...], tuple[Completion, ...], Answer]


def ask(
    asking: Asking,
    shown: tuple[Response, ...],
    question: str,
    choices: tuple[str, ...],
    *,
    written: Mapping[str, str] | None = None,
    completions: tuple[str, ...] = (),
    note: str = "",
) -> Asked:
    """Show the rubric with some responses and ask for one of the choices, in the judge's mode.

    Args:
        asking: The judge, the item and the criterion.
        shown: The responses in the order shown.
        question: Names the choices.
        choices: Each one token.
        written: Texts for the slots that the judge filled itself.
        completions: Keys of what it wrote for that.
        note: Stands before what is asked first, be it a rationale or the verdict.
    """
    judge = asking.judge
    closing = note + (EXPLAIN if judge.mode is Mode.EXPLAIN else question)
    sent = messages(
        judge.rubric,
        asking.item,
        asking.criterion,
        shown,
        closing=closing,
        written=written or {},
        form=judge.form(asking.criterion),
    )
    answer = Answer(sent, completions=completions)
    if judge.mode is Mode.EXPLAIN:
        answer = yield from _explained(answer, judge, question, asking.repeat)
    elif judge.mode is Mode.THINK:
        answer = yield from _thought(answer, judge, asking.repeat)
    return answer if answer.failure else (yield from _choose(answer, judge, choices))


def ask_again(answer: Answer, judge: Judge, question: str, choices: tuple[str, ...]) -> Asked:
    """Ask a further question of one token in the conversation of an answer."""
    turns = (Message("assistant", defuse(answer.text or "")), Message("user", question))
    return (yield from _choose(replace(answer, sent=(*answer.sent, *turns)), judge, choices))


def _explained(answer: Answer, judge: Judge, question: str, sample: int) -> Asked:
    sampling = replace(judge.sampling, max_tokens=judge.rationale_tokens)
    (rationale,) = yield (Request(answer.sent, sampling, sample=sample),)
    turns = (Message("assistant", defuse(rationale.text or "")), Message("user", question))
    return replace(
        answer,
        sent=(*answer.sent, *turns),
        rationale=rationale.text,
        rationale_cut=rationale.finish_reason == CUT,
        completions=(*answer.completions, rationale.key),
        failure=rationale.failure,
        detail=rationale.detail,
    )


def _thought(answer: Answer, judge: Judge, sample: int) -> Asked:
    """Let the judge think; its end is forced by the budget, or put off with "Wait".

    Source: Muennighoff et al., s1: Simple test-time scaling, arXiv 2501.19393, section 3.1.
    """
    thought, left, cut = "", judge.think_tokens, False
    completions = answer.completions
    for wait in range(judge.waits + 1):
        thought += WAIT if wait else ""
        sent = (*answer.sent, Message("assistant", _THINK + defuse(thought)))
        sampling = replace(judge.sampling, max_tokens=left, stop=("</think>",))
        (part,) = yield (Request(sent, sampling, sample=sample),)
        completions = (*completions, part.key)
        if part.failure:
            return replace(answer, completions=completions, failure=part.failure, detail=part.detail)
        thought += (part.reasoning if part.reasoning is not None else part.text) or ""
        cut = part.finish_reason == CUT
        left -= part.completion_tokens or 0
        if cut or left <= 0:
            break
    turn = Message("assistant", f"{_THINK}{defuse(thought.strip())}{_THOUGHT}")
    return replace(
        answer,
        sent=(*answer.sent, turn),
        rationale=thought.strip(),
        rationale_cut=cut,
        completions=completions,
    )


def _choose(answer: Answer, judge: Judge, choices: tuple[str, ...]) -> Asked:
    verdict = Sampling(temperature=0.0, max_tokens=1, seed=judge.sampling.seed)
    (completion,) = yield (Request(answer.sent, verdict, choices),)
    answer = replace(
        answer,
        text=completion.text,
        top_token=completion.top_token,
        completions=(*answer.completions, completion.key),
        failure=completion.failure,
        detail=completion.detail,
    )
    mass = min(math.fsum(map(math.exp, (completion.logprobs or {}).values())), 1.0)
    if completion.logprobs and mass < judge.min_choice_mass - _ROUNDING:
        detail = _off_choice(judge.min_choice_mass, completion.top_token)
        return replace(answer, label_mass=mass, failure=FailureKind.OFF_CHOICE, detail=detail)
    if answer.failure:
        return answer
    if completion.logprobs is None:
        return _read(answer, completion, choices)
    if set(completion.logprobs) != set(choices):
        return replace(answer, failure=FailureKind.PARSE, detail="no probability for every verdict token")
    return replace(answer, logprobs=completion.logprobs, unlisted=completion.unlisted, label_mass=mass)


def _read(answer: Answer, completion: Completion, choices: tuple[str, ...]) -> Answer:
    """Return the hard verdict that a text without probabilities gives, or why it gives none."""
    if completion.finish_reason == CUT:
        detail = "the verdict was cut at its token limit; engine: answer_tokens allows more"
        return replace(answer, failure=FailureKind.TRUNCATED, detail=detail)
    choice = read_answer(completion.text or "", choices)
    if choice is None:
        allowed = f"the answer is not one of {', '.join(choices)} and nothing else"
        detail = allowed if (completion.text or "").strip() else "the answer is empty"
        return replace(answer, failure=FailureKind.PARSE, detail=detail)
    return replace(answer, choice=choice)


def _off_choice(floor: float, top_token: str | None) -> str:
    """Say what the model wanted instead; the probability itself stands in the judgment."""
    wish = "" if top_token is None else f"; the most probable token was {top_token!r}"
    return f"the allowed answers together are less probable than {floor:g} (controls.min_choice_mass){wish}"
