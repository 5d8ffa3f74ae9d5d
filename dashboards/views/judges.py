"""Can the judge be trusted: judges, metrics and labels of the same responses side by side."""

import pandas as pd
import streamlit as st
from loading import Selection
from sections.instrument import attacks, biases, calibration, cascades
from sections.people import agreement, correlation, pairs, responses

selection: Selection = st.session_state["selection"]


def choose_labels() -> tuple[str, str] | None:
    """Let the reader choose a labelled criterion. Return None where the dataset has no labels."""
    labels = [
        selection.rows(name)[["label_criterion", "annotator_kind"]] for name in ("agreement", "correlations")
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
label_keys = choose_labels()
if label_keys is None:
    st.info("This dataset has no labels in the run, so nothing can be held against people.")
else:
    if label_keys[1] == "constructed":
        st.caption("These labels are constructed: true by construction, not people's opinions.")
    agreement(selection, label_keys)
    cascades(selection, label_keys)
    correlation(selection, label_keys)
    responses(selection, label_keys)
    pairs(selection, label_keys)
    calibration(selection, label_keys)
attacks(selection)
biases(selection)
