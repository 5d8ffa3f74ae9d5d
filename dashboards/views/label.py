"""A page that is not written yet."""

import streamlit as st

st.title("label", anchor=False)
