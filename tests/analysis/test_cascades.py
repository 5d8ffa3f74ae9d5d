"""Cascades of a scripted run: a cheap judge who is sure of half the pairs, and a strong one."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, cascades, rows_of
from evalhub.analysis.run.cascades import ALL_STAGES, PEOPLE
from evalhub.records import Completion, Record
from evalhub.report import print_report, report_data
from evalhub.report.outputs.page import report_page

Write = Callable[..., Results]
LOGS = {share: {"A": math.log(share), "B": math.log(1 - share)} for share in (0.95, 0.9, 0.1, 0.05)}


def rules(*likes: tuple[str, str, float]) -> list[dict[str, Any]]:
    """Return a script that prefers the first of two texts wherever it stands; else the place decides."""
    records = []
    for better, worse, share in likes:
        records += [
            {"match": f"(?s){better}.*{worse}", "logprobs": LOGS[share]},
            {"match": f"(?s){worse}.*{better}", "logprobs": LOGS[round(1 - share, 2)]},
        ]
    return [*records, {"logprobs": LOGS[0.9]}]


CHEAP = rules(("clearly good", "clearly bad", 0.95))
STRONG = rules(("clearly good", "clearly bad", 0.95), ("subtly good", "subtly bad", 0.9))


def judge(name: str, script: list[dict[str, Any]], model: str | None = None) -> dict[str, Any]:
    return {
        "id": name, "rubric": "pair", "model": model or f"toy-{name}", "families": ["beta"],
        "engine": {"type": "scripted", "script": {"rules": script, "seconds": 0.001}}, "pairs": {"by": "all"},
    }  # fmt: skip


def labelled(desk: Any, items: int = 160, *, label: bool = True, ties: int = 0) -> None:
    """Write pairs of which every second one is easy; people take k's good text, and twice they do not."""
    kinds = {f"i{n:03}": "clearly" if n % 2 == 0 else "subtly" for n in range(items)}
    responses = [
        {"item_id": item, "system": system, "family": "alpha", "text": f"{kind} {word}"}
        for item, kind in kinds.items()
        for system, word in (("k", "good"), ("m", "bad"))
    ]
    labels = [
        {
            "item_id": item, "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
            "winner": "tie" if n < ties else "b" if n in (20, 60) else "a",
        }
        for n, item in enumerate(kinds)
    ]  # fmt: skip
    desk.dataset(items=[{"item_id": item, "prompt": "Which?"} for item in kinds], responses=responses,
                 labels=labels if label else ())  # fmt: skip


def found(results: Results, statistic: str = "share") -> dict[str, dict[str, Any]]:
    return {row["stage"]: row for row in rows_of(cascades(results)) if row["statistic"] == statistic}


@pytest.fixture(scope="module")
def two(shared_desk: Any) -> Results:
    """A run with a cascade of two judges."""
    with shared_desk() as desk:
        labelled(desk)
        desk.suite(
            judges=[judge("cheap", CHEAP), judge("strong", STRONG)],
            cascades=[{"id": "both", "stages": ["cheap", "strong"]}],
        )
        return Results(desk.run())


def test_each_stage_decides_what_it_is_sure_of(two: Results) -> None:
    shares, agreements = found(two), found(two, "agreement")
    assert list(shares) == ["cheap", "strong", ALL_STAGES, PEOPLE]
    cheap, strong, all_stages, people = shares.values()
    assert cheap["threshold"] == pytest.approx(0.95)
    assert strong["threshold"] == pytest.approx(0.9)
    assert (cheap["calibrated_on"], cheap["asked"]) == (80, 80)
    assert cheap["tests_start"] == 30
    assert 0 < cheap["disagreement_bound"] <= 0.2
    assert (all_stages["disagreement_bound"], people["tests_start"]) == (None, None)
    assert cheap["decided"] + strong["decided"] == 80 == all_stages["decided"]
    assert strong["asked"] == 80 - cheap["decided"] == strong["decided"]
    assert (people["decided"], people["estimate"]) == (0, 0)
    assert cheap["estimate"] == cheap["decided"] / 80
    assert cheap["low"] < cheap["estimate"] < cheap["high"]
    assert agreements["strong"]["estimate"] == 1
    assert PEOPLE not in agreements
    assert agreements["cheap"]["n"] == cheap["decided"]
    assert agreements["cheap"]["estimate"] >= 0.9
    assert {row["promised_agreement"] for row in shares.values()} == {0.8}
    assert {row["annotator_kind"] for row in shares.values()} == {"human"}


def test_the_cost_is_that_of_escalation(two: Results) -> None:
    cheap, strong, all_stages, people = found(two).values()
    # 80 pairs in two orders each for the cheap one, and what is left for the strong one
    assert cheap["judgments"] == 160 / cheap["decided"]
    assert strong["judgments"] == 2
    assert all_stages["judgments"] == (160 + 2 * strong["asked"]) / 80
    prompt_tokens = two.sql("SELECT avg(prompt_tokens) AS words FROM completions WHERE model = 'toy-strong'")
    assert strong["tokens_in"] == pytest.approx(2 * prompt_tokens["words"][0], rel=0.01)
    assert strong["tokens_out"] == 2
    assert cheap["seconds"] > 0
    assert all_stages["seconds"] == pytest.approx(
        (cheap["seconds"] * cheap["decided"] + strong["seconds"] * strong["decided"]) / 80
    )
    assert people["judgments"] is None


def test_thresholds_are_set_on_other_clusters(desk: Any) -> None:
    labelled(desk)
    desk.suite(judges=[judge("cheap", CHEAP)], cascades=[{"id": "one", "stages": ["cheap"]}])
    results = Results(desk.run())
    first = found(results)
    assert first == found(Results(results.run))
    assert list(first) == ["cheap", PEOPLE]
    assert first["cheap"]["calibrated_on"] + first["cheap"]["asked"] == 160


def test_it_stands_in_every_report(two: Results, capsys: pytest.CaptureFixture[str]) -> None:
    data = report_data(two)
    assert json.loads(json.dumps(data["cascades"], allow_nan=False)) == data["cascades"]
    page = report_page(data)
    print_report(data, full=True)
    text = capsys.readouterr().out
    for report in (page, text):
        assert "agree 80% with 90% confidence" in report
        assert "half of the clusters of items" in report
        assert "disagrees" in report
        assert "all judges" in report
    assert max(map(len, text.splitlines())) <= 100


def test_without_cascades_there_is_no_table(desk: Any) -> None:
    labelled(desk, 4)
    desk.suite(judges=[judge("cheap", CHEAP)])
    assert rows_of(cascades(Results(desk.run()))) == []


@pytest.mark.parametrize(("items", "label"), [(40, False), (1, True), (50, True)])
def test_too_few_labels_escalate_everything(
    desk: Any, items: int, label: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled(desk, items, label=label)
    desk.suite(
        judges=[judge("cheap", CHEAP), judge("strong", STRONG)],
        cascades=[{"id": "both", "stages": ["cheap", "strong"]}],
    )
    results = Results(desk.run())
    shares = found(results)
    assert [row["threshold"] for row in shares.values()] == [None] * 4
    for stage in ("cheap", "strong"):
        assert "labelled items with a verdict, and the tests start at 30" in shares[stage]["threshold_reason"]
        assert shares[stage]["decided"] == 0
        assert shares[stage]["judgments"] is None
    assert shares[PEOPLE]["estimate"] in (1, None)
    agreement = found(results, "agreement")[ALL_STAGES]
    assert (agreement["estimate"], agreement["reason"]) == (None, "the stage decides nothing")
    print_report(report_data(results), full=True)
    assert "the tests start at 30" in capsys.readouterr().out.replace("\n", " ")


def test_a_judge_who_only_ties_hands_on_everything(desk: Any) -> None:
    labelled(desk)
    desk.suite(judges=[judge("flat", rules())], cascades=[{"id": "one", "stages": ["flat"]}])
    flat, people = found(Results(desk.run())).values()
    assert (flat["threshold"], flat["decided"]) == (None, 0)
    assert "no threshold keeps the promise" in flat["threshold_reason"]
    assert people["estimate"] == 1


def test_ties_of_people_that_no_judge_can_say_are_left_out(desk: Any) -> None:
    labelled(desk, 80, ties=10)
    desk.suite(judges=[judge("cheap", CHEAP)], cascades=[{"id": "one", "stages": ["cheap"]}])
    cheap = found(Results(desk.run()))["cheap"]
    assert cheap["calibrated_on"] + cheap["asked"] == 70
    assert cheap["not_used"] == "10 pairs are ties to the labels and no judge may say so"


def test_the_time_of_a_shared_model_is_nobodys(desk: Any) -> None:
    labelled(desk, 80)
    desk.suite(
        judges=[judge("cheap", CHEAP, "toy"), judge("twin", CHEAP, "toy")],
        cascades=[{"id": "one", "stages": ["cheap"]}],
    )
    cheap = found(Results(desk.run()))["cheap"]
    assert (cheap["seconds"], cheap["seconds_reason"]) == (None, "the time of its engine is shared with twin")


SUITE = {
    "controls": {"length_penalty": 0},
    "cascades": [
        {"id": "c", "stages": ["pw"], "agreement": 0.8, "confidence": 0.9, "criterion": None},
    ],
}  # fmt: skip


def test_failed_pairs_go_to_people_and_failures_cost(hand: Any, results: Write) -> None:
    records: list[Record] = []
    for n in range(120):
        item = f"i{n:03}"
        records += [hand.item(item), hand.won(item, "a")]
        for shown in ("ab", "ba"):
            key = f"{item}{shown}"
            judgment = hand.asked(item, shown, None if n >= 100 and shown == "ba" else 0.9)
            records.append(replace(judgment, completions=(key,)))
            records.append(Completion(key, "m", "[]", prompt_tokens=10, completion_tokens=1))
    models = {"pw": {"model": "m"}}
    engines = [{"model": "m", "serves": ["pw"], "seconds_busy": 24.0, "requests": 240}]
    run = results(records, resolved={"suite": SUITE, "models": models}, engines=engines)
    stage, people = found(run).values()
    assert stage["threshold"] == pytest.approx(0.9)
    assert stage["asked"] == 60
    assert stage["decided"] + people["decided"] == 60
    assert 0 < people["decided"] < 20
    assert stage["tokens_in"] == 1200 / stage["decided"]
    assert stage["seconds"] == pytest.approx(12 / stage["decided"])


def test_several_pairs_of_a_cluster_are_one_item_of_calibration(hand: Any, results: Write) -> None:
    records: list[Record] = []
    for n in range(240):
        item = f"i{n:03}"
        records += [hand.item(item, cluster=f"c{n // 4}"), hand.won(item, "a")]
        records += [hand.asked(item, shown, 0.9) for shown in ("ab", "ba")]
    models = {"pw": {"model": "m"}}
    stage, _ = found(results(records, resolved={"suite": SUITE, "models": models})).values()
    assert (stage["calibrated_on"], stage["asked"], stage["clusters"]) == (30, 120, 30)
    assert stage["threshold"] == pytest.approx(0.9)
    assert (stage["tokens_in"], stage["seconds_reason"]) == (None, "no engine measured the time of pw")
