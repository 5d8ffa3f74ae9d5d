"""A system that thinks is measured by its answer alone, whether it was recorded or answers here."""

from typing import Any

import pytest

from evalhub.analysis import Results, coverage, failures, rows_of
from evalhub.records import FailureKind, Judgment, Response
from evalhub.store import Run

JUDGE = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}
SAYS = "<think>\nTwice {n}.\n</think>\n\nIt is {n}"


def bot(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    engine = {"type": "scripted", "script": {"rules": list(rules)}}
    return {"id": "bot", "model": "b", "engine": engine, "families": ["alpha"], **more}


def of(run: Run, system: str) -> list[Response]:
    return [one for one in run.records("responses") if isinstance(one, Response) and one.system == system]


def test_recorded_and_generated_answers_are_split_alike(desk: Any) -> None:
    texts = {"plain": "It is {n}", "thinker": SAYS, "cut": "<think>\nTwice {n}"}
    desk.dataset(
        items=[{"item_id": f"i{n}", "prompt": f"Which? {n}", "refs": [f"It is {n}"]} for n in range(3)],
        responses=[
            {"item_id": f"i{n}", "system": system, "family": "alpha", "text": text.format(n=n)}
            for n in range(3)
            for system, text in texts.items()
        ],
    )
    rules = [{"match": f"Which. {n}$", "text": SAYS.format(n=n)} for n in range(2)]
    desk.suite(
        candidates=[bot(*rules, {"match": "2$", "text": "<think> Well"})],
        judges=[JUDGE],
        metrics=["exact_match", {"rouge": {"variants": [1]}}, "length"],
        controls={"min_coverage": 0},
    )
    run = desk.run()
    assert [one.text for one in of(run, "thinker")] == [one.text for one in of(run, "plain")]
    assert [one.reasoning for one in of(run, "thinker")] == ["Twice 0.", "Twice 1.", "Twice 2."]
    assert [one.text for one in of(run, "bot")] == ["It is 0", "It is 1", None]
    assert of(run, "bot")[2].reasoning == "Well"
    scores = Results(run).scores()
    means = (
        scores[scores["metric"].isin(["exact_match", "rouge1"])]
        .groupby("system")["value"]
        .agg(["mean", "size"])
    )
    assert means.to_dict("index") == {
        "bot": {"mean": 1.0, "size": 4},
        "plain": {"mean": 1.0, "size": 6},
        "thinker": {"mean": 1.0, "size": 6},
    }
    judged = [one for one in run.records("judgments") if isinstance(one, Judgment)]
    assert {one.system: one.failure for one in judged if one.item_id == "i2"} == {
        "bot": FailureKind.TRUNCATED, "cut": FailureKind.TRUNCATED, "plain": None, "thinker": None,
    }  # fmt: skip
    seen = Results(run).completions()["messages"].str.cat()
    assert "Twice" not in seen
    failed = {
        (row["stage"], row["source"], row["example"]): row["n"] for row in rows_of(failures(Results(run)))
    }
    recorded = "the recorded answer ends while it still thinks"
    generated = "the answer ends while it still thinks (max_tokens 256)"
    assert failed == {
        ("judgment", "pt", f"the system cut gave no response: {recorded}"): 3,
        ("judgment", "pt", f"the system bot gave no response: {generated}"): 1,
        ("response", "cut", recorded): 3,
        ("response", "bot", generated): 1,
    }
    told = {row["statistic"]: (row["estimate"], row["expected"]) for row in rows_of(coverage(Results(run)))}
    assert told["coverage"] == (pytest.approx(8 / 12), 12)


@pytest.mark.parametrize(
    ("think", "says", "text", "reasoning"),
    [
        ({"open": "[THINK]"}, "[THINK]a b[/THINK]c", "c", "a b"),
        ({"opened": True}, "a b</think> c", "c", "a b"),
        ("none", "<think>a</think> c", "<think>a</think> c", None),
    ],
)
def test_a_candidate_names_its_tags(
    desk: Any, think: Any, says: str, text: str, reasoning: str | None
) -> None:
    desk.suite(candidates=[bot({"text": says}, think=think)], metrics=["length"])
    run = desk.run()
    assert {(one.text, one.reasoning, one.chars) for one in of(run, "bot")} == {(text, reasoning, len(text))}


def test_other_tags_ask_anew(desk: Any) -> None:
    desk.suite(candidates=[bot({"text": "<x>a</x>b"})])
    assert {one.text for one in of(desk.run(), "bot")} == {"<x>a</x>b"}
    desk.suite(candidates=[bot({"text": "<x>a</x>b"}, think={"open": "<x>"})])
    assert {one.text for one in of(desk.run(), "bot")} == {"b"}


def test_thoughts_of_an_earlier_turn_are_not_sent_back(desk: Any) -> None:
    turns = "SELECT item_id, [prompt, 'And why?'] AS turns FROM items"
    desk.dataset(
        items=[{"item_id": "i0", "prompt": "Which?"}, {"item_id": "i1", "prompt": "Who?"}],
        card={"items": turns},
    )
    rules = [
        {"match": "Which", "text": "<think>one</think>First."},
        {"match": "Who", "text": "<think>cut"},
        {"match": "why", "text": "<think>two</think>Second."},
    ]
    desk.suite(candidates=[bot(*rules)], judges=[], metrics=["length"], controls={"min_coverage": 0})
    run = desk.run()
    whole, cut = of(run, "bot")
    assert (whole.turns, whole.text, whole.reasoning) == (("First.", "Second."), "Second.", "one\n\ntwo")
    assert (cut.turns, cut.text, cut.reasoning, cut.failure) == ((), None, "cut", FailureKind.TRUNCATED)
    sent = Results(run).completions()["messages"]
    assert not any("one" in text or "two" in text for text in sent)
