"""The table of metrics, and how an entry of a suite becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from evalhub.errors import SpecError
from evalhub.metrics.base import Metric
from evalhub.metrics.exact import ExactMatch
from evalhub.metrics.length import Length
from evalhub.metrics.rouge import Rouge
from evalhub.specs import find_entry


class Builder(Protocol):
    """What the table holds: a function from a suite's options to a metric."""

    def __call__(self, options: Mapping[str, object], *, where: str) -> Metric:
        """Return the metric, or raise `SpecError` for an unknown option or value."""
        ...


METRICS: Mapping[str, Builder] = {
    "rouge": Rouge.build,
    "exact_match": ExactMatch.build,
    "length": Length.build,
}


def build(name: str, options: Mapping[str, object] | None = None, *, where: str = "metrics") -> Metric:
    """Return the metric of a name. Metrics of other packages come from the entry points `evalhub.metrics`.

    Args:
        name: A key of `METRICS`, or of another package's entry point.
        options: The options that the suite gives under that name. None where it gives none.
        where: File and key that name the metric.

    Returns:
        The metric, checked.

    Raises:
        UnknownNameError: No metric has the name. The error gives the nearest one.
        SpecError: The options are not a mapping, an option or a value is unknown, or another package's metric
            cannot be loaded.

    Example:
        >>> build("length").score(["abc"], [[]])[0].name
        'chars'
    """
    builder = find_entry("metric", str(name), METRICS, fits=callable, where=where)
    if options is not None and not isinstance(options, Mapping):
        raise SpecError(
            "the options are not a mapping", where=f"{where}.{name}", value=options, fix="write key: value"
        )
    metric: object = builder(options or {}, where=f"{where}.{name}")
    if not isinstance(metric, Metric):
        missing = ", ".join(name for name in _MEMBERS if not hasattr(metric, name))
        raise SpecError(
            f"the builder returns no metric, it lacks {missing}",
            where=f"{where}.{name}",
            value=type(metric).__name__,
            fix="make it a subclass of evalhub.metrics.Metric",
        )
    return metric


_MEMBERS = ("higher_is_better", "bounds", "is_length", "for_dataset", "score")
