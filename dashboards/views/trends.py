"""Since when: the main numbers of a suite, run by run."""

import pandas as pd
import streamlit as st
from context import Context, runs_of, version_of
from drawing import trend
from parts.choices import choice
from parts.text import plain

from evalhub.report.tables.trends import CHANGE_COLUMNS, change_rows, trend_rows
from evalhub.store import runs_root
from evalhub.texts import count

context: Context = st.session_state["context"]

LENGTHS = {"the last 30 runs": 30, "the last 90 runs": 90, "all runs": 100_000}


# Tables may be stored at any time, so they are looked for again soon.
@st.cache_resource(max_entries=20, ttl="20s", show_spinner="Reading the runs")
def rows_of_runs(key: tuple[str, ...], versions: tuple[str, ...]) -> list[dict[str, object]]:
    """Return the main numbers of runs."""
    del versions
    runs = runs_of(runs_root())
    return trend_rows([runs[name] for name in key])


def show_charts(frame: pd.DataFrame, measure: str) -> None:
    """Draw one small chart for each system or judge."""
    of_measure = frame[frame["measure"] == measure]
    subjects = list(dict.fromkeys(of_measure["subject"]))
    columns = st.columns(3)
    for place, subject in enumerate(subjects[:12]):
        rows = of_measure[of_measure["subject"] == subject]
        last = rows.iloc[-1]
        with columns[place % 3]:
            st.markdown(f"**{plain(subject)}**")
            alt = f"{measure} of {subject}: {count(len(rows))} runs, the last {last['estimate']:.2f}"
            st.vega_lite_chart(trend(rows.to_dict("records")), alt=alt, key=f"trend {subject}")
    if len(subjects) > 12:
        st.caption(f"{count(len(subjects) - 12)} more are in the table.")


@st.cache_resource(max_entries=20, show_spinner="Comparing the runs")
def changes_of_runs(key: tuple[str, ...]) -> list[dict[str, object]]:
    """Return the steps that changed from one run to the next, the newest first."""
    runs = runs_of(runs_root())
    return change_rows([runs[name] for name in key])[::-1]


st.title("Trends", anchor=False)
suite = context.run.manifest.suite
finished = [
    name
    for name, run in runs_of(runs_root()).items()
    if run.manifest.suite == suite and run.finished and not run.manifest.trial
]
length = choice("Runs", list(LENGTHS), key="length")
names = finished[: LENGTHS[str(length)]][::-1]
runs = runs_of(runs_root())
rows = rows_of_runs(tuple(names), tuple(version_of(runs[name]) for name in names))
without = [name for name in names if name not in {row["run"] for row in rows}]
rows = [row for row in rows if row["dataset"] in (None, context.dataset) and row["estimate"] is not None]
if len({row["run"] for row in rows}) < 2:
    st.info(
        f"A trend needs two finished runs of the suite {plain(suite)} whose tables are stored. "
        "`evalhub index` stores those of an earlier version."
    )
if without:
    listed = ", ".join(without[:5]) + (f" and {count(len(without) - 5)} more" if len(without) > 5 else "")
    st.caption(plain(f"Left out, because their tables are not stored: {listed}."))
if rows:
    frame = pd.DataFrame(rows)
    measure = choice("Number", list(dict.fromkeys(frame["measure"])), key="number", width=420)
    show_charts(frame, str(measure))
    st.caption(
        "Grey: control limits from the earlier runs. A ring: a gate that does not hold, a judge that moved, "
        "or a number beyond its limits. Dotted: something that the number rests on changed."
    )
    with st.expander("All numbers", on_change="rerun", key="all numbers") as box:
        if box.open:
            st.dataframe(frame, hide_index=True, alt="The main numbers of all runs")
    with st.expander("What changed between the runs", on_change="rerun", key="changes") as box:
        if box.open:
            changes = pd.DataFrame(changes_of_runs(tuple(names)), columns=list(CHANGE_COLUMNS))
            st.dataframe(changes, hide_index=True, alt="The steps that changed from run to run")
