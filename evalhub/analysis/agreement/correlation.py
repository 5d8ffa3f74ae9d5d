"""Correlations of ratings and metrics with the labels of the same responses, and with each other."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.directions import OPPOSED
from evalhub.analysis.frames.responses import averaged_responses, column_directions, number_columns
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import floats, row, table

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset", "label_criterion", "annotator_kind", "first", "second", "first_higher_is_better",
    "second_higher_is_better", "granularity", "coefficient", "reading", "groups",
)  # fmt: skip

AGREES, OPPOSES = "agrees", "opposes"


@cached_statistics
def correlations(results: Results) -> pd.DataFrame:
    """Return the correlation of every rating and metric with the labels, and with each other.

    One row per dataset, label criterion, kind of annotator, pair of columns, `granularity` and coefficient.
    The levels are `pooled` (over all responses), `item` (within each item across systems, then averaged, also
    called the summary level) and `system` (between the systems' means). The item level shows whether a rater
    can tell responses to one prompt apart, the system level whether it can rank systems. Several samples of
    one item and system are averaged first.

    The correlation is that of the values as they are. `reading` takes the directions into account. It is
    `agrees` or `opposes` where the interval is on one side of 0. It is None where the interval contains 0, or
    where one of the two has no direction. `groups` is the number of items or systems that entered,
    `n_excluded` the number of groups that are constant or too small.
    """
    rows: list[dict[str, Any]] = []
    for frame_keys, frame in averaged_responses(results):
        numbers = number_columns(frame)
        higher = column_directions(results, frame_keys, numbers)
        for first, second in itertools.combinations(numbers, 2):
            coefficients = stats.correlate(
                floats(frame[first]),
                floats(frame[second]),
                items=frame["item_id"].tolist(),
                systems=frame["system"].tolist(),
                clusters=frame["cluster"].tolist(),
            )
            has_directions = None not in (higher[first], higher[second])
            keys = {
                **frame_keys,
                "first": first,
                "second": second,
                "first_higher_is_better": higher[first],
                "second_higher_is_better": higher[second],
            }
            for correlation in coefficients:
                estimate, reading = correlation.estimate, None
                if has_directions:
                    estimate, reading = _read(estimate, opposed=higher[first] is not higher[second])
                rows.append(
                    row(
                        estimate, **keys, granularity=correlation.granularity.value,
                        coefficient=correlation.coefficient.value, reading=reading, groups=estimate.n,
                    )
                )  # fmt: skip
    return table(rows, KEYS)


def _read(estimate: stats.Estimate, *, opposed: bool) -> tuple[stats.Estimate, str | None]:
    """Return a correlation, with a note if the directions are opposed, and its reading."""
    if estimate.estimate is None:
        return estimate, None
    oriented = estimate
    if opposed:
        oriented = estimate.negated()
        estimate = replace(estimate, reason="; ".join(filter(None, (estimate.reason, OPPOSED))))
    if oriented.low is None or oriented.high is None:
        return estimate, None
    return estimate, AGREES if oriented.low > 0 else OPPOSES if oriented.high < 0 else None
