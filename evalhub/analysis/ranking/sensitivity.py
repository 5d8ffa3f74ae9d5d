"""How the ranking of systems changes with judge, rubric, verdict mode, length penalty and failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import (
    OPPONENTS,
    Comparable,
    item_outcomes,
    matches_of,
    select_comparable,
)
from evalhub.analysis.frames.directions import oriented
from evalhub.analysis.frames.labels import label_criterion
from evalhub.analysis.frames.outcomes import ABOUT, early_stop_reason, outcomes
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups

if TYPE_CHECKING:
    import pandas as pd

DROPPED = "dropped"
FACTS = ("run", "kind", "rater", "rubric", "mode", "criterion", "measure", "failures")
_CHANGE = (
    "systems", "kendall", "spearman", "pairs", "swapped", "mover", "move", "winners", "winner_changes",
    "missing", "reason",
)  # fmt: skip
COLUMNS = ("dataset", "about", "reference", "variant", *FACTS, *_CHANGE)
_KINDS = ("judge", "labels", "metric")

Fact = dict[str, Any]


def sensitivity(runs: Sequence[Results]) -> pd.DataFrame:
    """Return how each way of ranking the systems of a dataset differs from the first judge's.

    A variant is a run, rater, criterion and measure (hard or soft, before or after the length penalty), its
    failed cells dropped; and, where any failed and the values have bounds, the same with failures counted as
    the worst value. What is held against one criterion of the labels stands together (`about`), beside every
    metric. The reference is the first judge's first measure; labels and metrics stand as variants
    of their own; judges that stopped early are not there. Each ranks on the rows that compare (see
    `select_comparable`); systems that it does not rank are `missing`. `kendall` and `spearman` are with the
    reference, `swapped` counts the pairs of systems in the opposite order, `mover` is the system that moves
    furthest and `move` how many places (above 0 = up).
    """
    import pandas as pd

    found = [ranking for results in runs for ranking in _rankings(results)]
    rows: list[Fact] = []
    asked = sorted({(facts["dataset"], facts["about"]) for facts, _ in found if facts["about"]})
    for dataset, about in asked:
        mine = [one for one in found if one[0]["dataset"] == dataset and one[0]["about"] in (about, "")]
        mine.sort(key=lambda one: _KINDS.index(one[0]["kind"]))
        named = [(_name(facts, mine), facts, means) for facts, means in mine]
        rows += ({"about": about, **change} for change in _changes(dataset, named))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _changes(dataset: str, rankings: list[tuple[str, Fact, dict[str, float | None]]]) -> Iterator[Fact]:
    reference = rankings[0][0]
    facts_of = {name: facts for name, facts, _ in rankings}
    columns = [(name, system, mean) for name, _, means in rankings for system, mean in means.items()]
    changes = stats.ranking_changes(*map(list, zip(*columns, strict=True)), reference=reference)
    for change in sorted(changes, key=lambda one: list(facts_of).index(one.variant)):
        facts = {name: facts_of[change.variant][name] for name in FACTS}
        yield {"dataset": dataset, "reference": reference, **facts, **asdict(change)}


def _rankings(results: Results) -> Iterator[tuple[Fact, dict[str, float | None]]]:
    for key, found in groups(oriented(outcomes(results)), *ABOUT):
        about = dict(zip(ABOUT, key, strict=True))
        early = early_stop_reason(results, about["dataset"], about["rater"], about["criterion"])
        if early or found["value"].isna().all():
            continue
        judge = results.manifest["judges"].get(about["rater"], {})
        facts = {
            **about, "run": results.run.id, "rubric": judge.get("rubric"), "mode": judge.get("mode"),
            "failures": DROPPED, "about": _about(results, about),
        }  # fmt: skip
        yield facts, _standings(select_comparable(item_outcomes(found)))
        if found["value"].isna().any() and found["floor"].notna().all():
            worst = select_comparable(
                item_outcomes(found.assign(value=found["value"].fillna(found["floor"])))
            )
            yield {**facts, "failures": "counted as the worst"}, _standings(worst)


def _about(results: Results, about: Fact) -> str:
    """Return the labels' criterion that a ranking is about; "" for a metric, which is about any."""
    if about["kind"] != "judge":
        return str(about["criterion"])
    held = label_criterion(results, about["rater"], about["dataset"], about["criterion"])
    return str(held or about["criterion"])


def _standings(compared: Comparable) -> dict[str, float | None]:
    """Return what ranks each system: its mean, or its strength where pairs met on different items."""
    if compared.basis == OPPONENTS:
        return _strengths(compared.rows)
    means = compared.rows.groupby("system")["value"].mean()
    return dict(zip(means.index.astype(str), floats(means), strict=True))


def _strengths(found: pd.DataFrame) -> dict[str, float | None]:
    """Return the strengths of systems that met on different items; empty where the matches do not tell."""
    standing = stats.bradley_terry(matches_of(found)).standing
    return dict(zip(standing.systems, standing.values.tolist(), strict=True)) if standing else {}


def _name(facts: Fact, among: list[tuple[Fact, Any]]) -> str:
    """Return what tells a variant from the others of its dataset."""
    several = len({one["run"] for one, _ in among}) > 1
    parts = [facts["rater"], facts["criterion"], facts["measure"] if facts["kind"] != "metric" else ""]
    parts += ["" if facts["failures"] == DROPPED else f"failures {facts['failures']}"]
    parts += [facts["run"].rsplit("-", 1)[-1] if several else ""]
    return " · ".join(filter(None, parts))
