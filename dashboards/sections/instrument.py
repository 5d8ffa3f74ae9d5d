"""What a judge is like as an instrument: whom it decides for, how sure, what pulls it, what fools it."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from drawing import curve, forest
from loading import Chosen, plain
from sections.parts import across, between, only, reasons

from evalhub.analysis import rows_of
from evalhub.analysis.bias.attacks import ALL_ATTACKS
from evalhub.analysis.bias.bias import ALL_JUDGES
from evalhub.report.format import Footnotes, interval
from evalhub.report.grids.attacks import ATTACK_NOTES, attack_lines
from evalhub.report.grids.cascades import HALVES
from evalhub.report.grids.grids import rater_name

EFFECTS = {
    "position": "first, not second",
    "length": "per doubling of length",
    "lists": "all of the list items",
    "markdown": "all of the Markdown",
}
THRESHOLD = ["threshold", "calibrated_on", "tests_start", "disagreement_bound"]
COSTS = ["judgments", "tokens_in", "tokens_out", "seconds"]


def cascades(chosen: Chosen, against: tuple[str, str]) -> None:
    rows = only(chosen.rows("cascades"), against)
    if rows.empty:
        return
    st.subheader("Cascades: who decides what", anchor=False)
    for name, found in rows.groupby("cascade"):
        first = found.iloc[0]
        st.markdown(
            f"{plain(name)}: judges shall agree with the labels on at least "
            f"{first['promised_agreement']:.0%} of what they decide, with "
            f"{first['promised_confidence']:.0%} confidence"
        )
        agreed = found[found["statistic"] == "agreement"].assign(kind="judge")
        shares = found[found["statistic"] == "share"].assign(kind="judge")
        left, right = st.columns([1.35, 1])
        left.altair_chart(
            forest(shares, name="stage", title="share decided", bounds=(0, 1), kind="kind"),
            alt="Share of the pairs that each stage decides",
        )
        right.altair_chart(
            forest(
                agreed,
                name="stage",
                title="agreement",
                bounds=(0, 1),
                middle=first["promised_agreement"],
                kind="kind",
                order=list(shares["stage"]),
                names=False,
            ),
            alt="Agreement of each stage with the labels on what it decides",
        )
        st.dataframe(
            shares[["stage", *THRESHOLD, "asked", "decided", *COSTS]],
            hide_index=True,
            alt="Threshold and cost of each stage",
        )
        for reason in pd.unique(shares[["threshold_reason", "seconds_reason", "not_used"]].stack().dropna()):
            st.caption(f"– {plain(reason)}")
        reasons(found)
    st.caption(f"Here {plain(HALVES)}.")


def calibration(chosen: Chosen, against: tuple[str, str]) -> None:
    bins, scores = (only(chosen.rows(name), against) for name in ("reliability", "calibration"))
    if bins.empty:
        return
    st.subheader("When a judge is sure, is it right?", anchor=False)
    for rows in (bins, scores):
        rows["who"] = [rater_name(row["rater"], row["criterion"]) for row in rows.to_dict("records")]
        rows["kind"] = "judge"
    left, right = st.columns([1.35, 1])
    left.altair_chart(
        curve(bins, name="who", x="confidence", across="how sure it says it is", up="how often it is right"),
        alt="How often the labels agree with verdicts of a confidence, for each judge",
    )
    for statistic in scores["statistic"].unique():
        found = scores[scores["statistic"] == statistic]
        right.altair_chart(
            forest(found, name="who", title=statistic, bounds=(0, 0.5), middle=0.25, kind="kind"),
            alt=f"{statistic} of each judge",
        )
    st.caption(
        "On the dashed line a judge is as often right as it says. The Brier score is the mean squared "
        "distance of its probability from the label: 0 is best, .25 is what a coin gets; recalibrated, each "
        "cluster of items is mapped by what the others show. Labels that are a tie are left out: n "
        f"{between(scores['n'])}, left out {between(scores['left_out'])}."
    )
    reasons(bins, scores)


def biases(chosen: Chosen) -> None:
    rows = chosen.rows("biases")
    if rows.empty:
        return
    st.subheader("What else a judge's verdicts hang on", anchor=False)
    rows["who"] = [rater_name(row["judge"], row["criterion"]) for row in rows.to_dict("records")]
    rows["kind"] = "judge"
    shown = rows[rows["judge"] != ALL_JUDGES]
    hard = shown[shown["reading"] == "hard"]
    across(
        hard[hard["statistic"] == "rate"],
        {"flips": ("flip rate", 0.0), "position": ("first position", 0.5), "length": ("longer wins", 0.5)},
        bounds=(0, 1),
    )
    st.caption(
        "The flip rate is the share of pairs whose verdict turns when the order does (0 is best); the "
        "first-position rate is how often the response shown first wins, and the last one how often the "
        "longer one does (.5 is no pull; people may prefer the longer one too)."
    )
    readings = list(rows["reading"].unique())
    reading = st.segmented_control(
        "Verdicts", readings, default=readings[-1], required=True, key="reading", bind="query-params"
    )
    effects = rows[(rows["reading"] == reading) & (rows["statistic"] == "effect")]
    st.markdown("Effects in percentage points of the win rate, each with the others held fixed")
    across(
        effects[effects["judge"] != ALL_JUDGES],
        {bias: (title, 0.0) for bias, title in EFFECTS.items()},
        bounds=None,
    )
    for row in rows_of(effects[effects["judge"] == ALL_JUDGES]):
        said = row["reason"] if row["estimate"] is None else interval(row, Footnotes())
        st.caption(plain(f"Own rather than the opponent's own family, {row['who']}: {said}, n {row['n']:,}"))
    reasons(hard[hard["statistic"] == "rate"], effects[effects["judge"] != ALL_JUDGES])
    with st.expander("Beside people, and every coefficient"):
        st.dataframe(
            rows.drop(columns=["dataset", "who", "kind"]),
            hide_index=True,
            alt="Every bias of every judge: rates, the same of people, and effects",
        )


def attacks(chosen: Chosen) -> None:
    rows = chosen.rows("attacks")
    if rows.empty:
        return
    st.subheader("How easily the judge is fooled", anchor=False)
    rows, each = rows.assign(kind="judge"), rows[rows["statistic"] == "net"]
    order = [
        *each[each["attack"] != ALL_ATTACKS].sort_values("estimate", ascending=False)["attack"],
        ALL_ATTACKS,
    ]
    titles = {"net": ("success, net of harmless text", (-1, 1)), "success": ("success", (0, 1))}
    for (name, (title, bounds)), column in zip(titles.items(), st.columns([1.35, 1]), strict=True):
        found = rows[rows["statistic"] == name]
        column.altair_chart(
            forest(
                found,
                name="attack",
                title=title,
                bounds=bounds,
                middle=0,
                kind="kind",
                order=order,
                names=name == "net",
            ),
            alt=f"{title} of each attack",
        )
        column.caption(f"n {between(found['n'])}")
    told = {name: rows_of(chosen.rows(name)) for name in ("attacks", "controls", "not_attacked")}
    for line in (*attack_lines(told), *ATTACK_NOTES):
        st.caption(plain(line))
    with st.expander("Controls: responses that answer nothing"):
        st.dataframe(
            chosen.rows("controls").drop(columns=["dataset"]),
            hide_index=True,
            alt="How often each control response beats a recorded one",
        )
    reasons(rows)
