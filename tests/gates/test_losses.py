"""The items on which a gated system lost most: which they are, and what stands beside them."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from evalhub.analysis import BASELINE_TAG, Results
from evalhub.gates import kept_losses, largest_losses
from evalhub.night import run_night
from evalhub.runner import Options
from evalhub.store import all_runs, set_tags
from tests.conftest import RATE

from .test_gates import GATE, ITEMS, answers, judge

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e &amp;"


@pytest.fixture
def nights(desk: Any) -> Any:
    """Run the baseline and a later night: from the answers of k on both, to the losses of the later one."""

    def run(before: list[dict[str, Any]], after: list[dict[str, Any]], *gates: Any, **suite: Any) -> Results:
        results = None
        data = suite.pop("data", {})
        for rows, reports in ((before, False), (after, True)):
            desk.dataset(items=len({row["item_id"] for row in rows}), responses=rows, **data)
            desk.suite(**{"judges": [judge()], "gates": list(gates or (GATE,)), **suite})
            results = run_night("s", Options(runs=desk.runs), reports=reports).results
            set_tags(all_runs(desk.runs)[-1], [BASELINE_TAG])
        assert results is not None
        return results

    return run


def changed(rows: list[dict[str, Any]], words: dict[str, str]) -> list[dict[str, Any]]:
    """Return answers of which k gives some items other ones."""
    return [
        {**row, "text": words[row["item_id"]]} if row["system"] == "k" and row["item_id"] in words else row
        for row in rows
    ]


def test_the_largest_losses_come_first_with_both_answers(nights: Any) -> None:
    plain = changed(answers(1, 0.7), {f"i{n:03}": f"all good {n}" for n in range(ITEMS)})
    # 3 is good, 1 is bad, and whatever is neither gets a level by chance.
    bad = {f"i{n:03}": f"now bad {n}" for n in range(100, 220)}
    results = nights(plain, changed(plain, bad))
    losses = largest_losses(results)
    assert [loss["item_id"] for loss in losses] == [f"i{n}" for n in range(100, 110)]
    newest, oldest = all_runs(results.run.path.parent)
    for loss in losses:
        n = int(loss["item_id"][1:])
        assert loss["loss"] == 2
        assert (loss["state"], loss["system"], loss["rater"], loss["measure"]) == (
            "fail",
            "k",
            "pt",
            "mean score",
        )
        assert "got worse" in loss["sentence"]
        assert loss["prompt"] == f"What is {n} plus {n}?"
        assert loss["before"] == {
            "run": oldest.id, "outcome": 3, "sample": 0, "other": None, "text": f"all good {n}",
            "rationale": None,
        }  # fmt: skip
        assert (loss["now"]["run"], loss["now"]["outcome"]) == (newest.id, 1)
        assert loss["now"]["text"] == f"now bad {n}"


def test_a_run_without_a_loss_shows_none(nights: Any, desk: Any) -> None:
    results = nights(answers(1, 0.7), answers(2, 0.7), {**GATE, "against": 2.0}, GATE)
    assert largest_losses(results) == []
    page = (results.run.path / "report.html").read_text()
    assert "Where it got worse" not in page
    assert json.loads((results.run.path / "report.json").read_text())["regressions"] == []


def test_gates_take_turns_and_failed_ones_come_first(nights: Any) -> None:
    """ROUGE-1 falls too, and an undecided gate of a tag would show other items."""
    items = (
        f"SELECT item_id, prompt, refs, [if(item_id < 'i{ITEMS - 3}', 'early', 'late')] AS tags FROM items"
    )
    text = {f"i{n:03}": f"It is {2 * n} good" for n in range(ITEMS)}
    before = changed(answers(1, 0.7), text)
    after = changed(before, {f"i{n:03}": "bad" for n in [*range(150), ITEMS - 1]})
    rouge = {"system": "k", "measure": "rouge1", "margin": 0.1, "sd": 0.3}
    late = {**GATE, "tag": "late", "margin": 1.9, "sd": 0.1}
    results = nights(
        before,
        after,
        late,
        GATE,
        rouge,
        metrics=[{"rouge": {"variants": [1]}}],
        data={"card": {"items": items}},
    )
    losses = largest_losses(results)
    assert len(losses) == 10
    assert {loss["state"] for loss in losses} == {"fail"}
    measures = [loss["measure"] for loss in losses]
    assert measures == ["mean score"] * 5 + ["rouge1"] * 5
    assert len({loss["item_id"] for loss in losses}) == 10


def test_an_undecided_gate_shows_its_losses(nights: Any) -> None:
    before = changed(answers(1, 0.7), {f"i{n:03}": "good" for n in range(ITEMS)})
    results = nights(before, changed(before, {"i007": "bad"}), {**GATE, "margin": 0.001, "sd": 0.001})
    (loss,) = largest_losses(results)
    assert (loss["item_id"], loss["state"]) == ("i007", "inconclusive")


def test_a_scale_of_which_less_is_better(nights: Any, desk: Any) -> None:
    desk.rubric("rate", RATE.replace("{1: wrong, 2: fair, 3: right}", "{3: wrong, 2: fair, 1: right}"))
    rules = [{"match": "good", "choice": "1"}, {"match": "bad", "choice": "3"}]
    reverse = judge(engine={"type": "scripted", "script": {"rules": rules}})
    before = changed(answers(1, 0.7), {f"i{n:03}": "good" for n in range(300)} | {"i350": "bad"})
    after = changed(before, {f"i{n:03}": "bad" for n in range(200)} | {"i350": "good"})
    losses = largest_losses(nights(before, after, judges=[reverse]))
    assert [loss["item_id"] for loss in losses] == [f"i{n:03}" for n in range(10)]
    assert {(loss["before"]["outcome"], loss["now"]["outcome"], loss["loss"]) for loss in losses} == {
        (1, 3, 2)
    }


def test_a_pair_says_against_whom_and_why(nights: Any) -> None:
    explain = {
        "id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "mode": "think", "model": "j",
        "families": ["beta"],
    }  # fmt: skip
    rules = [
        {"match": rf"{place} response:\W+THE {word}", "reasoning": f"because {word} {HOSTILE}", "choice": x}
        for place, word, x in (
            ("First", "GOOD", "A"), ("First", "BAD", "B"), ("Second", "GOOD", "B"), ("Second", "BAD", "A"),
        )
    ]  # fmt: skip
    engine = {"type": "scripted", "script": {"rules": rules}}
    before = changed(answers(1, 0.7), {f"i{n:03}": f"THE GOOD {n}" for n in range(ITEMS)})
    after = changed(before, {f"i{n:03}": f"THE BAD {HOSTILE} {n}" for n in range(ITEMS // 2)})
    gate = {"system": "k", "measure": "win rate", "margin": 0.2}
    results = nights(before, after, gate, judges=[{**explain, "engine": engine}])
    losses = largest_losses(results)
    assert [loss["item_id"] for loss in losses] == [f"i{n:03}" for n in range(10)]
    for loss in losses:
        assert (loss["before"]["outcome"], loss["now"]["outcome"]) == (1, 0)
        assert loss["before"]["other"] == loss["now"]["other"] == "m"
        assert loss["before"]["rationale"].startswith("because GOOD")
        assert loss["now"]["rationale"].startswith("because BAD")
    page = (results.run.path / "report.html").read_text()
    assert "Where it got worse" in page
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    shown = texts_of(page)
    assert any("THE BAD <script>alert(1)</script>" in text for text in shown)
    assert any("because BAD <script>" in text for text in shown)
    assert any(text.startswith("k: win rate 1.00 → 0.00") for text in shown)
    report = json.loads((results.run.path / "report.json").read_text())
    assert report["regressions"] == losses


def texts_of(page: str) -> list[str]:
    """Return the texts that a browser shows of a page."""
    texts: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            texts.append(data)

    Reader().feed(page)
    return texts


def test_several_samples_show_the_one_that_lost(nights: Any) -> None:
    """The answer with the worst outcome now stands beside the best one of the baseline."""
    query = "SELECT item_id, system, family, text, if(text LIKE 'second%', 1, 0) AS sample FROM responses"

    def both(first: str, second: str) -> list[dict[str, Any]]:
        return [
            {"item_id": f"i{n:03}", "system": "k", "family": "alpha", "text": f"{place} {word} {n}"}
            for n in range(200)
            for place, word in (("first", first), ("second", second))
        ]

    data = {"card": {"responses": query}}
    before, after = both("bad", "good"), both("bad", "bad")
    results = nights(before, after, {**GATE, "margin": 0.5}, data=data)
    losses = largest_losses(results)
    assert len(losses) == 10
    for loss in losses:
        assert (loss["before"]["outcome"], loss["now"]["outcome"]) == (2, 1)
        assert (loss["before"]["sample"], loss["now"]["sample"]) == (1, 0)
        assert loss["before"]["text"].startswith("second good")
        assert loss["now"]["text"].startswith("first bad")


def test_a_damaged_file_of_losses_is_left_out(nights: Any, cli: Any) -> None:
    before = changed(answers(1, 0.7), {f"i{n:03}": "good" for n in range(ITEMS)})
    results = nights(before, changed(before, {f"i{n:03}": "bad" for n in range(200)}))
    assert len(kept_losses(results.run)) == 10
    file = results.run.path / "losses.json"
    # What was kept is shown, also where the baseline is gone.
    (all_runs(results.run.path.parent)[-1].path / "manifest.json").unlink()
    assert len(json.loads(cli("report", results.run.id, "--json").out)["regressions"]) == 10
    (row, *_) = json.loads(file.read_text())
    damaged = (json.dumps([{**row, "now": None}]), json.dumps([{**row, "before": {}}]))
    for text in ("[1]", "[{}]", "{}", "no json", *damaged):
        file.write_text(text)
        assert kept_losses(results.run) == [], text
    assert cli("report", results.run.id).code == 0


def test_a_baseline_that_is_gone_shows_nothing(nights: Any) -> None:
    before = changed(answers(1, 0.7), {f"i{n:03}": "good" for n in range(ITEMS)})
    results = nights(before, changed(before, {f"i{n:03}": "bad" for n in range(200)}))
    assert len(largest_losses(results)) == 10
    baseline = all_runs(results.run.path.parent)[-1]
    for file in baseline.files("judgments"):
        file.path.unlink()
        file.path.write_bytes(b"broken")
    for path in baseline.path.glob("parts/judgments-*/facts/*"):
        path.unlink()
    assert largest_losses(results) == []
    (baseline.path / "manifest.json").unlink()
    assert largest_losses(results) == []
