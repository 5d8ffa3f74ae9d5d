"""The tags around think text in cards and suites."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from evalhub.records import THINK_TAGS, ThinkTags, closing_tag
from evalhub.specs.base import Spec


class ThinkSpec(Spec):
    """A pair of tags, see `evalhub.records.ThinkTags`. The closing one may be left out if it is evident."""

    open: str = Field(default="<think>", min_length=1)
    close: str = ""
    opened: bool = False

    @model_validator(mode="before")
    @classmethod
    def _with_close(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("close") is not None:
            return values
        opening = values.get("open", "<think>")
        return {**values, "close": (closing_tag(opening) if isinstance(opening, str) else None) or ""}

    @model_validator(mode="after")
    def _two_tags(self) -> ThinkSpec:
        if not self.open.strip():
            raise ValueError("the opening tag of think is blank")
        if not self.close.strip():
            raise ValueError(f'say which text closes {self.open!r}, as in close: "</think>"')
        if self.open == self.close:
            raise ValueError("the opening and the closing tag of think are the same")
        return self

    @property
    def tags(self) -> ThinkTags:
        """The tags as a record."""
        return ThinkTags(self.open, self.close, self.opened)


def _as_list(value: Any) -> Any:
    """Return `none` as no tags, and one pair as a list of one."""
    if value == "none":
        return ()
    return [value] if isinstance(value, dict) else value


Think = Annotated[tuple[ThinkSpec, ...], BeforeValidator(_as_list)]

THINK: tuple[ThinkSpec, ...] = tuple(ThinkSpec(open=pair.open) for pair in THINK_TAGS)
