"""Gold cases: responses with an undisputed verdict, in the file NAME.cases.yaml beside a rubric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import field_validator, model_validator

from evalhub.errors import SpecError
from evalhub.records import ItemCriterion, digest, read_criteria
from evalhub.specs.base import Id, Spec, parse_yaml, read_text, validate
from evalhub.specs.find import locate
from evalhub.texts import is_blank, without_blanks

SUFFIX = ".cases.yaml"

Text = str | tuple[str, ...]
Level = int | float | str


class GoldCase(Spec):
    """One case: a prompt, one or more responses, and the expected verdict.

    Attributes:
        prompt: The user's only turn.
        turns: The user's turns, instead of `prompt`.
        response: The response to rate, or a list of answers if there are several turns.
        response_a: The first response of a pair. The judge sees the pair in both orders.
        responses: The responses of a list, under names of the author's choice.
        criterion: A criterion of the rubric. It may be left out if the rubric has only one.
        expect: A level, or `a`, `b` or `tie`, or the names of the responses, the best first.
        at_least: The lowest right level, instead of `expect`.
        at_most: The highest right level, instead of `expect`.
        criteria: The criteria of the case, for a rubric that takes them from the item: each with text and
            points.
    """

    id: Id
    prompt: str | None = None
    turns: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    response: Text | None = None
    response_a: Text | None = None
    response_b: Text | None = None
    responses: dict[Id, Text] | None = None
    criterion: str | None = None
    expect: Level | tuple[Id, ...] | None = None
    at_least: Level | None = None
    at_most: Level | None = None
    criteria: tuple[ItemCriterion, ...] = ()

    @field_validator("criteria", mode="before")
    @classmethod
    def _read_criteria(cls, value: object) -> object:
        return read_criteria(value)

    @field_validator("context", mode="before")
    @classmethod
    def _as_texts(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("context", "refs")
    @classmethod
    def _not_blank(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return without_blanks(value)

    @model_validator(mode="after")
    def _is_complete(self) -> GoldCase:
        if (self.prompt is None) == (not self.turns):
            raise ValueError("a case has a prompt, or the user's turns")
        if any(map(is_blank, self.user_turns)):
            raise ValueError("a prompt is empty")
        if (self.expect is None) == (self.at_least is None and self.at_most is None):
            raise ValueError("a case says what to expect: expect, or at_least and at_most")
        return self

    @property
    def user_turns(self) -> tuple[str, ...]:
        """The user's turns."""
        return self.turns or (self.prompt or "",)

    @property
    def slot_texts(self) -> dict[str, Text]:
        """The responses by their slot, without those of a list."""
        slots = {"response": self.response, "response_a": self.response_a, "response_b": self.response_b}
        return {name: text for name, text in slots.items() if text is not None}


class GoldCases(Spec):
    """The gold cases of a rubric."""

    cases: tuple[GoldCase, ...]

    @field_validator("cases")
    @classmethod
    def _distinct(cls, value: tuple[GoldCase, ...]) -> tuple[GoldCase, ...]:
        if not value:
            raise ValueError("at least one case is needed")
        ids = [case.id for case in value]
        for case_id in ids:
            if ids.count(case_id) > 1:
                raise ValueError(f"{case_id!r} appears twice among the cases")
        return value


@dataclass(frozen=True, slots=True)
class Expectation:
    """The verdict that a gold case expects: a range, a winner, or the order of a list.

    Attributes:
        words: The expectation in words.
        low: The lowest value that passes.
        high: The highest value that passes.
        winner: a, b or tie.
        order: The names of a list's responses, the best first.
    """

    case: str
    criterion: str
    words: str
    low: float | None = None
    high: float | None = None
    winner: str | None = None
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of gold cases with the sha256 of its text."""

    path: Path
    sha256: str
    cases: tuple[GoldCase, ...]


def cases_path(rubric: Path) -> Path:
    """Return the path of the gold cases of a rubric's file.

    >>> cases_path(Path("judges/brevity.md")).name
    'brevity.cases.yaml'
    """
    return rubric.with_name(rubric.stem + SUFFIX)


def load_cases(name: str, *, where: str = "") -> CaseFile | None:
    """Return the gold cases of a rubric. None if it has none.

    Args:
        name: Path or id of the rubric.
        where: File and key with the name.

    Raises:
        SpecError: A key of the file is wrong.
        UnknownNameError: No rubric has that name.
    """
    path = cases_path(locate("judges", name, where=where))
    if not path.is_file():
        return None
    text = read_text(path).replace("\r\n", "\n")
    gold_cases = validate(GoldCases, parse_yaml(text, str(path)), str(path))
    return CaseFile(path=path, sha256=digest(text), cases=gold_cases.cases)


def no_cases(name: str) -> SpecError:
    """Return the error for a rubric without gold cases."""
    return SpecError(
        "the rubric has no gold cases",
        where=str(cases_path(locate("judges", name))),
        fix="write them into that file; `evalhub judges new` makes an example",
    )
