"""Every number that ranks the systems, by rater and by measure, in one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalhub.report.format import measure
from evalhub.report.grids.columns import Data
from evalhub.report.grids.leaderboard import best_first
from evalhub.report.grids.raters import rater_name
from evalhub.report.plots.estimates import Line, Plot

Row = dict[str, Any]

TABLES = ("leaderboard", "length_controlled", "bradley_terry", "prediction_powered")
"""The tables that have a number for each system."""

_CONTROLLED = "win rate, length controlled"
_RATES = ("win rate", "win rate (soft)")


def system_rows(data: Data) -> Iterator[Row]:
    """Yield rows with rater (as people read it), rater_kind, label (the measure), system and its estimate.

    Args:
        data: The tables of `TABLES`, of one dataset.
    """
    for row in data["leaderboard"]:
        yield {**row, "by": rater_name(row["rater"], row["criterion"]), "label": measure(row)}
    for row in data["length_controlled"]:
        by = rater_name(row["judge"], row["criterion"])
        yield {**row, "by": by, "rater_kind": "judge", "label": f"{_CONTROLLED}, against {row['baseline']}"}
    for row in data["bradley_terry"]:
        yield {**row, "by": rater_name(row["rater"], row["criterion"]), "label": row["measure"]}
    for row in data["prediction_powered"]:
        by = rater_name(row["judge"], row["criterion"])
        yield {**row, "by": by, "rater_kind": "labels", "label": row["statistic"]}


def system_plot(rows: list[Row], bands: Mapping[str, int] | None = None, warning: str = "") -> Plot:
    """Return the plot of one measure by one rater, the best system first.

    Args:
        rows: Of `system_rows`.
        bands: The band of each system by this measure. None = there are none.
        warning: Why these numbers are not to be used, or empty.
    """
    first = rows[0]
    rate = first.get("measure") in _RATES
    ordered = sorted(rows, key=best_first) if "higher_is_better" in first else sorted(rows, key=_highest)
    lines = tuple(Line(row["system"], row["rater_kind"], row) for row in ordered)
    systems = [row["system"] for row in ordered]
    is_banded = bands is not None and set(systems) <= bands.keys()
    return Plot(
        f"{first['by']} · {first['label']}",
        first["label"],
        lines,
        neutral=0.5 if rate else None,
        bands=tuple(bands[system] for system in systems) if bands and is_banded else (),
        warning=warning,
    )


def _highest(row: Row) -> tuple[bool, float]:
    return row["estimate"] is None, -(row["estimate"] or 0.0)
