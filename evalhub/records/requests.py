"""The requests to an engine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalhub.records.thinking import THINK_TAGS, ThinkTags


class RequestKind(StrEnum):
    """What is asked of a model: a text or a choice, an embedding, the reward of an answer, or a decision."""

    GENERATE = "generate"
    EMBED = "embed"
    REWARD = "reward"
    DECIDE = "decide"


class QuestionKind(StrEnum):
    """Whether one of several options is chosen, one of ordered levels, or a statement is true."""

    CHOICE = "choice"
    SCORE = "score"
    PREDICATE = "predicate"


@dataclass(frozen=True, slots=True)
class Question:
    """A typed question to a decision model, about the conversation of its request.

    Attributes:
        text: What is asked. For a predicate it is the statement.
        options: The name and the description of each option. Those of a score are ordered, the worst first.
            Those of a predicate are the answer "it is true" and the answer "it is not".
    """

    kind: QuestionKind
    text: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: 0 takes the most probable token.
        top_p: Share of the probability mass that is drawn from, in (0, 1].
        top_k: Number of tokens that are drawn from, or 0 for all.
        max_tokens: Maximum length of the answer in tokens.
        seed: Seed of the draw. The number of the sample is added to it.
        stop: Texts that end the answer.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 256
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request: a conversation that ends with the user's turn, or with the beginning of the assistant's.

    With `choices` the answer is one token. The completion's text is then the most probable choice, and
    the completion has the log-probability of each choice under the full softmax. `think` lists the tags
    around think text.

    A request of the kind `embed` is one text, in a single message of the user. A request of the kind `reward`
    is a conversation that ends with the assistant's whole turn, or a prompt for a classifier that reads it
    at the token with which the assistant would begin. Both are answered with `values`, and nothing is drawn.

    A request of the kind `decide` has a `question` about its conversation. It is answered with the
    log-probability of each option, whose names are `choices`. Nothing is written.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    choices: tuple[str, ...] = ()
    sample: int = 0
    think: tuple[ThinkTags, ...] = THINK_TAGS
    kind: RequestKind = RequestKind.GENERATE
    question: Question | None = None
