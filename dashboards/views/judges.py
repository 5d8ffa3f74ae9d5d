"""Can the judge be trusted: judges, metrics and labels of the same responses side by side."""

import pandas as pd
import streamlit as st
from loading import Chosen
from sections.instrument import attacks, biases, calibration, cascades
from sections.people import agreement, correlation, pairs, responses

chosen: Chosen = st.session_state["chosen"]


def held_against() -> tuple[str, str] | None:
    """Let a labelled criterion be chosen; None where the dataset has no labels."""
    labels = [
        chosen.rows(name)[["label_criterion", "annotator_kind"]] for name in ("agreement", "correlations")
    ]
    criteria: list[tuple[str, str]] = list(
        dict.fromkeys(pd.concat(labels).itertuples(index=False, name=None))
    )
    if not criteria:
        return None
    choices = {f"{criterion} · {kind} labels": (criterion, kind) for criterion, kind in criteria}
    choice = st.selectbox("Held against", list(choices), key="labels", bind="query-params")
    return choices.get(choice, criteria[0])


st.title("Judges and people", anchor=False)
against = held_against()
if against is None:
    st.info("This dataset has no labels in the run, so nothing can be held against people.")
else:
    if against[1] == "constructed":
        st.caption("These labels are constructed: true by construction, not people's opinions.")
    agreement(chosen, against)
    cascades(chosen, against)
    correlation(chosen, against)
    responses(chosen, against)
    pairs(chosen, against)
    calibration(chosen, against)
if "attack" in chosen.run.manifest:
    attacks(chosen)
else:
    biases(chosen)
