"""Tables by the tags of items: rows with a column `tag`, and grids with a column for each tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalhub import analysis
from evalhub.analysis import Results, rows_of
from evalhub.report.format import Footnotes, Grid, Row, grouped, pivot, visible
from evalhub.report.grids.grids import RAW, judged_twice, named

if TYPE_CHECKING:
    import pandas as pd

Table = Callable[[Results], "pd.DataFrame"]

RANKED: Mapping[str, Table] = {"leaderboard": analysis.leaderboard, "ranks": analysis.ranks}
REPORTED: Mapping[str, Table] = {
    **RANKED,
    "agreement": analysis.agreement,
    "correlations": analysis.correlations,
    "biases": analysis.biases,
    "coverage": analysis.coverage_by_criterion,
    "answers": analysis.answers,
    "unscored": analysis.unscored,
    "failures": analysis.failures,
}
COMPARED: Mapping[str, Table] = {"raters": lambda results: analysis.meta([results])}

_LABELLED = ("dataset", "label_criterion", "annotator_kind")
_SHOWN = ("accuracy", "kappa", "spearman, pooled", "spearman, item")


def tag_data(runs: Sequence[Results], names: Sequence[str], tables: Mapping[str, Table]) -> dict[str, Any]:
    """Return tables broken down by tags, fit for JSON.

    Args:
        runs: The runs, each cut into the same parts.
        names: What tags are named, as `analysis.split_by_tag` takes them.
        tables: Which tables, by name.

    Returns:
        Under `by_tag`: `tags` (run, tag and number of items of each part), and for each table its rows with
        run and `tag` in front. Nothing where no tag is named.

    Raises:
        UnknownNameError: A run has no item with such a tag.
    """
    if not names:
        return {}
    parts = [(results.run.id, part) for results in runs for part in analysis.split_by_tag(results, names)]
    return {
        "by_tag": {
            "tags": [{"run": run, "tag": part.tag, "items": part.items} for run, part in parts],
            **{
                name: [
                    {"run": run, "tag": part.tag, **row}
                    for run, part in parts
                    for row in rows_of(table(part.results))
                ]
                for name, table in tables.items()
            },
        }
    }


def tag_grids(data: dict[str, Any], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per number that ranks systems and per agreement: a column for each tag.

    Args:
        data: With what `tag_data` returns; no grids without it.
        notes: Takes the reasons of what is absent.
    """
    tables = data.get("by_tag", {})
    ranked = [row for row in tables.get("leaderboard", ()) if row["measure"] not in (*RAW, "words")]
    for about, rows in grouped(ranked, "dataset", "rater", "criterion", "measure"):
        yield _across(rows, notes, about, {"system": "system"})
    agreeing = [
        row
        for row in tables.get("agreement", ())
        if row["against"] == "labels" and row["reading"] in ("combined", "level")
    ]
    yield from rater_grids([*agreeing, *tables.get("raters", ())], notes)


def rater_grids(rows: Sequence[Row], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion and statistic: the raters, with a column for each tag."""
    shown = [row for row in rows if row["statistic"] in _SHOWN]
    several_runs = len({row["run"] for row in shown}) > 1
    for about, found in grouped(shown, *_LABELLED, "statistic"):
        twice = judged_twice(found)
        lines = [{**row, "line": named({"reading": "combined", **row}, twice)} for row in found]
        names = {"line": "rater", "kind": "kind", **({"run": "run"} if several_runs else {})}
        yield _across(lines, notes, (*about[:2], f"{about[2]} labels", about[3]), names)


def _across(rows: Sequence[Row], notes: Footnotes, about: Sequence[object], names: Mapping[str, str]) -> Grid:
    title = " · ".join(visible(part) for part in dict.fromkeys(about) if part)
    return pivot(rows, notes, title=title, names=names, across=("tag",))
