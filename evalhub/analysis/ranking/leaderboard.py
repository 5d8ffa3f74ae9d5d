"""Which system is better: win rates, mean scores and metrics, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes, select_comparable
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import (
    ABOUT,
    MEAN_SCORE,
    PENALISED,
    WIN_RATE,
    bounds_of,
    early_stop_reason,
    outcomes,
)
from evalhub.analysis.ranking.ranks import ranks
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups, row, rows_of, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "system", "rater", "kind", "criterion", "measure")
UNSHARED = ("unshared", "unshared_low", "unshared_high", "unshared_n")
COLUMNS = (*NAMED, "higher_is_better", "rank", "basis", "set_aside", *UNSHARED)

Row = dict[str, Any]

NO_PENALTY = (
    "the length penalty needs a known length of each response, and of a pair the judge's probabilities"
)
_PENALISED = [PENALISED.format(name) for name in (WIN_RATE, MEAN_SCORE)]


def leaderboard(results: Results) -> pd.DataFrame:
    """Return every number that ranks a system, one row each: the means of `outcomes`.

    A win rate is against the other systems that the rater compared it with; a tie counts half. The mean is
    over the comparable rows (see `select_comparable`): samples of one item are averaged first. `rank` is that
    of `ranks`. `higher_is_better` is None where neither direction is better. `left_out` counts the failed
    responses or verdicts of the system. `set_aside` counts its measured items that other systems lack, or
    failed on. Where there are some, `unshared` is the mean over all its measured items, with its interval
    and its number of cells, which does not compare with other systems'. None where judging stopped early,
    sooner for some pairs than for others, and where nothing compares.
    """
    places = {
        tuple(rank[name] for name in (*ABOUT, "system")): rank["rank"] for rank in rows_of(ranks(results))
    }
    rows: list[Row] = []
    for key, found in groups(outcomes(results), *ABOUT):
        about: Row = {**dict(zip(ABOUT, key, strict=True)), "criterion": key[3] or None}
        about["higher_is_better"] = direction_of(found)
        for told in _systems(found, early_stop_reason(results, key[0], key[2], key[3])):
            place = places.get((*(about[name] for name in ABOUT), told["system"]))
            rows.append({**about, **told, "rank": place})
    frame = table(rows, COLUMNS)
    for name in ("rank", "set_aside", "unshared_n"):
        frame[name] = frame[name].astype("Int64")
    return frame


def _systems(found: pd.DataFrame, early: str | None) -> Iterator[Row]:
    """Yield the mean of each system under one measure, on the cells that compare."""
    every, ends = item_outcomes(found), bounds_of(found)
    compared = select_comparable(every)
    for (system,), whole in groups(every, "system"):
        if early:
            yield row(stats.Estimate.none(early), system=system, basis=None, set_aside=0)
            continue
        aside = compared.set_aside.get(system, 0)
        why = _unpenalised(whole) or compared.reasons.get(system)
        rows = compared.rows[compared.rows["system"] == system]
        estimate = stats.Estimate.none(why) if why else _mean(rows, ends)
        estimate = replace(estimate, left_out=int(whole["failed"].sum()))
        unshared = asdict(_mean(whole, ends)) if aside else {}
        apart = {f"unshared_{name}": unshared.get(name) for name in ("low", "high", "n")}
        about = {"system": system, "basis": compared.basis, "set_aside": aside}
        yield row(estimate, **about, unshared=unshared.get("estimate"), **apart)


def _mean(found: pd.DataFrame, ends: tuple[float, float] | None) -> stats.Estimate:
    return stats.mean_score(floats(found["value"]), found["cluster"].tolist(), bounds=ends)


def _unpenalised(whole: pd.DataFrame) -> str | None:
    """Return why no verdict of a system could be penalised for length; None where some are."""
    lacking = whole["measure"].isin(_PENALISED) & whole["value"].isna()
    return NO_PENALTY if lacking.all() else None
