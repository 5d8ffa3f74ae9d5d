"""What a protocol is: a pure generator that turns one judging task into judgments.

A protocol does two things. It builds the messages, and it reads the reply. Between the two it yields its
requests and is sent their completions. It calls no model and touches no disk, so a run is resumed by sending
the stored completions again.

A complete protocol, which asks one yes/no question about one response:

>>> from evalhub.judging.protocols.one_token import ask_token
>>> def polite(task):
...     question = "Is the response polite? Answer with one word: Yes or No."
...     # Build the messages: the filled rubric, then the question. The reply is one token of the choices.
...     answer = yield from ask_token(task, task.responses, question, ("Yes", "No"))
...     # Read the reply: the answer is copied, and the verdict is set unless it failed.
...     verdict = {} if answer.failure else {"value": 1.0 if answer.best == "Yes" else 0.0}
...     return (answer.fill(new_judgment(task), **verdict),)
>>> POLITE = Protocol(inputs=(("response",),), ask=polite)

What the generator asks, and what it returns when the model is 90% sure of "Yes":

>>> from evalhub.specs import load_rubric
>>> judge = Judge("polite", load_rubric("answer-correctness"), "some-model")
>>> item = Item("dataset", "item", turns=("How are you?",))
>>> response = Response("dataset", "item", "system", text="Fine, thanks!")
>>> steps = POLITE.ask(Task(judge, item, "correctness", (response,)))
>>> (request,) = next(steps)
>>> request.messages[-1].content.splitlines()[-1]
'Is the response polite? Answer with one word: Yes or No.'
>>> try:
...     steps.send((Completion("key", "some-model", "", logprobs={"Yes": -0.105, "No": -2.303}),))
... except StopIteration as end:
...     end.value[0].value
1.0

A protocol becomes known by one line in `evalhub/judging/protocols/table.py`, or by an entry point of the
group `evalhub.protocols` in another package.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace

from evalhub.records import (
    SHORT_DIGITS,
    Completion,
    FailureKind,
    Item,
    ItemCriterion,
    Judgment,
    Request,
    RequestKind,
    Response,
    Sampling,
)
from evalhub.scales import AnswerForm, Kind, Order
from evalhub.specs import Mode, Rubric
from evalhub.specs.card import CLIP

JudgmentGenerator = Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Judgment, ...]]
"""Yields requests, is sent their completions in the same order, and returns the judgments of one task."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A rubric on a model, with its mode.

    Attributes:
        sampling: How rationales, think text and self-written texts are sampled. The verdict is read from
            probabilities and is not sampled.
        rationale_tokens: Most tokens of a rationale, of a reference and of questions that the judge writes.
        think_tokens: Most tokens of think text, over all its continuations.
        think_extensions: How often the judge is made to think on with "Wait" when it stops thinking.
        min_choice_mass: Least total probability of the allowed answers, in [0, 1]. A verdict with less is a
            failure.
        forms: How the levels of a criterion are answered. A criterion without an entry is answered by the
            labels of its levels.
        asks: How the model is asked for a verdict: for a token, for a decision on a typed question, or for a
            number that says how much more probable the first of two answers is.
        cut_points: The rising scores between the levels of a model that was trained on ratings.
    """

    id: str
    rubric: Rubric
    model: str
    mode: Mode = Mode.DIRECT
    sampling: Sampling = field(default_factory=Sampling)
    rationale_tokens: int = 256
    think_tokens: int = 512
    think_extensions: int = 0
    min_choice_mass: float = 0.0
    forms: Mapping[str, AnswerForm] = field(default_factory=dict)
    asks: RequestKind = RequestKind.GENERATE
    cut_points: tuple[float, ...] = ()
    rubric_hash: str = field(init=False)

    def __post_init__(self) -> None:
        # Every judgment has the hash, and to compute it takes longer than the rest of a judgment.
        object.__setattr__(self, "rubric_hash", self.rubric.hash)

    def form_of(self, criterion: str) -> AnswerForm:
        """Return how the levels of a criterion are answered."""
        return self.forms.get(criterion, AnswerForm.NAMES)


@dataclass(frozen=True, slots=True)
class Task:
    """One judging task: what one judge is asked at once.

    Attributes:
        responses: In bytewise order of the systems, which is not the order shown.
        shown: The order in which a pair is shown. None for one response or a list.
        row: The order in which a list is shown: an index into `list_orders`.
        repeat: Number of the judge's sample. Samples of one task differ by their seeds alone.
        same_family: Whether the judge shares a model family with a response. None where that is unknown.
        item_criterion: The criterion of the item that is asked, where items bring their own.
        clip: The range of the score of the item's criteria. None = it is not cut off.
    """

    judge: Judge
    item: Item
    criterion: str
    responses: tuple[Response, ...]
    shown: Order | None = None
    row: int = 0
    repeat: int = 0
    same_family: bool | None = None
    item_criterion: ItemCriterion | None = None
    clip: tuple[float, float] | None = CLIP

    @property
    def outline(self) -> TaskOutline:
        """The task without its texts."""
        rubric = self.judge.rubric
        ids = tuple(criterion.id for criterion in self.item.criteria) if rubric.has_item_criteria else ()
        return TaskOutline(rubric, self.criterion, len(self.responses), self.shown, self.row, ids)


@dataclass(frozen=True, slots=True)
class TaskOutline:
    """A judging task without its texts: enough to say which judgments it will end in.

    Attributes:
        responses: Number of responses.
        item_criteria: The ids of the item's criteria. Empty for a rubric that has its own.
    """

    rubric: Rubric
    criterion: str
    responses: int
    shown: Order | None = None
    row: int = 0
    item_criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedJudgment:
    """One judgment that a task will end in.

    Attributes:
        systems: Indices of one or two of the task's responses.
        shown: The order in which these two are shown.
        item_criterion: The id of the item's criterion that it is about.
    """

    criterion: str
    systems: tuple[int, ...]
    shown: Order | None = None
    item_criterion: str | None = None


def plan_single(outline: TaskOutline) -> tuple[PlannedJudgment, ...]:
    """Return the one judgment of most protocols: about all responses of the task, in the order shown."""
    return (PlannedJudgment(outline.criterion, tuple(range(outline.responses)), outline.shown),)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a judging task is turned into judgments.

    Attributes:
        inputs: The response slots that a rubric of this protocol may have, each choice a tuple: `response`,
            `response_a` and `response_b`, or `responses`.
        ask: The generator.
        writes: The slots that the judge fills itself before it sees a response, each with the heading that a
            first rubric gives it.
        both_orders: Whether one task shows a pair in both orders. Such a protocol ignores `positions`.
        plan: The judgments that a task will end in. The generator returns one for each, in this order.
        total: The criterion that combines all criteria of the rubric, where one task covers them. Each
            criterion is then a yes/no question, and the rubric has no scale.
        asks: What the verdicts are read from. A judge by rewards reads each response alone, so that a pair
            has no order, nothing is drawn, and a rubric has no scale.
        decides: Whether its questions can be put to a decision model, which writes nothing.
        orderless: Whether its verdict on a pair cannot depend on an order, so that it has none.
        asks_items: Whether it can ask the criteria that items bring along, in place of the rubric's.
    """

    inputs: tuple[tuple[str, ...], ...]
    ask: Callable[[Task], JudgmentGenerator]
    writes: Mapping[str, str] = field(default_factory=dict)
    both_orders: bool = False
    plan: Callable[[TaskOutline], tuple[PlannedJudgment, ...]] = plan_single
    total: str | None = None
    asks: RequestKind = RequestKind.GENERATE
    decides: bool = False
    orderless: bool = False
    asks_items: bool = False

    @property
    def reads_alone(self) -> bool:
        """Whether each response is read alone."""
        return self.asks is not RequestKind.GENERATE

    def uses_positions(self, rubric: Rubric) -> bool:
        """Return whether the suite's key `positions` decides how a rubric's responses are shown."""
        return rubric.kind is Kind.PAIRWISE and not self.both_orders and not self.orderless


def new_judgment(task: Task, planned: PlannedJudgment | None = None) -> Judgment:
    """Return a judgment of a task that has neither a verdict nor a failure yet.

    Args:
        task: The task.
        planned: What the judgment is about. By default all responses of the task, in the order shown.
    """
    planned = planned or plan_single(task.outline)[0]
    responses = tuple(task.responses[place] for place in planned.systems)
    single = len(responses) == 1
    return Judgment(
        dataset=task.item.dataset,
        judge=task.judge.id,
        criterion=planned.criterion,
        item_id=task.item.item_id,
        system=responses[0].system if single else None,
        system_a=None if single else responses[0].system,
        system_b=None if single else responses[1].system,
        sample=responses[0].sample,
        shown=planned.shown,
        row=task.row,
        repeat=task.repeat,
        rubric=task.judge.rubric.id,
        rubric_hash=task.judge.rubric_hash,
        model=task.judge.model,
        mode=task.judge.mode.value,
        response_hashes=tuple((response.sha256 or "")[:SHORT_DIGITS] for response in responses),
        same_family=task.same_family,
        item_criterion=planned.item_criterion,
    )


def fail_all(
    task: Task,
    planned: tuple[PlannedJudgment, ...],
    failure: FailureKind,
    detail: str | None,
    completions: tuple[str, ...] = (),
) -> tuple[Judgment, ...]:
    """Return the planned judgments of a task, each with the same failure."""
    return tuple(
        replace(new_judgment(task, judgment), failure=failure, detail=detail, completions=completions)
        for judgment in planned
    )
