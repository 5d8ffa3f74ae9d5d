"""Between which ranks each system lies, under every measure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes, matches_of, select_comparable
from evalhub.analysis.frames.directions import oriented
from evalhub.analysis.frames.outcomes import ABOUT, early_stop_reason, outcomes
from evalhub.analysis.results import Results, cached_table
from evalhub.analysis.tables import floats, groups
from evalhub.stats.testing.paired import NOTHING

if TYPE_CHECKING:
    import pandas as pd

_RANK = ("system", "rank", "low", "high", "low_all", "high_all", "level", "method", "reason")
_ENDS = ("low", "high", "low_all", "high_all")
COLUMNS = (*ABOUT, "systems", "basis", "items", *_RANK)

NO_STANDING = "too few clusters of items tell how strong the systems are"

Row = dict[str, Any]


@cached_table
def ranks(results: Results) -> pd.DataFrame:
    """Return the rank of each system, 1 = best, with its intervals; no rows for fewer than 2 systems.

    The better value ranks first, by the direction of the measure; of win rates the strength under
    Bradley-Terry, since systems may have met different opponents. What has no direction has no ranks.
    `systems` and `items` count what the ranks rest on: the systems that compare, on the items that all of
    them share (`basis`, see `select_comparable`); the others have no rank, and a reason. `low` and
    `high` hold for the system alone, `low_all` and `high_all` for all systems at once; none where judging
    stopped early.
    """
    import pandas as pd

    rows: list[Row] = []
    for key, found in groups(oriented(outcomes(results)), *ABOUT):
        about = {**dict(zip(ABOUT, key, strict=True)), "criterion": key[3] or None}
        early = early_stop_reason(results, key[0], key[2], key[3])
        if found["system"].nunique() > 1 and found["value"].notna().any():
            rows += ({**about, **told} for told in _rows(found, early))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("rank", *_ENDS):
        frame[name] = frame[name].astype("Int64")
    return frame


def _rows(found: pd.DataFrame, early: str | None) -> Iterator[Row]:
    compared = select_comparable(item_outcomes(found), early=early)
    standing, why = _standing(compared.rows)
    about = {"basis": compared.basis, "items": compared.rows["item_id"].nunique()}
    ranked = standing.systems if standing else ()
    if standing and len(ranked) > 1:
        withheld = dict.fromkeys(_ENDS) | {"reason": early} if early else {}
        for rank in stats.rank_intervals(standing):
            yield {**about, "systems": len(ranked), **asdict(rank), **withheld}
    for system in sorted(set(found["system"]).difference(ranked)):
        reason = compared.reasons.get(system) or why
        yield {**about, "systems": len(ranked), "system": system, "method": "none", "reason": reason}


def _standing(found: pd.DataFrame) -> tuple[stats.Standing | None, str | None]:
    """Return means, or the strengths of systems that met, and why a system may have no estimate."""
    if not (found["other"] != "").any():
        columns = floats(found["value"]), found["system"].tolist(), found["cluster"].tolist()
        return stats.mean_standing(*columns), NOTHING
    fitted = stats.bradley_terry(matches_of(found))
    return fitted.standing, fitted.reason or NO_STANDING
