"""How far people agree with each other, and whether a judge may stand in for one of them."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.directions import OTHER_WAY, opposed
from evalhub.analysis.frames.labels import criteria, with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table, values
from evalhub.records import AnnotatorKind
from evalhub.scales import Kind
from evalhub.specs import CriterionSpec
from evalhub.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("dataset", "label_criterion")
NAMED = (*_ABOUT, "annotators", "people", "statistic")
INSTEAD = (*_ABOUT, "judge", "criterion", "statistic")
_UNIT = ("item_id", "system", "system_a", "system_b", "sample")

Row = dict[str, Any]


def people(results: Results) -> pd.DataFrame:
    """Return how far the human annotators of each labelled criterion agree beyond chance.

    `annotators` is the pattern of names that make up the truth, or "the others"; `people` counts them.
    Statistics: Krippendorff's alpha, nominal for pairs, ordinal and interval for ratings, and Gwet's AC1.
    They take annotators as exchangeable, so they hold for slots too. n counts units with two labels or more.
    """
    rows: list[Row] = []
    for (dataset, criterion), spec, labels in labelled_units(results):
        for name, mine in teams(labels, spec):
            count = int(mine["annotator"].nunique())
            about = {"dataset": dataset, "label_criterion": criterion, "annotators": name, "people": count}
            if count > 1:
                rows += [row(one, **about, statistic=said) for said, one in _agreement(mine)]
    return table(rows, NAMED)


def instead(results: Results) -> pd.DataFrame:
    """Return, for every judge, how it does in the place of one of the people.

    Statistics: `people` and `judge`, each one's agreement with the other annotators (accuracy for pairs,
    Spearman for ratings; means over the annotators), `judge minus people`, `winning rate` of the alternative
    annotator test and `advantage`, the chance that the judge is as close to the others as an annotator is.
    None where the annotators are slots, not persons who can be followed from item to item.
    """
    said = said_of_units(results)
    rows: list[Row] = []
    for (dataset, criterion), spec, labels in labelled_units(results):
        held = said[(said["dataset"] == dataset) & (said["label_criterion"] == criterion)]
        team = dict(teams(labels, spec))
        mine = team.get(truth_pattern(spec), labels)
        for (judge, own), told in groups(held, "judge", "criterion"):
            about = {"dataset": dataset, "label_criterion": criterion, "judge": judge, "criterion": own}
            joined = mine.merge(told[["unit", "said", "opposed"]], on="unit", how="inner")
            if joined["annotator"].nunique() > 1:
                found = _in_place(joined, spec)
                rows += [row(one, **about, statistic=name) for name, one in found.items()]
    return table(rows, INSTEAD)


def _in_place(joined: pd.DataFrame, spec: CriterionSpec) -> dict[str, Estimate]:
    names = ("people", "judge", "judge minus people", "winning rate", "advantage")
    if spec.annotators == "slots":
        return dict.fromkeys(names, Estimate.none(stats.SLOTS, left_out=joined["unit"].nunique()))
    columns = (values(joined["label"]), values(joined["said"]), joined["unit"].tolist())
    annotators, clusters = joined["annotator"].tolist(), joined["cluster"].tolist()
    pairs = spec.kind is Kind.PAIRWISE
    found = stats.ceiling(
        *columns,
        annotators=annotators,
        clusters=clusters,
        measure=stats.Measure.ACCURACY if pairs else stats.Measure.SPEARMAN,
    ).mean
    standing = (found.human, found.judge, found.difference)
    if joined["opposed"].any():
        # How close two levels are means nothing where the scales run in opposite directions.
        none = Estimate.none(OTHER_WAY, left_out=joined["unit"].nunique())
        return dict(zip(names, (*standing, none, none), strict=True))
    test = stats.alternative_test(
        *columns,
        annotators=annotators,
        clusters=clusters,
        alignment=stats.Alignment.ACCURACY if pairs else stats.Alignment.RMSE,
    )
    rate = _winning_rate(test, units=joined["unit"].nunique())
    return dict(zip(names, (*standing, rate, test.advantage), strict=True))


def _winning_rate(test: stats.AlternativeTest, *, units: int) -> Estimate:
    """Return the share of annotators that the judge is no worse than; a test, so without an interval."""
    if test.winning_rate is None:
        return Estimate.none(test.reason or "", left_out=units)
    why = f"a test at epsilon {test.epsilon:g}: the judge may stand in at .5 or more"
    n = len(test.annotators)
    return Estimate(
        test.winning_rate, None, None, test.advantage.level, "alt-test", n, n, len(test.left_out), why
    )


def _agreement(mine: pd.DataFrame) -> Iterator[tuple[str, Estimate]]:
    columns = (values(mine["label"]), mine["unit"].tolist(), mine["annotator"].tolist())
    clusters = mine["cluster"].tolist()
    pairs = mine["winner"].notna().any()
    for metric in (stats.Metric.NOMINAL,) if pairs else (stats.Metric.ORDINAL, stats.Metric.INTERVAL):
        yield f"alpha, {metric}", stats.krippendorff_alpha(*columns, clusters=clusters, metric=metric)
    yield "Gwet's AC1", stats.gwet_ac1(*columns, clusters=clusters)


def teams(labels: pd.DataFrame, spec: CriterionSpec) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the annotators that make up the truth, and those that do not."""
    pattern = truth_pattern(spec)
    counts = labels["annotator"].map(lambda name: fnmatchcase(name, pattern)).astype(bool)
    yield pattern, labels[counts]
    if not counts.all():
        yield "the others", labels[~counts]


def truth_pattern(spec: CriterionSpec) -> str:
    """Return the pattern of names of the annotators that make up the truth."""
    return spec.truth.annotators if spec.truth else "*"


def labelled_units(results: Results) -> Iterator[tuple[tuple[str, str], CriterionSpec, pd.DataFrame]]:
    """Yield the labels that people gave: one row per annotator and unit, a response or pair.

    A label that says that the criterion does not apply is not among them.
    """
    labels = results.labels()
    labels = labels[labels["annotator_kind"] == AnnotatorKind.HUMAN.value]
    labels = labels[labels["winner"].notna() | labels["value"].notna()]
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    labels = _with_unit(labels.merge(clusters, on=["dataset", "item_id"]))
    labels["label"] = labels["winner"].astype(object).where(labels["winner"].notna(), labels["value"])
    specs = criteria(results)
    for (dataset, criterion), mine in groups(labels, "dataset", "criterion"):
        yield (dataset, criterion), specs[dataset, criterion], mine


def said_of_units(results: Results) -> pd.DataFrame:
    """Return what every judge said of each unit, under the labels' criterion that it is held against.

    The ratings of a judge whose direction is not the labels' are negated, and `opposed` says so.
    """
    import pandas as pd

    pairs, rated = pair_verdicts(results), ratings(results)
    parts = [
        _said(results, with_label_criterion(results, frame), column)
        for frame, column in ((pairs, "winner"), (rated, "value"))
        if len(frame)
    ]
    columns = ["dataset", "judge", "criterion", "label_criterion", "unit", "said", "opposed"]
    return (
        pd.concat([_with_unit(part)[columns] for part in parts]) if parts else pd.DataFrame(columns=columns)
    )


def _said(results: Results, verdicts: pd.DataFrame, column: str) -> pd.DataFrame:
    verdicts = verdicts.assign(opposed=opposed(results, verdicts))
    said = verdicts[column]
    if column == "value":
        said = said.where(~verdicts["opposed"], -said)
    return verdicts.assign(said=said.astype(object))


def _with_unit(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with an id of the response or pair that they are about."""
    names = [name for name in _UNIT if name in frame]
    keys = zip(*(values(frame[name]) for name in names), strict=True)
    return frame.assign(unit=["\0".join(str(part) for part in key if part is not None) for key in keys])
