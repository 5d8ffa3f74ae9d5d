"""What pulls a judge's verdicts, and what fools it?"""

from collections.abc import Sequence

import streamlit as st
from context import Context
from parts.sections import show_findings, show_plots, show_sections
from parts.text import plain

from evalhub.analysis.bias.bias import ALL_JUDGES, HARD
from evalhub.analysis.findings.finding import Question
from evalhub.report.format import Row
from evalhub.report.grids.attacks import ATTACK_NOTES, attack_lines
from evalhub.report.plots.estimates import attack_plots, bias_plots
from evalhub.report.tables.places import Place

context: Context = st.session_state["context"]


def show_biases(rows: Sequence[Row]) -> None:
    """Draw the rates of each judge, and the effect of each bias with the others held fixed."""
    of_judges = [row for row in rows if row["judge"] != ALL_JUDGES]
    rates = [row for row in of_judges if (row["reading"], row["statistic"]) == (HARD, "rate")]
    effects = [row for row in of_judges if (row["reading"], row["statistic"]) == (HARD, "effect")]
    if rates:
        st.subheader("How often", anchor=False)
        show_plots(bias_plots(rates, "rate"), across=3)
        st.caption(
            "On the dashed line there is no bias. People may prefer longer responses too: the table below "
            "has the same rate of people."
        )
    if effects:
        st.subheader("By how much, each with the others held fixed", anchor=False)
        show_plots(bias_plots(effects, "effect"), across=3)
        st.caption("In percentage points of the win rate.")


def show_attacks() -> None:
    """Draw how often each attack wins a verdict that a placebo does not win."""
    rows = context.rows("attacks")
    if not rows:
        return
    st.subheader("How easily the judge is fooled", anchor=False)
    show_plots(attack_plots(rows))
    tables = context.data(("attacks", "controls", "unattacked_items"))
    for line in (*attack_lines(tables), *ATTACK_NOTES):
        st.caption(plain(line))


st.title("Biases", anchor=False)
show_findings(context, Question.BIAS, Question.ATTACKS)
if not context.rows("biases") and not context.rows("attacks"):
    st.info("Biases are measured on pairs. No judge of this run compares two responses on this dataset.")
show_biases(context.rows("biases"))
show_attacks()
show_sections(context, Place.BIASES_VIEW)
