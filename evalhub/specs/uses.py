"""The datasets and metrics of a suite, each under its name in tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, model_validator

from evalhub.specs.base import ID, Spec


class DatasetUse(Spec):
    """A dataset of a suite, or its name alone.

    Attributes:
        id: The dataset's name in tables. It is also the dataset's path or id, unless `dataset` is given.
        dataset: Path or id of the dataset, so that a suite can use one dataset several times.
        limit: Number of items to draw with `seed`.
        clusters: Number of whole clusters to draw with `seed` from what the other keys leave. A larger draw
            holds each smaller one.
        seed: Seed of the draws.
        split: `dev` or `test`. Where the dataset brings no splits, these are drawn with `seed`.
        tags: Tags that an item must all have.
        exclude_tags: Tags that an item must not have.
    """

    id: str
    dataset: str | None = None
    limit: int | None = Field(default=None, ge=1)
    # Without it a suite and a part have the hashes that they had before the key existed.
    clusters: int | None = Field(default=None, ge=1, exclude_if=lambda value: value is None)
    seed: int = 0
    split: str | None = None
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
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

    @property
    def selects(self) -> bool:
        """Whether items of the dataset may be left out."""
        parts = (self.limit, self.clusters, self.split)
        return bool(self.tags or self.exclude_tags) or any(part is not None for part in parts)


@dataclass(frozen=True, slots=True)
class MetricUse:
    """A metric of a suite with its options, and its id or None."""

    metric: str
    options: Mapping[str, Any]
    id: str | None = None

    @staticmethod
    def entry(value: Any) -> str | dict[str, Any]:
        """Return an entry as a name, or as a name with options, which may be blank.

        Raises:
            ValueError: The entry is neither.
        """
        if isinstance(value, str):
            return value
        options = list(value.items()) if isinstance(value, Mapping) else []
        if len(options) != 1 or not isinstance(options[0][1], Mapping | None):
            raise ValueError(
                "a metric is a name, or one name with its options, as in {rouge: {id: mine}}, "
                f"got {value!r}"
            )
        ((metric, settings),) = options
        return {metric: dict(settings or {})}

    @classmethod
    def read(cls, entry: str | Mapping[str, Mapping[str, Any]]) -> MetricUse:
        """Return the metric of a suite's entry: a name, or one name with its options."""
        if isinstance(entry, str):
            return cls(entry, {})
        ((metric, options),) = entry.items()
        metric_id = options.get("id")
        if "id" in options and not (isinstance(metric_id, str) and re.fullmatch(ID, metric_id)):
            raise ValueError(f"the id of a metric is a text such as {metric}-2, got {metric_id!r}")
        return cls(metric, {name: value for name, value in options.items() if name != "id"}, metric_id)

    @property
    def name(self) -> str:
        """The metric's name in tables."""
        return self.id or self.metric

    def names(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the name in tables of each of the metric's columns.

        >>> MetricUse("rouge", {}, "stemmed").names(["rouge1", "rouge2"])
        {'rouge1': 'stemmed/rouge1', 'rouge2': 'stemmed/rouge2'}
        >>> MetricUse("exact_match", {}, "same").names(["exact_match"])
        {'exact_match': 'same'}
        """
        if self.id is None:
            return {column: column for column in columns}
        return {column: self.id if len(columns) == 1 else f"{self.id}/{column}" for column in columns}
