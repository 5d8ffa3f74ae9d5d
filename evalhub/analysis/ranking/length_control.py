"""Win rates against one baseline with length controlled, of all systems at hand together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import select_comparable_pairs
from evalhub.analysis.frames.outcomes import SOFT, WIN_RATE, early_stop_reason
from evalhub.analysis.frames.verdicts import all_soft, pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups, row, table, values

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "baseline", "system", "measure", "length_effect")
CONTROLLED = "win rate (length-controlled)"


def length_controlled(results: Results) -> pd.DataFrame:
    """Return each system's win rate against a baseline, as it is and as if both were equally long.

    For judges all of whose pairs share one system, the baseline: of two systems the one that the suite
    names, else the first by name. `length_effect` is in log-odds, above 0 = the judge favours length. Soft
    verdicts are used where all of the judge's are. With fewer than 20 systems how hard the items are is not
    identified, and the reason says so. Only comparable pairs count (`select_comparable`). Anonymous systems
    and judges that stopped early are left out.
    """
    cards = results.manifest["cards"]
    rows: list[dict[str, Any]] = []
    for (dataset, judge, criterion), found in groups(pair_verdicts(results), "dataset", "judge", "criterion"):
        baseline = _baseline(results, judge, found)
        early = early_stop_reason(results, dataset, judge, criterion)
        if baseline is None or early or cards[dataset].get("anonymous"):
            continue
        about: dict[str, Any] = {
            "dataset": dataset,
            "judge": judge,
            "criterion": criterion,
            "baseline": baseline,
        }
        soft = all_soft(found)
        raw = SOFT.format(WIN_RATE) if soft else WIN_RATE
        compared = select_comparable_pairs(found)
        for system in sorted(compared.reasons.keys() - {baseline}):
            none = stats.Estimate.none(compared.reasons[system])
            named = {**about, "system": system, "length_effect": None}
            rows += (row(none, **named, measure=measure) for measure in (raw, CONTROLLED))
        if compared.rows.empty:
            continue
        joint = _joint(compared.rows, baseline, "p_a" if soft else "won")
        for one in joint.models:
            named = {**about, "system": one.model, "length_effect": one.length_effect}
            rows.append(row(one.raw, **named, measure=raw))
            told = row(one.win_rate, **named, measure=CONTROLLED)
            rows.append({**told, "reason": told["reason"] or one.note})
    return table(rows, NAMED)


def _joint(found: pd.DataFrame, baseline: str, wins: str) -> stats.JointLengthControl:
    """Fit the verdicts of pairs that all hold the baseline."""
    won = found.assign(won=stats.win_values(values(found["winner"])))[wins]
    mine = found["system_b"] == baseline  # the other system is a
    return stats.joint_length_controlled(
        floats(won.where(mine, 1 - won)),
        found["system_a"].where(mine, found["system_b"]).tolist(),
        found["item_id"].tolist(),
        floats(found["chars_a"].where(mine, found["chars_b"])),
        floats(found["chars_b"].where(mine, found["chars_a"])),
        clusters=found["cluster"].tolist(),
    )


def _baseline(results: Results, judge: str, found: pd.DataFrame) -> str | None:
    """Return the system that is in every pair."""
    pairs = zip(found["system_a"], found["system_b"], strict=True)
    shared: set[str] = set.intersection(*({a, b} for a, b in pairs))
    wanted = [
        (one.get("pairs") or {}).get("baseline")
        for one in results.manifest["resolved"]["suite"].get("judges", ())
        if one["id"] == judge
    ]
    return next((name for name in wanted if name in shared), min(shared, default=None))
