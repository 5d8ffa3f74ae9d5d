"""Human agreement, and whether a judge can take the place of a human annotator."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.directions import OTHER_WAY, opposed_directions
from evalhub.analysis.frames.item_criteria import criterion_answers
from evalhub.analysis.frames.labels import criteria, with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, row, table, values
from evalhub.records import AnnotatorKind
from evalhub.scales import Kind
from evalhub.specs import CriterionSpec
from evalhub.stats import Estimate
from evalhub.store import ADJUDICATED

if TYPE_CHECKING:
    import pandas as pd

_LABEL_KEYS = ("dataset", "label_criterion")
KEYS = (*_LABEL_KEYS, "annotators", "people", "statistic")
ALTERNATIVE_KEYS = (*_LABEL_KEYS, "judge", "criterion", "statistic")
_UNIT = ("item_id", "system", "system_a", "system_b", "sample", "item_criterion")

Row = dict[str, Any]


def human_agreement(results: Results) -> pd.DataFrame:
    """Return the agreement of the human annotators of each labelled criterion beyond chance.

    Statistics: Krippendorff's alpha (nominal for pairs, ordinal and interval for ratings), and Gwet's AC1. 1
    is perfect agreement, 0 is agreement by chance. Alpha is low where nearly all labels are of one category,
    even if annotators agree. AC1 is not. Both take annotators as exchangeable, so they are valid for slots
    too. n counts units with two labels or more.

    `annotators` is the pattern of the names whose labels make the consensus, or "the others". `people` counts
    the annotators.
    """
    rows: list[Row] = []
    for (dataset, criterion), spec, labels in labelled_units(results):
        for name, group in annotator_groups(labels, spec):
            count = int(group["annotator"].nunique())
            keys = {"dataset": dataset, "label_criterion": criterion, "annotators": name, "people": count}
            if count > 1:
                rows += [
                    row(estimate, **keys, statistic=statistic) for statistic, estimate in _agreement(group)
                ]
    return table(rows, KEYS)


@cached_statistics
def alternative_annotator_test(results: Results) -> pd.DataFrame:
    """Compare every judge with a human annotator whose place it takes (the alternative annotator test).

    Statistics: `people` and `judge` (agreement of an annotator, and of the judge, with the other annotators),
    `judge minus people`, `winning rate` (share of annotators to whom the judge is not inferior) and
    `advantage` (probability that the judge is as close to the other annotators as an annotator is). Agreement
    is accuracy for pairs and Spearman's correlation for ratings, averaged over the annotators. Higher is
    better for the judge. The estimate is None where the annotators are slots, not persons who can be followed
    from item to item.

    Source: Calderon, Reichart & Dror, ACL 2025, arXiv 2501.10970.
    """
    rows: list[Row] = []
    labelled = list(labelled_units(results))
    if not labelled:
        return table(rows, ALTERNATIVE_KEYS)
    verdicts = unit_verdicts(results)
    for (dataset, criterion), spec, labels in labelled:
        is_compared = (verdicts["dataset"] == dataset) & (verdicts["label_criterion"] == criterion)
        consensus_group = dict(annotator_groups(labels, spec)).get(consensus_pattern(spec), labels)
        for (judge, judge_criterion), group in groups(verdicts[is_compared], "judge", "criterion"):
            keys = {
                "dataset": dataset,
                "label_criterion": criterion,
                "judge": judge,
                "criterion": judge_criterion,
            }
            joined = consensus_group.merge(group[["unit", "verdict", "opposed"]], on="unit", how="inner")
            if joined["annotator"].nunique() > 1:
                estimates = _alternative_estimates(joined, spec)
                rows += [row(estimate, **keys, statistic=name) for name, estimate in estimates.items()]
    return table(rows, ALTERNATIVE_KEYS)


def _alternative_estimates(joined: pd.DataFrame, spec: CriterionSpec) -> dict[str, Estimate]:
    names = ("people", "judge", "judge minus people", "winning rate", "advantage")
    if spec.annotators == "slots":
        return dict.fromkeys(names, Estimate.none(stats.SLOTS, n_excluded=joined["unit"].nunique()))
    columns = (values(joined["label"]), values(joined["verdict"]), joined["unit"].tolist())
    annotators, clusters = joined["annotator"].tolist(), joined["cluster"].tolist()
    pairs = spec.kind is Kind.PAIRWISE
    ceiling = stats.ceiling(
        *columns,
        annotators=annotators,
        clusters=clusters,
        measure=stats.AgreementMeasure.ACCURACY if pairs else stats.AgreementMeasure.SPEARMAN,
    ).mean
    agreements = (ceiling.human, ceiling.judge, ceiling.difference)
    if joined["opposed"].any():
        # The distance of two levels has no meaning where the scales run in opposite directions.
        missing = Estimate.none(OTHER_WAY, n_excluded=joined["unit"].nunique())
        return dict(zip(names, (*agreements, missing, missing), strict=True))
    test = stats.alternative_test(
        *columns,
        annotators=annotators,
        clusters=clusters,
        alignment=stats.Alignment.ACCURACY if pairs else stats.Alignment.RMSE,
    )
    rate = _winning_rate(test, units=joined["unit"].nunique())
    return dict(zip(names, (*agreements, rate, test.advantage), strict=True))


def _winning_rate(test: stats.AlternativeTest, *, units: int) -> Estimate:
    """Return the share of annotators to whom the judge is not inferior. A test has no interval."""
    if test.winning_rate is None:
        return Estimate.none(test.reason or "", n_excluded=units)
    reason = f"a test at epsilon {test.epsilon:g}: the judge may stand in at .5 or more"
    n = len(test.annotators)
    return Estimate(
        test.winning_rate, None, None, test.advantage.confidence, "alt-test", n, n, len(test.excluded), reason
    )


def _agreement(labels: pd.DataFrame) -> Iterator[tuple[str, Estimate]]:
    columns = (values(labels["label"]), labels["unit"].tolist(), labels["annotator"].tolist())
    clusters = labels["cluster"].tolist()
    pairs = labels["winner"].notna().any()
    for measurement in (
        (stats.Measurement.NOMINAL,) if pairs else (stats.Measurement.ORDINAL, stats.Measurement.INTERVAL)
    ):
        yield (
            f"alpha, {measurement}",
            stats.krippendorff_alpha(*columns, clusters=clusters, measurement=measurement),
        )
    yield "Gwet's AC1", stats.gwet_ac1(*columns, clusters=clusters)


def annotator_groups(labels: pd.DataFrame, spec: CriterionSpec) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the labels of the annotators who make the consensus, and those of the others, by name."""
    pattern = consensus_pattern(spec)
    counts = labels["annotator"].map(lambda name: fnmatchcase(name, pattern)).astype(bool)
    yield pattern, labels[counts]
    if not counts.all():
        yield "the others", labels[~counts]


def consensus_pattern(spec: CriterionSpec) -> str:
    """Return the pattern of the names of the annotators who make the consensus."""
    return spec.consensus.annotators if spec.consensus else "*"


def labelled_units(results: Results) -> Iterator[tuple[tuple[str, str], CriterionSpec, pd.DataFrame]]:
    """Yield the human labels of each labelled criterion: one row per annotator and unit.

    A unit is a response, a pair, or a response under one criterion of its item. Labels that say that the
    criterion does not apply are left out. So are decisions between annotators, which depend on their labels.
    """
    labels = results.labels(where=f"annotator <> '{ADJUDICATED}'")
    labels = labels[labels["annotator_kind"] == AnnotatorKind.HUMAN.value]
    labels = labels[labels["winner"].notna() | labels["value"].notna()]
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    labels = _with_unit(labels.merge(clusters, on=["dataset", "item_id"]))
    labels["label"] = labels["winner"].astype(object).where(labels["winner"].notna(), labels["value"])
    specs = criteria(results)
    for (dataset, criterion), group in groups(labels, "dataset", "criterion"):
        yield (dataset, criterion), specs[dataset, criterion], group


def unit_verdicts(results: Results) -> pd.DataFrame:
    """Return the verdict of every judge on each unit, with the label criterion with which it is compared.

    Where a judge's direction is not the labels', its ratings are negated and `opposed` is true.
    """
    import pandas as pd

    pairs, rated = pair_verdicts(results), ratings(results)
    parts = [
        _with_verdict(results, with_label_criterion(results, frame), column)
        for frame, column in ((pairs, "winner"), (rated, "value"), (criterion_answers(results), "value"))
        if len(frame)
    ]
    columns = ["dataset", "judge", "criterion", "label_criterion", "unit", "verdict", "opposed"]
    return (
        pd.concat([_with_unit(part)[columns] for part in parts]) if parts else pd.DataFrame(columns=columns)
    )


def _with_verdict(results: Results, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Add the columns `verdict`, copied from another column, and `opposed`."""
    frame = frame.assign(opposed=opposed_directions(results, frame))
    verdict = frame[column]
    if column == "value":
        verdict = verdict.where(~frame["opposed"], -verdict)
    return frame.assign(verdict=verdict.astype(object))


def _with_unit(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the column `unit`, the id of the response or pair of each row."""
    names = [name for name in _UNIT if name in frame]
    keys = zip(*(values(frame[name]) for name in names), strict=True)
    return frame.assign(unit=["\0".join(str(part) for part in key if part is not None) for key in keys])
