"""Which ratings a head learns from: their scales, their limits, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.errors import InputError, SpecError
from evalhub.runner import Method
from evalhub.runner.one_judge.training_ratings import (
    position_of,
    training_ratings,
    values_of_levels,
)
from evalhub.specs import CriterionSpec, load_rubric
from evalhub.specs.levels import scale_of
from tests.runner.rating_bench import (
    ITEMS,
    LEVELS,
    PROMPTS,
    base,
    label,
    planted,
    rated,
    train,
    write_labels,
)

__all__ = ["base", "rated"]


def test_a_mean_between_levels_is_learned_as_a_part_of_each(desk: Any, base: Path) -> None:
    mean = {"quality": {**LEVELS["quality"], "consensus": {"annotators": "*", "by": "mean"}}}
    write_labels(desk, planted, mean)
    labels = [
        label(number, system, value, annotator)
        for number in range(ITEMS)
        for system in "km"
        for annotator, value in (("p", planted(number, system)), ("q", 2.0))
    ]
    desk.dataset(
        items=[{"item_id": f"i{number:03}", "prompt": PROMPTS[number]} for number in range(ITEMS)],
        labels=labels,
        card={"criteria": mean},
    )
    desk.suite(judges=[])
    rubric = load_rubric("judges/rate.md")
    rows, _ = training_ratings(Results(desk.run()), {"tiny": "quality"}, rubric, "quality")
    assert {row.position for row in rows} == {0.5, 1.0, 1.5}
    assert train(desk, base).facts.notes == ()


def test_levels_of_the_labels_stand_for_the_rubrics_by_rank(desk: Any, base: Path) -> None:
    names = {"quality": {"kind": "pointwise", "levels": {0: "bad", 5: "so so", 10: "good"}}}
    write_labels(desk, lambda number, system: (planted(number, system) - 1) * 5, names)
    by_rank = train(desk, base)
    write_labels(desk, planted)
    plain = train(desk, base, out=desk.folder / "plain")
    assert by_rank.facts.cut_points == plain.facts.cut_points


def test_labels_that_do_not_apply_are_counted(desk: Any, base: Path) -> None:
    levels = {0: {"meaning": "no answer", "applicable": False}, **LEVELS["quality"]["levels"]}
    criteria = {"quality": {"kind": "pointwise", "levels": levels}}
    write_labels(desk, lambda number, system: 0.0 if number < 10 else planted(number, system), criteria)
    head = train(desk, base)
    assert head.exclusions["ratings that say the criterion does not apply"] == 20


SCALE = scale_of({1: "wrong", 2: "fair", 3: "right"})
FALLING = scale_of({3: "wrong", 2: "fair", 1: "right"})


@pytest.mark.parametrize(
    ("scale", "labels", "values"),
    [
        (SCALE, {"levels": {0: "a", 0.5: "b", 1: "c"}}, (0.0, 0.5, 1.0)),
        (SCALE, {"levels": {5: "a", 3: "b", 1: "c"}}, (5.0, 3.0, 1.0)),
        (SCALE, {"range": (1, 3)}, (1.0, 2.0, 3.0)),
        (FALLING, {"range": (1, 3), "higher_is_better": False}, (3.0, 2.0, 1.0)),
    ],
)
def test_each_level_has_the_label_of_its_rank(scale: Any, labels: dict[str, Any], values: Any) -> None:
    assert values_of_levels(scale, CriterionSpec(kind="pointwise", **labels), "d:c") == values
    assert [position_of(value, values) for value in values] == [0.0, 1.0, 2.0]
    assert position_of((values[0] + values[1]) / 2, values) == 0.5


@pytest.mark.parametrize(
    ("scale", "labels", "sentence"),
    [
        (
            SCALE,
            {"levels": {1: "a", 2: "b"}},
            r"another scale.*d:c: 2 levels.*3 levels, or numbers from 1 to 3",
        ),
        (SCALE, {"range": (0, 1)}, "numbers from 0 to 1"),
        (SCALE, {"range": (1, 5)}, "numbers from 1 to 5"),
        (SCALE, {"range": (1, 3), "higher_is_better": False}, "from 1 to 3, lower is better"),
        (FALLING, {"range": (1, 3)}, "allowed.*from 1 to 3, lower is better"),
    ],
)
def test_labels_of_another_scale_are_refused(scale: Any, labels: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        values_of_levels(scale, CriterionSpec(kind="pointwise", **labels), "d:c")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"teacher": "pt"}, InputError, "about pairs, and the rubric rate rates single responses"),
        ({"augment": True}, InputError, "nobody knows their level on the scale of the rubric rate"),
        ({"method": Method.LORA}, InputError, "write --method head"),
        ({"rubric": "reward-value"}, InputError, "a judge is trained on the prompt"),
        ({"rubric": "response-checklist"}, InputError, "a judge is trained on the prompt"),
        ({"on": ("tiny:overall",)}, SpecError, "no such labels of single responses"),
        ({"rubric": "summary-quality"}, InputError, r"another scale.*tiny:quality: 3 levels.*5 levels"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_one_sentence(
    rated: Any, base: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    if changes.get("method") is Method.LORA:
        pytest.importorskip("peft")
    with pytest.raises(error, match=sentence):
        train(rated, base, **changes)
    assert not (rated.folder / "head").exists()


def test_labels_of_one_level_alone_are_refused(desk: Any, base: Path) -> None:
    write_labels(desk, lambda number, system: 2.0, items=30)
    with pytest.raises(InputError, match="all of one level"):
        train(desk, base)


def test_a_limit_draws_ratings_and_names_a_lone_annotator(rated: Any, base: Path) -> None:
    head = train(rated, base, limit=60)
    assert head.ratings == 60
    assert head.exclusions["ratings beyond the limit"] > 0
    assert head.facts.notes == ("all labels of tiny are those of one annotator, p",)


def test_the_command_prints_the_skill_beside_that_of_the_length(
    rated: Any, base: Path, cli: Callable[..., Any]
) -> None:
    said = cli(
        "judges", "train", "s", "--model", str(base), "--out", "head", "--rubric", "rate", "--layers", "2",
        "--engine", "scripted", "--runs", str(rated.runs), "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    fields = json.loads(said.out)
    assert fields["rank correlation on held-out clusters"].startswith("0.")
    assert {
        "of the length alone, on the same", "mean error in levels on held-out clusters",
        "error of the length alone, on the same", "commonest level", "error of always answering it",
    } <= fields.keys()  # fmt: skip
