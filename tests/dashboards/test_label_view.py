"""The page about queues in the full dashboard: a queue is made, and its progress is shown in counts alone."""

from pathlib import Path
from typing import Any

import pytest

from evalhub.scales import Winner
from evalhub.store import (
    Answer,
    LabelSession,
    labels_folder,
    queues_folder,
    read_queue,
    showings,
)

from ..conftest import PAIR_JUDGE, RATE_JUDGE

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"


@pytest.fixture
def page(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page, of a run of two judges that nobody labelled."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    st.cache_resource.clear()
    desk.dataset(items=30)
    desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE])
    desk.run()
    monkeypatch.setenv("EVALHUB_RUNS", str(desk.runs))
    return run(AppTest.from_file(str(APP), default_timeout=60).run().switch_page("views/label.py"))


def run(page: Any) -> Any:
    page = page.run()
    assert not page.exception, page.exception[0].message
    return page


def texts(page: Any) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption, *page.error, *page.success])


def draw(page: Any) -> Any:
    return run(page.button(key="queue draw").click())


def test_a_queue_is_made_and_its_command_is_said(desk: Any, page: Any) -> None:
    assert "Verdicts are a click away" in page.warning[0].value
    assert page.selectbox(key="queue judge").options == ["pt · quality", "pw · overall"]
    page.selectbox(key="queue judge").select("pw · overall")
    page.number_input(key="queue units").set_value(10)
    page = draw(page)
    (path,) = queues_folder(desk.runs).glob("*.jsonl")
    assert path.name.startswith("tiny-overall-2")
    assert "pw" not in path.name
    assert len(read_queue(path).units) == 10
    assert f"evalhub label {path} --runs {desk.runs}" in [block.value for block in page.code]
    assert "Nobody began yet" in texts(page)


def test_too_few_units_are_refused(desk: Any, page: Any) -> None:
    page.number_input(key="queue units").set_value(1)
    assert "too few" in texts(draw(page))
    assert not queues_folder(desk.runs).exists()


def test_progress_is_shown_in_counts(desk: Any, page: Any) -> None:
    page.selectbox(key="queue judge").select("pw · overall")
    page = draw(page)
    (path,) = queues_folder(desk.runs).glob("*.jsonl")
    queue = read_queue(path)
    for name, winners in (("ann", "aab"), ("bea", "abb")):
        order = showings(queue, name)
        work = LabelSession(folder=labels_folder(desk.runs), queue=queue.name, annotator=name, showings=order)
        for showing, winner in zip(order, winners, strict=False):
            work.decide(showing, Answer(winner=Winner(winner)))
    (path.parent / "broken.jsonl").write_text("{")
    page = run(page)
    assert "broken\\.jsonl is no queue" in texts(page)
    (table,) = [element.value for element in page.table if "annotator" in element.value.columns]
    assert table["labelled"].tolist() == ["3 of 30", "3 of 30"]
    assert "Annotators differ on 1" in texts(page)
    assert any(block.value.endswith("--adjudicate") for block in page.code)
    assert "How far people agree" in [box.label for box in page.expander]
