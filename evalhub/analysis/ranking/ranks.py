"""The rank of each system under every measure, with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes, matches_of, select_comparable
from evalhub.analysis.frames.directions import oriented
from evalhub.analysis.frames.outcomes import ABOUT, outcomes
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, ids, numbers
from evalhub.stats.testing.paired import NOTHING

if TYPE_CHECKING:
    import pandas as pd

_RANK = ("system", "rank", "low", "high", "low_all", "high_all", "confidence", "method", "reason")
_ENDS = ("low", "high", "low_all", "high_all")
COLUMNS = (*ABOUT, "systems", "basis", "items", *_RANK)

NO_STRENGTHS = "too few clusters of items tell how strong the systems are"

Row = dict[str, Any]


@cached_statistics
def ranks(results: Results) -> pd.DataFrame:
    """Return the rank of each system, 1 = best, with its intervals. Fewer than 2 systems have no rows.

    The better value ranks first, by the direction of the measure. Measures without a direction have no ranks.
    Win rates rank by the strength under Bradley-Terry, since systems may have met different opponents.

    Only systems that compare are ranked, on the items that all of them share (see `select_comparable`).
    `basis` says how they compare, `systems` and `items` count them. Other systems have no rank, and a reason.
    The interval [low, high] holds for one system alone, [low_all, high_all] for all systems at once. There
    are no intervals where judging stopped early.
    """
    import pandas as pd

    rows: list[Row] = []
    for key, measure_rows in groups(oriented(outcomes(results)), *ABOUT):
        key_columns = {**dict(zip(ABOUT, key, strict=True)), "criterion": key[3] or None}
        if measure_rows["system"].nunique() > 1 and measure_rows["value"].notna().any():
            rows += ({**key_columns, **rank} for rank in _rank_rows(measure_rows))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("rank", *_ENDS):
        frame[name] = frame[name].astype("Int64")
    return frame


def _rank_rows(measure_rows: pd.DataFrame) -> Iterator[Row]:
    compared = select_comparable(item_outcomes(measure_rows))
    estimates, reason_without_estimate = _estimates(compared.rows)
    ranked = estimates.systems if estimates else ()
    basis: Row = {
        "basis": compared.basis,
        "items": compared.rows["item_id"].nunique(),
        "systems": len(ranked),
    }
    if estimates and len(ranked) > 1:
        withheld = compared.withheld
        no_interval = dict.fromkeys(_ENDS) | {"reason": withheld} if withheld else {}
        for rank in stats.rank_intervals(estimates):
            yield {**basis, **asdict(rank), **no_interval}
    for system in sorted(set(measure_rows["system"]).difference(ranked)):
        reason = compared.reasons.get(system) or reason_without_estimate
        yield {**basis, "system": system, "method": "none", "reason": reason}


def _estimates(rows: pd.DataFrame) -> tuple[stats.SystemEstimates | None, str | None]:
    """Return the estimates that rank the systems, and the reason of a system that has none.

    The estimates are means, or the Bradley-Terry strengths of systems that met.
    """
    if not (rows["other"] != "").any():
        columns = numbers(rows["value"]), ids(rows["system"]), ids(rows["cluster"])
        return stats.system_means(*columns), NOTHING
    fit = stats.bradley_terry(matches_of(rows))
    return fit.estimates, fit.reason or NO_STRENGTHS
