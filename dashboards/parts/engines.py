"""What the engines of a run really used and did."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from context import Context
from parts.sections import show_table

_FACTS = {
    "serves": "for", "start": "start", "model": "model", "engine": "engine", "version": "version",
    "platform": "platform", "attention_backend": "attention", "kv_block_size": "KV block", "dtype": "dtype",
    "logprobs": "log-probabilities", "token_limit": "length sent as", "unsent": "not sent",
    "hit_rate": "prefix cache", "prompt_tokens": "tokens in", "completion_tokens": "tokens out",
    "requests": "requests", "seconds_busy": "seconds busy", "seconds_start": "seconds to start",
}  # fmt: skip
"""The facts that are shown at first, as people call them. A fact that no engine has is left out."""


def show_engines(context: Context) -> None:
    """Show the engines' facts, and which completions came from earlier runs."""
    engines, reused = context.table("engines"), context.table("reused_completions")
    st.subheader("Engines, as really used", anchor=False)
    if not engines:
        st.caption(
            "No engine was started for this run."
            if context.run.finished
            else "An engine's facts are written when it ends."
        )
    else:
        names = [name for name in _FACTS if any(row.get(name) is not None for row in engines)]
        rows = [{_FACTS[name]: _text(row.get(name)) for name in names} for row in engines]
        show_table(rows, alt="What each engine really used and did")
        with st.expander("Every fact", on_change="rerun", key="engine facts") as box:
            if box.open:
                heads = [f"{row['serves']}, start {row['start']}" for row in engines]
                facts = pd.DataFrame(engines, index=heads).T.rename_axis("fact").reset_index()
                show_table(facts.map(_text).to_dict("records"), alt="Every fact of every engine")  # type: ignore[arg-type]
    if reused:
        st.caption("Completions taken from earlier runs of the same requests:")
        show_table(
            [{name: _text(value) for name, value in row.items()} for row in reused], alt="Reused completions"
        )


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
