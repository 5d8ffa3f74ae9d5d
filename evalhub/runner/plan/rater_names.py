"""Names of raters: each belongs to one judge, jury or metric."""

from __future__ import annotations

from collections.abc import Iterator

from evalhub.errors import SpecError
from evalhub.metrics import LENGTH_COLUMNS
from evalhub.runner.plan.resolve import Resolved, metric_columns
from evalhub.specs.rater_names import RESERVED_RATERS


def check_raters(resolved: Resolved) -> None:
    """Refuse a judge, jury or metric whose name is reserved, or is the name of another rater.

    Raises:
        SpecError: A name is reserved or taken.
    """
    owners: dict[str, str] = {}
    lengths = {f"metric {use.metric}" for use, metric in resolved.metrics if metric.is_length}
    for name, owner, where in _raters(resolved):
        if name in RESERVED_RATERS or (name in LENGTH_COLUMNS and owner not in lengths):
            raise SpecError(
                "tables call something else by this name", where=where, value=name, fix="choose another"
            )
        if owners.setdefault(name, owner) != owner:
            raise SpecError(
                f"the {owner} has the name of the {owners[name]}",
                where=where,
                value=name,
                fix="rename one of them",
            )


def _raters(resolved: Resolved) -> Iterator[tuple[str, str, str]]:
    """Yield each rater's name, kind and place. The datasets' raters come first."""
    for dataset in resolved.datasets:
        for name in dataset.facts.recorded_judges:
            yield name, "recorded judge", f"{resolved.path}:datasets.{dataset.id}.judgments"
        for name in dataset.facts.recorded_metrics:
            yield name, "recorded metric", f"{resolved.path}:datasets.{dataset.id}.scores"
    for judge in resolved.judges:
        yield judge.spec.id, "judge", f"{resolved.path}:judges.{judge.spec.id}"
    for jury in resolved.suite.juries:
        yield jury.id, "jury", f"{resolved.path}:juries.{jury.id}"
    for use, metric in resolved.metrics:
        for name in use.names(metric_columns(metric)).values():
            yield name, f"metric {use.metric}", f"{resolved.path}:metrics"
