"""Every view of the dashboard in every state that a folder of runs can be in."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, ratings, rows_of
from evalhub.runner import AttackOptions, attack
from evalhub.scales import Winner
from evalhub.specs import EngineSpec
from evalhub.store import LabelEntry, LabelFile, Run, RunWriter, labels_folder

from ..by_hand import HandWriter
from .desks import APP, Open, prepared

VIEWS = tuple(sorted(f"views/{path.name}" for path in (APP.parent / "views").glob("*.py")))
HOSTILE = (
    "<script>alert(1)</script> ![x](http://evil.example/x.png) [link](http://evil.example)\n\n# loud ` "
    "\x1b[31m \u202e www.evil.example"
)


def texts(page: Any) -> str:
    """Return whatever Markdown or a widget's label would read."""
    elements = [
        *page.markdown,
        *page.caption,
        *page.title,
        *page.subheader,
        *page.info,
        *page.warning,
        *page.error,
    ]
    words = [element.value for element in elements]
    words += [element.label for element in [*page.selectbox, *page.metric, *page.expander, *page.toggle]]
    words += [link.proto.label for link in page.get("page_link")]
    return "\n".join(words)


def passages(page: Any) -> dict[str, str]:
    """Return the texts that stand in passages, by their label."""
    data = [json.loads(element.proto.json) for element in page.get("bidi_component")]
    return {entry["label"]: entry["text"] for entry in data if "label" in entry}


def address(page: Any) -> dict[str, str]:
    """Return what the page puts into the browser's address."""
    data = [json.loads(element.proto.json) for element in page.get("bidi_component")]
    (parameters,) = [entry["parameters"] for entry in data if "parameters" in entry]
    return dict(parameters)


@pytest.mark.parametrize("view", VIEWS)
def test_without_runs_every_view_says_the_command(tmp_path: Path, opened: Open, view: str) -> None:
    page = opened(tmp_path / "nowhere", view)
    assert "There are no runs yet" in page.header[0].value
    assert "evalhub run quickstart" in page.code[0].value


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_a_run_and_pins_it(labelled_run: Run, opened: Open, view: str) -> None:
    page = opened(labelled_run.path.parent, view)
    assert page.title
    assert address(page)["run"] == labelled_run.id
    links = [link.proto.query_string for link in page.get("page_link")]
    assert links
    assert all(f"run={labelled_run.id}" in link for link in links)


def test_the_views_say_what_they_are_for(labelled_run: Run, opened: Open) -> None:
    runs = labelled_run.path.parent
    brief = opened(runs, "views/brief.py")
    assert brief.title[0].value == "A suite"
    assert "May the judge stand in for people?" in texts(brief)
    trust = opened(runs, "views/trust.py")
    assert "Where judge and labels differ" in texts(trust)
    assert any("Cascades" in box.label for box in trust.expander)
    assert "Response by response" in texts(opened(runs, "views/metrics.py"))
    assert "By how much, each with the others held fixed" in texts(opened(runs, "views/biases.py"))
    ranking = opened(runs, "views/ranking.py")
    assert any("panel" in option for option in ranking.selectbox(key="by").options)
    library = opened(runs, "views/library.py")
    assert "{{response_a}}" in passages(library)["User"]
    listed = opened(runs, "views/runs.py")
    assert labelled_run.id in listed.dataframe[0].value["run"].tolist()


def test_a_tag_shows_its_means_beside_all(desk: Any, opened: Open) -> None:
    items = "SELECT item_id, prompt, [if(item_id < 'i002', 'early', 'late')] AS tags FROM items"
    prepared(desk, card={"items": items}).run()
    page = opened(desk.runs, "views/ranking.py", by="pw", tag="late")
    assert "only late" in texts(page)
    page = opened(desk.runs, "views/ranking.py", by="human labels · overall", tag="late")
    assert "This number is counted over all tags" in texts(page)


@pytest.mark.parametrize("view", VIEWS)
def test_a_run_in_progress_says_so(labelled_run: Run, tmp_path: Path, opened: Open, view: str) -> None:
    records = list(labelled_run.records())
    facts = labelled_run.manifest.model_dump(
        exclude={"parts", "state", "engines", "coverage", "seconds", "sealed"}
    )
    for place, share in enumerate((0.0, 0.4, 0.9)):
        root = tmp_path / f"live{place}"
        writer = HandWriter(RunWriter.create(root, "live", {**facts, "run": "live"}))
        for record in records[: int(len(records) * share)]:
            writer.append(record)
        page = opened(root, view)
        assert "continues it" in texts(page)
        assert "is better than" not in texts(page)
        writer.close()


def test_failures_are_shown_as_what_they_are(desk: Any, opened: Open) -> None:
    prepared(desk, max_length=3)
    with pytest.raises(Exception, match="no valid verdict"):
        desk.run()
    assert "too\\_long" in "\n".join(str(table.value) for table in opened(desk.runs, "views/runs.py").table)
    for view in VIEWS:
        opened(desk.runs, view)
    page = opened(desk.runs, "views/samples.py", fail="too_long", judge="pw")
    assert "no verdict" in texts(page)
    assert any(label.startswith("No verdict: too_long") for label in passages(page))


def test_a_link_leads_to_one_sample(labelled_run: Run, opened: Open) -> None:
    page = opened(
        labelled_run.path.parent,
        "views/samples.py",
        run=labelled_run.id,
        data="tiny",
        unit="i003~k~m~0",
        of="ex · overall",
    )
    words = texts(page)
    assert r"i003 · k against m" in words
    assert {"Prompt", "k", "m", "Rationale · k shown first", "Rationale · m shown first"} <= set(
        passages(page)
    )
    assert address(page)["unit"] == "i003~k~m~0"
    assert address(page)["of"] == "ex · overall"
    assert not page.warning


def test_another_judge_of_the_sample_is_one_click_away(labelled_run: Run, opened: Open) -> None:
    page = opened(labelled_run.path.parent, "views/samples.py", unit="i003~k~m~0", of="ex · overall")
    box = next(box for box in page.selectbox if box.label == "Judge" and box.key != "judge")
    page = box.select("pw · overall").run()
    assert not page.exception
    assert address(page)["of"] == "pw · overall"
    assert "Rationale · k shown first" not in passages(page)


def test_keys_step_through_the_list(labelled_run: Run, opened: Open) -> None:
    page = opened(labelled_run.path.parent, "views/samples.py", judge="pw", order="item")
    assert address(page)["unit"] == "i000~k~m~0"
    for place in ("i001", "i002", "i003"):
        page = page.button(key="step on").click().run()
        assert address(page)["unit"] == f"{place}~k~m~0"
    page = page.button(key="step back").click().run()
    assert address(page)["unit"] == "i002~k~m~0"
    assert passages(page)["Prompt"].startswith("What is 2?")


def test_the_prompt_as_sent_is_read_when_it_is_opened(labelled_run: Run, opened: Open) -> None:
    page = opened(labelled_run.path.parent, "views/samples.py", unit="i003~k~m~0", of="pw · overall")
    assert "user" not in passages(page)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"run": "gone"}, "Run “gone”"),
        ({"unit": "gone"}, "Sample “gone”"),
        ({"unit": "gone~k~m~0"}, "Sample “gone”"),
        ({"judge": "gone", "tag": "gone"}, "Judge “gone”"),
        ({"verdict": "won"}, "needs a system"),
        ({"people": "' OR 1=1 --"}, "Verdict and labels"),
    ],
)
def test_what_the_address_says_in_vain_is_dropped_and_said(
    labelled_run: Run, opened: Open, parameters: dict[str, str], sentence: str
) -> None:
    page = opened(labelled_run.path.parent, "views/samples.py", **parameters)
    (warning,) = page.warning
    assert sentence in warning.value.replace("\\", "")


def test_hostile_texts_reach_no_markdown(desk: Any, opened: Open) -> None:
    prepared(desk, prompts=HOSTILE, rules=[{"match": "explain", "text": HOSTILE}]).run()
    for view in VIEWS:
        words = texts(opened(desk.runs, view, q=HOSTILE, judge="ex"))
        assert not re.search(r"(?<!\\)(<script|!\[x|\[link|# loud)|\x1b|\u202e|www\.evil", words), view
    page = opened(desk.runs, "views/samples.py", judge="ex")
    shown = passages(page)
    assert "\u202e" in shown["Prompt"]
    assert "<script>" in shown["Rationale · k shown first"]


def test_a_damaged_run_is_named(desk: Any, opened: Open) -> None:
    run: Run = prepared(desk).run()
    run.files("judgments")[0].path.write_bytes(b"broken")
    page = opened(desk.runs, "views/brief.py")
    assert "cannot be read" in texts(page)


def test_attacks_stand_on_the_page_of_biases(desk: Any, opened: Open) -> None:
    engine = EngineSpec(type="scripted")
    attack(AttackOptions("pair", "j", dataset="tiny", engine=engine, names=("json", "echo"), runs=desk.runs))
    words = texts(opened(desk.runs, "views/biases.py"))
    assert "How easily the judge is fooled" in words
    assert "mean net rate" in words
    for view in VIEWS:
        opened(desk.runs, view)


def test_labels_that_people_add_are_on_every_page_at_once(desk: Any, opened: Open) -> None:
    items = [{"item_id": f"i{n}", "prompt": f"What is {n}?"} for n in range(6)]
    responses = [
        {"item_id": item["item_id"], "system": name, "family": "alpha", "text": f"{name} says so"}
        for item in items
        for name in ("k", "m")
    ]
    desk.dataset(items=items, responses=responses)
    judge = {
        "rubric": "pair",
        "model": "j",
        "families": ["beta"],
        "engine": "scripted",
        "pairs": {"by": "all"},
    }
    desk.suite(judges=[{"id": "pw", **judge}])
    run: Run = desk.run()
    assert "has no labels" in texts(opened(desk.runs, "views/metrics.py"))
    file = LabelFile(labels_folder(desk.runs), "ada")
    for n in range(4):
        file.append(
            LabelEntry(
                queue="q", dataset="tiny", criterion="overall", item_id=f"i{n}", annotator="ada",
                system_a="k", system_b="m", winner=Winner("ab"[n % 2]),
            )
        )  # fmt: skip
    page = opened(desk.runs, "views/samples.py", run=run.id, people="labelled")
    assert "**4** verdicts" in texts(page)


def test_a_jury_has_no_verdicts_of_its_own_to_list(labelled_run: Run, opened: Open) -> None:
    for view in ("views/trust.py", "views/compare.py"):
        boxes = [
            box.options for box in opened(labelled_run.path.parent, view).selectbox if box.key == "judged"
        ]
        assert boxes
        assert not any("panel" in option for options in boxes for option in options)


RUBRIC_WORST_LAST = """---
id: backwards
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: How good it is.}
scale: {3: wrong, 2: fair, 1: right}
---
## User
{{question}}
{{response}}
{{scale}}
"""


def test_a_lower_rating_may_be_the_better(desk: Any, opened: Open) -> None:
    desk.rubric("backwards", RUBRIC_WORST_LAST)
    desk.dataset(items=6)
    rules = [{"match": "k says", "text": "1"}, {"match": "m says", "text": "3"}]
    engine = {"type": "scripted", "script": {"rules": rules}}
    judge = {"id": "pt", "rubric": "backwards", "model": "j", "families": ["beta"], "engine": engine}
    desk.suite(judges=[judge])
    run: Run = desk.run()
    rows = {(row["item_id"], row["system"]): row["value"] for row in rows_of(ratings(Results(run)))}
    lower = sum(rows[f"i{n:03}", "k"] < rows[f"i{n:03}", "m"] for n in range(6))
    words = texts(opened(desk.runs, "views/compare.py", a="k", b="m"))
    assert f"k is better on {lower} items" in words
