"""Which system is better, how much of the plan was judged, and on what."""

from typing import Any

import pandas as pd
import streamlit as st
from drawing import forest
from loading import Selection, plain
from sections.parts import grid_frame

from evalhub.analysis import rows_of, shortfall_sentences
from evalhub.analysis.frames.directions import length_names
from evalhub.analysis.ranking.leaderboard import comparability_sentences
from evalhub.analysis.run.answers import cut_answer_sentences
from evalhub.analysis.run.servers import hard_verdict_sentences, unsent_parameter_sentences
from evalhub.report.format import Footnotes
from evalhub.report.grids.coverage import coverage_grids
from evalhub.report.grids.leaderboard import best_first, mean_grids, unshared_grids
from evalhub.report.grids.raters import rater_name
from evalhub.report.notes import choice_mass_notes
from evalhub.report.plots import measure_plot
from evalhub.report.registry import Place, sections_of
from evalhub.texts import count

selection: Selection = st.session_state["selection"]

LINK = {"item": "item_id", "judge": "judge", "criterion": "criterion"}

FACTS = {
    "serves": "for",
    "start": "start",
    "model": "model",
    "engine": "engine",
    "version": "version",
    "platform": "platform",
    "attention_backend": "attention",
    "kv_block_size": "KV block",
    "dtype": "dtype",
    "preload": "allocator",
    "logprobs": "log-probabilities",
    "token_limit": "length sent as",
    "unsent": "not sent",
    "hit_rate": "prefix cache",
    "prompt_tokens": "tokens in",
    "completion_tokens": "tokens out",
    "requests": "requests",
    "seconds_busy": "busy",
    "seconds_start": "to start",
}


def header() -> None:
    manifest = selection.run.manifest
    st.title(plain(manifest.title or manifest.suite), anchor=False)
    for sentence in shortfall_sentences(rows_of(selection.table("shortfalls"))):
        st.error(f"Inconclusive. {plain(sentence)}")
    coverage = selection.table("coverage")
    items = selection.rows("item_list")
    with st.container(horizontal=True):
        st.metric("Items", count(len(items)), border=True)
        for row in rows_of(
            coverage[(coverage["rater_kind"] == "judge") & (coverage["statistic"] == "coverage")]
        ):
            valid = row["done"] - row["failed"]
            st.metric(
                f"Verdicts of {plain(row['judge'])}",
                f"{count(valid)} of {count(row['expected'])}",
                border=True,
                help="Valid verdicts of those planned, over the whole run.",
            )


def ranking() -> None:
    st.subheader("Leaderboard", anchor=False)
    rows = selection.rows("leaderboard")
    if rows.empty:
        st.info("Nothing ranks a system here: the dataset names no systems, or nothing is judged yet.")
        return
    rows["ranked by"] = [
        rater_name(row["rater"], row["criterion"] if isinstance(row["criterion"], str) else None)
        for row in rows.to_dict("records")
    ]
    rows = rows.sort_values("rater_kind", key=lambda kinds: kinds != "judge", kind="stable")
    by = st.selectbox("Ranked by", list(dict.fromkeys(rows["ranked by"])), key="by", bind="query-params")
    ranked = rows_of(rows[rows["ranked by"] == by])
    measures = list(dict.fromkeys(row["measure"] for row in ranked))
    first = sorted((row for row in ranked if row["measure"] == measures[0]), key=best_first)
    order = [row["system"] for row in first]
    for place, (measure, column) in enumerate(
        zip(measures, st.columns([1.35] + [1] * (len(measures) - 1)), strict=True)
    ):
        group = [row for row in ranked if row["measure"] == measure]
        plot = measure_plot(measure, sorted(group, key=lambda row: order.index(row["system"])))
        column.altair_chart(forest(plot, names=place == 0), alt=f"{measure} of each system with its interval")
    st.caption(_sizes(first))


def _sizes(rows: list[dict[str, Any]]) -> str:
    sizes = ", ".join(f"{plain(row['system'])} {count(row['n'])}" for row in rows)
    penalty = selection.run.manifest.resolved.suite.controls.length_penalty
    sentence = f" The length penalty has strength {penalty:g}." if penalty else ""
    clusters = max(row["clusters"] for row in rows)
    return (
        f"Lines are 95% intervals over {clusters} clusters of items. n: {sizes}. "
        f"Soft numbers weigh each verdict by its probability.{sentence}"
    )


def wide_table() -> None:
    notes = Footnotes()
    means = rows_of(selection.rows("leaderboard"))
    tables = {"leaderboard": means, "metrics": selection.metrics}
    for grid in mean_grids(tables, notes):
        frame = grid_frame(grid)
        table = st.dataframe(
            frame,
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            key="systems",
            column_config={frame.columns[0]: st.column_config.TextColumn(pinned=True)},
            alt="Every measure of every system with its interval",
        )
        for line in notes.lines():
            st.caption(plain(line))
        if table.selection.rows:
            verdicts_of(str(frame.iloc[table.selection.rows[0], 0]))
        else:
            st.caption("Select a row to see the verdicts behind it.")
    for grid in unshared_grids(tables, notes):
        st.caption(plain(grid.title))
        st.dataframe(grid_frame(grid), hide_index=True, alt=grid.title)
    lengths = length_names(selection.run.manifest.metrics)
    for note in comparability_sentences(means, lengths):
        st.caption(plain(note))


def show_ranking() -> None:
    """Show what else ranks the systems: ranks with their intervals, Elo, length control, people and judge."""
    for section in sections_of(Place.DASHBOARD):
        notes = Footnotes()
        tables: dict[str, Any] = {name: rows_of(selection.rows(name)) for name in section.tables}
        tables["metrics"] = selection.metrics
        grids = list(section.grids(tables, notes))
        if not grids:
            continue
        with st.expander(section.title):
            for grid in grids:
                if grid.title != selection.dataset:
                    st.caption(plain(grid.title))
                st.dataframe(grid_frame(grid), hide_index=True, alt=f"{section.title}: {grid.title}")
            for line in notes.lines():
                st.caption(plain(line))


def verdicts_of(system: str) -> None:
    pairs = selection.rows("pair_verdicts")
    ratings = selection.rows("ratings")
    pairs = pairs[(pairs["system_a"] == system) | (pairs["system_b"] == system)]
    ratings = ratings[ratings["system"] == system]
    if len(pairs):
        st.caption("Pairs, both orders together. A selected row opens its sample.")
        shown = pairs[["item_id", "judge", "criterion", "system_a", "system_b", "winner", "p_a"]]
        open_row(shown, "pairs of a system")
    if len(ratings):
        st.caption("Ratings. A selected row opens its sample.")
        open_row(ratings[["item_id", "judge", "criterion", "system", "value", "expected"]], "ratings")


def open_row(frame: pd.DataFrame, name: str) -> None:
    frame = frame.head(1000).reset_index(drop=True)
    event = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"open {name}",
        height=260,
        alt=f"Verdicts: {name}",
    )
    if event.selection.rows:
        row = frame.iloc[event.selection.rows[0]]
        st.switch_page(
            "views/samples.py",
            query_params={name: row[column] for name, column in LINK.items()},
        )


def coverage() -> None:
    st.subheader("Coverage", anchor=False)
    notes = Footnotes()
    names = (
        "coverage",
        "answers",
        "exclusions",
        "missing_scores",
        "hard_verdicts",
        "unsent_parameters",
        "choice_mass",
    )
    tables = {name: rows_of(selection.table(name)) for name in names}
    for grid in coverage_grids(tables, notes):
        if grid.title != "Coverage":
            st.caption(plain(grid.title))
        st.dataframe(grid_frame(grid), hide_index=True, alt=grid.title)
    sentences = (
        *notes.lines(),
        *cut_answer_sentences(tables["answers"]),
        *hard_verdict_sentences(tables["hard_verdicts"]),
        *unsent_parameter_sentences(tables["unsent_parameters"]),
        *choice_mass_notes(tables["choice_mass"]),
    )
    for sentence in sentences:
        st.caption(plain(sentence))
    failures = selection.table("failures")
    if len(failures):
        st.dataframe(failures, hide_index=True, alt="Failures with their reasons")
    else:
        st.caption("No response and no judgment failed.")


def engine_facts() -> None:
    st.subheader("Engines, as really used", anchor=False)
    engines = selection.table("engines")
    if engines.empty:
        st.caption(
            "No engine was started for this run."
            if selection.run.finished
            else "An engine's facts are written when it ends."
        )
    else:
        st.dataframe(
            engines[[name for name in FACTS if name in engines]],
            hide_index=True,
            column_config={
                **FACTS,
                "hit_rate": st.column_config.ProgressColumn(
                    FACTS["hit_rate"], min_value=0, max_value=1, format="percent"
                ),
                **{
                    name: st.column_config.NumberColumn(FACTS[name], format="%.0f s")
                    for name in ("seconds_busy", "seconds_start")
                },
            },
            alt="What each engine really used and did",
        )
        with st.expander("Every fact"):
            names = [f"{row['serves']}, start {row['start']}" for row in rows_of(engines)]
            facts = engines.set_axis(names).T.rename_axis("fact")
            st.dataframe(
                facts.map(lambda value: "–" if pd.isna(value) else str(value)), alt="Every engine fact"
            )
    reused = selection.table("reused_completions")
    if len(reused):
        st.caption("Completions taken from earlier runs of the same requests:")
        st.dataframe(reused, hide_index=True, alt="Completions taken from earlier runs")


header()
ranking()
wide_table()
show_ranking()
coverage()
engine_facts()
