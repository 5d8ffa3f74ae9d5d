"""Which system is better, how much of the plan was judged, and on what."""

import pandas as pd
import streamlit as st
from drawing import forest
from loading import Chosen, plain

from evalhub.analysis import rows_of, shortfall_sentences
from evalhub.analysis.run.answers import cut_answer_sentences
from evalhub.report.format import LOWER_IS_BETTER, Footnotes
from evalhub.report.grids.choice_mass import wishes
from evalhub.report.grids.grids import answer_grids, coverages, leaderboards, rater_name, unscored_grids
from evalhub.report.grids.ranking import on_what_they_rank, unshared_grids
from evalhub.report.grids.servers import served_notes
from evalhub.report.sections import LENGTH_CONTROLLED, POWERED, RANKS, SETTLED, STRENGTHS, WORST_CASES

chosen: Chosen = st.session_state["chosen"]

_BOUNDED = "win rate"

STANDINGS = (SETTLED, RANKS, STRENGTHS, LENGTH_CONTROLLED, POWERED, WORST_CASES)

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
    manifest = chosen.run.manifest
    st.title(plain(manifest.get("title") or manifest.get("suite")), anchor=False)
    for sentence in shortfall_sentences(rows_of(chosen.table("shortfalls"))):
        st.error(f"Inconclusive. {plain(sentence)}")
    coverage = chosen.table("coverage")
    items = chosen.rows("item_list")
    with st.container(horizontal=True):
        st.metric("Items", f"{len(items):,}", border=True)
        for row in rows_of(coverage[(coverage["kind"] == "judge") & (coverage["statistic"] == "coverage")]):
            valid = row["done"] - row["failed"]
            st.metric(
                f"Verdicts of {plain(row['judge'])}",
                f"{valid:,} of {row['expected']:,}",
                border=True,
                help="Valid verdicts of those planned, over the whole run.",
            )


def ranking() -> None:
    st.subheader("Leaderboard", anchor=False)
    rows = chosen.rows("leaderboard")
    if rows.empty:
        st.info("Nothing ranks a system here: the dataset names no systems, or nothing is judged yet.")
        return
    rows["ranked by"] = [
        rater_name(row["rater"], row["criterion"] if isinstance(row["criterion"], str) else None)
        for row in rows.to_dict("records")
    ]
    rows = rows.sort_values("kind", key=lambda kinds: kinds != "judge", kind="stable")
    by = st.selectbox("Ranked by", list(dict.fromkeys(rows["ranked by"])), key="by", bind="query-params")
    mine = rows[rows["ranked by"] == by]
    measures = list(dict.fromkeys(mine["measure"]))
    lower = bool(mine["higher_is_better"].eq(False).any())
    first = mine[mine["measure"] == measures[0]].sort_values(["rank", "estimate"], ascending=[True, lower])
    for place, (measure, column) in enumerate(
        zip(measures, st.columns([1.35] + [1] * (len(measures) - 1)), strict=True)
    ):
        found = mine[mine["measure"] == measure]
        rate = measure.startswith(_BOUNDED)
        column.altair_chart(
            forest(
                found,
                name="system",
                title=f"{measure} ({LOWER_IS_BETTER})" if lower else measure,
                bounds=(0, 1) if rate else None,
                middle=0.5 if rate else None,
                kind="kind",
                order=list(first["system"]),
                names=place == 0,
            ),
            alt=f"{measure} of each system with its interval",
        )
    st.caption(_sizes(first))


def _sizes(rows: pd.DataFrame) -> str:
    sizes = ", ".join(f"{plain(row['system'])} {row['n']:,}" for row in rows.to_dict("records"))
    penalty = chosen.run.manifest["resolved"]["suite"]["controls"]["length_penalty"]
    said = f" The length penalty has strength {penalty:g}." if penalty else ""
    return (
        f"Lines are 95% intervals over {rows['clusters'].max()} clusters of items. n: {sizes}. "
        f"Soft numbers weigh each verdict by its probability.{said}"
    )


def wide_table() -> None:
    notes = Footnotes()
    rows = rows_of(chosen.rows("leaderboard"))
    for grid in leaderboards({"leaderboard": rows}, notes):
        head = [heading.replace("\n", " · ") for heading in grid.head]
        frame = pd.DataFrame(grid.rows, columns=head)
        picked = st.dataframe(
            frame,
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            key="systems",
            column_config={head[0]: st.column_config.TextColumn(pinned=True)},
            alt="Every measure of every system with its interval",
        )
        for line in notes.lines():
            st.caption(line)
        if picked.selection.rows:
            verdicts_of(str(frame[head[0]].iloc[picked.selection.rows[0]]))
        else:
            st.caption("Select a row to see the verdicts behind it.")
    for grid in unshared_grids({"leaderboard": rows}, notes):
        st.caption(plain(grid.title))
        st.dataframe(pd.DataFrame(grid.rows, columns=list(grid.head)), hide_index=True, alt=grid.title)
    for note in on_what_they_rank(rows):
        st.caption(plain(note))


def standings() -> None:
    """Show what else ranks the systems: ranks with their intervals, Elo, length control, people and judge."""
    for part in STANDINGS:
        notes = Footnotes()
        found = list(part.grids({name: rows_of(chosen.rows(name)) for name in part.tables}, notes))
        if not found:
            continue
        with st.expander(part.title):
            for grid in found:
                if grid.title != chosen.dataset:
                    st.caption(plain(grid.title))
                head = [heading.replace("\n", " · ") for heading in grid.head]
                shown = pd.DataFrame(grid.rows, columns=head)
                st.dataframe(shown, hide_index=True, alt=f"{part.title}: {grid.title}")
            for line in notes.lines():
                st.caption(plain(line))


def verdicts_of(system: str) -> None:
    pairs = chosen.rows("pair_verdicts")
    ratings = chosen.rows("ratings")
    pairs = pairs[(pairs["system_a"] == system) | (pairs["system_b"] == system)]
    ratings = ratings[ratings["system"] == system]
    if len(pairs):
        st.caption("Pairs, both orders together; a selected row opens its sample.")
        shown = pairs[["item_id", "judge", "criterion", "system_a", "system_b", "winner", "p_a"]]
        open_row(shown, "pairs of a system")
    if len(ratings):
        st.caption("Ratings; a selected row opens its sample.")
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
    tables = {name: rows_of(chosen.table(name)) for name in ("coverage", "answers", "left_out", "unscored")}
    for grid in (*coverages(tables, notes), *answer_grids(tables), *unscored_grids(tables)):
        st.dataframe(pd.DataFrame(grid.rows, columns=list(grid.head)), hide_index=True, alt=grid.title)
    for line in (*notes.lines(), *map(plain, cut_answer_sentences(tables["answers"]))):
        st.caption(line)
    for note in served_notes({name: rows_of(chosen.table(name)) for name in ("hard_verdicts", "not_sent")}):
        st.caption(plain(note))
    for note in wishes(rows_of(chosen.table("choice_mass"))):
        st.caption(plain(note))
    failures = chosen.table("failures")
    if len(failures):
        st.dataframe(failures, hide_index=True, alt="Failures with their reasons")
    else:
        st.caption("No response and no judgment failed.")


def engine_facts() -> None:
    st.subheader("Engines, as really used", anchor=False)
    engines = chosen.table("engines")
    if engines.empty:
        st.caption(
            "No engine was started for this run."
            if chosen.run.finished
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
    reused = chosen.table("reused")
    if len(reused):
        st.caption("Completions taken from earlier runs of the same requests:")
        st.dataframe(reused, hide_index=True, alt="Completions taken from earlier runs")


header()
ranking()
wide_table()
standings()
coverage()
engine_facts()
