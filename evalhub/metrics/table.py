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


def build_entry(entry: object, *, where: str = "metrics") -> Metric:
    """Return the metric that one entry of a suite's `metrics` describes.

    Args:
        entry: A bare name, or a mapping of one name to its options.
        where: File and key of the entry.

    Returns:
        The metric, checked.

    Raises:
        UnknownNameError: No metric has the name; the nearest one is named.
        SpecError: The entry has another form, or an option or a value is unknown.

    Example:
        >>> build_entry({"rouge": {"variants": ["L"]}}).higher_is_better
        True
    """
    if isinstance(entry, str):
        return build(entry, where=where)
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, options),) = entry.items()
        return build(name, options, where=where)
    raise SpecError("not a metric", where=where, value=entry, allowed="a name, or one name with its options")
