"""Between which ranks each system lies, under every measure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.results import Results
from evalhub.analysis.settled import stopped_early
from evalhub.analysis.tidy import floats, groups

if TYPE_CHECKING:
    import pandas as pd

_RANK = ("system", "rank", "low", "high", "low_all", "high_all", "level", "method", "reason")
_ENDS = ("low", "high", "low_all", "high_all")
COLUMNS = (*ABOUT, "systems", *_RANK)


def ranks(results: Results) -> pd.DataFrame:
    """Return the rank of each system, 1 = best, with its intervals; no rows for fewer than 2 systems.

    The higher value ranks first; of win rates the strength under Bradley-Terry, since systems may have met
    different opponents. `low` and `high` hold for the system alone, `low_all` and `high_all` for all systems
    at once; none where judging stopped early.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for key, found in groups(measured(results), *ABOUT):
        standing = _standing(found)
        if standing is None:
            continue
        about = {**dict(zip(ABOUT, key, strict=True)), "systems": len(standing.systems)}
        about["criterion"] = about["criterion"] or None
        if len(standing.systems) > 1:
            why = stopped_early(results, key[0], key[2], key[3])
            withheld = dict.fromkeys(_ENDS) | {"reason": why} if why else {}
            rows += [{**about, **asdict(rank), **withheld} for rank in stats.rank_intervals(standing)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _standing(found: pd.DataFrame) -> stats.Standing | None:
    """Return the means of ratings, or the strengths of systems that met; None without an estimate."""
    values, clusters = floats(found["value"]), found["cluster"].tolist()
    if not (found["other"] != "").any():
        return stats.mean_standing(values, found["system"].tolist(), clusters)
    won = found[found["system"] < found["other"]]
    matches = stats.Matches(
        floats(won["value"]), won["system"].tolist(), won["other"].tolist(), won["cluster"].tolist()
    )
    return stats.bradley_terry(matches).standing
