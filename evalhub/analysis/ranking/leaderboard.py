"""The leaderboard: win rates, mean scores and metrics of each system, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import OPPONENTS, item_outcomes, select_comparable
from evalhub.analysis.frames.directions import direction_of, length_names
from evalhub.analysis.frames.outcomes import (
    ABOUT,
    MEAN_SCORE,
    PENALISED,
    WIN_RATE,
    bounds_of,
    outcomes,
)
from evalhub.analysis.ranking.ranks import ranks
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, ids, numbers, row, rows_of, table
from evalhub.texts import make_printable

if TYPE_CHECKING:
    import pandas as pd

_KEY = ("dataset", "system", "rater", "rater_kind", "criterion", "measure")
_UNSHARED = ("unshared", "unshared_low", "unshared_high", "unshared_n")
COLUMNS = (*_KEY, "higher_is_better", "rank", "basis", "n_not_shared", *_UNSHARED)

Row = dict[str, Any]

NO_PENALTY = (
    "the length penalty needs a known length of each response, and of a pair the judge's probabilities"
)
_PENALISED = [PENALISED.format(name) for name in (WIN_RATE, MEAN_SCORE)]


@cached_statistics
def leaderboard(results: Results) -> pd.DataFrame:
    """Return every number that ranks a system, one row each: the means of `outcomes`.

    A win rate is against the other systems that the rater compared the system with. A tie counts half. The
    mean is over the cells that compare (see `select_comparable`). Samples of one item are averaged first.
    `rank` is that of `ranks`. `higher_is_better` is None where neither direction is better.

    `n_excluded` counts the failed responses or verdicts of the system. `n_not_shared` counts its measured
    items that other systems lack or failed on. Where there are such items, `unshared` is the mean over all
    measured items of the system, with its interval and its number of cells. It does not compare with other
    systems. There is no estimate, but a reason, where judging stopped early and where nothing compares.
    """
    places = {
        tuple(rank[name] for name in (*ABOUT, "system")): rank["rank"] for rank in rows_of(ranks(results))
    }
    lengths = length_names(results.manifest.metrics)
    rows: list[Row] = []
    for key, measure_rows in groups(outcomes(results), *ABOUT):
        key_columns: Row = {**dict(zip(ABOUT, key, strict=True)), "criterion": key[3] or None}
        key_columns["higher_is_better"] = direction_of(measure_rows)
        for values in _system_rows(measure_rows):
            place = places.get((*(key_columns[name] for name in ABOUT), values["system"]))
            if key_columns["measure"] in lengths and values["low"] is not None:
                values["low"] = max(values["low"], 0.0)  # no length is below 0
            rows.append({**key_columns, **values, "rank": place})
    frame = table(rows, COLUMNS)
    for name in ("rank", "n_not_shared", "unshared_n"):
        frame[name] = frame[name].astype("Int64")
    return frame


def _system_rows(measure_rows: pd.DataFrame) -> Iterator[Row]:
    """Yield the mean of each system under one measure, on the cells that compare."""
    measure_cells, ends = item_outcomes(measure_rows), bounds_of(measure_rows)
    compared = select_comparable(measure_cells)
    for (system,), system_cells in groups(measure_cells, "system"):
        if compared.withheld:
            yield row(stats.Estimate.none(compared.withheld), system=system, basis=None, n_not_shared=0)
            continue
        n_not_shared = compared.n_not_shared.get(system, 0)
        reason = _reason_if_unpenalised(system_cells) or compared.reasons.get(system)
        rows = compared.rows[compared.rows["system"] == system]
        estimate = stats.Estimate.none(reason) if reason else _mean(rows, ends)
        estimate = replace(estimate, n_excluded=int(system_cells["failed"].sum()))
        unshared = asdict(_mean(system_cells, ends)) if n_not_shared else {}
        unshared_columns = {f"unshared_{name}": unshared.get(name) for name in ("low", "high", "n")}
        yield row(
            estimate,
            system=system,
            basis=compared.basis,
            n_not_shared=n_not_shared,
            unshared=unshared.get("estimate"),
            **unshared_columns,
        )


def _mean(rows: pd.DataFrame, ends: tuple[float, float] | None) -> stats.Estimate:
    return stats.mean_estimate(numbers(rows["value"]), ids(rows["cluster"]), bounds=ends)


def _reason_if_unpenalised(system_cells: pd.DataFrame) -> str | None:
    """Return why no verdict of a system could be penalised for length. None where some could."""
    lacking = system_cells["measure"].isin(_PENALISED) & system_cells["value"].isna()
    return NO_PENALTY if lacking.all() else None


def comparability_sentences(means: Iterable[Mapping[str, Any]], lengths: Collection[str]) -> Iterator[str]:
    """Yield where systems were not measured on the same items, one sentence per dataset.

    Args:
        means: Rows of `leaderboard`.
        lengths: The metrics that are lengths, and so rank nothing.
    """
    ranked = [mean for mean in means if mean["rater"] not in lengths]
    for dataset in dict.fromkeys(mean["dataset"] for mean in ranked):
        of_dataset = [mean for mean in ranked if mean["dataset"] == dataset]
        if raters := _raters(mean for mean in of_dataset if mean["n_not_shared"]):
            yield (
                f"{dataset}: {raters} did not measure all systems on the same items, or failed on some. "
                "The systems are ranked on the items that they share"
            )
        if raters := _raters(mean for mean in of_dataset if mean["basis"] == OPPONENTS):
            yield (
                f"{dataset}: in the pairs of {raters}, the systems met on different items. Their win rates "
                "are not comparable. Their ranks are, through shared opponents (Bradley-Terry)"
            )


def _raters(means: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(make_printable(mean["rater"]) for mean in means))
