"""Between which ranks each system lies, under every measure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.measured import ABOUT, measured
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups

if TYPE_CHECKING:
    import pandas as pd

_RANK = ("system", "rank", "low", "high", "low_all", "high_all", "level", "method", "reason")
COLUMNS = (*ABOUT, "systems", *_RANK)


def ranks(results: Results) -> pd.DataFrame:
    """Return the rank of each system, 1 = best, with its intervals; no rows for fewer than 2 systems.

    The higher value ranks first under every measure. `low` and `high` hold for the system alone, `low_all`
    and `high_all` for all systems at once.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for key, found in groups(measured(results), *ABOUT):
        standing = stats.mean_standing(
            floats(found["value"]), found["system"].tolist(), found["cluster"].tolist()
        )
        about = {**dict(zip(ABOUT, key, strict=True)), "systems": len(standing.systems)}
        about["criterion"] = about["criterion"] or None
        if len(standing.systems) > 1:
            rows += [{**about, **asdict(rank)} for rank in stats.rank_intervals(standing)]
    return pd.DataFrame(rows, columns=list(COLUMNS))
