"""One ranking at a time: who ranks, by which measure, under which tag, and who beats whom."""

from __future__ import annotations

from typing import Any

import streamlit as st
from context import Context
from drawing import matrix
from parts.choices import choice
from parts.sections import show_plots
from parts.text import plain

from evalhub.analysis import rows_of, tag_means
from evalhub.analysis.findings.trust import UNUSABLE
from evalhub.report.grids.raters import rater_name
from evalhub.report.plots.estimates import Line, Plot
from evalhub.report.plots.standing import bands_of, warning_of
from evalhub.report.plots.systems import TABLES, system_plot, system_rows
from evalhub.texts import count, number

Row = dict[str, Any]
_LEAST_FOR_MATRIX = 3


def show_standings(context: Context) -> None:
    """Show the systems by one rater and measure, and beside them who beats whom.

    A run without any finished ranking has nothing to show.
    """
    rows = [row for row in system_rows(context.data(TABLES)) if row["estimate"] is not None]
    if not rows or not context.run.finished:
        st.info("Nothing ranks a system here: the dataset names no systems, or the run is not finished.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        by = choice("Ranked by", _raters(context, rows), key="by", width=340)
        rows = [row for row in rows if row["by"] == by]
        measure = choice(
            "Measure", list(dict.fromkeys(row["label"] for row in rows)), key="measure", width=320
        )
        tags = _tags(context)
        tag = choice("Tag", tags, key="tag", placeholder="all tags", width=180) if tags else None
    rows = [row for row in rows if row["label"] == measure]
    ranks = _ranks(context, str(by), str(measure))
    bands = bands_of([row for row in ranks if row["measure"] == measure])
    warning = _warning(context, rows[0])
    plots = [system_plot(rows, bands, warning)]
    if tag:
        plots += _tag_plots(context, rows[0], tag, warning)
    left, right = st.columns([1, 1], gap="large")
    with left:
        show_plots(plots, across=1)
        ends = {min(row["n"] or 0 for row in rows), max(row["n"] or 0 for row in rows)}
        st.caption(f"Bars are 95% intervals. n: {' to '.join(map(count, sorted(ends)))}.")
    with right:
        _show_ranks(ranks, warning)
        _show_matrix(context, str(by), [line.name for line in plots[0].lines])


def _raters(context: Context, rows: list[Row]) -> list[str]:
    """Return who ranks: first the labels and the judge that is trusted most, then all others."""
    first = []
    for row in context.rows("system_summary")[:1]:
        for source in ("labels", "judge"):
            if row[f"{source}_rater"]:
                first.append(rater_name(row[f"{source}_rater"], row[f"{source}_criterion"]))
    names = list(dict.fromkeys(row["by"] for row in rows))
    return [*(name for name in dict.fromkeys(first) if name in names), *(n for n in names if n not in first)]


def _tags(context: Context) -> list[str]:
    query = "SELECT DISTINCT unnest(tags) AS tag FROM items WHERE dataset = $dataset ORDER BY tag"
    return list(context.results.sql(query, {"dataset": context.dataset})["tag"])


def _tag_plots(context: Context, row: Row, tag: str, warning: str) -> list[Any]:
    """Return the plot of the means under a tag, or say that this number has none."""
    judge = row.get("rater") or row["judge"]
    # A jury's verdicts are made of its members', and have no facts that a tag could count.
    is_jury = judge in {jury.id for jury in context.run.manifest.juries}
    is_counted = row["rater_kind"] == "judge" and row.get("measure") in ("win rate", "mean score")
    if is_jury or not is_counted:
        st.caption(
            "This number is counted over all tags. Under a tag, win rates and mean scores of judges are."
        )
        return []
    means = rows_of(tag_means(context.results, context.dataset, judge, row["criterion"], tag))
    shown = [
        {**mean, "by": f"only {tag}", "label": mean["measure"], "rater_kind": "judge"}
        for mean in means
        if mean["estimate"] is not None
    ]
    return [system_plot(shown, warning=warning)] if shown else []


def _warning(context: Context, row: Row) -> str:
    """Return why the numbers of a judge on a criterion are not to be used, or nothing."""
    judge = row.get("rater") or row["judge"]
    words = {
        trust["trust"]
        for trust in context.rows("trust")
        if row["rater_kind"] == "judge" and (trust["judge"], trust["criterion"]) == (judge, row["criterion"])
    }
    return next((warning_of(word) for word in UNUSABLE if word in words), "")


def _ranks(context: Context, by: str, measure: str) -> list[Row]:
    """Return the rank of each system by a measure, the best first, as estimates."""
    ranks = [
        {**row, "estimate": row["rank"], "low": row["low_all"], "high": row["high_all"], "n": row["items"],
         "clusters": row["items"], "text": str(row["rank"])}
        for row in context.rows("ranks")
        if rater_name(row["rater"], row["criterion"]) == by and row["rank"] is not None
    ]  # fmt: skip
    # A number without ranks of its own, such as Elo, stands beside those of the main measure.
    of_measure = [row for row in ranks if measure.startswith(row["measure"])]
    longest = max((len(row["measure"]) for row in of_measure), default=0)
    rows = [row for row in of_measure if len(row["measure"]) == longest] or [
        row for row in ranks if row["measure"] == ranks[0]["measure"]
    ]
    return sorted(rows, key=lambda row: row["rank"])


def _show_ranks(ranks: list[Row], warning: str) -> None:
    """Show the rank of each system, with all ranks that the data allow."""
    if ranks:
        lines = tuple(Line(row["system"], row["rater_kind"], row) for row in ranks)
        title = f"Rank by {ranks[0]['measure']}, 1 = best"
        show_plots([Plot(title, "all ranks that the data allow", lines, warning=warning)])


def _show_matrix(context: Context, by: str, order: list[str]) -> None:
    """Show how often each system beats each other, by one rater of pairs, in the order of the ranking."""
    shares = [
        row
        for row in context.rows("win_probabilities")
        if row["statistic"] == "observed"
        and row["estimate"] is not None
        and rater_name(row["rater"], row["criterion"]) == by
    ]
    cells = [
        {"system": system, "opponent": opponent, "estimate": share, "n": row["n"], "text": number(share)}
        for row in shares
        for system, opponent, share in (
            (row["first"], row["second"], row["estimate"]),
            (row["second"], row["first"], 1 - row["estimate"]),
        )
    ]
    if len({cell["system"] for cell in cells}) < _LEAST_FOR_MATRIX:
        return
    st.markdown("**Who beats whom**")
    places = {system: place for place, system in enumerate(order)}
    cells.sort(key=lambda cell: (places.get(cell["system"], len(places)), cell["system"]))
    alt = "How often the system of a row beats the system of a column"
    st.vega_lite_chart(matrix(cells), alt=alt, key="matrix")
    st.caption(
        plain("A cell is how often the system of its row beats that of its column. A tie counts half.")
    )
