"""The base of rubrics, cards and suites: strict YAML, strict models, one sentence for each mistake."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from evalhub.errors import SpecError

MAX_BYTES = 1 << 20
MAX_ALIASES = 64

NAME = r"^[A-Za-z0-9_][A-Za-z0-9._@+-]{0,199}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
ID = r"^[A-Za-z0-9._/@+-]{1,200}$"
Id = Annotated[str, StringConstraints(pattern=ID)]

_Model = TypeVar("_Model", bound=BaseModel)


class Spec(BaseModel):
    """A model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is meant: pydantic would read them as 1 and 0."""
        if not isinstance(value, bool):
            return value
        types = list(_types_in(cls.model_fields[info.field_name or ""].annotation))
        if any(kind in (int, float) for kind in types) and bool not in types:
            raise ValueError("a number is needed")
        return value


def _types_in(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and all its parts."""
    yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: duplicate keys are refused, and `no` and `on` stay text."""

    aliases = 0

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping without duplicate keys."""
        keys: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            try:
                is_duplicate = key in keys
            except TypeError as error:
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a text or a number", key_node.start_mark
                ) from error
            if is_duplicate:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} appears twice", key_node.start_mark
                )
            keys.add(key)
        return super().construct_mapping(node, deep=deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node. Too many aliases are refused before they multiply."""
        if self.check_event(yaml.events.AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise yaml.composer.ComposerError(None, None, f"more than {MAX_ALIASES} aliases", None)
        return super().compose_node(parent, index)


# YAML 1.1 reads no and on as truth values, dates as dates, and 1:30 as a number in base 60. They are texts.
_PLAIN_VALUES = {
    "bool": ("true|false|True|False", "tfTF"),
    "int": ("[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
_REPLACED = {f"tag:yaml.org,2002:{name}" for name in (*_PLAIN_VALUES, "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _starts) in _PLAIN_VALUES.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_starts)
    )


def check_name(name: str, *, where: str) -> None:
    """Refuse a name that cannot be both a file name and an id.

    Raises:
        SpecError: The name has a slash, a file ending or characters that ids cannot have.
    """
    if not re.fullmatch(NAME, name) or name.endswith((".md", ".yaml")):
        allowed = "letters, digits and . _ @ + -, without an ending"
        raise SpecError("not a valid file name", where=where, value=name, allowed=allowed)


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Return a file's text.

    Args:
        path: The file.
        max_bytes: Its largest size.

    Raises:
        SpecError: The file is missing, too large or not UTF-8.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise SpecError("the file is too large", where=str(path), allowed=f"{max_bytes} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError("the file is not UTF-8", where=f"{path}:byte {error.start}") from error
    except OSError as error:
        raise SpecError(f"the file cannot be read ({error.strerror})", where=str(path)) from error


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds.

    Raises:
        SpecError: The text is not YAML or not a mapping, or it has duplicate keys or unsafe tags.
    """
    try:
        values = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SpecError(str(getattr(error, "problem", error)), where=f"{where}{line}") from error
    except (RecursionError, ValueError) as error:
        raise SpecError(f"the YAML cannot be read ({error})", where=where) from error
    if not isinstance(values, dict):
        raise SpecError("the file must hold keys with values", where=where, value=values)
    return values


# pydantic puts the chosen member of a union into the path of a mistake.
_CHOICE = re.compile(
    r"(?:dict|tuple|list|union|literal|function-\w+)\[|(?:constrained-)?(?:str|int|float|bool)$"
)
_WORDS = {
    "tuple_type": "a list is needed",
    "list_type": "a list is needed",
    "dict_type": "a mapping is needed",
    "model_type": "a mapping is needed",
    "string_type": "a text is needed",
    "int_type": "a whole number is needed",
    "bool_type": "true or false is needed",
    "float_type": "a number is needed",
    "too_short": "at least one entry is needed",
}


def validate(model: type[_Model], values: dict[str, Any], where: str, *, joint: str = ":") -> _Model:
    """Return the model of some values. The first mistake becomes one sentence.

    Args:
        model: The model.
        values: Its values.
        where: File that holds them, or file and key.
        joint: What stands between `where` and the path of a mistake.

    Raises:
        SpecError: A value is wrong or missing, or a key is unknown.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = _first_mistake(error)
        path = ".".join(part for part in map(str, first["loc"]) if not _CHOICE.match(part))
        place = f"{where}{joint}{path}" if path else where
        if first["type"] == "extra_forbidden":
            raise _unknown_key(model, first["loc"], place) from error
        if first["type"] == "missing":
            raise SpecError("this key is required", where=place) from error
        message = _WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        value = first["input"]
        # The text of a whole mapping would bury the message.
        if (isinstance(value, Mapping | BaseModel) and value) or ", got " in message:
            value = None
        raise SpecError(message[0].lower() + message[1:], where=place, value=value) from error


def _first_mistake(error: ValidationError) -> Any:
    """Return the mistake to report: a misspelled key comes before the key that is missing for it."""
    mistakes = error.errors(include_url=False)
    first = mistakes[0]
    if first["type"] == "literal_error" and not isinstance(first["input"], str):
        # In a union of a word and a value, an input that is no text was meant as the value.
        mistakes = [mistake for mistake in mistakes[1:] if _is_alternative(mistake, first)] or mistakes
    if mistakes[0]["type"] != "missing":
        return mistakes[0]
    misspellings = [
        mistake
        for mistake in mistakes
        if mistake["type"] == "extra_forbidden" and _parent_of(mistake) == _parent_of(mistakes[0])
    ]
    return (misspellings or mistakes)[0]


def _is_alternative(mistake: Any, other: Any) -> bool:
    """Return whether two mistakes are about two choices of one union."""
    depth = len(other["loc"]) - 1
    choices = (mistake["loc"][depth:], other["loc"][depth:])
    same_key = bool(mistake["loc"][:depth] == other["loc"][:depth])
    return same_key and all(parts and _CHOICE.match(str(parts[0])) for parts in choices)


def _parent_of(mistake: Any) -> tuple[str | int, ...]:
    return tuple(mistake["loc"][:-1])


def _unknown_key(model: type[BaseModel], location: tuple[str | int, ...], place: str) -> SpecError:
    keys = _keys_at(model, location[:-1])
    matches = difflib.get_close_matches(str(location[-1]), keys, n=1)
    return SpecError(
        "unknown key",
        where=place,
        allowed=keys,
        fix=f"did you mean {matches[0]!r}?" if matches else "",
    )


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    current = model
    for part in location:
        field = current.model_fields.get(part) if isinstance(part, str) else None
        inner = _inner_model(field.annotation) if field else current
        if inner is None:
            return []
        current = inner
    return sorted(current.model_fields)


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if inner := _inner_model(argument):
            return inner
    return None
