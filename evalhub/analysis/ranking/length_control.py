"""Length-controlled win rates against one baseline, from one fit to all systems of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import select_comparable_pairs
from evalhub.analysis.frames.outcomes import SOFT, WIN_RATE, outcomes, withheld_reasons
from evalhub.analysis.frames.verdicts import all_soft, pair_verdicts
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, ids, numbers, row, table, values

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "judge", "criterion", "baseline", "system", "measure", "length_effect")
CONTROLLED = "win rate (length-controlled)"

Row = dict[str, Any]


@cached_statistics
def length_controlled_win_rates(results: Results) -> pd.DataFrame:
    """Return each system's win rate against a baseline, as it is and as if both answers were equally long.

    There are rows for judges all of whose pairs share one system, the baseline. Of two such systems it is the
    one that the suite names, else the first by name. `length_effect` is in log-odds. Above 0 the judge
    favours longer answers. Soft verdicts are used where all of the judge's verdicts are soft.

    With fewer than 20 systems the difficulty of the items is not identified, and the reason says so. Only
    pairs that compare count (see `select_comparable`). Anonymous systems and judges that stopped early are
    left out.
    """
    cards, withheld = results.cards, withheld_reasons(outcomes(results))
    rows: list[Row] = []
    by_judge = groups(pair_verdicts(results), "dataset", "judge", "criterion")
    for (dataset, judge, criterion), verdicts in by_judge:
        baseline = _baseline(results, judge, verdicts)
        reason = withheld.get((dataset, judge, criterion))
        if baseline is None or reason or cards[dataset].anonymous:
            continue
        key_columns: Row = {
            "dataset": dataset, "judge": judge, "criterion": criterion, "baseline": baseline,
        }  # fmt: skip
        soft = all_soft(verdicts)
        raw_measure = SOFT.format(WIN_RATE) if soft else WIN_RATE
        compared = select_comparable_pairs(verdicts, withheld=reason)
        for system in sorted(compared.reasons.keys() - {baseline}):
            absent = stats.Estimate.none(compared.reasons[system])
            system_columns = {**key_columns, "system": system, "length_effect": None}
            rows += (row(absent, **system_columns, measure=measure) for measure in (raw_measure, CONTROLLED))
        if compared.rows.empty:
            continue
        joint = _joint_fit(compared.rows, baseline, soft=soft)
        for system_fit in joint.models:
            length_effect = system_fit.length_effect
            system_columns = {**key_columns, "system": system_fit.model, "length_effect": length_effect}
            rows.append(row(system_fit.raw, **system_columns, measure=raw_measure))
            controlled = row(system_fit.win_rate, **system_columns, measure=CONTROLLED)
            rows.append({**controlled, "reason": controlled["reason"] or system_fit.note})
    return table(rows, COLUMNS)


def _joint_fit(verdicts: pd.DataFrame, baseline: str, *, soft: bool) -> stats.JointLengthControl:
    """Fit the verdicts of pairs that all hold the baseline."""
    wins = verdicts.assign(win=stats.win_values(values(verdicts["winner"])))["win"]
    chances = verdicts["p_a"] if soft else wins
    system_is_a = verdicts["system_b"] == baseline
    return stats.joint_length_controlled(
        numbers(chances.where(system_is_a, 1 - chances)),
        verdicts["system_a"].astype(str).where(system_is_a, verdicts["system_b"].astype(str)).tolist(),
        ids(verdicts["item_id"]),
        numbers(verdicts["chars_a"].where(system_is_a, verdicts["chars_b"])),
        numbers(verdicts["chars_b"].where(system_is_a, verdicts["chars_a"])),
        clusters=ids(verdicts["cluster"]),
    )


def _baseline(results: Results, judge: str, verdicts: pd.DataFrame) -> str | None:
    """Return the system that is in every pair, None where there is none."""
    pairs = zip(verdicts["system_a"], verdicts["system_b"], strict=True)
    shared: set[str] = set.intersection(*({a, b} for a, b in pairs))
    baselines = [use.pairs.baseline for use in results.suite.judges if use.id == judge]
    return next((name for name in baselines if name in shared), min(shared, default=None))
