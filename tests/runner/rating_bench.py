"""Labels of ratings that hidden states tell, for several tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from evalhub.engines.scripted_backend import answer
from evalhub.records import Item, Response
from evalhub.runner import TrainOptions, train_judge
from evalhub.runner.one_judge.training_ratings import (
    TrainingRating,
    rating_request,
)
from evalhub.specs import EngineSpec, load_rubric
from tests.drawn_model import NARROW, write_narrow_model

SCRIPTED = EngineSpec(type="scripted")
ITEMS = 120
WEIGHTS = np.random.default_rng(5).normal(size=NARROW) * 3
CUTS = np.array([-1.5, 1.5])
LEVELS = {"quality": {"kind": "pointwise", "levels": {1: "wrong", 2: "fair", 3: "right"}}}
PROMPTS = [f"What is {number} plus {number}?" for number in range(ITEMS)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as wide as the hidden states that the scripted engine draws."""
    pytest.importorskip("torch")
    return write_narrow_model(tmp_path_factory.mktemp("base"))


def text_of(number: int, system: str) -> str:
    return f"{system} says {number}{' indeed' * (number * 7 % 5)}."


def state_of(number: int, system: str) -> np.ndarray:
    """Return what the scripted engine gives at the end of the prompt of a response."""
    item = Item("tiny", f"i{number:03}", turns=(PROMPTS[number],))
    response = Response("tiny", item.item_id, system, text=text_of(number, system))
    rating = TrainingRating("c", item, "quality", 0.0, response)
    request = rating_request(load_rubric("judges/rate.md"), "quality", rating)
    return np.array(answer(request, {}).values)


def planted(number: int, system: str) -> float:
    return 1.0 + int(np.searchsorted(CUTS, state_of(number, system) @ WEIGHTS))


def label(number: int, system: str, value: float, annotator: str = "p") -> dict[str, Any]:
    return {
        "item_id": f"i{number:03}", "criterion": "quality", "system": system, "annotator": annotator,
        "value": value,
    }  # fmt: skip


@pytest.fixture
def rated(desk: Any) -> Any:
    """A desk whose ratings are planted in the hidden states of the responses."""
    return write_labels(desk, planted)


def write_labels(
    desk: Any, value: Callable[[int, str], float], criteria: dict[str, Any] = LEVELS, items: int = ITEMS
) -> Any:
    responses = [
        {"item_id": f"i{number:03}", "system": system, "family": "alpha", "text": text_of(number, system)}
        for number in range(items)
        for system in "km"
    ]
    labels = [label(number, system, value(number, system)) for number in range(items) for system in "km"]
    rows = [{"item_id": f"i{number:03}", "prompt": PROMPTS[number]} for number in range(items)]
    desk.dataset(items=rows, responses=responses, labels=labels, card={"criteria": criteria})
    desk.suite(judges=[])
    return desk


def train(desk: Any, base: Path, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "source": "s", "model": str(base), "out": desk.folder / "head", "rubric": "rate", "layers": (2,),
        "engine": SCRIPTED, "runs": desk.runs, **changes,
    }  # fmt: skip
    return train_judge(TrainOptions(**options))


def score_of(desk: Any, number: int, system: str) -> float:
    """Return the score that the classifier in the folder has for a response."""
    weights = load_file(desk.folder / "head" / "model.safetensors")["score.weight"][0]
    return float(state_of(number, system) @ weights)
