"""The variants of a rubric: what may change, which are the same, and the file of the winner."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from evalhub.errors import InputError, SpecError
from evalhub.judging import check_rubric
from evalhub.scales import Kind, Shape
from evalhub.specs import SLOT, Rubric, locate, parse_rubric
from evalhub.specs.base import read_text
from evalhub.specs.rubric import MAX_BYTES

_SAME = {
    "protocol": "another protocol",
    "shape": "another shape",
    "inputs": "other inputs",
    "criteria": "other criteria",
    "ties": "another rule for ties",
    "verdict": "another kind of verdict",
}
"""What a variant shares with the rubric, so that both give verdicts of one kind on the same pairs."""

_ID_DIGITS = 12
_FRONT = re.compile(r"\A---\r?\n.*?\n---\r?\n", re.DOTALL)


class Origin(StrEnum):
    """Who wrote a variant."""

    ORIGINAL = "original"
    PERSON = "person"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the rubric, or what a writer wrote instead of one.

    Attributes:
        id: Its name in the runs and in tables.
        name: The file or the model that it comes from.
        text: Its Markdown text.
        rubric: None where it is refused.
        refusal: Why it is refused.
        duplicate: The variant whose words it has.
    """

    id: str
    origin: Origin
    name: str
    text: str
    rubric: Rubric | None = None
    refusal: str | None = None
    duplicate: str | None = None

    @property
    def races(self) -> bool:
        """Whether it is judged with."""
        return self.rubric is not None and self.duplicate is None


def read_original(name: str) -> Variant:
    """Return the rubric as it is.

    Raises:
        UnknownNameError: There is no such rubric.
        SpecError: It is invalid, or does not compare two responses.
    """
    path = locate("judges", name, where="RUBRIC")
    text = read_text(path, MAX_BYTES)
    rubric = parse_rubric(text, str(path))
    check_rubric(rubric, name)
    if rubric.shape is not Shape.PAIR or rubric.kind is not Kind.PAIRWISE:
        raise SpecError(
            "a rubric is tuned on labels of pairs, so it has to compare two responses",
            where="RUBRIC",
            value=f"{rubric.id}: protocol {rubric.protocol}",
        )
    return Variant(Origin.ORIGINAL.value, Origin.ORIGINAL, name, text, rubric)


def read_variants(names: Sequence[str], base: Rubric) -> list[Variant]:
    """Return the variants that a person wrote.

    Args:
        names: Paths or ids of rubrics.
        base: The rubric as it is.

    Raises:
        UnknownNameError: There is no such rubric.
        SpecError: One is invalid, or differs from the rubric in more than its words.
    """
    variants = []
    for number, name in enumerate(names, 1):
        path = locate("judges", name, where="--variant")
        text = read_text(path, MAX_BYTES)
        rubric = parse_rubric(text, str(path))
        check_variant(rubric, base, str(path))
        variants.append(Variant(f"{Origin.PERSON}-{number}", Origin.PERSON, name, text, rubric))
    return variants


def check_variant(rubric: Rubric, base: Rubric, where: str) -> None:
    """Refuse a rubric that differs from another in more than its words.

    Raises:
        SpecError: The protocol, the shape, the inputs, the criteria, the verdict or the slots differ.
    """
    check_rubric(rubric, where)
    for key, words in _SAME.items():
        values = [_value(variant, key) for variant in (rubric, base)]
        if values[0] != values[1]:
            raise SpecError(
                f"a variant of {base.id} may differ in its words alone, and this one has {words}",
                where=f"{where}:{key}",
                value=values[0],
                allowed=str(values[1]),
            )
    if missing := slots_of(base) - slots_of(rubric):
        raise SpecError(
            f"a variant of {base.id} shows what it shows, and this one lacks a slot",
            where=where,
            value=", ".join(sorted(missing)),
            fix=f"write {{{{{min(missing)}}}}} alone on a line",
        )


def _value(rubric: Rubric, key: str) -> object:
    value = getattr(rubric, key)
    return sorted(value) if key in ("inputs", "criteria") else value if value is None else str(value)


def slots_of(rubric: Rubric) -> set[str]:
    """Return the slots of a rubric's texts."""
    texts = (rubric.system, rubric.user, rubric.assistant)
    return {slot.strip() for text in texts for slot in SLOT.findall(text)}


def body_of(rubric: Rubric) -> str:
    """Return the instruction text of a rubric: its sections, as they stand in a file."""
    sections = (("System", rubric.system), ("User", rubric.user), ("Assistant", rubric.assistant))
    return "\n".join(f"## {name}\n{text}" for name, text in sections if text.strip()) + "\n"


def with_body(text: str, body: str) -> str:
    """Return the text of a rubric with another body under its front matter."""
    match = _FRONT.match(text)
    return f"{match[0] if match else ''}{body.strip()}\n"


def name_variants(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants with ids of their own in runs, and mark those with the words of an earlier one.

    The id holds a part of the hash of the words. So no two texts are ever judged under one id and version.

    Args:
        variants: The original first.
    """
    base = variants[0].rubric
    hashes: dict[str, str] = {}

    def name_variant(variant: Variant) -> Variant:
        rubric = variant.rubric
        if base is None or rubric is None:
            return variant
        words = rubric.model_copy(update={"id": base.id, "version": base.version}).hash
        earlier = hashes.setdefault(words, variant.id)
        if earlier != variant.id:
            return replace(variant, duplicate=earlier)
        if variant.origin is Origin.ORIGINAL:
            return variant
        name = f"{base.id}-variant-{words[:_ID_DIGITS]}"
        return replace(variant, rubric=rubric.model_copy(update={"id": name, "version": 1}))

    return [name_variant(variant) for variant in variants]


def winner_text(variant: Variant, rubric_id: str, version: int) -> str:
    """Return the file of a variant under the rubric's id and a new version.

    Raises:
        SpecError: Its front matter cannot be changed without a change of something else.
    """
    text = variant.text
    for key, value in (("id", rubric_id), ("version", version)):
        rubric = parse_rubric(text, variant.name)
        target = rubric.model_copy(update={key: value})
        if target == rubric:
            continue
        changed = next(
            (new for new in _replaced(text, key, str(getattr(rubric, key)), value) if _reads(new, target)),
            None,
        )
        if changed is None:
            raise SpecError(f"the key {key} cannot be changed in this front matter", where=variant.name)
        text = changed
    return text


def _replaced(text: str, key: str, old: str, new: object) -> Iterator[str]:
    """Yield the text with each place changed that may be the value of a key."""
    pattern = rf"""\b{key}(["']?\s*:\s*)(["']?){re.escape(old)}\2"""
    for match in re.finditer(pattern, text):
        yield f"{text[: match.start()]}{key}{match[1]}{new}{text[match.end() :]}"


def _reads(text: str, target: Rubric) -> bool:
    try:
        return parse_rubric(text, "") == target
    except InputError:
        return False
