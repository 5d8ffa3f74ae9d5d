"""Levels are listed worst first: their order says which end is better, and no level counts by guess."""

import json
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.specs import CriterionSpec, Rubric, parse_rubric
from evalhub.specs.base import validate

NA = {"meaning": "no such part", "applicable": False}


def criterion(**keys: Any) -> CriterionSpec:
    return validate(CriterionSpec, {"kind": "pointwise", **keys}, "card.yaml:criteria.tone")


def refusal(**keys: Any) -> str:
    with pytest.raises(SpecError) as error:
        criterion(**keys)
    return str(error.value)


def rubric(scale: str, criteria: str = "tone: How it sounds.") -> Rubric:
    text = (
        "---\nid: r\nversion: 1\nprotocol: pointwise\ninputs: [response]\n"
        f"criteria: {{{criteria}}}\nscale: {scale}\n---\n## User\n"
        "{{scale}}\n{{criterion}}\n{{response}}\n"
    )
    return parse_rubric(text, "r.md")


@pytest.mark.parametrize(
    ("levels", "values", "higher"),
    [
        ({1: "bad", 2: "fair", 3: "good"}, (1, 2, 3), True),
        ({7: "hostile", 4: "cool", 0: "warm"}, (7, 4, 0), False),
        ({2: "x", 0.5: "y", -2: "z"}, (2, 0.5, -2), False),
        ({"poor": "x", "fair": "y", "good": "z"}, (0, 1, 2), True),
        ({"many": {"value": 9, "meaning": "x"}, "none": {"value": 0, "meaning": "y"}}, (9, 0), False),
        ({"bad": {"value": -1, "meaning": "x"}, 0: "y", 1: "z"}, (-1, 0, 1), True),
        ({"na": NA, 3: "x", 2: "y"}, (3, 2), False),
        ({"poor": "x", "na": NA, "fair": "y", "good": "z"}, (0, 1, 2), True),
    ],
)
def test_the_order_of_the_levels_says_which_end_is_better(
    levels: dict[Any, Any], values: tuple[float, ...], higher: bool
) -> None:
    spec = criterion(levels=levels)
    assert spec.scale is not None
    assert spec.scale.values == values
    assert spec.higher_is_better is spec.scale.higher_is_better is higher
    again = CriterionSpec.model_validate(json.loads(spec.model_dump_json()))
    assert (again.scale, again.higher_is_better) == (spec.scale, higher)
    rubric_with_levels = rubric(json.dumps(levels)) if all(isinstance(name, str) for name in levels) else None
    if rubric_with_levels is not None:
        copy = Rubric.model_validate(
            json.loads(json.dumps(rubric_with_levels.model_dump(mode="json", exclude_none=True)))
        )
        assert copy.scale_for("tone") == rubric_with_levels.scale_for("tone") == spec.scale
        assert rubric_with_levels.higher_is_better("tone") is higher


@pytest.mark.parametrize(
    ("levels", "excerpt"),
    [
        ({3: "x", 1: "y", 2: "z"}, "3, 1, 2 do neither: list them from the worst to the best"),
        ({1: "x", "1.0": "y"}, "1, 1 do neither"),
        ({1: "x", "good": "y"}, "the level 'good' has no value: write good: {value: …, meaning: …}"),
        ({"a": {"value": 2, "meaning": "x"}, "b": "y"}, "the level 'b' has no value"),
        ({1: "x", "na": NA}, "at least two levels that are applicable"),
        ({"na": {**NA, "value": 0}, 1: "x", 2: "y"}, "is in no mean: leave its value out"),
        ({0: NA, "zero": {"value": 0, "meaning": "x"}, 1: "y"}, "another level has the value 0"),
        ({2: {"value": 5, "meaning": "x"}, 6: "y"}, "the value of level 2 is its number"),
        (
            {1: {"valeu": 1, "meaning": "x"}, 2: "y"},
            "unknown key 'valeu', allowed: applicable, meaning, value",
        ),
        ({"a": {"value": 1}, "b": "y"}, "the level 'a': needs the key 'meaning'"),
        ({"a": {"value": float("inf"), "meaning": "x"}, "b": "y"}, "finite number (value)"),
        ({1: "x", 2: 4}, "the level 2 needs its meaning as a text, got 4"),
        ({True: "x", 2: "y"}, "put true between quotes"),
    ],
)
def test_levels_that_say_nothing_sure_are_refused(levels: dict[Any, Any], excerpt: str) -> None:
    sentence = refusal(levels=levels)
    assert excerpt in sentence
    assert sentence.startswith("card.yaml:criteria.tone:levels: ")


@pytest.mark.parametrize(
    ("names", "excerpt"),
    [
        (["two", "three", "four"], "the level 'two' names the number 2, and its value by place is 0"),
        (["zero", "one", "three"], "the level 'three' names the number 3, and its value by place is 2"),
        (["III", "II", "I"], "'III' names the number 3"), (["Ⅱ", "Ⅲ"], "'Ⅱ' names the number 2"),
        (["$10", "$20"], "'$10' names the number 10"), (["(3)", "(5)"], "'(3)' names the number 3"),
        (["grade 1", "grade 3"], "'grade 1' names the number 1"), (["L3", "L6"], "'L3' names the number 3"),
        (["three stars", "two stars"], "'three stars'"), (["★", "★★"], "'★' names the number 1"),
        (["②", "③"], "'②' names the number 2"), (["三", "二"], "'三' names the number 3"),
        (["first", "second"], "'first'"),
        (["bad", "good", "top 10"], "'top 10' names the number 10"),
        (["twenty-five", "fifty"], "'twenty-five'"),
        (["half", "three"], "'half' names the number 0.5"), (["level -1", "level 0"], "names the number -1"),
    ],
)  # fmt: skip
def test_a_name_that_speaks_of_another_number_than_its_place_needs_a_value(
    names: list[str], excerpt: str
) -> None:
    sentence = refusal(levels=dict.fromkeys(names, "x"))
    assert excerpt in sentence
    assert "give each level its value" in sentence
    values = {name: {"value": number, "meaning": "x"} for number, name in enumerate(names, 3)}
    assert criterion(levels=values).scale.values == tuple(range(3, 3 + len(names)))


@pytest.mark.parametrize(
    "names",
    [
        ["zero", "one", "two"], ["level 0", "level 1"], ["A1", "A2", "B1"], ["C", "B", "A"], ["V", "I", "X"],
        ["poor", "one of the best"], ["一般", "好"], ["half-right", "right"], ["rude", "civil", "vivid"],
    ],
)  # fmt: skip
def test_names_that_speak_of_no_other_number_count_by_their_place(names: list[str]) -> None:
    assert criterion(levels=dict.fromkeys(names, "x")).scale.values == tuple(map(float, range(len(names))))


@pytest.mark.parametrize("scale", ["{3: x, 1: y, 2: z}", "{tone: {4: x, 6: y, 5: z}}", "{2: x, best: y}"])
def test_a_rubric_refuses_them_too(scale: str) -> None:
    with pytest.raises(SpecError, match=r"r\.md:scale: levels"):
        rubric(scale)


def test_each_criterion_of_a_rubric_has_its_own_direction() -> None:
    rubric_with_levels = rubric(
        "{tone: {high: {value: 2, meaning: x}, none: {value: 0, meaning: y}}, use: {1: bad, 2: good}}",
        "tone: How rude it is., use: How useful it is.",
    )
    assert [rubric_with_levels.higher_is_better(name) for name in rubric_with_levels.criteria] == [
        False,
        True,
    ]


def test_a_range_says_its_direction_and_levels_need_not() -> None:
    assert criterion(range=(0, 1)).higher_is_better
    assert not criterion(range=(0, 1), higher_is_better=False).higher_is_better
    assert not criterion(levels={2: "x", 1: "y"}, higher_is_better=False).higher_is_better
    assert "their values rise: leave it out" in refusal(levels={1: "x", 2: "y"}, higher_is_better=False)
    pairs = {"kind": "pairwise", "levels": ["a", "b"], "higher_is_better": False}
    assert "leave higher_is_better out" in refusal(**pairs)


def test_a_level_is_found_by_its_label_or_its_number() -> None:
    scale = criterion(levels={0: NA, "bad": {"value": 4, "meaning": "x"}, 1: "y"}).scale
    assert scale is not None
    assert [level and level.name for level in map(scale.level_of, ("bad", 4, 1.0, "1", 0, "0"))] == [
        "bad", "bad", "1", "1", "0", "0",
    ]  # fmt: skip
    assert scale.level_of("4") is None
    assert scale.level_of(2) is None
    assert scale.names == ("0", "bad", "1")


def test_a_list_of_names_is_answered_with_an_example() -> None:
    with pytest.raises(SpecError, match="each level needs a meaning"):
        rubric("[rude, polite]")
