"""Raters as instruments: how often each is right by a model of all of them, and who moves the consensus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.directions import OTHER_WAY
from evalhub.analysis.people.human_agreement import labelled_units, said_of_units, teams, truth_pattern
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table, values
from evalhub.scales import Kind
from evalhub.specs import CriterionSpec
from evalhub.stats import Estimate
from evalhub.stats.estimate import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "label_criterion", "rater", "kind", "statistic")
_MODELLED = "a model's estimate, for which no interval is made"

Row = dict[str, Any]


def rater_models(results: Results) -> pd.DataFrame:
    """Return how often each annotator and judge is right, the truth unknown, and who moves the consensus.

    Statistics: `right` (Dawid and Skene's model of all annotators and the judges held against them, for pairs
    and levels) and, for each annotator, `without them: JUDGE` (a judge's agreement with the consensus
    of the other annotators minus that with the consensus of all, on the same units; above 0 = the judge looks
    better without them). None where the annotators are slots, not persons.
    """
    said = said_of_units(results)
    rows: list[Row] = []
    for (dataset, criterion), spec, labels in labelled_units(results):
        mine = dict(teams(labels, spec))[truth_pattern(spec)]
        held = _named(said[(said["dataset"] == dataset) & (said["label_criterion"] == criterion)])
        about = {"dataset": dataset, "label_criterion": criterion}
        if mine["annotator"].nunique() > 1 and len(held):
            rows += [{**about, **one} for one in (*_right(mine, held, spec), *_without(mine, held, spec))]
    return table(rows, NAMED)


def _named(held: pd.DataFrame) -> pd.DataFrame:
    """Return what judges said, a judge of several criteria under several names."""
    several = held.groupby("judge")["criterion"].transform("nunique") > 1
    return held.assign(judge=held["judge"].where(~several, held["judge"] + ": " + held["criterion"]))


def _right(mine: pd.DataFrame, held: pd.DataFrame, spec: CriterionSpec) -> list[Row]:
    judges = held[held["unit"].isin(mine["unit"]) & held["said"].notna()]
    other_way = sorted(set(judges.loc[judges["opposed"], "judge"]))
    judges = judges[~judges["opposed"]]
    people, names = mine["annotator"].tolist(), judges["judge"].tolist()
    found = stats.dawid_skene(
        [*map(str, values(mine["label"])), *map(str, values(judges["said"]))],
        [*mine["unit"], *judges["unit"]],
        [*(f"annotator {one}" for one in people), *(f"judge {one}" for one in names)],
    )
    rows = [
        row(Estimate.none(OTHER_WAY), rater=judge, kind="judge", statistic="right") for judge in other_way
    ]
    for kind, raters in (("annotator", people), ("judge", names)):
        for rater in sorted(set(raters)):
            given = raters.count(rater)
            named = {"rater": rater, "kind": kind, "statistic": "right"}
            rows.append(row(_share(found, f"{kind} {rater}", given, spec), **named))
    return rows


def _share(found: stats.DawidSkene, rater: str, given: int, spec: CriterionSpec) -> Estimate:
    """Return the share of units of which a rater says what they truly are, by the model."""
    if spec.annotators == "slots":
        return Estimate.none(stats.SLOTS, left_out=given)
    if found.prior is None or rater not in found.confusions:
        return Estimate.none(found.reason or "", left_out=given)
    right = float(found.prior @ found.confusions[rater].diagonal())
    return Estimate(right, None, None, CONFIDENCE, "dawid-skene", given, given, 0, _MODELLED)


def _without(mine: pd.DataFrame, held: pd.DataFrame, spec: CriterionSpec) -> list[Row]:
    pairs = spec.kind is Kind.PAIRWISE
    rows = []
    for (judge,), told in groups(held, "judge"):
        joined = mine.merge(told[["unit", "said"]], on="unit", how="inner")
        names = {"kind": "annotator", "statistic": f"without them: {judge}"}
        if spec.annotators == "slots":
            none = Estimate.none(stats.SLOTS, left_out=joined["unit"].nunique())
            rows += [row(none, rater=one, **names) for one in sorted(set(joined["annotator"]))]
            continue
        dropped = stats.leave_one_out(
            values(joined["label"]),
            values(joined["said"]),
            joined["unit"].tolist(),
            annotators=joined["annotator"].tolist(),
            clusters=joined["cluster"].tolist(),
            measure=stats.Measure.ACCURACY if pairs else stats.Measure.SPEARMAN,
        )
        rows += [row(one.change, rater=one.annotator, **names) for one in dropped]
    return rows
