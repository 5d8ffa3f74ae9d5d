"""Agreement with the labels on the criteria of items, by the tags of the criteria."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.rating_levels import criterion_columns
from evalhub.analysis.results import Results
from evalhub.analysis.tables import row, table

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset", "label_criterion", "annotator_kind", "rater", "rater_kind", "criterion", "tag", "statistic",
)  # fmt: skip
ALL = ""
"""The tag that stands for all criteria."""

Row = dict[str, Any]


def criterion_agreement(results: Results) -> pd.DataFrame:
    """Return how far each judge agrees with the labels on the criteria of items, by the criteria's tags.

    One row per dataset, label criterion, kind of annotator, judge, tag and statistic. The tag "" stands for
    all criteria. A criterion with several tags counts under each. n counts criteria of responses, and
    clusters are those of the items.

    Statistics: `accuracy`, `kappa`, and the share of criteria that are met, in [0, 1], by the judge (`met`)
    and by the labels (`met, labels`), over the criteria that the judge answered.
    """
    return table((row for row in _rows(results)), KEYS)


def _rows(results: Results) -> Iterator[Row]:
    for (keys, levels, labels, clusters), answers in criterion_columns(results):
        tags_of_rows = [list(tags) for tags in answers.frame["tags"]]
        tags = sorted({tag for tags in tags_of_rows for tag in tags})
        for tag in (ALL, *tags):
            places = [place for place, names in enumerate(tags_of_rows) if tag == ALL or tag in names]
            yield from _statistics(keys | {"tag": tag}, levels, labels, clusters, places)


def _statistics(
    keys: dict[str, Any],
    levels: Sequence[str | None] | str,
    labels: Sequence[str | None],
    clusters: Sequence[Any],
    places: Sequence[int],
) -> Iterator[Row]:
    """Yield the statistics of the rows at some places. A text as `levels` says why there are none."""
    names = ("accuracy", "kappa", "met", "met, labels")
    if isinstance(levels, str):
        missing = stats.Estimate.none(levels, n_excluded=len(places))
        yield from (row(missing, **keys, statistic=name) for name in names)
        return
    of_judge, of_labels = ([column[place] for place in places] for column in (levels, labels))
    units = [clusters[place] for place in places]
    is_answered = [level is not None for level in of_judge]
    met = [None if level is None else float(level) for level in of_judge]
    met_by_labels = [
        float(label) if answered and label is not None else None
        for label, answered in zip(of_labels, is_answered, strict=True)
    ]
    estimates = (
        stats.accuracy(of_judge, of_labels, units),
        stats.cohen_kappa(of_judge, of_labels, units),
        stats.mean_estimate(met, units, bounds=(0.0, 1.0)),
        stats.mean_estimate(met_by_labels, units, bounds=(0.0, 1.0)),
    )
    for name, estimate in zip(names, estimates, strict=True):
        yield row(estimate, **keys, statistic=name)
