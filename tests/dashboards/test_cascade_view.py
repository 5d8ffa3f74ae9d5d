"""The judges' page of a run with a cascade."""

from pathlib import Path
from typing import Any

import pytest

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"
JUDGE = {
    "id": "pw", "rubric": "pair", "model": "j", "engine": "scripted", "families": ["beta"],
    "pairs": {"by": "all"},
}  # fmt: skip


def test_who_decides_what(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    st.cache_data.clear()
    st.cache_resource.clear()
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
         "winner": "ab"[n % 2]}
        for n in range(5)
    ]  # fmt: skip
    desk.dataset(items=5, labels=labels)
    desk.suite(judges=[JUDGE], cascades=[{"id": "sure_first", "stages": ["pw"]}])
    desk.run()
    monkeypatch.setenv("EVALHUB_RUNS", str(desk.runs))
    page = AppTest.from_file(str(APP), default_timeout=60).run().switch_page("views/judges.py").run()
    assert not page.exception, page.exception[0].message
    assert {"Cascades: who decides what", "When a judge is sure, is it right?"} <= {
        one.value for one in page.subheader
    }
    said = " ".join(one.value for one in [*page.markdown, *page.caption])
    assert r"sure\_first: judges shall agree with the labels on at least 80%" in said
    assert "the tests start at 30" in said
    assert "half of the clusters of items" in said
    stages = next(one.value for one in page.dataframe if "threshold" in one.value)
    assert list(stages["stage"]) == ["pw", "people"]
