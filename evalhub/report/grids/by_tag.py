"""Tables by the tags of items as grids: a column for each tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalhub.report.format import Footnotes, Grid, Row, grouped, pivot
from evalhub.report.grids.columns import Data, heading
from evalhub.report.grids.leaderboard import hidden_measures
from evalhub.report.grids.raters import judged_twice, row_name

_LABELLED = ("dataset", "label_criterion", "annotator_kind")
_STATISTICS = ("accuracy", "kappa", "spearman, pooled", "spearman, item")


def tag_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per number that ranks systems and per agreement: a column for each tag.

    Args:
        data: With the tables under `by_tag`. Without them there are no grids.
        notes: Takes the reasons of what is absent.
    """
    tables = data.get("by_tag", {})
    rows = tables.get("leaderboard", ())
    ranked = [row for row in rows if row["measure"] not in hidden_measures(data)] if rows else []
    for key, rows in grouped(ranked, "dataset", "rater", "criterion", "measure"):
        yield _across(rows, notes, key, {"system": "system"})
    agreement = [
        row
        for row in tables.get("agreement", ())
        if row["reference_rater"] == "labels" and row["reading"] in ("combined", "level")
    ]
    yield from rater_grids([*agreement, *tables.get("raters", ())], notes)


def rater_grids(rows: Sequence[Row], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion and statistic: the raters, with a column for each tag."""
    shown = [row for row in rows if row["statistic"] in _STATISTICS]
    several_runs = len({row["run"] for row in shown}) > 1
    for key, group in grouped(shown, *_LABELLED, "statistic"):
        twice = judged_twice(group)
        lines = [{**row, "line": row_name({"reading": "combined", **row}, twice)} for row in group]
        names = {"line": "rater", "rater_kind": "kind", **({"run": "run"} if several_runs else {})}
        yield _across(lines, notes, (*key[:2], f"{key[2]} labels", key[3]), names)


def _across(rows: Sequence[Row], notes: Footnotes, key: Sequence[object], names: Mapping[str, str]) -> Grid:
    return pivot(rows, notes, title=heading(*key), names=names, across=("tag",))
