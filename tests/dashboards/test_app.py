"""Every view of the dashboard in every state that a folder of runs can be in."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.runner import AttackOptions, attack
from evalhub.specs import EngineSpec
from evalhub.store import Run, RunWriter

from ..by_hand import HandWriter

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"
VIEWS = ("views/brief.py", "views/overview.py", "views/judges.py", "views/samples.py")
HOSTILE = (
    "<script>alert(1)</script> ![x](http://evil.example/x.png) [link](http://evil.example)\n\n# loud ` "
    "\x1b[31m \u202e"
)

Open = Callable[..., Any]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a view on the runs of a desk, with query parameters."""
    from streamlit.testing.v1 import AppTest

    def call(runs: Path, view: str, **parameters: str) -> Any:
        # A view can be chosen only after a first run, which is short where there is nothing to draw.
        monkeypatch.setenv("EVALHUB_RUNS", str(APP.parent / "nowhere"))
        page = AppTest.from_file(str(APP), default_timeout=60).run()
        monkeypatch.setenv("EVALHUB_RUNS", str(runs))
        for name, value in parameters.items():
            page.query_params[name] = value
        page = page.switch_page(view).run()
        assert not page.exception, page.exception[0].message
        return page

    return call


def labels(items: int) -> list[dict[str, Any]]:
    pairs = [
        {
            "item_id": f"i{n:03}",
            "criterion": "overall",
            "system_a": "k",
            "system_b": "m",
            "winner": "ab"[n % 2],
        }
        for n in range(items)
    ]
    rated = [
        {"item_id": f"i{n:03}", "criterion": "quality", "system": system, "value": 1.0 + (n + place) % 3}
        for n in range(items)
        for place, system in enumerate(("k", "m"))
    ]
    return [{**one, "annotator": "someone"} for one in [*pairs, *rated]]


def prepared(
    desk: Any, *, prompts: str = "", rules: list[dict[str, Any]] | None = None, **script: Any
) -> Any:
    """Return a desk with a labelled dataset and three judges; every text of it may be hostile."""
    items = [
        {"item_id": f"i{n:03}", "prompt": f"What is {n}? {prompts}", "refs": [f"It is {n} {prompts}"]}
        for n in range(5)
    ]
    responses = [
        {"item_id": one["item_id"], "system": system, "family": "alpha", "text": f"{system} {prompts}"}
        for one in items
        for system in ("k", "m")
    ]
    desk.dataset(items=items, responses=responses, labels=labels(5), card={"title": f"Tiny {prompts}"})
    judge = {
        "model": "toy-judge",
        "families": ["beta"],
        "engine": {"type": "scripted", "script": {"rules": rules or [], **script}},
    }
    desk.suite(
        title=f"A suite {prompts}",
        judges=[
            {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **judge},
            {"id": "ex", "rubric": "pair", "mode": "explain", "pairs": {"by": "all"}, **judge},
            {"id": "pt", "rubric": "rate", **judge},
        ],
        metrics=["length", {"rouge": {"variants": [1], "tokenizer": "unicode"}}],
        controls={"length_penalty": 0.5},
    )
    return desk


@pytest.fixture(scope="module")
def done(shared_desk: Any) -> Run:
    """A run of the prepared desk."""
    with shared_desk() as desk:
        run: Run = prepared(desk).run()
        return run


def texts(page: Any) -> str:
    """Return whatever Markdown or a widget's label would read."""
    read = [
        *page.markdown,
        *page.caption,
        *page.title,
        *page.subheader,
        *page.info,
        *page.warning,
        *page.error,
    ]
    said = [one.value for one in read]
    said += [one.label for one in [*page.selectbox, *page.metric, *page.expander, *page.toggle]]
    return "\n".join(said)


@pytest.mark.parametrize("view", VIEWS)
def test_without_runs_every_view_says_the_command(tmp_path: Path, opened: Open, view: str) -> None:
    page = opened(tmp_path / "nowhere", view)
    assert "There are no runs yet" in page.header[0].value
    assert "evalhub run quickstart" in page.code[0].value


def test_one_run(done: Run, opened: Open) -> None:
    runs = done.path.parent
    page = opened(runs, "views/overview.py")
    assert page.title[0].value == "A suite"
    assert {one.label for one in page.metric} == {
        "Items", "Verdicts of ex", "Verdicts of pt", "Verdicts of pw",
    }  # fmt: skip
    # the win rate, raw and penalised: after one rationale nothing is called soft
    assert len(page.get("vega_lite_chart")) == 2
    judges = opened(runs, "views/judges.py")
    assert [one.value for one in judges.subheader][:2] == [
        "Judge, ROUGE and labels decide the same pairs",
        "Pair by pair",
    ]
    rated = opened(runs, "views/judges.py", labels="quality · human labels")
    assert "Correlation with the labels" in [one.value for one in rated.subheader]
    assert "Response by response" in [one.value for one in rated.subheader]
    sample = opened(runs, "views/samples.py")
    assert sample.selectbox(key="item").options == [f"i{n:03}" for n in range(5)]
    assert done.id in sample.selectbox(key="run").options


@pytest.mark.parametrize("view", VIEWS)
def test_a_run_in_progress_says_so(done: Run, tmp_path: Path, opened: Open, view: str) -> None:
    records = list(done.records())
    facts = done.manifest.model_dump(exclude={"parts", "state", "engines", "coverage", "seconds", "sealed"})
    for place, share in enumerate((0.0, 0.4, 0.9)):
        root = tmp_path / f"live{place}"
        writer = HandWriter(RunWriter.create(root, "live", {**facts, "run": "live"}))
        for record in records[: int(len(records) * share)]:
            writer.append(record)
        page = opened(root, view)
        assert "continues it" in texts(page)
        writer.close()


def test_failures_are_shown_as_what_they_are(desk: Any, opened: Open) -> None:
    prepared(desk, max_length=3)
    with pytest.raises(Exception, match="no valid verdict"):
        desk.run()
    page = opened(desk.runs, "views/overview.py")
    assert any("too_long" in str(frame.value) for frame in page.dataframe)
    assert "No response and no judgment failed" not in texts(page)
    opened(desk.runs, "views/judges.py")
    sample = opened(desk.runs, "views/samples.py")
    assert "no verdict: too_long" in texts(sample)


def test_one_model_in_several_roles_and_settings_is_told_apart(desk: Any, opened: Open) -> None:
    desk.dataset(items=4)
    slow = {"type": "scripted", "script": {"seconds": 0.001}}
    judge = {"rubric": "pair", "model": "toy", "families": ["beta"]}
    desk.suite(
        candidates=[{"id": "bot", "model": "toy", "families": ["gamma"], "engine": "scripted"}],
        judges=[
            {"id": "quick", **judge, "engine": "scripted", "pairs": {"by": "baseline", "baseline": "bot"}},
            {"id": "slow", **judge, "engine": slow, "pairs": {"by": "baseline", "baseline": "bot"}},
        ],
        controls={"cross_family": "allow"},
    )
    run = desk.run()
    assert [engine["serves"] for engine in run.manifest.engines] == [["bot"], ["quick"], ["slow"]]
    page = opened(desk.runs, "views/overview.py")
    (every,) = [frame.value for frame in page.dataframe if "attention_backend" in frame.value.index]
    assert list(every.columns) == ["candidate bot, start 1", "judge quick, start 1", "judge slow, start 1"]
    (used,) = [frame.value for frame in page.dataframe if "serves" in frame.value.columns]
    assert used["serves"].tolist() == ["candidate bot", "judge quick", "judge slow"]


def test_a_link_leads_to_one_judgment(done: Run, opened: Open) -> None:
    page = opened(
        done.path.parent,
        "views/samples.py",
        run=done.id,
        dataset="tiny",
        item="i003",
        judge="ex",
        responses="k / m",
        shown="m first",
    )
    assert page.selectbox(key="item").value == "i003"
    assert page.selectbox(key="judge").value == "ex"
    assert page.selectbox(key="shown").value == "m first"
    said = texts(page)
    assert "Shown as A · m" in said
    assert "Shown as B · k" in said
    assert "Rationale" in said
    assert any("Second response" in one.value for one in page.code)


def test_another_judge_of_the_item_is_one_click_away(done: Run, opened: Open) -> None:
    page = opened(done.path.parent, "views/samples.py", shown="m first")
    page = page.selectbox(key="judge").select("pt").run()
    assert not page.exception
    assert page.selectbox(key="responses").options == ["k", "m"]
    assert "Rating" in [one.label for one in page.metric]
    page = page.selectbox(key="responses").select("m").run()
    assert "Rated · m" in texts(page)


@pytest.mark.parametrize(
    "parameters", [{"run": "gone"}, {"item": "gone"}, {"judge": "gone", "shown": "gone"}]
)
def test_a_stale_link_still_shows_something(done: Run, opened: Open, parameters: dict[str, str]) -> None:
    page = opened(done.path.parent, "views/samples.py", **parameters)
    assert page.selectbox(key="item").value == "i000"
    if "judge" not in parameters:
        assert page.warning


def test_hostile_texts_reach_no_markdown(desk: Any, opened: Open) -> None:
    prepared(desk, prompts=HOSTILE, rules=[{"match": "explain", "text": HOSTILE}]).run()
    for view in VIEWS:
        page = opened(desk.runs, view)
        said = texts(page)
        assert not re.search(r"(?<!\\)(<script|!\[x|\[link|# loud|`)|\x1b|\u202e", said)
    page = opened(desk.runs, "views/samples.py", judge="ex")
    assert any("<script>" in one.value for one in page.text)
    assert any("<script>" in one.value for one in page.code)


def test_a_damaged_run_is_named(desk: Any, opened: Open) -> None:
    run: Run = prepared(desk).run()
    run.files("judgments")[0].path.write_bytes(b"broken")
    page = opened(desk.runs, "views/overview.py")
    assert "cannot be read" in texts(page)


def test_attacks_stand_on_the_judge_s_page(desk: Any, opened: Open) -> None:
    engine = EngineSpec(type="scripted")
    attack(AttackOptions("pair", "j", dataset="tiny", engine=engine, names=("json", "echo"), runs=desk.runs))
    page = opened(desk.runs, "views/judges.py")
    said = texts(page)
    assert "How easily the judge is fooled" in said
    assert "mean net rate" in said
    for view in VIEWS:
        opened(desk.runs, view)
