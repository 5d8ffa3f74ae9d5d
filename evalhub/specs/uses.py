"""The datasets and metrics of a suite, each under the name that its tables show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, model_validator

from evalhub.specs.base import ID, Spec


class DatasetUse(Spec):
    """A dataset of a suite, or its name alone; `limit` items are drawn with `seed`.

    Attributes:
        id: What tables call it: an id of the suite's own where `dataset` names the dataset, else that name.
        dataset: Path or id of the dataset, so that one dataset can stand several times.
        tags: An item has all of them.
        without: An item has none of them.
    """

    id: str
    dataset: str | None = None
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    split: str | None = None
    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_a_name(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _own_id(self) -> DatasetUse:
        if self.dataset is not None and not re.fullmatch(ID, self.id):
            raise ValueError(f"the id of a dataset is a text such as hard-items, got {self.id!r}")
        return self

    @property
    def name(self) -> str:
        """Path or id of the dataset."""
        return self.dataset or self.id


@dataclass(frozen=True, slots=True)
class MetricUse:
    """A metric of a suite with its options, and its id where it has one."""

    metric: str
    options: Mapping[str, Any]
    id: str | None = None

    @staticmethod
    def entry(written: Any) -> str | dict[str, Any]:
        """Return an entry as a name, or a name with options. Options that are left blank are none.

        Raises:
            ValueError: It is neither.
        """
        if isinstance(written, str):
            return written
        options = list(written.items()) if isinstance(written, Mapping) else []
        if len(options) != 1 or not isinstance(options[0][1], Mapping | None):
            raise ValueError(
                "a metric is a name, or one name with its options, as in {rouge: {id: mine}}, "
                f"got {written!r}"
            )
        ((metric, chosen),) = options
        return {metric: dict(chosen or {})}

    @classmethod
    def read(cls, entry: str | Mapping[str, Mapping[str, Any]]) -> MetricUse:
        """Return what a suite's entry says: a name, or one name with its options."""
        if isinstance(entry, str):
            return cls(entry, {})
        ((metric, options),) = entry.items()
        own = options.get("id")
        if "id" in options and not (isinstance(own, str) and re.fullmatch(ID, own)):
            raise ValueError(f"the id of a metric is a text such as {metric}-2, got {own!r}")
        return cls(metric, {name: value for name, value in options.items() if name != "id"}, own)

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.id or self.metric

    def names(self, columns: Sequence[str]) -> dict[str, str]:
        """Return what tables call each of the metric's columns.

        >>> MetricUse("rouge", {}, "stemmed").names(["rouge1", "rouge2"])
        {'rouge1': 'stemmed/rouge1', 'rouge2': 'stemmed/rouge2'}
        >>> MetricUse("exact_match", {}, "same").names(["exact_match"])
        {'exact_match': 'same'}
        """
        if self.id is None:
            return {column: column for column in columns}
        return {column: self.id if len(columns) == 1 else f"{self.id}/{column}" for column in columns}
