"""How far two people agree with each other, for every two who labelled the same."""

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

MOST = 20
NAMED = ("dataset", "label_criterion", "first", "second", "statistic")
TOO_MANY = f"more than {MOST} annotators: alpha says how far they agree"

_KAPPA: tuple[str, Callable[..., stats.Estimate]] = ("kappa", stats.cohen_kappa)
_STATISTICS = {Kind.PAIRWISE: (_KAPPA,), Kind.POINTWISE: (_KAPPA, ("weighted kappa", weighted_kappa))}

Row = dict[str, Any]


def annotator_pairs(results: Results) -> pd.DataFrame:
    """Return Cohen's kappa of every two human annotators on what both labelled.

    Statistics: `kappa`, and for ratings `weighted kappa` (quadratic). n counts the responses or pairs that
    both labelled, `left_out` those that one of them did. None where annotators are slots, not persons, and
    where there are more than 20 of them; two annotators who share nothing have no row.
    """
    rows: list[Row] = []
    for (dataset, criterion), spec, labels in labelled_units(results):
        about = {"dataset": dataset, "label_criterion": criterion}
        names = sorted(labels["annotator"].unique())
        why = stats.SLOTS if spec.annotators == "slots" else TOO_MANY if len(names) > MOST else None
        if len(names) > 1 and why:
            none = stats.Estimate.none(why, left_out=labels["unit"].nunique())
            rows.append(row(none, **about, first=None, second=None, statistic="kappa"))
        elif len(names) > 1:
            rows += [{**about, **found} for found in _pairs(labels, names, spec)]
    return table(rows, NAMED)


def _pairs(labels: pd.DataFrame, names: list[str], spec: CriterionSpec) -> list[Row]:
    said: dict[str, dict[str, Any]] = {name: {} for name in names}
    clusters: dict[str, str] = {}
    columns = (values(labels[name]) for name in ("annotator", "unit", "label", "cluster"))
    for annotator, unit, label, cluster in zip(*columns, strict=True):
        said[annotator][unit] = label
        clusters[unit] = cluster
    rows: list[Row] = []
    for first, second in itertools.combinations(names, 2):
        one, two = said[first], said[second]
        if not one.keys() & two.keys():
            continue
        units = sorted(one.keys() | two.keys())
        asked = ([one.get(unit) for unit in units], [two.get(unit) for unit in units])
        for name, statistic in _STATISTICS[spec.kind]:
            estimate = statistic(*asked, [clusters[unit] for unit in units])
            rows.append(row(estimate, first=first, second=second, statistic=name))
    return rows
