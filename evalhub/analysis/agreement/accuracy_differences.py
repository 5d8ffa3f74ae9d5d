"""Which rater of pairs agrees better with the labels: differences of accuracy on the same pairs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.compared_pairs import ComparedPairs, compared_pairs
from evalhub.analysis.agreement.raters import BASELINE, Rater
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import row, table
from evalhub.specs.rater_names import COIN, LONGER

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset", "label_criterion", "annotator_kind", "first", "first_kind", "criterion", "second",
    "second_kind", "p", "p_holm", "test",
)  # fmt: skip

Row = dict[str, Any]
RATERS = KEYS[:8]


@cached_statistics
def accuracy_differences(results: Results) -> pd.DataFrame:
    """Return by how much a judge or metric agrees with the labels more often than another rater.

    One row per dataset, label criterion, kind of annotator and pair of raters. The first is a judge or a
    metric. The second is the coin, the longer response, a metric or a further judge. The difference is first
    minus second, paired on the pairs on which both have a verdict and a label that both can meet. Above 0 the
    first agrees more often.

    A coin counts with its expectation, one half for a label that is no tie, so no draw blurs the comparison.
    `p` is from the sign-flip test over clusters. `p_holm` is adjusted for all first raters that are compared
    with the same second one.
    """
    rows: list[Row] = []
    for pairs in compared_pairs(results):
        comparisons = [(*raters, _compare(pairs, *raters)) for raters in _compared(pairs.raters)]
        for _, of_second in itertools.groupby(sorted(comparisons, key=_second), key=_second):
            rows += _rows(pairs.keys, list(of_second))
    return table(rows, KEYS)


@cached_statistics
def length_balanced_differences(results: Results) -> pd.DataFrame:
    """Return by how much one rater agrees with the labels more often than another, with length held fixed.

    Pairs whose better response is longer, and those whose better response is shorter, weigh one half each. So
    whoever always names the longer response agrees in one half, and what a rater gains by going along with
    length on one side it loses on the other. Ties and responses of one length are left out.

    One row per dataset, label criterion, kind of annotator and pair of raters, as in `accuracy_differences`,
    without the coin.
    """
    rows: list[Row] = []
    for pairs in compared_pairs(results):
        longer = next((rater for rater in pairs.raters if rater.name == LONGER), None)
        if longer is None:
            continue
        strata = _longer_is_better(longer, pairs.labels.tolist())
        for first, second in _compared(pairs.raters):
            if COIN in (first.name, second.name):
                continue
            labels = pairs.labels_for(first, second).tolist()
            difference = stats.balanced_difference(
                _hits(first, labels), _hits(second, labels), strata, pairs.clusters
            )
            values = (first.name, first.kind, first.criterion, second.name, second.kind)
            names = ("first", "first_kind", "criterion", "second", "second_kind")
            rows.append(row(difference, **pairs.keys, **dict(zip(names, values, strict=True))))
    return table(rows, RATERS)


def _compared(raters: tuple[Rater, ...]) -> Iterator[tuple[Rater, Rater]]:
    """Yield each two raters that are compared: judges with all others, metrics with what reads nothing."""
    judges = [rater for rater in raters if rater.kind not in (BASELINE, "metric")]
    metrics = [rater for rater in raters if rater.kind == "metric"]
    blind = [rater for rater in raters if rater.name in (COIN, LONGER)]
    yield from itertools.product([*judges, *metrics], blind)
    yield from itertools.product(judges, metrics)
    yield from itertools.combinations(judges, 2)


def _second(comparison: tuple[Rater, Rater, stats.Comparison]) -> tuple[str, str]:
    _, second, _ = comparison
    return second.name, second.criterion or ""


def _compare(pairs: ComparedPairs, first: Rater, second: Rater) -> stats.Comparison:
    labels = pairs.labels_for(first, second).tolist()
    return stats.paired_comparison(
        _hits(first, labels), _hits(second, labels), pairs.clusters, bounds=(0.0, 1.0)
    )


def _hits(rater: Rater, labels: list[Any]) -> list[float | None]:
    """Return 1 where a verdict is the label, 0 where not, and None without a verdict or a label."""
    if rater.name == COIN:
        return [(0.0 if label == "tie" else 0.5) if isinstance(label, str) else None for label in labels]
    verdicts = rater.against_labels("combined").tolist()
    return [
        float(verdict == label) if isinstance(verdict, str) and isinstance(label, str) else None
        for verdict, label in zip(verdicts, labels, strict=True)
    ]


def _longer_is_better(longer: Rater, labels: list[Any]) -> list[bool | None]:
    """Return whether the better response is the longer one. None for ties and responses of one length."""
    sides = longer.against_labels("combined").tolist()
    return [
        side == label if side in ("a", "b") and label in ("a", "b") else None
        for side, label in zip(sides, labels, strict=True)
    ]


def _rows(keys: Row, comparisons: list[tuple[Rater, Rater, stats.Comparison]]) -> Iterator[Row]:
    holm = stats.adjusted([comparison.p for _, _, comparison in comparisons])
    for (first, second, comparison), p_holm in zip(comparisons, holm, strict=True):
        yield row(
            comparison.difference,
            **keys,
            first=first.name,
            first_kind=first.kind,
            criterion=first.criterion,
            second=second.name,
            second_kind=second.kind,
            p=comparison.p,
            p_holm=p_holm,
            test=comparison.test,
        )
