"""How far judges, metrics and people of the same responses agree."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pandas as pd
import streamlit as st
from drawing import forest, scatter
from loading import Selection
from sections.parts import between, only, reasons

from evalhub.analysis import rows_of
from evalhub.analysis.frames.responses import SOFT
from evalhub.analysis.tables import PAIR
from evalhub.report.grids.raters import ORDERS, judged_twice
from evalhub.report.plots import correlation_plot, statistic_plot
from evalhub.texts import count

GRANULARITIES = {
    "pooled": "pooled: all responses",
    "item": "within items, then averaged",
    "system": "systems' means",
}
MARKS = 5000
JITTER = 0.12
LEVELS_AT_MOST = 12
NOTHING_READ = (
    " Judges in teal, metrics in blue, judges that read nothing in grey: always-first, a coin, and "
    "whichever response is longer. A judge worth its cost stands right of them."
)


def agreement(selection: Selection, label_keys: tuple[str, str]) -> None:
    rows = only(selection.rows("agreement"), label_keys)
    if rows.empty:
        return
    each_other, rows = rows[rows["reference_rater"] != "labels"], rows[rows["reference_rater"] == "labels"]
    levels = bool((rows["reading"] == "level").all())
    title = "Judge and labels give" if levels else "Judge, ROUGE and labels decide"
    st.subheader(f"{title} the same {'levels' if levels else 'pairs'}", anchor=False)
    if levels and rows["estimate"].isna().all():
        reasons(rows)
        return
    if not levels:
        orders = st.toggle("Show each order alone", key="orders", bind="query-params")
        rows = rows[orders | ~rows["reading"].isin(ORDERS)]
    several = judged_twice(rows_of(rows))
    accuracy, kappa = (rows[rows["statistic"] == name] for name in ("accuracy", "kappa"))
    titles = ("Accuracy of each rater against the labels", "Cohen's kappa of each rater against the labels")
    for place, (column, title, statistic) in enumerate(
        zip(st.columns([1.35, 1]), titles, (accuracy, kappa), strict=True)
    ):
        plot = statistic_plot(title, rows_of(statistic), several)
        column.altair_chart(forest(plot, names=place == 0), alt=title)
    st.caption(
        f"The same labelled {'responses' if levels else 'pairs'} for everyone: n {between(accuracy['n'])}, "
        f"left out {between(accuracy['n_excluded'])}, {between(accuracy['clusters'])} clusters of items."
        + ("" if levels else NOTHING_READ)
    )
    reasons(accuracy, kappa)
    if len(each_other):
        with st.expander("Judges and metrics with each other"):
            st.dataframe(
                each_other.drop(columns=["dataset", "label_criterion", "annotator_kind", "reading"]),
                hide_index=True,
                alt="Agreement of judges and metrics with each other on the same pairs",
            )


def correlation(selection: Selection, label_keys: tuple[str, str]) -> None:
    rows = only(selection.rows("correlations"), label_keys)
    if rows.empty:
        return
    st.subheader("Correlation with the labels", anchor=False)
    coefficient = st.segmented_control(
        "Coefficient",
        ["spearman", "kendall", "pearson"],
        default="spearman",
        required=True,
        key="coefficient",
        bind="query-params",
    )
    with_labels = rows[(rows["first"] == "labels") & (rows["coefficient"] == coefficient)]
    metrics = set(selection.results.scores()["metric"])
    columns = st.columns([1.35, 1, 1])
    for place, (granularity, column) in enumerate(zip(GRANULARITIES, columns, strict=True)):
        group = with_labels[with_labels["granularity"] == granularity]
        if group.empty:
            continue
        plot = replace(
            correlation_plot(granularity, rows_of(group), metrics), axis=GRANULARITIES[granularity]
        )
        column.altair_chart(
            forest(plot, names=place == 0),
            alt=f"Correlation of each rating and metric with the labels, {granularity} level",
        )
        column.caption(f"n {between(group['n'])}")
    reasons(with_labels)
    with st.expander("Everything with everything"):
        st.dataframe(
            rows.drop(columns=["dataset", "label_criterion", "annotator_kind"]),
            hide_index=True,
            alt="Correlations of labels, ratings, metrics and length with each other",
        )


def responses(selection: Selection, label_keys: tuple[str, str]) -> None:
    frame = selection.labelled_responses(*label_keys)
    if frame is None or frame.empty:
        return
    st.subheader("Response by response", anchor=False)
    names = [str(name) for name in frame if name not in ("item_id", "system", "sample", "cluster", "labels")]
    x = st.selectbox("Against the labels", names, key="across", bind="query-params")
    rows = frame[["item_id", "system", "sample", x, "labels"]].dropna()
    n_without, rows = len(frame) - len(rows), rows.head(MARKS)
    rows["x at"], rows["y at"] = apart(rows, x), apart(rows, "labels")
    rows = rows.astype({"sample": int})
    event = st.altair_chart(
        scatter(rows, x=x, y="labels"), on_select="rerun", key="points", alt=f"{x} against the labels"
    )
    st.caption(
        f"{count(len(rows))} responses, {count(n_without)} without both numbers. Where values are levels, "
        f"each point is moved by up to {JITTER}, so that equal points do not hide each other. The numbers "
        "above are not moved. Click a point to open its sample."
    )
    points = event.selection.get("point", [])
    if points:
        judge = x.removesuffix(SOFT)
        parameters = {"judge": judge} if judge in selection.run.manifest.judges else {}
        open_sample(points[0]["item_id"], **parameters)


def pairs(selection: Selection, label_keys: tuple[str, str]) -> None:
    verdicts, labels = selection.rows("pair_verdicts"), only(selection.rows("consensus_labels"), label_keys)
    labels = labels[labels["label_winner"].notna()]
    if verdicts.empty or labels.empty:
        return
    label_criteria = selection.run.manifest.label_criteria
    names = [
        label_criteria.get(judge, {}).get(selection.dataset, {}).get(criterion, criterion)
        for judge, criterion in zip(verdicts["judge"], verdicts["criterion"], strict=True)
    ]
    verdicts = verdicts[[name == label_keys[0] for name in names]]
    joined = verdicts.merge(labels[[*PAIR, "label_winner"]], on=PAIR)
    st.subheader("Pair by pair", anchor=False)
    if st.toggle("Only where judge and labels differ", value=True, key="differ", bind="query-params"):
        joined = joined[joined["winner"] != joined["label_winner"]]
    shown = joined.rename(columns={"label_winner": "labels say", "winner": "judge says", "p_a": "p(a wins)"})
    shown = shown[
        ["item_id", "judge", "criterion", "system_a", "system_b", "labels say", "judge says", "p(a wins)",
         "winner_ab", "winner_ba"]
    ].head(1000).reset_index(drop=True)  # fmt: skip
    event = st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="pairs",
        height=300,
        column_config={"p(a wins)": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f")},
        alt="Judged pairs with the labels' verdict; a selected row opens its sample",
    )
    st.caption(
        f"{count(len(shown))} pairs. winner_ab and winner_ba are the verdicts of one order alone. "
        "Select a row to open its sample."
    )
    if event.selection.rows:
        row = shown.iloc[event.selection.rows[0]]
        pair = f"{row['system_a']} / {row['system_b']}"
        open_sample(row["item_id"], judge=row["judge"], criterion=row["criterion"], responses=pair)


def apart(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return a column in which levels that would hide each other are moved a little, always alike."""
    if rows[name].nunique() > LEVELS_AT_MOST:
        return rows[name]
    keys = (f"{name}|{row.item_id}|{row.system}|{row.sample}" for row in rows.itertuples())
    shifts = [JITTER * (hashlib.sha256(key.encode()).digest()[0] / 127.5 - 1) for key in keys]
    return rows[name] + shifts


def open_sample(item: str, **parameters: str) -> None:
    st.switch_page("views/samples.py", query_params={"item": item, **parameters})
