"""What a judge's agreement with the labels is compared with: chance, length, metrics and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.analysis.agreement.accuracy_differences import accuracy_differences
from evalhub.analysis.agreement.agreement import agreement
from evalhub.analysis.agreement.correlation import correlations
from evalhub.analysis.agreement.rater_comparison import correlation_differences
from evalhub.analysis.agreement.raters import BASELINE
from evalhub.analysis.bias.bias import HARD, biases
from evalhub.analysis.frames.judges import judge_criteria
from evalhub.analysis.frames.responses import SOFT, JudgeRatings, judges_of_criterion
from evalhub.analysis.frames.verdicts import ratings
from evalhub.analysis.people.human_agreement import alternative_annotator_test
from evalhub.analysis.results import Results
from evalhub.analysis.tables import estimate_of, rows_of
from evalhub.records import AnnotatorKind
from evalhub.specs.rater_names import COIN, LENGTH, LONGER
from evalhub.stats import BiasKind, p_from_interval

Row = Mapping[str, Any]

ACCURACY = "accuracy"
WITHIN_ITEMS, POOLED = "Spearman within items", "Spearman over all responses"
_LEVELS = {WITHIN_ITEMS: "item", POOLED: "pooled"}
_PEOPLE = {"people": "people", "judge": "judge_with_people", "winning rate": "winning_rate"}
_KEYS = ("dataset", "label_criterion", "annotator_kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeComparisons:
    """A judge on one labelled criterion. All agreements are in the unit of `measure`, higher = better.

    Attributes:
        dataset: The dataset.
        label_criterion: The labels' criterion. None where the judge is compared with no labels.
        annotator_kind: Who gave the labels. None without labels.
        judge: Id of the judge or jury.
        criterion: The judge's criterion.
        measure: "accuracy" for pairs. For ratings Spearman's correlation, within items where that has an
            interval.
        estimate: The judge's agreement with the labels, with its interval's ends and its n.
        chance: The agreement of a judge that reads nothing: a coin's for pairs, 0 for ratings.
        chance_difference: The judge's agreement minus that, with its p-value.
        longer: The agreement of the preference for the longer response. None where lengths are not known.
        longer_difference: The judge's agreement minus that, with its p-value.
        metric: The metric that agrees best with the labels, with its agreement. None without metrics.
        metric_difference: The judge's agreement minus that, with its p-value times the number of metrics.
        people: Agreement of an annotator with the others. None without persons to follow.
        judge_with_people: The judge's agreement with the same annotators.
        winning_rate: Share of annotators to whom the judge is not inferior.
        flips: Share of verdicts that change with the order, with its interval's ends.
        reason: Why there is no estimate, or no interval.
    """

    dataset: str
    judge: str
    criterion: str
    label_criterion: str | None = None
    annotator_kind: str | None = None
    measure: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    chance: float | None = None
    chance_difference: float | None = None
    p_chance: float | None = None
    longer: float | None = None
    longer_difference: float | None = None
    p_longer: float | None = None
    metric: str | None = None
    metric_estimate: float | None = None
    metric_difference: float | None = None
    p_metric: float | None = None
    people: float | None = None
    judge_with_people: float | None = None
    winning_rate: float | None = None
    flips: float | None = None
    flips_low: float | None = None
    flips_high: float | None = None
    reason: str | None = None


def judge_comparisons(results: Results) -> list[JudgeComparisons]:
    """Return the comparisons of every judge and jury, those of one kind of label on a criterion together.

    A judge without labels to be compared with has one entry without numbers. A run of attacks has none.
    """
    if results.is_attack:
        return []
    labelled = [*_of_pairs(results), *_of_ratings(results)]
    compared = {(entry["dataset"], entry["judge"], entry["criterion"]) for entry in labelled}
    unlabelled = [
        {"dataset": dataset, "judge": judge, "criterion": criterion, "reason": "there are no labels"}
        for dataset, judge, criterion in judge_criteria(results)
        if (dataset, judge, criterion) not in compared
    ]
    flips = _flips(results)
    people = _people(results)
    entries = []
    for entry in [*labelled, *unlabelled]:
        judge = (entry["dataset"], entry["judge"], entry["criterion"])
        is_human = entry.get("annotator_kind") == AnnotatorKind.HUMAN
        with_people = people.get((*judge, entry["label_criterion"]), {}) if is_human else {}
        entries.append(JudgeComparisons(**entry, **flips.get(judge, {}), **with_people))
    return sorted(entries, key=lambda entry: (*(str(getattr(entry, name)) for name in _KEYS), entry.judge))


def _of_pairs(results: Results) -> Iterator[dict[str, Any]]:
    accuracies = [row for row in rows_of(agreement(results)) if _is_accuracy(row)]
    differences = {
        (*labels_of(row), row["first"], row["criterion"], row["second"]): row
        for row in rows_of(accuracy_differences(results))
    }
    estimates = {(*labels_of(row), row["rater"]): row["estimate"] for row in accuracies}
    for row in accuracies:
        if row["rater_kind"] in ("metric", BASELINE):
            continue
        labels = labels_of(row)
        metrics = [other for other in accuracies if _is_metric_of(other, labels)]
        metric = _best(metrics)
        first = (*labels, row["rater"], row["criterion"])
        chance = differences.get((*first, COIN), {})
        yield {
            **_main(row, row["rater"], row["criterion"], ACCURACY),
            "chance": _second_of(row, chance),
            **_difference("chance", chance),
            "longer": estimates.get((*labels, LONGER)),
            **_difference("longer", differences.get((*first, LONGER), {})),
            "metric": metric.get("rater"),
            "metric_estimate": metric.get("estimate"),
            **_difference("metric", differences.get((*first, metric.get("rater")), {}), of=len(metrics)),
        }


def _is_accuracy(row: Row) -> bool:
    return (row["reference_rater"], row["reading"], row["statistic"]) == ("labels", "combined", ACCURACY)


def _is_metric_of(row: Row, labels: tuple[Any, ...]) -> bool:
    return row["rater_kind"] == "metric" and labels_of(row) == labels


def _second_of(first: Row, difference: Row) -> float | None:
    """Return the agreement of the second rater of a difference."""
    if first["estimate"] is None or difference.get("estimate") is None:
        return None
    return float(first["estimate"] - difference["estimate"])


def _of_ratings(results: Results) -> Iterator[dict[str, Any]]:
    rated = ratings(results)
    rows = [_turned(row) for row in rows_of(correlations(results)) if _is_spearman(row)]
    differences = {
        (*labels_of(row), row["granularity"], row["first"], row["second"]): row
        for row in rows_of(correlation_differences(results))
    }
    for labels in dict.fromkeys(map(labels_of, rows)):
        of_labels = [row for row in rows if labels_of(row) == labels]
        judges = judges_of_criterion(results, rated, *labels[:2])
        metrics = [row for row in of_labels if row["second"].removesuffix(SOFT) not in judges]
        for column, judge in judges.items():
            of_judge = {row["granularity"]: row for row in of_labels if row["second"] == column}
            if of_judge:
                measure = WITHIN_ITEMS if of_judge["item"]["low"] is not None else POOLED
                level = _LEVELS[measure]
                of_level = [row for row in metrics if row["granularity"] == level]
                yield _of_rating(of_judge[level], judge, measure, of_level, differences)


def _of_rating(
    row: Row, judge: JudgeRatings, measure: str, metrics: list[Row], differences: Mapping[Any, Row]
) -> dict[str, Any]:
    """Return the comparisons of a judge's correlation with those of the metrics and of the length."""
    ordered = [other for other in metrics if other["second_higher_is_better"] is not None]
    metric = _best(ordered)
    first = (*labels_of(row), row["granularity"], row["second"])
    return {
        **_main(row, judge.name, judge.criterion, measure),
        "chance": 0.0,
        "chance_difference": row["estimate"],
        "p_chance": p_from_interval(estimate_of(row)),
        "longer": next((other["estimate"] for other in metrics if other["second"] == LENGTH), None),
        **_difference("longer", differences.get((*first, LENGTH), {})),
        "metric": metric.get("second"),
        "metric_estimate": metric.get("estimate"),
        **_difference("metric", differences.get((*first, metric.get("second")), {}), of=len(ordered)),
    }


def _is_spearman(row: Row) -> bool:
    return (row["first"], row["coefficient"]) == ("labels", "spearman")


def _turned(row: Row) -> Row:
    """Return a correlation of values that are turned so that higher is better."""
    if (row["first_higher_is_better"] is False) == (row["second_higher_is_better"] is False):
        return row
    turned = estimate_of(row).negated()
    return {**row, "estimate": turned.estimate, "low": turned.low, "high": turned.high}


def _best(rows: Sequence[Row]) -> Row:
    """Return the row with the highest estimate, and nothing where no row has one."""
    measured = [row for row in rows if row["estimate"] is not None]
    return max(measured, key=lambda row: row["estimate"], default={})


def _main(row: Row, judge: str, criterion: str, measure: str) -> dict[str, Any]:
    keys = dict(zip(_KEYS, labels_of(row), strict=True))
    numbers = {name: row[name] for name in ("estimate", "low", "high", "n", "reason")}
    return {**keys, "judge": judge, "criterion": criterion, "measure": measure, **numbers}


def _difference(name: str, row: Row, *, of: int = 1) -> dict[str, Any]:
    """Return a difference and its p-value, adjusted for being the best of some number."""
    p = row.get("p")
    return {f"{name}_difference": row.get("estimate"), f"p_{name}": None if p is None else min(1.0, p * of)}


def labels_of(row: Row) -> tuple[str, str, str]:
    """Return the labels that a row is about: dataset, criterion and kind of annotator."""
    return row["dataset"], row["label_criterion"], row["annotator_kind"]


def _flips(results: Results) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return how often the verdict changes with the order, by dataset, judge and criterion."""
    return {
        (row["dataset"], row["judge"], row["criterion"]): {
            "flips": row["estimate"],
            "flips_low": row["low"],
            "flips_high": row["high"],
        }
        for row in rows_of(biases(results))
        if (row["bias"], row["reading"], row["statistic"]) == (BiasKind.FLIPS, HARD, "rate")
    }


def _people(results: Results) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the comparison with annotators, by dataset, judge, criterion and label criterion."""
    people: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows_of(alternative_annotator_test(results)):
        if name := _PEOPLE.get(row["statistic"]):
            key = (row["dataset"], row["judge"], row["criterion"], row["label_criterion"])
            people.setdefault(key, {})[name] = row["estimate"]
    return people
