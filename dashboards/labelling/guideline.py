"""What annotators are told: the question, the possible answers, and how the page is used."""

import streamlit as st
from parts.label_answers import HELP, options_of
from parts.label_work import PAGES, Work
from parts.text import passage, plain

work: Work = st.session_state["work"]
guideline = work.task.guideline

st.page_link(PAGES["label"], label="Back to labelling", icon=":material/arrow_back:")
st.title(plain(guideline.title) if guideline.title else "Guideline", anchor=False)
if guideline.version:
    st.caption(f"Guideline {plain(guideline.version)}")
if guideline.criterion:
    passage(guideline.criterion, "What counts", key="criterion", lines=30)
if guideline.instructions:
    passage(guideline.instructions, "Instructions", key="instructions", lines=30)
if not guideline.criterion:
    st.text("Neither the queue nor a run says what counts. Ask whoever gave you the queue.")
st.subheader("Answers", anchor=False)
st.markdown("\n".join(f"- `{option.key or '–'}` {plain(option.label)}" for option in options_of(work)))
if guideline.range and not guideline.levels:
    st.text(f"Any number from {guideline.range[0]:g} to {guideline.range[1]:g}.")
st.subheader("How to label", anchor=False)
st.markdown(HELP)
