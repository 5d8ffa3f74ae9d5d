"""May a judge stand in for people, and may a metric stand in for the judge?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalhub import stats
from evalhub.analysis.agreement.accuracy_differences import accuracy_differences
from evalhub.analysis.agreement.agreement import agreement
from evalhub.analysis.agreement.correlation import OPPOSES, correlations
from evalhub.analysis.findings.finding import (
    ALPHA,
    LABELS,
    Finding,
    Question,
    Verdict,
    listed,
    on,
    with_interval,
)
from evalhub.analysis.findings.judge_comparisons import ACCURACY, WITHIN_ITEMS, labels_of
from evalhub.analysis.findings.trust import HALF, Trust, trust
from evalhub.analysis.results import Results
from evalhub.analysis.tables import estimate_of, rows_of
from evalhub.specs.rater_names import COIN
from evalhub.texts import ABSENT, count, number

Row = Mapping[str, Any]

_VERDICTS = {
    Trust.STANDS_IN: Verdict.GOOD,
    Trust.USEFUL: Verdict.GOOD,
    Trust.CHANCE: Verdict.BAD,
    Trust.REFUSE: Verdict.BAD,
    Trust.UNKNOWN: Verdict.UNKNOWN,
}
_OPENINGS = {
    Trust.STANDS_IN: "{judge} may stand in for people {place}",
    Trust.USEFUL: "{judge} is useful {place}",
    Trust.CHANCE: "{judge} is no better than chance {place}",
    Trust.REFUSE: "Do not use {judge} {place}",
    Trust.UNKNOWN: "Whether {judge} may be used {place} is not known yet",
}


def trust_findings(results: Results) -> Iterator[Finding]:
    """Yield what each judge may be used for on each dataset, and why."""
    rows = rows_of(trust(results))

    def key(row: Row) -> tuple[str, str]:
        return row["dataset"], row["judge"]

    unlabelled: dict[str, list[str]] = {}
    for (dataset, judge), of_judge in itertools.groupby(sorted(rows, key=key), key=key):
        words = [row for row in of_judge if row["label_criterion"]]
        if not words:
            unlabelled.setdefault(dataset, []).append(judge)
        kinds: dict[tuple[Any, ...], list[Row]] = {}
        for row in words:
            kinds.setdefault((row["trust"], row["annotator_kind"], row["measure"]), []).append(row)
        order = list(Trust)
        for kind in sorted(kinds, key=lambda kind: (order.index(Trust(kind[0])), str(kind[1:]))):
            yield describe_trust(kinds[kind], total=len(words))
    for dataset, judges in unlabelled.items():
        yield _without_labels(dataset, judges)


def _without_labels(dataset: str, judges: Sequence[str]) -> Finding:
    names = listed(judges)
    return Finding(
        question=Question.TRUST,
        verdict=Verdict.UNKNOWN,
        dataset=dataset,
        subject=judges[0] if len(judges) == 1 else None,
        sentence=f"Whether {names} may stand in for people {on(dataset)} is not known: there are no labels.",
        link=f"trust?data={dataset}",
    )


def describe_trust(rows: Sequence[Row], *, total: int) -> Finding:
    """Return what a judge may be used for, of all criteria with the same word.

    Args:
        rows: Rows of `trust` of one dataset and judge with the same word, kind of label and measure.
        total: Number of criteria of the judge that have labels.
    """
    first = rows[0]
    word = Trust(first["trust"])
    criteria = listed(list(dict.fromkeys(row["label_criterion"] for row in rows)))
    place = on(first["dataset"], criteria if total > 1 or len(rows) > 1 else first["label_criterion"])
    opening = _OPENINGS[word].format(judge=first["judge"], place=place)
    reasons = [_agreement(rows), *_comparisons(rows)]
    sentence = f"{opening}: {', '.join(reasons)}.{_order(rows, word)}"
    numbers = {
        name: value
        for name in ("estimate", "low", "high", "chance", "longer", "metric_estimate", "people", "flips")
        if isinstance(value := first[name], float)
    }
    return Finding(
        question=Question.TRUST,
        verdict=_VERDICTS[word],
        sentence=sentence,
        dataset=first["dataset"],
        subject=first["judge"],
        numbers=numbers if len(rows) == 1 else {},
        n=first["n"] if len(rows) == 1 else None,
        link=f"trust?data={first['dataset']}&judge={first['judge']}",
        command="evalhub meta",
    )


def _agreement(rows: Sequence[Row]) -> str:
    labels = LABELS[rows[0]["annotator_kind"]]
    if all(row["estimate"] is None for row in rows):
        return f"its agreement with {labels} cannot be measured ({rows[0]['reason'] or 'too little data'})"
    if rows[0]["measure"] == ACCURACY:
        pairs = f"{count(sum(row['n'] for row in rows))} pairs"
        return f"it agrees with {labels} on {_span(rows)} of {pairs}"
    return f"its scores correlate with those of {labels} by {_span(rows)} ({rows[0]['measure']})"


def _span(rows: Sequence[Row], name: str = "estimate") -> str:
    """Return the number of a single row with its interval, and of several rows the lowest and the highest."""
    if len(rows) == 1:
        return with_interval(rows[0]) if name == "estimate" else number(rows[0][name])
    values = sorted(row[name] for row in rows if row[name] is not None)
    if not values:
        return ABSENT
    low, high = number(values[0]), number(values[-1])
    return low if low == high else f"{low} to {high}"


def _comparisons(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what the judge's agreement stands beside: what reads nothing, the best metric, and people."""
    is_accuracy = rows[0]["measure"] == ACCURACY
    if is_accuracy and all(row["chance"] is not None for row in rows):
        yield f"a coin on {_span(rows, 'chance')}"
    if all(row["longer"] for row in rows):  # 0 where all answers are equally long
        yield f"{'the longer answer on' if is_accuracy else 'their length by'} {_span(rows, 'longer')}"
    if all(row["metric_estimate"] is not None for row in rows):
        metrics = listed(list(dict.fromkeys(row["metric"] for row in rows)))
        yield f"{metrics} {'on' if is_accuracy else 'by'} {_span(rows, 'metric_estimate')}"
    if all(row["people"] is not None for row in rows):
        yield f"people with each other {'on' if is_accuracy else 'by'} {_span(rows, 'people')}"


def _order(rows: Sequence[Row], word: Trust) -> str:
    """Return that the order decides, where it does."""
    flips = [row for row in rows if row["flips_low"] is not None and row["flips_low"] > HALF]
    if not flips or word in (Trust.STANDS_IN, Trust.USEFUL):
        return ""
    return f" Its verdict changes with the order in {with_interval(flips[0], 'flips')} of pairs."


def metric_findings(results: Results) -> Iterator[Finding]:
    """Yield where metrics order responses against the labels, and where one agrees better than the judge."""
    opposed = [*_opposed_on_pairs(results), *_opposed_on_ratings(results)]
    for keys, metrics in itertools.groupby(opposed, key=labels_of):
        yield describe_opposed(*keys, list(metrics))
    for row in rows_of(trust(results)):
        difference, p = row["metric_difference"], row["p_metric"]
        if difference is not None and difference < 0 and p is not None and p < ALPHA:
            yield _better_than_judge(row)


def describe_opposed(dataset: str, criterion: str, annotator_kind: str, metrics: Sequence[Row]) -> Finding:
    """Return that metrics go against the labels of a criterion.

    Args:
        dataset: The dataset.
        criterion: The labels' criterion.
        annotator_kind: Who gave the labels.
        metrics: Metric, measure, estimate and n of each.
    """
    names, labels = listed([row["metric"] for row in metrics]), LABELS[annotator_kind]
    estimates = [row["estimate"] for row in metrics]
    low, high = number(min(estimates)), number(max(estimates))
    span = low if low == high else f"{low} to {high}"
    if metrics[0]["measure"] == ACCURACY:
        agree = "it agrees" if len(metrics) == 1 else "they agree"
        reason = f"{agree} with {labels} on {span} of {count(metrics[0]['n'])} pairs, a coin on 0.50"
    else:
        reason = f"the correlation with {labels} is {span} ({metrics[0]['measure']})"
    verb = "ranks" if len(metrics) == 1 else "rank"
    return Finding(
        question=Question.METRICS,
        verdict=Verdict.BAD,
        sentence=f"{names} {verb} the answers the wrong way round {on(dataset, criterion)}: {reason}.",
        dataset=dataset,
        subject=metrics[0]["metric"] if len(metrics) == 1 else None,
        numbers={row["metric"]: row["estimate"] for row in metrics},
        n=metrics[0]["n"],
        link=f"metrics?data={dataset}&crit={criterion}",
        command="evalhub report --full",
    )


def _better_than_judge(row: Row) -> Finding:
    labels, place = LABELS[row["annotator_kind"]], on(row["dataset"], row["label_criterion"])
    numbers = {"judge": row["estimate"], "metric": row["metric_estimate"]}
    return Finding(
        question=Question.METRICS,
        verdict=Verdict.BAD,
        sentence=(
            f"{row['metric']} agrees better with {labels} than {row['judge']} {place}: "
            f"{number(numbers['metric'])} against {number(numbers['judge'])} ({row['measure']})."
        ),
        dataset=row["dataset"],
        subject=row["metric"],
        numbers=numbers,
        n=row["n"],
        link=f"metrics?data={row['dataset']}&crit={row['label_criterion']}",
        command="evalhub report --full",
    )


def _opposed_on_pairs(results: Results) -> Iterator[Row]:
    """Yield the metrics that surely agree with labels of pairs less often than a coin."""
    below = {
        (*labels_of(row), row["first"])
        for row in rows_of(accuracy_differences(results))
        if row["first_kind"] == "metric" and row["second"] == COIN and _is_below(row, row["p_holm"])
    }
    for row in rows_of(agreement(results)):
        name = (row["reading"], row["reference_rater"], row["statistic"])
        if name == ("combined", "labels", ACCURACY) and (*labels_of(row), row["rater"]) in below:
            yield {**row, "metric": row["rater"], "measure": ACCURACY}


def _opposed_on_ratings(results: Results) -> Iterator[Row]:
    """Yield the metrics that surely go against the labels of the responses to one item."""
    rows = [
        {**row, "metric": row["second"], "measure": WITHIN_ITEMS}
        for row in rows_of(correlations(results))
        if (row["first"], row["coefficient"], row["granularity"]) == ("labels", "spearman", "item")
        and row["second"] in results.manifest.metrics
        and row["second_higher_is_better"] is not None
    ]
    for _, group in itertools.groupby(rows, key=labels_of):
        metrics = list(group)
        adjusted = stats.adjusted([stats.p_from_interval(estimate_of(row)) for row in metrics])
        for row, p in zip(metrics, adjusted, strict=True):
            if row["reading"] == OPPOSES and p is not None and p < ALPHA:
                yield row


def _is_below(row: Row, p: float | None) -> bool:
    return p is not None and p < ALPHA and row["estimate"] < 0
