"""A dataset card: one YAML file that lists a dataset's files and says how to read them."""

from __future__ import annotations

import math
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from evalhub.records import digest
from evalhub.scales import Kind, Scale, Winner, number_in
from evalhub.specs.base import Id, Spec, parse_yaml, read_text, validate
from evalhub.specs.files import FileSpec, TableName
from evalhub.specs.find import locate
from evalhub.specs.levels import Levels, read_levels, scale_of
from evalhub.specs.thinking import THINK, Think


class ConsensusRule(Spec):
    """The rule by which several annotators become one label."""

    annotators: str = "*"
    by: Literal["mean", "median", "majority"]


def _number_or_text(label: int | float | str) -> int | float | str:
    number = number_in(label)
    if number is None or not isinstance(label, str):
        return label
    return next((candidate for candidate in (int(number), number) if str(candidate) == label), label)


class CriterionSpec(Spec):
    """The possible labels of one criterion.

    Attributes:
        levels: The levels of a rating, listed worst first, so that their order says whether a higher value is
            better. For a comparison, its possible outcomes.
        range: Lowest and highest value of a rating without levels.
        higher_is_better: The direction beside a `range`, by default true.
        turn: The number of the answer that the criterion is about, from 1. Labels that name a turn set it.
        of_item: Whether it stands for the criteria that items bring along, and each label is about one of
            them. Labels that name one set it.
    """

    kind: Kind
    levels: Levels | tuple[Winner, ...] | None = None
    range: tuple[float, float] | None = None
    higher_is_better: bool = Field(default=None, validate_default=True)
    raters: int | None = Field(default=None, ge=1)
    consensus: ConsensusRule | None = None
    turn: int | None = Field(default=None, ge=1)
    annotators: Literal["people", "slots"] = "people"
    title: str | None = None
    of_item: bool = False

    @model_serializer(mode="wrap")
    def _without_default(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the values as cards without criteria of items always had them, so that their hashes stay."""
        return {name: value for name, value in write(self).items() if name != "of_item" or value}

    @field_validator("levels", mode="before")
    @classmethod
    def _numbers_stay_numbers(cls, value: object) -> object:
        """Return levels with numbers as keys where their labels are numbers, as JSON turns them into text."""
        if not isinstance(value, dict):
            return value
        levels = read_levels(value)
        levels_by_number = {_number_or_text(label): level for label, level in levels.items()}
        return levels_by_number if len(levels_by_number) == len(levels) else levels

    @field_validator("levels")
    @classmethod
    def _make_a_scale(cls, value: object) -> object:
        if isinstance(value, dict):
            scale_of(value)
        return value

    @field_validator("higher_is_better", mode="before")
    @classmethod
    def _follow_levels(cls, value: object, info: ValidationInfo) -> object:
        levels = info.data.get("levels")
        if not isinstance(levels, dict):
            return True if value is None else value
        direction = scale_of(levels).higher_is_better
        if value not in (None, direction):
            order = "rise" if direction else "fall"
            raise ValueError(f"the levels are listed worst first, and their values {order}: leave it out")
        return direction

    @cached_property
    def scale(self) -> Scale | None:
        """The levels of a pointwise criterion, the worst first. None if it has a range."""
        return scale_of(self.levels) if isinstance(self.levels, dict) else None

    def allows(self, winner: Winner | None, value: float | None) -> bool:
        """Return whether a label is one of those that the criterion has."""
        if self.kind is Kind.PAIRWISE:
            return winner is not None and winner in (self.levels or ())
        if value is None:
            return False
        if self.scale:
            return value in self.scale.values
        return self.range is None or self.range[0] <= value <= self.range[1]

    @model_validator(mode="after")
    def _fits_kind(self) -> CriterionSpec:
        if self.kind is Kind.PAIRWISE:
            if not isinstance(self.levels, tuple):
                raise ValueError("pairwise levels are the outcomes allowed, such as [a, tie, b]")
            if self.consensus and self.consensus.by != "majority":
                raise ValueError("the consensus of a pairwise criterion is by majority")
            if not self.higher_is_better:
                raise ValueError("the winner of a comparison is the better one: leave higher_is_better out")
            if self.of_item:
                raise ValueError("a criterion of an item is met or not by one response: make it pointwise")
        elif isinstance(self.levels, dict) == (self.range is not None):
            raise ValueError("a pointwise criterion needs levels (a mapping, worst first) or a range")
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError("the range must rise")
        return self


CLIP = (0.0, 1.0)
"""The range of the score of the items' criteria where a card says nothing."""


class ReplyFormatUse(Spec):
    """The format of a recorded judge's replies. A text is short for its `name` alone.

    Attributes:
        key: The field of a JSON object, by default the criterion's id.
        rule: Which of several different verdicts counts. Without a rule such a reply is ambiguous.
        letters: The meaning of each letter, in a format that takes letters: a level or number of the
            criterion, or a side as shown (a, tie, b).
    """

    name: str
    key: str = ""
    rule: Literal["first", "last"] | None = None
    letters: dict[str, int | float | str] = Field(default_factory=dict)


class CombineOrders(StrEnum):
    """The rule by which the two orders of a recorded pair become one verdict."""

    NET = "net"
    AGREE = "agree"


class RecordedJudge(Spec):
    """How to read the verdicts of a judge that came with the dataset.

    Attributes:
        reply_format: The format in which a row's `raw_text` is read. Without it the row has the verdict.
        combine_orders: `net` adds up the verdicts of the two orders, so that a win and a tie are a win.
            `agree` gives a win only where both orders agree.
        unparsed_as: What a verdict that is NULL or cannot be read counts as: a `failure`, a `tie`, or a
            failure that agreement with pairwise labels counts as `wrong`.
        higher_is_better: The direction of its ratings, by default that of the criterion's labels.
        think: As in `Card`.
    """

    reply_format: ReplyFormatUse | None = None
    combine_orders: CombineOrders = CombineOrders.NET
    unparsed_as: Literal["failure", "tie", "wrong"] = "failure"
    range: tuple[float, float] | None = None
    higher_is_better: bool | None = None
    think: Think = THINK
    family: str | list[str] = "unknown"

    @field_validator("reply_format", mode="before")
    @classmethod
    def _from_format(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _range_rises(self) -> RecordedJudge:
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError("the range must rise")
        return self


class MetricSpec(Spec):
    """The meaning of the recorded scores of one metric.

    Attributes:
        higher_is_better: The direction. None if neither direction is better, as for a length.
        range: The lowest and highest possible value.
    """

    higher_is_better: bool | None = True
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _rises(self) -> MetricSpec:
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError("the range must rise")
        return self


Clip = tuple[float, float] | Literal["none"]
"""The range that a score is cut off at, or `none`."""


class CardFacts(Spec):
    """What a card says of a dataset apart from its files. A run's manifest has it.

    Attributes:
        clip: The range of the score of the criteria that items bring along. Scores beyond it count as its
            ends. Points below 0 can take a score below 0.
        anonymous: Whether the systems have no names. They are then judged and never ranked.
        reference_systems: Systems whose texts serve as references too. They are labelled and judged, and no
            metric compares them with the references.
    """

    id: Id
    title: str
    licence: str
    source: str
    released: str | None = None
    note: str | None = None
    anonymous: bool = False
    reference_systems: tuple[Id, ...] = ()
    criteria: dict[Id, CriterionSpec] = Field(default_factory=dict)
    judges: dict[Id, RecordedJudge] = Field(default_factory=dict)
    metrics: dict[Id, MetricSpec] = Field(default_factory=dict)
    clip: Clip = CLIP

    @field_validator("clip")
    @classmethod
    def _clip_rises(cls, value: Clip) -> Clip:
        if value != "none" and not (math.isfinite(value[0] + value[1]) and value[0] < value[1]):
            raise ValueError("the range must rise, from one finite number to another")
        if value != "none" and value[0] >= 1:
            raise ValueError("the range begins below 1, which is the highest score")
        return value

    @model_serializer(mode="wrap")
    def _without_default(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the values as cards without the key always had them, so that their hashes stay."""
        return {name: value for name, value in write(self).items() if name != "clip" or self.clip != CLIP}

    @property
    def clip_range(self) -> tuple[float, float] | None:
        """The range of the score of the items' criteria. None = it is not cut off."""
        return None if self.clip == "none" else self.clip

    @property
    def score_bounds(self) -> tuple[float, float] | None:
        """The lowest and the highest possible score of the items' criteria. None = there is no lowest."""
        return None if self.clip == "none" else (self.clip[0], min(1.0, self.clip[1]))


class Card(CardFacts):
    """A dataset: its files and one SELECT for each kind of record.

    Attributes:
        folder: The folder of the files in a mirror, the samples or the cache, by default the id. Two cards
            can share one.
        think: The tags around think text in the responses. `none` leaves it in the answers.
    """

    version: int = Field(ge=1)
    url: str | None = None
    folder: Id | None = None
    think: Think = THINK
    files: dict[TableName, FileSpec] = Field(min_length=1)
    views: dict[TableName, str] = Field(default_factory=dict)
    items: str
    responses: str | None = None
    labels: str | None = None
    judgments: str | None = None
    scores: str | None = None

    @field_validator("released", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("id", "folder")
    @classmethod
    def _is_a_folder(cls, value: str | None) -> str | None:
        if value and (Path(value).is_absolute() or ".." in Path(value).parts):
            raise ValueError("it names the folder of the dataset's files, and must not lead out of it")
        return value

    @model_validator(mode="after")
    def _criteria_where_verdicts(self) -> Card:
        if (self.labels or self.judgments) and not self.criteria:
            raise ValueError("a card with labels or judgments needs the key criteria")
        if self.metrics and not self.scores:
            raise ValueError("the key metrics says what the scores mean, and the card has no scores")
        return self

    @property
    def selects(self) -> dict[str, str]:
        """The SELECT of each kind of record that the card has."""
        kinds = ("items", "responses", "labels", "judgments", "scores")
        return {kind: sql for kind in kinds if (sql := getattr(self, kind)) is not None}

    @property
    def facts(self) -> CardFacts:
        """The card without its files and how they are read."""
        return CardFacts.model_validate(self.model_dump(include=set(CardFacts.model_fields)))

    @property
    def hash(self) -> str:
        """The sha256 of the whole card without `folder`. Each file has its own sha256 in it."""
        return digest(self.model_dump_json(exclude={"folder"}))


def load_card(name: str, *, where: str = "", referrer: Path | None = None) -> tuple[Card, Path]:
    """Return the card of an id or a path, and its file.

    Raises:
        SpecError: A key of the card is wrong.
        UnknownNameError: There is no dataset of that id.
    """
    path = locate("datasets", name, where=where, referrer=referrer)
    return validate(Card, parse_yaml(read_text(path), str(path)), str(path)), path
