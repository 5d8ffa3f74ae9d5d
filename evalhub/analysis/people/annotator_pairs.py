"""Agreement of every two people who labelled the same responses or pairs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.agreement import weighted_kappa
from evalhub.analysis.people.human_agreement import labelled_units
from evalhub.analysis.results import Results
from evalhub.analysis.tables import row, table, values
from evalhub.scales import Kind

if TYPE_CHECKING:
    import pandas as pd

    from evalhub.specs import CriterionSpec

MAX_ANNOTATORS = 20
KEYS = ("dataset", "label_criterion", "first", "second", "statistic")
TOO_MANY = f"more than {MAX_ANNOTATORS} annotators: alpha says how far they agree"

_KAPPA: tuple[str, Callable[..., stats.Estimate]] = ("kappa", stats.cohen_kappa)
_STATISTICS = {Kind.PAIRWISE: (_KAPPA,), Kind.POINTWISE: (_KAPPA, ("weighted kappa", weighted_kappa))}

Row = dict[str, Any]


def annotator_pairs(results: Results) -> pd.DataFrame:
    """Return Cohen's kappa of every two human annotators on the units that both labelled.

    Statistics: `kappa`, and for ratings `weighted kappa` (quadratic weights, for ordered levels). n counts
    the responses or pairs that both labelled, `n_excluded` those that only one of them labelled. The estimate
    is None where annotators are slots, not persons, and where there are more than 20 of them. Two annotators
    without a common unit have no row.
    """
    rows: list[Row] = []
    for (dataset, criterion), spec, labels in labelled_units(results):
        keys = {"dataset": dataset, "label_criterion": criterion}
        names = sorted(labels["annotator"].unique())
        too_many = len(names) > MAX_ANNOTATORS
        reason = stats.SLOTS if spec.annotators == "slots" else TOO_MANY if too_many else None
        if len(names) > 1 and reason:
            missing = stats.Estimate.none(reason, n_excluded=labels["unit"].nunique())
            rows.append(row(missing, **keys, first=None, second=None, statistic="kappa"))
        elif len(names) > 1:
            rows += [{**keys, **pair} for pair in _pairs(labels, names, spec)]
    return table(rows, KEYS)


def _pairs(labels: pd.DataFrame, names: list[str], spec: CriterionSpec) -> list[Row]:
    by_annotator: dict[str, dict[str, Any]] = {name: {} for name in names}
    clusters: dict[str, str] = {}
    columns = (values(labels[name]) for name in ("annotator", "unit", "label", "cluster"))
    for annotator, unit, label, cluster in zip(*columns, strict=True):
        by_annotator[annotator][unit] = label
        clusters[unit] = cluster
    rows: list[Row] = []
    for first, second in itertools.combinations(names, 2):
        x, y = by_annotator[first], by_annotator[second]
        if not x.keys() & y.keys():
            continue
        units = sorted(x.keys() | y.keys())
        labels_x, labels_y = ([side.get(unit) for unit in units] for side in (x, y))
        for name, statistic in _STATISTICS[spec.kind]:
            estimate = statistic(labels_x, labels_y, [clusters[unit] for unit in units])
            rows.append(row(estimate, first=first, second=second, statistic=name))
    return rows
