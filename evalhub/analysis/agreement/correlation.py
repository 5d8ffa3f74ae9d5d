"""Ratings, metrics and labels of the same responses side by side: each with people, and with each other."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.directions import OPPOSED
from evalhub.analysis.frames.responses import by_response, column_directions, number_columns
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, row, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = (
    "dataset", "label_criterion", "annotator_kind", "x", "y", "x_higher_is_better", "y_higher_is_better",
    "at", "coefficient", "reading", "groups",
)  # fmt: skip

AGREES, OPPOSES = "agrees", "opposes"


def correlations(results: Results) -> pd.DataFrame:
    """Return the correlation of every rating and metric with the labels, and with each other.

    One row per dataset, label criterion, kind of annotator, pair of columns, level (`at`) and coefficient.
    Levels: `pooled` over all responses, `item` (within each item across systems, then averaged: the "summary
    level"), `system` (of the systems' means). Several samples of one item and system are averaged first. The
    correlation is that of the values as they are. `reading` allows for their directions: `agrees` or
    `opposes` where the interval is on one side of 0, None where it is not or where one of the two has no
    direction. `groups` is the number of items or systems that entered, `left_out` the groups that are
    constant or too small.
    """
    rows: list[dict[str, Any]] = []
    for about, frame in by_response(results):
        numbers = number_columns(frame)
        higher = column_directions(results, about, numbers)
        for x, y in itertools.combinations(numbers, 2):
            found = stats.correlate(
                floats(frame[x]),
                floats(frame[y]),
                items=frame["item_id"].tolist(),
                systems=frame["system"].tolist(),
                clusters=frame["cluster"].tolist(),
            )
            known = None not in (higher[x], higher[y])
            named = {
                **about,
                "x": x,
                "y": y,
                "x_higher_is_better": higher[x],
                "y_higher_is_better": higher[y],
            }
            for one in found:
                estimate, reading = one.estimate, None
                if known:
                    estimate, reading = _read(estimate, opposed=higher[x] is not higher[y])
                rows.append(
                    row(
                        estimate, **named, at=one.level.value, coefficient=one.coefficient.value,
                        reading=reading, groups=estimate.n,
                    )
                )  # fmt: skip
    return table(rows, NAMED)


def _read(estimate: stats.Estimate, *, opposed: bool) -> tuple[stats.Estimate, str | None]:
    """Return a correlation that says where its two run in opposite directions, and what it shows."""
    if estimate.estimate is None:
        return estimate, None
    oriented = estimate
    if opposed:
        oriented = estimate.negated()
        estimate = replace(estimate, reason="; ".join(filter(None, (estimate.reason, OPPOSED))))
    if oriented.low is None or oriented.high is None:
        return estimate, None
    return estimate, AGREES if oriented.low > 0 else OPPOSES if oriented.high < 0 else None
