"""A rubric: one Markdown file with a front matter, a System and a User section."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import digest
from evalhub.scales import AnswerForm, Kind, Scale, Shape
from evalhub.specs.base import Id, Spec, parse_yaml, read_text, validate
from evalhub.specs.find import locate
from evalhub.specs.levels import Levels, is_level, read_levels, scale_of

RESPONSE_PAIR = ("response_a", "response_b")
RESPONSE_SLOTS = ("response", *RESPONSE_PAIR, "responses")
INPUT_SLOTS = ("question", "context", "reference", *RESPONSE_SLOTS)
OWN_SLOTS = ("criterion", "scale")
SLOT = re.compile(r"\{\{([^{}\n]*)\}\}")

ITEM_CRITERIA = "criteria"
"""The criterion that stands for the criteria of all items, where items bring their own."""

_OF_ITEM = "item"
_STANDS_FOR = {ITEM_CRITERIA: "The criteria that each item brings along."}

MAX_BYTES = 1 << 16
"""The largest rubric in bytes."""

# Tags of template languages, which evalhub does not fill. A judge would see them as they are.
_TAGS = (
    r"\{%[-+]?\s*\w+"  # {% if
    r"|\{\{(?:[^{}\n]*\}\})?"  # a slot that is not filled here, or one that is not closed on its line
)
_TAG_ENDS = (("{%", "%}"), ("{#", "#}"), ("<%", "%>"))
_SLOT_NAME = re.compile(r"[a-z][a-z0-9_-]*")

_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
_SECTIONS = ("System", "User", "Assistant")
_ALLOWED_SECTIONS = ", ".join(f"## {name}" for name in _SECTIONS)


class Rubric(Spec):
    """The instructions to a judge, and its possible answers.

    Attributes:
        criteria: Name of each criterion with its sentence. In the file `item` says that each item brings its
            own. One criterion, `ITEM_CRITERIA`, then stands for them.
        scale: Levels for all criteria, or for each criterion by name, the worst first. Pointwise only.
        answer: Whether levels are answered by labels or by letters. None: letters if the labels are not
            single tokens of the model.
        ties: Whether a comparison may end in a tie. Pairwise only.
        verdict: Whether a reward is the verdict on one response, or the difference of two rewards the verdict
            on a pair. Only for the protocol `reward`, which reads one response at a time.
        weights: Weight of each criterion in the total, by default 1. Only for protocols with a total.
        system: The System section, with its slots.
        user: The User section, with its slots.
        assistant: The Assistant section, which shows a response as the turn of a conversation.
    """

    id: Id
    version: int = Field(ge=1)
    protocol: str
    inputs: tuple[str, ...] = Field(min_length=1)
    criteria: dict[Id, str] = Field(min_length=1)
    scale: Levels | dict[Id, Levels] | None = None
    answer: AnswerForm | None = None
    ties: bool | None = None
    verdict: Kind | None = None
    weights: dict[Id, float] | None = None
    source: str | None = None
    title: str | None = None
    system: str = ""
    user: str
    assistant: str = ""

    @field_validator("criteria", mode="before")
    @classmethod
    def _of_rubric_or_item(cls, value: object) -> object:
        if isinstance(value, str) and value != _OF_ITEM:
            raise ValueError("criteria are names with their sentences, or the word item: {name: sentence}")
        return dict(_STANDS_FOR) if value == _OF_ITEM else value

    @field_serializer("criteria")
    def _as_written(self, value: dict[str, str]) -> dict[str, str] | str:
        return _OF_ITEM if value == _STANDS_FOR else value

    @field_validator("inputs")
    @classmethod
    def _name_slots(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            # A protocol may declare slots of its own, so the other names are held against the protocol.
            if not _SLOT_NAME.fullmatch(name) or name in OWN_SLOTS:
                raise ValueError(f"{name!r} is not an input; allowed: {', '.join(INPUT_SLOTS)}")
        return value

    @field_validator("scale", mode="before")
    @classmethod
    def _with_levels(cls, value: object) -> object:
        if isinstance(value, list):
            raise ValueError("each level needs a meaning, the worst first: {1: It is rude, 2: It is polite}")
        if not isinstance(value, Mapping):
            return value
        if _is_nested(value):
            return {name: read_levels(levels) for name, levels in value.items()}
        return read_levels(value)

    @field_validator("scale")
    @classmethod
    def _fits_criteria(cls, value: Mapping[Any, Any] | None, info: ValidationInfo) -> Any:
        if value is None:
            return value
        is_nested = _is_nested(value)
        differences = value.keys() ^ info.data.get("criteria", value).keys() if is_nested else ()
        if differences:
            names = ", ".join(sorted(map(repr, differences)))
            raise ValueError(f"the scale and the criteria differ in {names}")
        for levels in value.values() if is_nested else (value,):
            scale_of(levels)
        return value

    @field_validator("weights")
    @classmethod
    def _weigh_criteria(cls, value: dict[str, float] | None, info: ValidationInfo) -> Any:
        for name, weight in (value or {}).items():
            if name not in info.data.get("criteria", {name}):
                raise ValueError(f"{name!r} is not a criterion of the rubric")
            if not (math.isfinite(weight) and weight > 0):
                raise ValueError(f"the weight of {name!r} must be a number above 0, got {weight}")
        return value

    @property
    def has_item_criteria(self) -> bool:
        """Whether each item brings the criteria that are asked."""
        return self.criteria == _STANDS_FOR

    @property
    def shows(self) -> tuple[str, ...]:
        """The slots for responses, in the order of the inputs."""
        return tuple(name for name in self.inputs if name in RESPONSE_SLOTS)

    @property
    def judges(self) -> tuple[str, ...]:
        """The names of the responses that a verdict is about, as gold cases have them."""
        return RESPONSE_PAIR if self.verdict is Kind.PAIRWISE else self.shows

    @property
    def shape(self) -> Shape:
        """Whether a verdict is about one response, a pair or a list."""
        if self.verdict is Kind.PAIRWISE:
            return Shape.PAIR
        if self.shows == ("response",):
            return Shape.RESPONSE
        return Shape.LIST if self.shows == ("responses",) else Shape.PAIR

    @property
    def kind(self) -> Kind:
        """Whether one response is rated, or several are compared."""
        return Kind.POINTWISE if self.shape is Shape.RESPONSE else Kind.PAIRWISE

    def weight_of(self, criterion: str) -> float:
        """Return the weight of a criterion in the total."""
        return (self.weights or {}).get(criterion, 1.0)

    def scale_for(self, criterion: str) -> Scale | None:
        """Return the levels of a criterion. None if the rubric has no scale."""
        if not self.scale:
            return None
        levels = self.scale[criterion] if _is_nested(self.scale) else self.scale
        return scale_of(levels)  # type: ignore[arg-type]

    def higher_is_better(self, criterion: str) -> bool:
        """Return whether a higher rating is better. It is where the rubric has no scale."""
        scale = self.scale_for(criterion)
        return scale is None or scale.higher_is_better

    def bounds_of(self, criterion: str) -> tuple[float, float] | None:
        """Return the lowest and the highest rating. None where ratings have no bounds, as rewards.

        Without levels a rating is a share, in [0, 1].
        """
        if scale := self.scale_for(criterion):
            return min(scale.values), max(scale.values)
        return (0.0, 1.0) if self.verdict is None else None

    @property
    def hash(self) -> str:
        """The sha256 of everything that a judge can see or answer."""
        # Keys that most rubrics leave out change no hash, so that earlier runs are found again.
        absent = {name for name in ("answer", "verdict") if getattr(self, name) is None}
        unhashed = {"source", "title", *absent, *(() if self.assistant else ("assistant",))}
        return digest(self.model_dump_json(exclude=unhashed))


def _is_nested(scale: Mapping[Any, Any]) -> bool:
    """Return whether each criterion has levels of its own."""
    values = scale.values()
    return bool(scale) and all(isinstance(levels, Mapping) and not is_level(levels) for levels in values)


def load_rubric(name: str, *, where: str = "", referrer: Path | None = None) -> Rubric:
    """Return the rubric of an id or a path.

    Raises:
        SpecError: A key, a section or a slot is wrong.
        UnknownNameError: The rubric or one of its slots is unknown.
    """
    path = locate("judges", name, where=where, referrer=referrer)
    return parse_rubric(read_text(path, MAX_BYTES), str(path))


def parse_rubric(text: str, where: str) -> Rubric:
    """Return the rubric in a Markdown text.

    Raises:
        SpecError: A key, a section or a slot is wrong.
        UnknownNameError: A slot is unknown.
    """
    match = _FRONT.match(text.replace("\r\n", "\n"))
    if not match:
        raise SpecError(
            "a rubric begins with a front matter between two lines '---'", where=f"{where}:1", value=text[:20]
        )
    values = parse_yaml("\n" + match[1], where)  # lines count from the file's first
    section_keys = {name.lower() for name in _SECTIONS} & values.keys()
    if section_keys:
        raise SpecError(
            "this belongs in a section, not in the front matter", where=f"{where}:{min(section_keys)}"
        )
    sections = _sections(match[2], where)
    rubric = validate(
        Rubric,
        {
            **values,
            "system": sections.get("System", ""),
            "user": sections["User"],
            "assistant": sections.get("Assistant", ""),
        },
        where,
    )
    _check_slots(rubric, where)
    _check_tags(rubric, where)
    return rubric


def _sections(body: str, where: str) -> dict[str, str]:
    headings = list(_HEADING.finditer(body))
    preamble = body[: headings[0].start()] if headings else body
    if preamble.strip():
        raise SpecError(
            "text stands outside a section",
            where=where,
            value=preamble.strip()[:60],
            allowed=_ALLOWED_SECTIONS,
        )
    ends = [heading.start() for heading in headings[1:]] + [len(body)]
    sections: dict[str, str] = {}
    for heading, end in zip(headings, ends, strict=True):
        name = heading[1].strip()
        if name not in _SECTIONS:
            raise SpecError("unknown section", where=where, value=f"## {name}", allowed=_ALLOWED_SECTIONS)
        if name in sections:
            raise SpecError("the section appears twice", where=where, value=f"## {name}")
        sections[name] = body[heading.end() : end].strip("\n")
    if "User" not in sections:
        raise SpecError("the section '## User' is missing", where=where)
    return sections


def _check_slots(rubric: Rubric, where: str) -> None:
    slots: list[str] = []
    for section, text in zip(_SECTIONS, (rubric.system, rubric.user, rubric.assistant), strict=True):
        for line in text.split("\n"):
            for name in map(str.strip, SLOT.findall(line)):
                _check_slot(name, line, section, rubric, where)
                slots.append(name)
    for name in rubric.inputs:
        if name not in (*INPUT_SLOTS, *slots):
            raise SpecError(
                f"{name!r} is not an input", where=f"{where}:inputs", allowed=", ".join(INPUT_SLOTS)
            )
    for name in slots:
        if slots.count(name) > 1:
            raise SpecError("the slot appears twice", where=where, value=name)
        if name not in (*OWN_SLOTS, *rubric.inputs):
            raise SpecError("the slot is not among the rubric's inputs", where=f"{where}:inputs", value=name)
    names_criterion = len(rubric.criteria) > 1 or rubric.has_item_criteria
    required_slots = [*rubric.inputs, *(["criterion"] if names_criterion else [])]
    required_slots += ["scale"] if rubric.scale else []
    for name in required_slots:
        if name not in slots:
            raise SpecError(
                "a slot is missing from the text", where=where, fix=f"write {{{{{name}}}}} alone on a line"
            )
    if rubric.has_item_criteria and slots[-1] != "criterion":
        raise SpecError(
            "the criteria of an item take turns, so a text that follows them would be read once for each",
            where=where,
            value=slots[-1],
            fix="write {{criterion}} after all other slots",
        )


def _check_tags(rubric: Rubric, where: str) -> None:
    """Refuse tags of template languages in all texts that a judge reads."""
    slots = "|".join(dict.fromkeys((*INPUT_SLOTS, *OWN_SLOTS, *rubric.inputs)))
    tags = re.compile(rf"{_TAGS}|\$?\{{\s*(?:{slots})\s*\}}", re.DOTALL)  # also {question}, ${question}
    texts = {
        "System": SLOT.sub("", rubric.system),
        "User": SLOT.sub("", rubric.user),
        "Assistant": SLOT.sub("", rubric.assistant),
        **{f"criteria.{name}": text for name, text in rubric.criteria.items()},
    }
    for name in rubric.criteria:
        scale = rubric.scale_for(name)
        texts |= {f"scale.{level.name}": level.meaning for level in (scale.levels if scale else ())}
    for place, text in texts.items():
        match = tags.search(text)
        if tag := _closed_tag(text) or (match and match[0]):
            raise SpecError(
                "a template tag has no meaning here, and the judge would be shown it",
                where=f"{where}:{place}",
                value=tag,
                allowed=f"{{{{slot}}}} alone on a line, where slot is {', '.join(INPUT_SLOTS + OWN_SLOTS)}",
                fix="leave the tag out, or write two rubrics",
            )


def _closed_tag(text: str) -> str | None:
    """Return the first tag of a text that ends, such as `{# a comment #}`. Each text is searched once."""
    for start_mark, end_mark in _TAG_ENDS:
        start = text.find(start_mark)
        end = text.find(end_mark, start + len(start_mark)) if start >= 0 else -1
        if end >= 0:
            return text[start : end + len(end_mark)]
    return None


def _check_slot(name: str, line: str, section: str, rubric: Rubric, where: str) -> None:
    slots = dict.fromkeys((*INPUT_SLOTS, *OWN_SLOTS, *rubric.inputs))
    if name not in slots:
        raise UnknownNameError("slot", name, slots, where=f"{where}:{section}")
    if not SLOT.fullmatch(line.strip()):
        raise SpecError("a slot stands alone on its line", where=f"{where}:{section}", value=line.strip())
    if section == "System" and name not in OWN_SLOTS:
        raise SpecError(
            "a slot for data belongs in the User section",
            where=f"{where}:{section}",
            value=name,
            allowed="criterion, scale",
        )
