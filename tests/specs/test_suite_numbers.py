"""Numbers of a suite and a card: true and false are none."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.engines import with_settings
from evalhub.errors import SpecError
from evalhub.specs import load_suite
from evalhub.specs.card import CriterionSpec

CANDIDATE = {"id": "c", "model": "m", "engine": "scripted"}
JUDGE = {"id": "j", "model": "m", "engine": "scripted", "rubric": "helpfulness"}


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("controls.min_choice_mass", {"controls": {"min_choice_mass": ...}}),
        ("controls.min_coverage", {"controls": {"min_coverage": ...}}),
        ("datasets.limit", {"datasets": [{"id": "quickstart", "limit": ...}]}),
        ("budget.judgments", {"budget": {"judgments": ...}}),
        (
            "candidates.sampling.temperature",
            {"candidates": [{**CANDIDATE, "sampling": {"temperature": ...}}]},
        ),
        (
            "candidates.engine.logprobs",
            {"candidates": [{**CANDIDATE, "engine": {"type": "openai", "logprobs": ...}}]},
        ),
        ("judges.samples", {"judges": [{**JUDGE, "samples": ...}]}),
    ],
)
def test_true_and_false_are_no_numbers(tmp_path: Path, key: str, change: dict[str, Any], flag: bool) -> None:
    text = yaml.safe_dump({"suite": "s", "datasets": [{"id": "quickstart"}], **_with(change, flag)})
    path = tmp_path / "s.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(SpecError) as error:
        with_settings(load_suite(str(path))[0], str(path))
    section, *_, last = key.split(".")
    assert f":{section}." in str(error.value)
    assert f".{last}: a number is needed, got {flag}" in str(error.value)


def test_what_may_be_true_or_false_still_may() -> None:
    assert CriterionSpec(kind="pointwise", range=(0, 1), higher_is_better=False).higher_is_better is False


def _with(value: Any, flag: bool) -> Any:
    if isinstance(value, dict):
        return {key: _with(part, flag) for key, part in value.items()}
    if isinstance(value, list):
        return [_with(part, flag) for part in value]
    return flag if value is ... else value
