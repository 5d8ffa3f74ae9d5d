"""What a judge is, what it is asked at once, and what a protocol makes of that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace

from evalhub.records import Completion, FailureKind, Item, Judgment, Request, Response, Sampling
from evalhub.scales import AnswerForm, Order
from evalhub.specs import Mode, Rubric

Steps = Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Judgment, ...]]


@dataclass(frozen=True, slots=True)
class Judge:
    """A rubric on a model, with its mode.

    Attributes:
        sampling: Of what the judge writes; the verdict itself is read from probabilities.
        rationale_tokens: Length at most of a rationale, of a reference of its own, of its criteria.
        think_tokens: Length at most of think text, all its parts together.
        waits: How often an end of thinking is answered with "Wait".
        min_choice_mass: Least probability of the allowed answers together, in [0, 1].
        forms: By what the levels of a criterion are answered; by their labels where it is not named.
    """

    id: str
    rubric: Rubric
    model: str
    mode: Mode = Mode.DIRECT
    sampling: Sampling = field(default_factory=Sampling)
    rationale_tokens: int = 256
    think_tokens: int = 512
    waits: int = 0
    min_choice_mass: float = 0.0
    forms: Mapping[str, AnswerForm] = field(default_factory=dict)

    def form(self, criterion: str) -> AnswerForm:
        """Return by what the levels of a criterion are answered."""
        return self.forms.get(criterion, AnswerForm.LABELS)


@dataclass(frozen=True, slots=True)
class Asking:
    """One question to one judge.

    Attributes:
        responses: In terms of the systems, bytewise; not in the order shown.
        shown: The order in which a pair is shown.
        row: The order in which a list is shown: a row of `listwise.rows`.
        repeat: Number of the sample; samples of one asking differ by their seeds alone.
    """

    judge: Judge
    item: Item
    criterion: str
    responses: tuple[Response, ...]
    shown: Order | None = None
    row: int = 0
    repeat: int = 0
    same_family: bool | None = None

    @property
    def outline(self) -> Outline:
        """What is known without the texts."""
        return Outline(self.judge.rubric, self.criterion, len(self.responses), self.shown, self.row)


@dataclass(frozen=True, slots=True)
class Part:
    """One judgment that an asking ends in: its criterion, whom it is about, and the order shown.

    Attributes:
        systems: Places of one or two of the asking's responses.
    """

    criterion: str
    systems: tuple[int, ...]
    shown: Order | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of an asking before its texts: enough to say which judgments it ends in."""

    rubric: Rubric
    criterion: str
    responses: int
    shown: Order | None = None
    row: int = 0


def one_part(outline: Outline) -> tuple[Part, ...]:
    """Return the one judgment of most protocols: about all responses, as they were shown."""
    return (Part(outline.criterion, tuple(range(outline.responses)), outline.shown),)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one asking is done.

    Attributes:
        inputs: The slots for responses that a rubric of this protocol may have, each choice a tuple.
        ask: The generator.
        writes: The slots that the judge fills itself, before it sees a response.
        both_orders: Whether one asking shows both orders of a pair.
        parts: The judgments that one asking ends in.
        total: The criterion that stands for all the rubric's criteria, where one asking covers them.
    """

    inputs: tuple[tuple[str, ...], ...]
    ask: Callable[[Asking], Steps]
    writes: tuple[str, ...] = ()
    both_orders: bool = False
    parts: Callable[[Outline], tuple[Part, ...]] = one_part
    total: str | None = None


def blank(asking: Asking, part: Part) -> Judgment:
    """Return a judgment of an asking before it has a verdict or a failure."""
    responses = tuple(asking.responses[place] for place in part.systems)
    single = len(responses) == 1
    return Judgment(
        dataset=asking.item.dataset,
        judge=asking.judge.id,
        criterion=part.criterion,
        item_id=asking.item.item_id,
        system=responses[0].system if single else None,
        system_a=None if single else responses[0].system,
        system_b=None if single else responses[1].system,
        sample=responses[0].sample,
        shown=part.shown,
        row=asking.row,
        repeat=asking.repeat,
        rubric=asking.judge.rubric.id,
        rubric_hash=asking.judge.rubric.hash,
        model=asking.judge.model,
        mode=asking.judge.mode.value,
        response_hashes=tuple(response.sha256 or "" for response in responses),
        same_family=asking.same_family,
    )


def failed(
    asking: Asking,
    parts: tuple[Part, ...],
    failure: FailureKind,
    detail: str | None,
    completions: tuple[str, ...] = (),
) -> tuple[Judgment, ...]:
    """Return an asking's judgments, all of one failure."""
    return tuple(
        replace(blank(asking, part), failure=failure, detail=detail, completions=completions)
        for part in parts
    )
