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
from evalhub.analysis.frames.outcomes import ABOUT, outcomes, withheld_reason
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups

if TYPE_CHECKING:
    import pandas as pd

DROPPED = "dropped"
FACTS = ("run", "rater_kind", "rater", "rubric", "mode", "criterion", "measure", "failures")
_CHANGE = (
    "systems", "kendall", "spearman", "pairs", "swapped", "moved_system", "moved_ranks", "winners",
    "winner_changes", "missing", "reason",
)  # fmt: skip
COLUMNS = ("dataset", "subject", "reference", "variant", *FACTS, *_CHANGE)
_KINDS = ("judge", "labels", "metric")

Facts = dict[str, Any]
Scores = dict[str, float | None]


def sensitivity(runs: Sequence[Results]) -> pd.DataFrame:
    """Return how each way of ranking the systems of a dataset differs from the first judge's ranking.

    A variant is a run, rater, criterion and measure (hard or soft, before or after the length penalty) with
    its failed cells dropped. Where some failed and the values have bounds, a second variant counts failures
    as the worst value. Variants are grouped by the labels' criterion that they are held against (`about`).
    Metrics stand in every group. The reference is the first judge's first measure. Labels and metrics are
    variants of their own. Judges that stopped early are left out.

    Each variant ranks on the rows that compare (see `select_comparable`). `missing` counts the systems that
    it does not rank. `kendall` and `spearman`, in [-1, 1], are correlations with the reference: 1 = the same
    ranking. `swapped` counts the pairs of systems in the opposite order. `moved_system` is the system that
    moves furthest, `moved_ranks` its number of places (above 0 = up).
    """
    import pandas as pd

    rankings = [ranking for results in runs for ranking in _rankings(results)]
    rows: list[Facts] = []
    subjects = sorted({(facts["dataset"], facts["subject"]) for facts, _ in rankings if facts["subject"]})
    for dataset, subject in subjects:
        variants = [
            (facts, scores)
            for facts, scores in rankings
            if facts["dataset"] == dataset and facts["subject"] in (subject, "")
        ]
        variants.sort(key=lambda variant: _KINDS.index(variant[0]["rater_kind"]))
        several_runs = len({facts["run"] for facts, _ in variants}) > 1
        by_name = [(_name(facts, several_runs=several_runs), facts, scores) for facts, scores in variants]
        rows += ({"subject": subject, **change} for change in _changes(dataset, by_name))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _changes(dataset: str, variants: list[tuple[str, Facts, Scores]]) -> Iterator[Facts]:
    reference = variants[0][0]
    facts_of = {name: facts for name, facts, _ in variants}
    columns = [(name, system, score) for name, _, scores in variants for system, score in scores.items()]
    changes = stats.ranking_changes(*map(list, zip(*columns, strict=True)), reference=reference)
    for change in sorted(changes, key=lambda change: list(facts_of).index(change.variant)):
        facts = {name: facts_of[change.variant][name] for name in FACTS}
        yield {"dataset": dataset, "reference": reference, **facts, **asdict(change)}


def _rankings(results: Results) -> Iterator[tuple[Facts, Scores]]:
    """Yield the facts of each variant of a run, with the scores by which it ranks the systems."""
    for key, measure_rows in groups(oriented(outcomes(results)), *ABOUT):
        key_columns = dict(zip(ABOUT, key, strict=True))
        if withheld_reason(measure_rows) or measure_rows["value"].isna().all():
            continue
        judge = results.judges.get(key_columns["rater"])
        facts = {
            **key_columns, "run": results.run.id, "rubric": judge.rubric if judge else None,
            "mode": judge.mode.value if judge else None,
            "failures": DROPPED, "subject": _labels_criterion(results, key_columns),
        }  # fmt: skip
        yield facts, _scores(select_comparable(item_outcomes(measure_rows)))
        if measure_rows["value"].isna().any() and measure_rows["floor"].notna().all():
            filled = measure_rows.assign(value=measure_rows["value"].fillna(measure_rows["floor"]))
            yield (
                {**facts, "failures": "counted as the worst"},
                _scores(select_comparable(item_outcomes(filled))),
            )


def _labels_criterion(results: Results, key_columns: Facts) -> str:
    """Return the labels' criterion that a ranking is held against. "" for a metric: against each of them."""
    criterion = str(key_columns["criterion"])
    if key_columns["rater_kind"] != "judge":
        return criterion
    return label_criterion(results, key_columns["rater"], key_columns["dataset"], criterion) or criterion


def _scores(compared: Comparable) -> Scores:
    """Return what ranks each system: its mean, or its strength where systems met on different items."""
    if compared.basis == OPPONENTS:
        return _strengths(compared.rows)
    means = compared.rows.groupby("system")["value"].mean()
    return dict(zip(means.index.astype(str), floats(means), strict=True))


def _strengths(rows: pd.DataFrame) -> Scores:
    """Return Bradley-Terry strengths of systems that met on different items. Empty if not identified."""
    estimates = stats.bradley_terry(matches_of(rows)).estimates
    return dict(zip(estimates.systems, estimates.values.tolist(), strict=True)) if estimates else {}


def _name(facts: Facts, *, several_runs: bool) -> str:
    """Return the name that tells a variant from the other variants of its dataset."""
    parts = [facts["rater"], facts["criterion"], facts["measure"] if facts["rater_kind"] != "metric" else ""]
    parts += ["" if facts["failures"] == DROPPED else f"failures {facts['failures']}"]
    parts += [facts["run"].rsplit("-", 1)[-1] if several_runs else ""]
    return " · ".join(filter(None, parts))
