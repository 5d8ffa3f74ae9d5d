"""The table of metrics, and how an entry of a suite becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from evalhub.errors import SpecError, UnknownNameError
from evalhub.metrics.base import Metric
from evalhub.metrics.exact import ExactMatch
from evalhub.metrics.length import Length
from evalhub.metrics.rouge import Rouge


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
    """Return the metric of a name.

    Args:
        name: A key of `METRICS`.
        options: What the suite says under that name; None for nothing.
        where: File and key that name the metric.

    Returns:
        The metric, checked.

    Raises:
        UnknownNameError: No metric has the name; the nearest one is named.
        SpecError: The options are no mapping, or an option or a value is unknown.

    Example:
        >>> build("length").score(["abc"], [[]])[0].name
        'chars'
    """
    if name not in METRICS:
        raise UnknownNameError("metric", str(name), METRICS, where=where)
    if options is not None and not isinstance(options, Mapping):
        raise SpecError(
            "options are no mapping", where=f"{where}.{name}", value=options, fix="write key: value"
        )
    return METRICS[name](options or {}, where=f"{where}.{name}")
