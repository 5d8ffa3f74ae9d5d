"""The records of a run, as frozen dataclasses. Each field is a column.

`KEY` names the fields that identify a record within a run. Records are sorted by it, and a second record
with the same key is the same record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from evalhub.scales import Order, Winner


class FailureKind(StrEnum):
    """Why a judgment has no verdict. `not_applicable` is the judge's own finding, and not a fault."""

    PARSE = "parse"
    AMBIGUOUS = "ambiguous"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    TOO_LONG = "too_long"
    OFF_SCALE = "off_scale"
    OFF_CHOICE = "off_choice"
    NOT_APPLICABLE = "not_applicable"
    ENGINE = "engine"


class Source(StrEnum):
    """Whether a text or verdict was generated in this run or came with the dataset."""

    GENERATED = "generated"
    RECORDED = "recorded"


class AnnotatorKind(StrEnum):
    """Who gave a label. Only `human` is ever called human."""

    HUMAN = "human"
    CONSTRUCTED = "constructed"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class ItemCriterion:
    """One criterion that an item brings along: what a response is asked, and what it counts.

    Attributes:
        id: Unique within the item.
        points: What a response gets that meets it: finite and not 0. Below 0 = a good response does not.
        tags: What it is about, so that criteria of different items can be counted together.
    """

    id: str
    text: str
    points: float
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a dataset. `turns` are the user's, `refs` the alternative references for each turn.

    `messages` is a chat history: pairs of role (system, user, assistant, tool) and text. The text of its last
    message is then the only turn. `criteria` are those that a judge is to ask of responses to this item.
    """

    KEY: ClassVar[tuple[str, ...]] = ("dataset", "item_id")

    dataset: str
    item_id: str
    turns: tuple[str, ...] = ()
    refs: tuple[tuple[str, ...], ...] = ()
    context: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    lang: str | None = None
    cluster: str = ""
    split: str | None = None
    messages: tuple[tuple[str, str], ...] = ()
    criteria: tuple[ItemCriterion, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """The alternative references of the last turn."""
        return self.refs[-1] if self.refs else ()


@dataclass(frozen=True, slots=True)
class Response:
    """One response of one system to an item. `turns` are the system's, and `text` is the last of them.

    If there is no text, `detail` is the reason in the engine's own words.
    """

    KEY: ClassVar[tuple[str, ...]] = ("dataset", "item_id", "system", "sample")

    dataset: str
    item_id: str
    system: str
    sample: int = 0
    text: str | None = None
    turns: tuple[str, ...] = ()
    reasoning: str | None = None
    chars: int | None = None
    families: tuple[str, ...] = ("unknown",)
    source: Source = Source.RECORDED
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    sha256: str | None = None
    completions: tuple[str, ...] = ()
    failure: FailureKind | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of an engine to one request. The cache finds it by its key.

    Attributes:
        logprobs: Log-probability of each allowed choice under the full softmax. If a server does not return
            a choice, an upper bound is stored: the remaining mass in equal shares. None if the server
            returns no choice at all, so that the text is a hard verdict, and without choices.
        unlisted: The choices that the server did not return.
        top_token: The model's most probable token at the verdict, a choice or not. None if the engine did not
            return it.
        unsent: The parameters that were left out because the server refuses them, such as "temperature 0".
        original: The bytes of an answer that is no valid Unicode or has NUL, in base64: UTF-8 in which lone
            surrogates stay. None = `text` is the answer as it came.
        values: The embedding of a text, or the one reward of an answer. Empty for a generated text.
        question: The question to a decision model, as canonical JSON.
        answered_by: The model that answered, with its version, in the server's words.
        batch: Whether the answer came in a batch, which has a price of its own. None = as a single request.
    """

    KEY: ClassVar[tuple[str, ...]] = ("key",)

    key: str
    model: str
    messages: str
    choices: tuple[str, ...] = ()
    text: str | None = None
    reasoning: str | None = None
    logprobs: Mapping[str, float] | None = None
    top_token: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    failure: FailureKind | None = None
    detail: str | None = None
    unsent: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    computed_in: str | None = None
    original: str | None = None
    values: tuple[float, ...] = ()
    question: str | None = None
    answered_by: str | None = None
    batch: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgment:
    """One judgment of one judge in one order: exactly one of `winner`/`value` or `failure`.

    Attributes:
        sample: The number of the response's sample.
        row: The number of the order in which a list was shown.
        repeat: The number of the judge's sample.
        p_a: The probability that a wins, in [0, 1], beside `winner`.
        expected: The probability-weighted level, beside `value`.
        logprobs: Log-probabilities of a, tie and b (pairwise, without choices that a server did not return)
            or of the level labels (pointwise).
        choice_mass: The probability of all allowed answers together, in [0, 1].
        top_token: The model's most probable token, an allowed answer or not.
        detail: Why the judgment failed, or which of its probabilities are bounds.
        response_hashes: The first `SHORT_DIGITS` of the sha256 of each response that it is about.
        turn: As in `Label`.
        item_criterion: As in `Label`.
    """

    KEY: ClassVar[tuple[str, ...]] = (
        "dataset", "judge", "criterion", "item_id", "system", "system_a", "system_b",
        "sample", "shown", "row", "repeat", "item_criterion",
    )  # fmt: skip

    dataset: str
    judge: str
    criterion: str
    item_id: str
    system: str | None = None
    system_a: str | None = None
    system_b: str | None = None
    sample: int = 0
    shown: Order | None = None
    row: int = 0
    repeat: int = 0
    winner: Winner | None = None
    value: float | None = None
    p_a: float | None = None
    expected: float | None = None
    logprobs: Mapping[str, float] | None = None
    choice_mass: float | None = None
    top_token: str | None = None
    failure: FailureKind | None = None
    detail: str | None = None
    rationale: str | None = None
    rationale_cut: bool | None = None
    raw_text: str | None = None
    rubric: str | None = None
    rubric_hash: str | None = None
    model: str | None = None
    mode: str | None = None
    response_hashes: tuple[str, ...] = ()
    same_family: bool | None = None
    source: Source = Source.GENERATED
    completions: tuple[str, ...] = ()
    turn: int | None = None
    item_criterion: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """One annotator's verdict on one response (`system`) or pair (`system_a` < `system_b`).

    Attributes:
        probability: The probability with which the item was drawn for labelling, in [0, 1].
        uniform: Whether it was drawn with equal probabilities.
        turn: The number of the answer that the label is about, from 1. Its criterion is about that turn
            alone. None for the whole response.
        not_applicable: The annotator found that the criterion does not apply. There is no verdict then.
        item_criterion: The id of the item's criterion that the label is about. `criterion` is then the name
            that stands for the criteria of all items. None = the item's criteria are not the subject.
    """

    KEY: ClassVar[tuple[str, ...]] = (
        "dataset", "item_id", "criterion", "system", "system_a", "system_b", "sample", "item_criterion",
        "annotator",
    )  # fmt: skip

    dataset: str
    item_id: str
    criterion: str
    annotator: str
    annotator_kind: AnnotatorKind
    system: str | None = None
    system_a: str | None = None
    system_b: str | None = None
    sample: int = 0
    winner: Winner | None = None
    value: float | None = None
    shown: Order | None = None
    probability: float | None = None
    uniform: bool | None = None
    turn: int | None = None
    not_applicable: bool = False
    item_criterion: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value for a response, with its full signature. If it is None, `reason` says why."""

    KEY: ClassVar[tuple[str, ...]] = ("dataset", "item_id", "system", "sample", "metric", "criterion")

    dataset: str
    item_id: str
    system: str
    metric: str
    sample: int = 0
    criterion: str | None = None
    signature: str | None = None
    value: float | None = None
    reason: str | None = None
    source: Source = Source.GENERATED


def has_failed(failure: FailureKind | str | None) -> bool:
    """Return whether a judgment failed. `not_applicable` is a measurement and not a failure.

    >>> has_failed(FailureKind.PARSE), has_failed(FailureKind.NOT_APPLICABLE), has_failed(None)
    (True, False, False)
    """
    return failure is not None and failure != FailureKind.NOT_APPLICABLE


Record = Item | Response | Completion | Judgment | Label | Score

KINDS: Mapping[str, type[Record]] = {
    "items": Item,
    "responses": Response,
    "completions": Completion,
    "judgments": Judgment,
    "labels": Label,
    "scores": Score,
}
