"""The criteria that items bring along as grids: each judge against the labels, with a line for each tag."""

from __future__ import annotations

from collections.abc import Iterator

from evalhub.report.format import Footnotes, Grid, grouped, interval, visible
from evalhub.report.grids.columns import Data, heading
from evalhub.report.grids.raters import judged_twice, rater_name, rater_order
from evalhub.texts import count

ALL = "all criteria"

_STATISTICS = {
    "accuracy": "accuracy", "kappa": "Cohen's kappa", "met": "met", "met, labels": "met, by the labels",
}  # fmt: skip


def criterion_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion of items: a line for all criteria, and one for each tag.

    Args:
        data: With the table `criterion_agreement`. Without rows there are no grids.
        notes: Takes the reasons of what is absent.
    """
    several_runs = len({row.get("run") for row in data["criterion_agreement"]}) > 1
    for key, rows in grouped(data["criterion_agreement"], "dataset", "label_criterion", "annotator_kind"):
        rows.sort(key=rater_order)
        several = judged_twice(rows)
        names = ("rater", "rater_kind", "criterion", "tag", *(("run",) if several_runs else ()))
        lines = []
        for (rater, kind, criterion, tag, *run), of_line in grouped(rows, *names):
            name = rater_name(rater, criterion if rater in several else None)
            by_statistic = {row["statistic"]: row for row in of_line}
            accuracy = by_statistic["accuracy"]
            lines.append((
                name, kind, *map(visible, run), visible(tag) if tag else ALL,
                *(interval(by_statistic[statistic], notes) for statistic in _STATISTICS),
                count(accuracy["n"]), count(accuracy["n_excluded"]),
            ))  # fmt: skip
        runs = ("run",) if several_runs else ()
        columns = ("rater", "kind", *runs, "criteria", *_STATISTICS.values(), "n", "left out")
        yield Grid(heading(*key[:2], f"{key[2]} labels"), columns, tuple(lines), 3 + len(runs))
