"""The shipped cards give what is published about their sets. The files themselves are not shipped."""

import os
import re
import time
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from evalhub.sources import Dataset, consensus, load
from evalhub.specs import load_card

pytestmark = pytest.mark.skipif(
    not os.environ.get("EVALHUB_MIRROR"), reason="needs EVALHUB_MIRROR: the labelled sets in shared/data"
)


@cache
def load_timed(name: str) -> tuple[Dataset, float]:
    """Return a dataset and the processor time of reading it. Wall time would be that of other tests, too."""
    load(*load_card("quickstart"))  # so that what a process does once is not counted
    start = time.process_time()
    dataset = load(*load_card(name))
    return dataset, time.process_time() - start


def data(name: str) -> Dataset:
    return load_timed(name)[0]


def outcomes(name: str, tag: str | None = None) -> dict[str, int]:
    items = {item.item_id for item in data(name).items if tag is None or tag in item.tags}
    return dict(Counter(str(label.winner) for label in data(name).labels if label.item_id in items))


@pytest.mark.parametrize(
    ("name", "items", "responses", "labels", "judgments", "clusters"),
    [
        ("alpaca_eval", 805, 4025, 0, 2415, 805),
        ("alpaca_eval_2", 805, 4025, 805, 3220, 805),
        ("autoj_pairwise", 1392, 2784, 1392, 0, 1182),
        ("dialsummeval", 100, 1400, 16800, 0, 100),
        ("faireval", 80, 160, 80, 0, 80),
        ("gsm8k", 1319, 0, 0, 0, 1319),
        ("judgebench", 270, 540, 270, 0, 269),
        ("llmbar", 885, 1770, 885, 0, 757),
        ("mt_bench_questions", 160, 0, 0, 0, 160),
        ("pandalm", 999, 1998, 2997, 0, 170),
        ("sfres_data2text", 1181, 1181, 3543, 0, 580),
        ("summeval", 100, 800, 25600, 3200, 100),
        ("topical_chat_usr", 60, 360, 2160, 0, 60),
    ],
)
def test_counts(name: str, items: int, responses: int, labels: int, judgments: int, clusters: int) -> None:
    dataset = data(name)
    assert (len(dataset.items), len(dataset.responses)) == (items, responses)
    assert (len(dataset.labels), len(dataset.judgments)) == (labels, judgments)
    assert len({item.cluster for item in dataset.items}) == clusters
    assert dataset.warnings == ()


@pytest.mark.parametrize(
    ("tag", "first", "second"),
    [
        ("natural", 42, 58),
        ("neighbor", 75, 59),
        ("gptinst", 45, 47),
        ("gptout", 22, 25),
        ("manual", 22, 24),
        ("faireval", 41, 25),
        ("llmeval^2", 92, 108),
        ("mt-bench", 101, 99),
    ],
)
def test_llmbar(tag: str, first: int, second: int) -> None:
    assert outcomes("llmbar", tag) == {"a": first, "b": second}


def test_parts_of_llmbar() -> None:
    parts = Counter(item.tags[0] for item in data("llmbar").items)
    assert parts == {"natural": 100, "adversarial": 319, "processed": 466}
    assert data("llmbar").card.anonymous


def test_judgebench() -> None:
    dataset = data("judgebench")
    parts = Counter(item.tags[0] for item in dataset.items)
    assert parts == {"knowledge": 154, "reasoning": 51, "math": 34, "coding": 31}
    assert outcomes("judgebench") == {"a": 143, "b": 127}
    assert {str(label.annotator_kind) for label in dataset.labels} == {"constructed"}
    assert dataset.card.anonymous
    assert {response.families for response in dataset.responses} == {("claude",)}


def test_pairs() -> None:
    assert outcomes("faireval") == {"a": 41, "b": 25, "tie": 14}
    assert outcomes("autoj_pairwise") == {"a": 520, "b": 499, "tie": 373}
    pandalm = data("pandalm")
    majority = consensus(pandalm.labels, pandalm.card.criteria["overall"])
    assert Counter(str(label.winner) for label in majority) == {"tie": 105, "a": 422, "b": 472}
    assert Counter(label.annotator for label in pandalm.labels) == dict.fromkeys(
        ("annotator-1", "annotator-2", "annotator-3"), 999
    )


def test_summeval() -> None:
    dataset = data("summeval")
    assert Counter(response.system for response in dataset.responses) == dict.fromkeys(
        ("M8", "M9", "M11", "M13", "M15", "M17", "M22", "M23"), 100
    )
    assert {len(item.references) for item in dataset.items} == {11}
    assert Counter(label.annotator.split("-")[0] for label in dataset.labels) == {
        "expert": 9600,
        "crowd": 16000,
    }
    for criterion, spec in dataset.card.criteria.items():
        labels = [label for label in dataset.labels if label.criterion == criterion]
        assert len({label.annotator for label in labels}) == 8
        truth = consensus(labels, spec)
        assert len(truth) == 800
        experts = [label.value for label in labels if label.annotator.startswith("expert")]
        assert sum(label.value or 0 for label in truth) / 800 == pytest.approx(
            sum(map(float, experts)) / 2400
        )
    assert Counter(judgment.criterion for judgment in dataset.judgments) == dict.fromkeys(
        dataset.card.criteria, 800
    )
    read = [judgment for judgment in dataset.judgments if judgment.failure is None]
    assert all(judgment.raw_text for judgment in dataset.judgments)
    assert len(read) >= 0.995 * 3200
    assert {response.chars for response in dataset.responses if not response.text} == set()


def test_rated_dialogues() -> None:
    dataset = data("dialsummeval")
    gold = {response.item_id: response.text for response in dataset.responses if response.system == "gold"}
    assert all(item.references == (gold[item.item_id],) for item in dataset.items)
    assert all(len(consensus(dataset.labels, spec)) for spec in dataset.card.criteria.values())
    chat = data("topical_chat_usr")
    truth = {r.item_id: r.text for r in chat.responses if r.system == "original-ground-truth"}
    assert all(item.references == (truth[item.item_id],) for item in chat.items)
    for criterion, spec in chat.card.criteria.items():
        values = [label.value for label in chat.labels if label.criterion == criterion]
        assert (min(values), max(values)) == spec.range
        assert len(values) == 360


def test_questions() -> None:
    mt = data("mt_bench_questions")
    assert Counter(len(item.turns) for item in mt.items) == {1: 80, 2: 80}
    assert sum(bool(item.refs) for item in mt.items) == 40
    assert all(len(item.refs) in (0, 2) for item in mt.items)
    numbers = [re.search(r"#### (-?[\d,]+)$", item.references[0]) for item in data("gsm8k").items]
    assert len(numbers) == 1319
    assert all(numbers)


def test_alpaca_eval() -> None:
    dataset = data("alpaca_eval")
    weighted = [judgment for judgment in dataset.judgments if judgment.judge.startswith("weighted")]
    assert {(judgment.system_a, judgment.system_b) for judgment in weighted} == {
        ("alpaca-7b", "gpt4_1106_preview")
    }
    assert 100 * sum(judgment.p_a or 0 for judgment in weighted) / 805 == pytest.approx(
        2.591450540223603, abs=1e-9
    )
    assert Counter(judgment.shown for judgment in weighted) == {"ab": 403, "ba": 399, None: 3}
    plain = [judgment for judgment in dataset.judgments if judgment not in weighted]
    systems = Counter(judgment.system_a for judgment in plain)
    assert systems == {"falcon-40b-instruct": 805, "text_davinci_001": 805}
    assert Counter(str(judgment.failure or judgment.winner) for judgment in plain) == {
        "b": 1107,
        "a": 478,
        "tie": 24,
        "parse": 1,
    }
    assert all(len(judgment.response_hashes) == 2 for judgment in dataset.judgments)


@pytest.mark.parametrize(
    ("system", "win_rate", "chars"),
    [
        ("alpaca-7b", 2.591450540223603, 396),
        ("FuseChat-Llama-3.2-3B-Instruct", 51.29667710101864, 1976),
        ("gpt4_0613_concise", 9.400320574596272, 627),
        ("NullModel", 76.91979180386511, 872),
    ],
)
def test_probabilities_of_alpaca_eval_2(system: str, win_rate: float, chars: int) -> None:
    dataset = data("alpaca_eval_2")
    judgments = [
        judgment for judgment in dataset.judgments if system in (judgment.system_a, judgment.system_b)
    ]
    wins = [
        (judgment.p_a if judgment.system_a == system else 1 - judgment.p_a)
        for judgment in judgments
        if judgment.p_a is not None
    ]
    assert 100 * sum(wins) / 805 == pytest.approx(win_rate, abs=1e-9)
    lengths = [response.chars for response in dataset.responses if response.system == system]
    assert int(sum(length or 0 for length in lengths) / 805) == chars


def test_what_alpaca_eval_2_labels() -> None:
    dataset = data("alpaca_eval_2")
    assert {(label.system_a, str(label.winner), str(label.annotator_kind)) for label in dataset.labels} == {
        ("NullModel", "b", "constructed")
    }
    alpaca = {
        judgment.item_id: judgment.p_a
        for judgment in data("alpaca_eval").judgments
        if judgment.system_a == "alpaca-7b"
    }
    alpaca_2 = {
        judgment.item_id: judgment.p_a for judgment in dataset.judgments if judgment.system_a == "alpaca-7b"
    }
    assert alpaca_2 == pytest.approx(alpaca, abs=1e-12)
    assert data("alpaca_eval_2").items == tuple(
        replace(item, dataset="alpaca_eval_2") for item in data("alpaca_eval").items
    )


@pytest.mark.parametrize(("name", "seconds"), [("llmbar", 2), ("summeval", 4)])
def test_speed(name: str, seconds: float) -> None:
    assert load_timed(name)[1] < 2 * seconds
