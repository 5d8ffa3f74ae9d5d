"""How often each rater is right by a model of all raters, and which annotators change the consensus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.directions import OTHER_WAY
from evalhub.analysis.people.human_agreement import (
    annotator_groups,
    consensus_pattern,
    labelled_units,
    unit_verdicts,
)
from evalhub.analysis.results import Results
from evalhub.analysis.tables import by_key, groups, row, table, values
from evalhub.scales import Kind
from evalhub.specs import CriterionSpec
from evalhub.stats import Estimate
from evalhub.stats.estimate import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("dataset", "label_criterion", "rater", "rater_kind", "statistic")
_MODELLED = "a model's estimate, for which no interval is made"

Row = dict[str, Any]


def rater_models(results: Results) -> pd.DataFrame:
    """Return how often each annotator and judge is right without known truth, and who changes the consensus.

    Statistics:

    - `accuracy`: the probability that a rater gives the true verdict, by the model of Dawid and Skene of all
      annotators and judges. For pairs and levels.
    - `without them: JUDGE`: for each annotator, the judge's agreement with the consensus of the other
      annotators minus its agreement with the consensus of all, on the same units. Above 0 the judge looks
      better without the annotator.

    The estimate is None where the annotators are slots, not persons.
    """
    rows: list[Row] = []
    labelled = list(labelled_units(results))
    if not labelled:
        return table(rows, KEYS)
    verdicts = unit_verdicts(results)
    for (dataset, criterion), spec, labels in labelled:
        labels = dict(annotator_groups(labels, spec))[consensus_pattern(spec)]
        is_compared = (verdicts["dataset"] == dataset) & (verdicts["label_criterion"] == criterion)
        judged = _with_unique_names(verdicts[is_compared])
        keys = {"dataset": dataset, "label_criterion": criterion}
        if labels["annotator"].nunique() > 1 and len(judged):
            estimates = (*_right(labels, judged, spec), *_without(labels, judged, spec))
            rows += [{**keys, **estimate} for estimate in estimates]
    return table(rows, KEYS)


def _with_unique_names(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts in which a judge with several criteria has one name for each criterion."""
    several = verdicts.groupby("judge")["criterion"].nunique() > 1
    names = by_key(verdicts, ("judge", "criterion"), lambda j, c: f"{j}: {c}" if several[j] else j)
    return verdicts.assign(judge=names)


def _right(labels: pd.DataFrame, verdicts: pd.DataFrame, spec: CriterionSpec) -> list[Row]:
    verdicts = verdicts[verdicts["unit"].isin(labels["unit"]) & verdicts["verdict"].notna()]
    opposed_judges = sorted(set(verdicts.loc[verdicts["opposed"], "judge"]))
    verdicts = verdicts[~verdicts["opposed"]]
    annotators, judges = labels["annotator"].tolist(), verdicts["judge"].tolist()
    model = stats.dawid_skene(
        [*map(str, values(labels["label"])), *map(str, values(verdicts["verdict"]))],
        [*labels["unit"], *verdicts["unit"]],
        [*(f"annotator {name}" for name in annotators), *(f"judge {name}" for name in judges)],
    )
    rows = [
        row(Estimate.none(OTHER_WAY), rater=judge, rater_kind="judge", statistic="accuracy")
        for judge in opposed_judges
    ]
    for kind, raters in (("annotator", annotators), ("judge", judges)):
        for rater in sorted(set(raters)):
            estimate = _right_share(model, f"{kind} {rater}", raters.count(rater), spec)
            rows.append(row(estimate, rater=rater, rater_kind=kind, statistic="accuracy"))
    return rows


def _right_share(model: stats.DawidSkene, rater: str, n: int, spec: CriterionSpec) -> Estimate:
    """Return the share of units on which a rater gives the true verdict, by the model.

    Args:
        model: The fitted model.
        rater: Name of the rater in the model.
        n: Number of units with a verdict of the rater.
        spec: The labelled criterion.
    """
    if spec.annotators == "slots":
        return Estimate.none(stats.SLOTS, n_excluded=n)
    if model.prior is None or rater not in model.confusions:
        return Estimate.none(model.reason or "", n_excluded=n)
    right = float(model.prior @ model.confusions[rater].diagonal())
    return Estimate(right, None, None, CONFIDENCE, "dawid-skene", n, n, 0, _MODELLED)


def _without(labels: pd.DataFrame, verdicts: pd.DataFrame, spec: CriterionSpec) -> list[Row]:
    pairs = spec.kind is Kind.PAIRWISE
    rows = []
    for (judge,), judge_verdicts in groups(verdicts, "judge"):
        joined = labels.merge(judge_verdicts[["unit", "verdict"]], on="unit", how="inner")
        keys = {"rater_kind": "annotator", "statistic": f"without them: {judge}"}
        if spec.annotators == "slots":
            missing = Estimate.none(stats.SLOTS, n_excluded=joined["unit"].nunique())
            rows += [row(missing, rater=name, **keys) for name in sorted(set(joined["annotator"]))]
            continue
        changes = stats.leave_one_out(
            values(joined["label"]),
            values(joined["verdict"]),
            joined["unit"].tolist(),
            annotators=joined["annotator"].tolist(),
            clusters=joined["cluster"].tolist(),
            measure=stats.AgreementMeasure.ACCURACY if pairs else stats.AgreementMeasure.SPEARMAN,
        )
        rows += [row(change.change, rater=change.annotator, **keys) for change in changes]
    return rows
