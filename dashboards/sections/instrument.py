"""What a judge is like as an instrument: whom it decides for, how sure, what pulls it, what fools it."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from drawing import curve, forest
from loading import Selection, plain
from sections.parts import between, only, plots_side_by_side, reasons

from evalhub.analysis import rows_of
from evalhub.analysis.bias.bias import ALL_JUDGES, HARD
from evalhub.report.format import Footnotes, interval
from evalhub.report.grids.attacks import ATTACK_NOTES, attack_lines
from evalhub.report.grids.cascades import HALVES
from evalhub.report.grids.raters import rater_name
from evalhub.report.plots import Plot, attack_plots, bias_plots, judge_plot
from evalhub.texts import count

THRESHOLD = ["threshold", "calibrated_on", "tests_start", "disagreement_bound"]
COSTS = ["judgments", "tokens_in", "tokens_out", "seconds"]
REASONS = ["threshold_reason", "seconds_reason", "not_used"]


def cascades(selection: Selection, label_keys: tuple[str, str]) -> None:
    rows = only(selection.rows("cascades"), label_keys)
    if rows.empty:
        return
    st.subheader("Cascades: who decides what", anchor=False)
    for name, stages in rows.groupby("cascade"):
        first = stages.iloc[0]
        st.markdown(
            f"{plain(name)}: judges shall agree with the labels on at least "
            f"{first['promised_agreement']:.0%} of what they decide, with "
            f"{first['promised_confidence']:.0%} confidence"
        )
        shares = stages[stages["statistic"] == "share"]
        left, right = st.columns([1.35, 1])
        left.altair_chart(
            forest(stage_plot("share decided", shares)),
            alt="Share of the pairs that each stage decides",
        )
        agreement = stages[stages["statistic"] == "agreement"]
        right.altair_chart(
            forest(stage_plot("agreement", agreement, neutral=first["promised_agreement"]), names=False),
            alt="Agreement of each stage with the labels on what it decides",
        )
        st.dataframe(
            shares[["stage", *THRESHOLD, "asked", "decided", *COSTS]],
            hide_index=True,
            alt="Threshold and cost of each stage",
        )
        for reason in pd.Series(shares[REASONS].to_numpy().ravel()).dropna().unique():
            st.caption(f"– {plain(reason)}")
        reasons(stages)
    st.caption(f"Here {plain(HALVES)}.")


def stage_plot(title: str, stages: pd.DataFrame, *, neutral: float | None = None) -> Plot:
    """Return the plot of one statistic of a cascade's stages."""
    return judge_plot(title, rows_of(stages), list(stages["stage"]), bounds=(0.0, 1.0), neutral=neutral)


def calibration(selection: Selection, label_keys: tuple[str, str]) -> None:
    bins, scores = (only(selection.rows(name), label_keys) for name in ("reliability", "calibration"))
    if bins.empty:
        return
    st.subheader("When a judge is sure, is it right?", anchor=False)
    bins["who"] = [rater_name(row["rater"], row["criterion"]) for row in rows_of(bins)]
    left, right = st.columns([1.35, 1])
    left.altair_chart(
        curve(bins, name="who", x="predicted", across="how sure it says it is", up="how often it is right"),
        alt="How often the labels agree with verdicts of a confidence, for each judge",
    )
    for statistic in scores["statistic"].unique():
        rows = rows_of(scores[scores["statistic"] == statistic])
        names = [rater_name(row["rater"], row["criterion"]) for row in rows]
        plot = judge_plot(statistic, rows, names, bounds=(0.0, 0.5), neutral=0.25)
        right.altair_chart(forest(plot), alt=f"{statistic} of each judge")
    st.caption(
        "On the dashed line a judge is as often right as it says. The Brier score is the mean squared "
        "distance of its probability from the label. 0 is best, and a coin gets .25. For the recalibrated "
        "score, each cluster of items is mapped by what the others show. Labels that are a tie are left out: "
        f"n {between(scores['n'])}, left out {between(scores['n_excluded'])}."
    )
    reasons(bins, scores)


def biases(selection: Selection) -> None:
    rows = selection.rows("biases")
    if rows.empty:
        return
    st.subheader("What else a judge's verdicts hang on", anchor=False)
    of_judges = rows[rows["judge"] != ALL_JUDGES]
    rates = of_judges[(of_judges["reading"] == HARD) & (of_judges["statistic"] == "rate")]
    plots_side_by_side(list(bias_plots(rows_of(rates), "rate")), "of each pairwise judge")
    st.caption(
        "The flip rate is the share of pairs whose verdict turns when the order does (0 is best). The "
        "first-position rate is how often the response shown first wins. The last rate is how often the "
        "longer response wins. .5 shows no bias, but people may prefer longer responses too."
    )
    readings = list(rows["reading"].unique())
    reading = st.segmented_control(
        "Verdicts", readings, default=readings[-1], required=True, key="reading", bind="query-params"
    )
    effects = rows[(rows["reading"] == reading) & (rows["statistic"] == "effect")]
    st.markdown("Effects in percentage points of the win rate, each with the other biases held fixed")
    plots_side_by_side(list(bias_plots(rows_of(effects), "effect")), "of each pairwise judge")
    for row in rows_of(effects[effects["judge"] == ALL_JUDGES]):
        judges = rater_name(row["judge"], row["criterion"])
        effect = row["reason"] if row["estimate"] is None else interval(row, Footnotes())
        st.caption(
            plain(f"Own rather than the opponent's own family, {judges}: {effect}, n {count(row['n'])}")
        )
    reasons(rates, effects[effects["judge"] != ALL_JUDGES])
    with st.expander("Beside people, and every coefficient"):
        st.dataframe(
            rows.drop(columns=["dataset"]),
            hide_index=True,
            alt="Every bias of every judge: rates, the same of people, and effects",
        )


def attacks(selection: Selection) -> None:
    rows = selection.rows("attacks")
    if rows.empty:
        return
    st.subheader("How easily the judge is fooled", anchor=False)
    plots_side_by_side(list(attack_plots(rows_of(rows))), "of each attack")
    tables = {name: rows_of(selection.rows(name)) for name in ("attacks", "controls", "unattacked_items")}
    for line in (*attack_lines(tables), *ATTACK_NOTES):
        st.caption(plain(line))
    with st.expander("Controls: responses that answer nothing"):
        st.dataframe(
            selection.rows("controls").drop(columns=["dataset"]),
            hide_index=True,
            alt="How often each control response beats a recorded one",
        )
    reasons(rows)
