"""Two runs or two systems side by side: the differences with intervals, and the items behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from context import Context, results_of, runs_of
from drawing import forest
from parts.choices import choice
from parts.sections import alt_of, show_table
from parts.text import plain

from evalhub.analysis import (
    Results,
    comparisons,
    count_changes,
    describe_changes,
    rows_of,
    run_changes,
    run_comparison,
    system_changes,
)
from evalhub.analysis.findings.changes import baseline_of
from evalhub.report.format import Footnotes, interval, p_value
from evalhub.report.grids.raters import rater_name
from evalhub.report.plots.estimates import Line, Plot
from evalhub.store import manifest_changes, runs_root
from evalhub.texts import count

Row = dict[str, Any]
_ITEMS = 50
_LINES = 20


def choose_base(context: Context) -> Results | None:
    """Return the earlier run with which the run is compared: that of the address, else the baseline."""
    runs = runs_of(runs_root())
    suite = context.run.manifest.suite
    earlier = [
        name
        for name, run in runs.items()
        if run.manifest.suite == suite
        and run.finished
        and run.manifest.created < context.run.manifest.created
    ]
    if not earlier:
        st.caption("There is no earlier finished run of this suite. Two systems of the run are compared.")
        return None
    baseline = baseline_of(context.run)
    default = f"baseline: {baseline.id}" if baseline else "two systems of this run"
    picked = choice("Compared with", earlier, key="base", placeholder=default, width=380, has_label=True)
    base = runs.get(picked) if picked else baseline
    return results_of(base) if base else None


def show_run_comparison(context: Context, base: Results) -> None:
    """Show how each system changed since another run, on which items, and what else changed."""
    if not _is_asked(context, "compare runs"):
        return
    rows = _cached(
        context,
        f"{base.run.id} {base.run.manifest.sealed}",
        lambda: rows_of(run_comparison(context.results, base)),
    )
    rows = [row for row in rows if row["dataset"] == context.dataset]
    for finding in describe_changes(rows, base.run.id):
        st.markdown(plain(finding.sentence))
    _show_differences(rows, lambda row: row["system"], f"this run minus {base.run.id}")
    judge = _choose_judge(context, rows)
    if judge is not None:
        of_judge = [row for row in rows if (row["rater"], row["criterion"]) == judge.key]
        system = choice(
            "System",
            list(dict.fromkeys(row["system"] for row in of_judge)),
            key="sys",
            width=240,
            has_label=True,
        )
        changes = run_changes(context.results, base, context.dataset, *judge.key, str(system))
        _show_items(context, changes, ("this run", "before"), judge, (str(system), base.run.id))
    _show_manifests(context, base)


def show_system_comparison(context: Context) -> None:
    """Show how two systems of the run differ, and on which items."""
    if not _is_asked(context, "compare systems"):
        return
    rows = _cached(context, "", lambda: rows_of(comparisons(context.results)))
    rows = [row for row in rows if row["dataset"] == context.dataset]
    systems = sorted({row[side] for row in rows for side in ("first", "second")})
    if len(systems) < 2:
        st.info("The run has no two systems under one measure on this dataset.")
        return
    with st.container(horizontal=True):
        first = choice("First", systems, key="a", width=240, has_label=True)
        second = choice(
            "Second", [name for name in systems if name != first], key="b", width=240, has_label=True
        )
    rows = [row for row in rows if {row["first"], row["second"]} == {first, second}]
    for row in rows:
        if row["first"] != first:
            row |= _turned(row)
    _show_differences(rows, lambda row: rater_name(row["rater"], row["criterion"]), f"{first} minus {second}")
    judge = _choose_judge(context, rows)
    if judge is not None:
        changes = system_changes(context.results, context.dataset, *judge.key, str(first), str(second))
        _show_items(context, changes, (str(first), str(second)), judge, (str(first), str(second)))


def _is_asked(context: Context, key: str) -> bool:
    """Return whether to compare: at once in a small run, and in a large one when it is asked for."""
    if not context.results.database.is_large:
        return True
    st.caption("In a run of this size a comparison takes a minute or so.")
    if st.button("Compare", key=key):
        st.session_state[f"asked {key} {context.run.id}"] = True
    return bool(st.session_state.get(f"asked {key} {context.run.id}"))


def _cached(context: Context, base: str, compute: Callable[[], list[Row]]) -> list[Row]:
    """Return rows that are computed once for a run and the run that it is compared with. Copies."""
    return [dict(row) for row in _compare((str(context.run.path), context.version, base), compute)]


@st.cache_resource(max_entries=20, show_spinner="Comparing")
def _compare(key: tuple[str, str, str], _compute: Callable[[], list[Row]]) -> list[Row]:
    del key
    return _compute()


def _turned(row: Row) -> Row:
    """Return the columns of a difference the other way round."""
    negated = {
        "estimate": row["estimate"],
        "low": row["high"],
        "high": row["low"],
    }
    return {name: None if value is None else -value for name, value in negated.items()}


def _show_differences(rows: list[Row], name_of: Callable[[Row], str], title: str) -> None:
    """Draw the differences of each measure, and write them with their p-values."""
    rows = [row for row in rows if row["estimate"] is not None]
    if not rows:
        st.info("Nothing of the two can be compared on this dataset.")
        return
    names = [" · ".join((name_of(row), row["measure"])) for row in rows]
    scales = {"rates": [row["measure"].startswith("win rate") for row in rows]}
    for kind, wanted_rate in (("win rates", True), ("other measures", False)):
        lines = [
            Line(_unique(name, row), row["rater_kind"], row)
            for name, row, is_rate in zip(names, rows, scales["rates"], strict=True)
            if is_rate is wanted_rate
        ]
        if lines and (wanted_rate or len({line.row["measure"] for line in lines}) <= 3):
            plot = Plot(f"{title}, {kind}", "difference", tuple(lines[:_LINES]), neutral=0.0)
            st.markdown(f"**{plain(plot.title)}**")
            st.vega_lite_chart(forest(plot), alt=alt_of(plot), key=f"differences {kind}")
            if len(lines) > _LINES:
                st.caption(f"{count(len(lines) - _LINES)} more are in the table.")
    notes = Footnotes()
    with st.expander("All differences", on_change="rerun", key="all differences") as box:
        if box.open:
            show_table(
                [
                    {
                        "of": name_of(row), "by": rater_name(row["rater"], row["criterion"]),
                        "measure": row["measure"], "difference": interval(row, notes),
                        "n": count(row["n"]), "p": p_value(row["p"]), "p (Holm)": p_value(row["p_holm"]),
                    }
                    for row in rows
                ],
                alt="All differences with their intervals and p-values",
            )  # fmt: skip
            for line in notes.lines():
                st.caption(plain(line))


def _unique(name: str, row: Row) -> str:
    rater = rater_name(row["rater"], row["criterion"])
    return name if rater in name else f"{name} by {rater}"


@dataclass(frozen=True, slots=True)
class _Judge:
    """A judge whose verdicts on items are compared.

    Attributes:
        key: The judge and the criterion.
        lower_is_better: Whether a lower rating is better.
    """

    key: tuple[str, str]
    lower_is_better: bool


def _choose_judge(context: Context, rows: list[Row]) -> _Judge | None:
    """Let the reader choose the judge whose verdicts on items are shown. A jury has none of its own."""
    juries = {jury.id for jury in context.run.manifest.juries}
    judges = {
        rater_name(row["rater"], row["criterion"]): _Judge(
            (row["rater"], row["criterion"]), row["higher_is_better"] is False
        )
        for row in rows
        if row["rater_kind"] == "judge" and row["rater"] not in juries
    }
    if not judges:
        return None
    st.subheader("Items that moved most", anchor=False)
    return judges[str(choice("By", list(judges), key="judged", width=340))]


def _show_items(
    context: Context, changes: pd.DataFrame, names: tuple[str, str], judge: _Judge, compared: tuple[str, str]
) -> None:
    """List the items with the largest differences. A selected one leads to its verdicts."""
    better, worse, equal = map(count, count_changes(changes, lower_is_better=judge.lower_is_better))
    sentence = f"{names[0]} is better on {better} items, worse on {worse} and equal on {equal}."
    st.caption(plain(f"By this judge's verdicts on these two alone, {sentence}"))
    shown = changes[changes["difference"] != 0].head(_ITEMS).reset_index(drop=True)
    if shown.empty:
        return
    # A selected row belongs to one table, so each table has a key of its own.
    key = " ".join(("moved", context.run.id, context.dataset, *judge.key, *compared))
    event = st.dataframe(
        shown.rename(columns={"first": names[0], "second": names[1]}),
        hide_index=True, on_select="rerun", selection_mode="single-row", key=key, height=300,
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in (*names, "difference")},
        alt="Items on which the two differ most. A selected one leads to its verdicts.",
    )  # fmt: skip
    for place in event.selection.rows[:1]:
        item = str(shown.iloc[place]["item_id"])
        query = context.link(item=item, judge=judge.key[0], crit=judge.key[1])
        label = f"All verdicts on {plain(item)}"
        st.page_link("views/samples.py", label=label, icon=":material/article:", query_params=query)


def _show_manifests(context: Context, base: Results) -> None:
    changes = manifest_changes(base.manifest, context.run.manifest)
    with st.expander(
        f"What else differs: {count(len(changes))} settings", on_change="rerun", key="settings"
    ) as box:
        if box.open:
            rows = [
                {"setting": change.field, "before": change.before, "now": change.after} for change in changes
            ]
            show_table(rows, alt="Settings that differ between the two runs")
