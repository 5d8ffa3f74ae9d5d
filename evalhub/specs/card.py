"""A dataset card: one YAML file that says what lies in which file, and how to read it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evalhub.records import digest
from evalhub.scales import Kind, Scale, Winner, number_in
from evalhub.specs.base import Id, Spec, parse_yaml, read_text, validated
from evalhub.specs.files import FileSpec, TableName
from evalhub.specs.find import locate
from evalhub.specs.levels import Levels, read_levels, scale_of
from evalhub.specs.thinking import THINK, Think


class Truth(Spec):
    """How several annotators become one label."""

    annotators: str = "*"
    by: Literal["mean", "median", "majority"]


def _number_or_text(label: int | float | str) -> int | float | str:
    number = number_in(label)
    if number is None or not isinstance(label, str):
        return label
    return next((one for one in (int(number), number) if str(one) == label), label)


class CriterionSpec(Spec):
    """What the labels of one criterion can be.

    `levels` are listed worst first, so that their order says whether a higher value is better; beside a
    `range` `higher_is_better` says it, by default true. A criterion with a `turn` is about the answer of
    that number, from 1; labels that name a turn are given one.
    """

    kind: Kind
    levels: Levels | tuple[Winner, ...] | None = None
    range: tuple[float, float] | None = None
    higher_is_better: bool = Field(default=None, validate_default=True)
    raters: int | None = Field(default=None, ge=1)
    truth: Truth | None = None
    turn: int | None = Field(default=None, ge=1)
    annotators: Literal["people", "slots"] = "people"
    title: str | None = None

    @field_validator("levels", mode="before")
    @classmethod
    def _numbers_stay_numbers(cls, value: object) -> object:
        """Return levels whose labels are numbers with numbers as keys: JSON makes them text."""
        if not isinstance(value, dict):
            return value
        levels = read_levels(value)
        numbered = {_number_or_text(label): level for label, level in levels.items()}
        return numbered if len(numbered) == len(levels) else levels

    @field_validator("levels")
    @classmethod
    def _make_a_scale(cls, value: object) -> object:
        if isinstance(value, dict):
            scale_of(value)
        return value

    @field_validator("higher_is_better", mode="before")
    @classmethod
    def _as_the_levels_say(cls, value: object, info: ValidationInfo) -> object:
        levels = info.data.get("levels")
        if not isinstance(levels, dict):
            return True if value is None else value
        rises = scale_of(levels).higher_is_better
        if value not in (None, rises):
            order = "rise" if rises else "fall"
            raise ValueError(f"the levels are listed worst first, and their values {order}: leave it out")
        return rises

    @cached_property
    def scale(self) -> Scale | None:
        """The levels of a pointwise criterion, the worst first; None where it has a range."""
        return scale_of(self.levels) if isinstance(self.levels, dict) else None

    @model_validator(mode="after")
    def _fits_kind(self) -> CriterionSpec:
        if self.kind is Kind.PAIRWISE:
            if not isinstance(self.levels, tuple):
                raise ValueError("pairwise levels are the outcomes allowed, such as [a, tie, b]")
            if self.truth and self.truth.by != "majority":
                raise ValueError("the truth of a pairwise criterion is by majority")
            if not self.higher_is_better:
                raise ValueError("the winner of a comparison is the better one: leave higher_is_better out")
        elif isinstance(self.levels, dict) == (self.range is not None):
            raise ValueError("a pointwise criterion needs levels (a mapping, worst first) or a range")
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError("the range must rise")
        return self


class Reads(Spec):
    """How a recorded judge's replies are written; a format alone may stand as a text.

    `key` is the field of a JSON object, the criterion's id by default. `rule` says which of several
    different verdicts counts; without it such a reply is ambiguous. `letters` says what each letter of a
    reply stands for, in a format that takes letters: a level or number of the criterion, or a side as shown
    (a, tie, b).
    """

    format: str
    key: str = ""
    rule: Literal["first", "last"] | None = None
    letters: dict[str, int | float | str] = Field(default_factory=dict)


class Orders(StrEnum):
    """How the two orders of a recorded pair become one verdict."""

    NET = "net"
    AGREE = "agree"


class RecordedJudge(Spec):
    """How verdicts that came with the dataset are to be read.

    With `reads` a row's `raw_text` is read into its verdict. A verdict that cannot be read, or that the
    card gives as NULL, is a failure; `unparsed: tie` counts it as a tie, and `unparsed: wrong` keeps it a
    failure that agreement with pairwise labels counts as wrong. `orders: net` adds up the verdicts of the two
    orders, so that a win and a tie are a win; `orders: agree` gives a win only where both orders say so.
    `higher_is_better` is about its ratings, by default as of the criterion's labels. `think` is as a card's.
    """

    reads: Reads | None = None
    orders: Orders = Orders.NET
    unparsed: Literal["failure", "tie", "wrong"] = "failure"
    range: tuple[float, float] | None = None
    higher_is_better: bool | None = None
    think: Think = THINK
    family: str | list[str] = "unknown"

    @field_validator("reads", mode="before")
    @classmethod
    def _from_a_name(cls, value: object) -> object:
        return {"format": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _range_rises(self) -> RecordedJudge:
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError("the range must rise")
        return self


class MetricSpec(Spec):
    """What the recorded scores of one metric mean.

    `higher_is_better` is null where neither direction is better, as of a length; `range` is the lowest and
    highest value that there can be.
    """

    higher_is_better: bool | None = True
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _rises(self) -> MetricSpec:
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError("the range must rise")
        return self


class Card(Spec):
    """A dataset: its files and one SELECT for each kind of record.

    `anonymous` systems are judged, never ranked. The texts of `reference_systems` serve as
    references too: they are labelled and judged, never held against the references. `folder` is that of
    the files in a mirror, the samples or the cache, where it is not the id: another card has them too.
    `think` says what think text of the responses stands between; `none` leaves all of it in the answers.
    """

    id: Id
    version: int = Field(ge=1)
    title: str
    licence: str
    source: str
    released: str | None = None
    url: str | None = None
    folder: Id | None = None
    note: str | None = None
    anonymous: bool = False
    reference_systems: tuple[Id, ...] = ()
    think: Think = THINK
    files: dict[TableName, FileSpec] = Field(min_length=1)
    views: dict[TableName, str] = Field(default_factory=dict)
    items: str
    responses: str | None = None
    labels: str | None = None
    judgments: str | None = None
    scores: str | None = None
    criteria: dict[Id, CriterionSpec] = Field(default_factory=dict)
    judges: dict[Id, RecordedJudge] = Field(default_factory=dict)
    metrics: dict[Id, MetricSpec] = Field(default_factory=dict)

    @field_validator("released", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("id", "folder")
    @classmethod
    def _is_a_folder(cls, value: str | None) -> str | None:
        if value and (Path(value).is_absolute() or ".." in Path(value).parts):
            raise ValueError("it names the folder of the dataset's files, and leaves it")
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
    def hash(self) -> str:
        """The sha256 of the whole card; where its files lie is no part of it, since each has its own."""
        return digest(self.model_dump_json(exclude={"folder"}))


def load_card(name: str, *, where: str = "", beside: Path | None = None) -> tuple[Card, Path]:
    """Return the card that an id or a path names, and the file that it stands in.

    Raises:
        SpecError: A key of the card is wrong.
        UnknownNameError: There is no dataset of that id.
    """
    path = locate("datasets", name, where=where, beside=beside)
    return validated(Card, parse_yaml(read_text(path), str(path)), str(path)), path
