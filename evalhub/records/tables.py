"""The records that are kept, as frozen dataclasses; each field is a column.

`KEY` names the fields that make a record one of a kind within a run: records are
sorted by it, and a second record with the same key is the same record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from evalhub.scales import Order, Winner


class FailureKind(StrEnum):
    """Why an asking has no verdict; `not_applicable` is what the judge found, and no fault of it."""

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
    """Whether a text or verdict was made in this run or came with the dataset."""

    GENERATED = "generated"
    RECORDED = "recorded"


class AnnotatorKind(StrEnum):
    """Who gave a label. Only `human` is ever called human."""

    HUMAN = "human"
    CONSTRUCTED = "constructed"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked. `turns` are the user's, `refs` the alternatives for each turn.

    `messages` is a chat history, pairs of role (system, user, assistant, tool) and text; the text of the last
    is then the only turn.
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

    @property
    def references(self) -> tuple[str, ...]:
        """The alternative references of the last turn."""
        return self.refs[-1] if self.refs else ()


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of one system. `turns` are the system's, `text` is the last of them.

    `detail` says why there is no answer, in the engine's own words.
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
    """One answer of an engine to one request, found again by its key.

    `logprobs` maps each allowed choice to its log-probability under the full softmax. Choices that a server
    does not list hold equal shares of the most that they can have, and `unlisted` names them. Without
    log-probabilities the text is a hard verdict, as the model wrote it. `unsent` names what was asked for and
    not sent to a server that refuses it, such as "temperature 0". `top_token` is the model's most probable
    token there, a choice or not; None where the engine did not say.
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


@dataclass(frozen=True, slots=True)
class Judgment:
    """One asking of one judge: exactly one of `winner`/`value` or `failure`.

    `p_a` and `expected` are the soft readings beside them: the probability that a wins, and
    the probability-weighted level. `logprobs` are in terms of a, tie and b (pairwise, without what a server
    did not list) or of the level labels (pointwise). `label_mass` is the probability that the model gave to
    all of them together, and `top_token` the token that it held most probable, an allowed answer or not.
    `detail` says why a judgment failed, or what of its probabilities is a bound.
    `row` is the order in which a list was shown, `repeat` the number of the sample. `turn` is as of a label.
    """

    KEY: ClassVar[tuple[str, ...]] = (
        "dataset", "judge", "criterion", "item_id", "system", "system_a", "system_b",
        "sample", "shown", "row", "repeat",
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
    label_mass: float | None = None
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


@dataclass(frozen=True, slots=True)
class Label:
    """One annotator's verdict on one response (`system`) or pair (`system_a` < `system_b`).

    `probability` is that of having been drawn for labelling; `uniform` says whether it was drawn evenly.
    `turn` is the answer that the label is about, from 1; its criterion is one of that turn alone. None stands
    for the whole response.
    `not_applicable` stands for a verdict where the annotator found that the criterion does not apply.
    """

    KEY: ClassVar[tuple[str, ...]] = (
        "dataset", "item_id", "criterion", "system", "system_a", "system_b", "sample", "annotator",
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


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value for a response, with its full signature; None with a reason."""

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
    """Return whether an asking was not measured: that a criterion does not apply is a measurement.

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
