"""Scales of every form: values, labels or letters in the prompt, and the way back from letters to levels."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.judging import (
    PROTOCOLS,
    Judge,
    JudgmentGenerator,
    Task,
    check_rubric,
    choose_form,
    single_characters,
)
from evalhub.records import Completion, Item, Judgment, Request, Response, digest
from evalhub.scales import AnswerForm, Scale
from evalhub.specs import Mode, Rubric, parse_rubric
from evalhub.specs.levels import scale_of

RATE = """---
id: r
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: The response is good.}
scale: SCALE
---
## User
{{question}}
{{scale}}
{{response}}
"""

FORMS: list[tuple[str, list[float], list[str]]] = [
    ("{0: none, 5: half, 10: all}", [0, 5, 10], ["0", "5", "10"]),
    ("{-2: far worse, -1: worse, 0: same, 1: better}", [-2, -1, 0, 1], ["-2", "-1", "0", "1"]),
    ("{1: a, 1.5: b, 2: c, 2.5: d, 3: e}", [1, 1.5, 2, 2.5, 3], ["1", "1.5", "2", "2.5", "3"]),
    ("{0%: never, 25%: seldom, 100%: always}", [0, 25, 100], ["0%", "25%", "100%"]),
    ("{'-.5': down, '+1': up, '+2': up more}", [-0.5, 1, 2], ["-.5", "+1", "+2"]),
    ("{10: rude, 5.5: plain, 1: kind}", [10, 5.5, 1], ["10", "5.5", "1"]),
    ("{far worse: {value: -2, meaning: w}, same: {value: 0, meaning: x}}", [-2, 0], ["far worse", "same"]),
    ("{not at all: w, partly so: x, entirely: y}", [0, 1, 2], ["not at all", "partly so", "entirely"]),
    ("{nan: w, infinity: x}", [0, 1], ["nan", "infinity"]),
]  # fmt: skip


def rubric(scale: str, **changes: Any) -> Rubric:
    return parse_rubric(RATE.replace("SCALE", scale), "r.md").model_copy(update=changes)


def scale_in(rating: Rubric) -> Scale:
    scale = rating.scale_for("quality")
    assert scale is not None
    return scale


def drive(steps: JudgmentGenerator, shares: Mapping[str, float]) -> tuple[list[Request], Judgment]:
    """Answer every question for one token with these probabilities, and all others with a text."""
    requests: list[Request] = []
    try:
        (request,) = next(steps)
        while True:
            requests.append(request)
            logs = {name: math.log(share) for name, share in shares.items()} if request.choices else None
            text = max(shares, key=lambda name: shares[name]) if logs else "It is fine."
            (request,) = steps.send((Completion("k", "m", "[]", text=text, logprobs=logs),))
    except StopIteration as end:
        (judgment,) = end.value
        return requests, judgment


def make_task(rating: Rubric, mode: Mode = Mode.DIRECT, form: AnswerForm = AnswerForm.LETTERS) -> Task:
    judge = Judge("j", rating, "m", mode=mode, forms={"quality": form})
    item = Item("d", "i", turns=("What?",))
    return Task(judge, item, "quality", (Response("d", "i", "s", text="So.", sha256=digest("So.")),))


@pytest.mark.parametrize(("written", "values", "labels"), FORMS)
def test_levels_count_as_what_they_say(written: str, values: list[float], labels: list[str]) -> None:
    scale = scale_in(rubric(written))
    assert list(scale.values) == values
    assert list(scale.names) == labels


@pytest.mark.parametrize("label", ["'0,5'", "1 star", "'1/2'", "1st", "'-3 points'"])
def test_a_name_that_begins_with_a_number_needs_its_value(label: str) -> None:
    name = label.strip("'")
    with pytest.raises(SpecError, match=f"the level '{name}' begins with a number and is not one"):
        rubric(f"{{{label}: a, good: b}}")
    scale = scale_in(rubric(f"{{{label}: {{value: 0.5, meaning: a}}, good: {{value: 2, meaning: b}}}}"))
    assert scale.values == (0.5, 2.0)


def test_a_level_that_is_not_applicable_has_a_letter_too() -> None:
    levels = "{0: bad, 10: good, n/a: {applicable: false, meaning: no reply}}"
    where = make_task(rubric(levels))
    (request,), judgment = drive(PROTOCOLS["pointwise"].ask(where), {"A": 0.1, "B": 0.3, "C": 0.2})
    assert "C = n/a: no reply" in request.messages[-1].content
    assert set(judgment.logprobs or ()) == {"0", "10", "n/a"}
    assert (judgment.value, judgment.expected) == (10.0, pytest.approx(7.5))
    _, judgment = drive(PROTOCOLS["pointwise"].ask(where), {"A": 0.1, "B": 0.3, "C": 0.5})
    assert (judgment.failure, judgment.value) == ("not_applicable", None)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(("written", "values", "labels"), FORMS)
def test_letters_lead_back_to_the_levels(
    written: str, values: list[float], labels: list[str], mode: Mode
) -> None:
    letters = "ABCDE"[: len(labels)]
    shares = {letter: 0.1 + 0.05 * place for place, letter in enumerate(letters)}
    requests, judgment = drive(PROTOCOLS["pointwise"].ask(make_task(rubric(written), mode)), shares)
    assert requests[-1].choices == tuple(letters)
    assert judgment.logprobs == pytest.approx(
        {label: math.log(shares[letter]) for label, letter in zip(labels, letters, strict=True)}
    )
    assert judgment.value == values[-1]
    total = math.fsum(shares.values())
    expected = math.fsum(shares[letter] * value for letter, value in zip(letters, values, strict=True))
    assert judgment.expected == pytest.approx(expected / total)
    assert judgment.choice_mass == pytest.approx(min(total, 1.0))
    assert judgment.raw_text == letters[-1]


def test_a_hard_verdict_leads_back_to_its_level() -> None:
    steps = PROTOCOLS["pointwise"].ask(make_task(rubric("{0: bad, 5: fair, 10: good}")))
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send((Completion("k", "m", "[]", text="B"),))
    (judgment,) = end.value.value
    assert (judgment.value, judgment.expected, judgment.raw_text) == (5.0, None, "B")


def test_the_prompt_names_each_letter_once() -> None:
    (request,), _ = drive(
        PROTOCOLS["pointwise"].ask(make_task(rubric("{-1: worse, 0: the same, 1: better}"))),
        {"A": 0.2, "B": 0.3, "C": 0.4},
    )
    text = request.messages[-1].content
    assert "A = -1: worse\nB = 0: the same\nC = 1: better" in text
    assert text.endswith("Which level fits best? Answer with one letter: A, B, C.")


def test_labels_stand_in_the_prompt_as_they_always_did() -> None:
    where = make_task(rubric("{1: bad, 2: good}"), form=AnswerForm.NAMES)
    (request,), judgment = drive(PROTOCOLS["pointwise"].ask(where), {"1": 0.2, "2": 0.6})
    assert request.messages[-1].content.endswith("Which level fits best? Answer with one of: 1, 2.")
    assert "1: bad\n2: good" in request.messages[-1].content
    assert judgment.value == 2.0
    plain = Task(Judge("j", where.judge.rubric, "m"), where.item, "quality", where.responses)
    (same,), _ = drive(PROTOCOLS["pointwise"].ask(plain), {"1": 0.2, "2": 0.6})
    assert same == request


class TestChoice:
    scale = scale_in(rubric("{0: a, 10: b}"))

    @pytest.mark.parametrize(
        ("wanted", "single", "form"),
        [
            (None, {AnswerForm.NAMES, AnswerForm.LETTERS}, AnswerForm.NAMES),
            (None, {AnswerForm.LETTERS}, AnswerForm.LETTERS),
            (AnswerForm.LETTERS, {AnswerForm.NAMES, AnswerForm.LETTERS}, AnswerForm.LETTERS),
            (AnswerForm.NAMES, {AnswerForm.NAMES}, AnswerForm.NAMES),
        ],
    )
    def test_labels_first_unless_the_rubric_says_otherwise(
        self, wanted: AnswerForm | None, single: set[AnswerForm], form: AnswerForm
    ) -> None:
        assert choose_form(self.scale, wanted, single.__contains__, "r") is form

    def test_what_cannot_be_asked(self) -> None:
        with pytest.raises(SpecError, match=r"r:answer: the labels .* one token.*'0, 10'.*answer: letters"):
            choose_form(self.scale, AnswerForm.NAMES, {AnswerForm.LETTERS}.__contains__, "r")
        with pytest.raises(SpecError, match="neither labels nor letters"):
            choose_form(self.scale, None, lambda form: False, "r")

    @pytest.mark.parametrize(("levels", "fits"), [(26, True), (27, False), (101, False)])
    def test_letters_carry_26_levels(self, levels: int, fits: bool) -> None:
        scale = scale_of({n: f"{n} of {levels}" for n in range(levels)})
        if fits:
            assert choose_form(scale, None, {AnswerForm.LETTERS}.__contains__, "r") is AnswerForm.LETTERS
            assert scale.answers(AnswerForm.LETTERS)[-1] == "Z"
            return
        with pytest.raises(SpecError, match=rf"asked by letters, got '{levels} levels'; allowed: 26 levels"):
            choose_form(scale, None, {AnswerForm.LETTERS}.__contains__, "r")

    def test_labels_carry_what_an_engine_gives_at_once(self) -> None:
        scale = scale_of(dict.fromkeys(range(129), ""))
        with pytest.raises(SpecError, match="asked by names, got '129 levels'; allowed: 128"):
            choose_form(scale, None, lambda form: True, "r")

    def test_without_a_tokenizer_single_characters_are_labels(self) -> None:
        short, long = scale_in(rubric("{0: a, 9: b}")), self.scale
        assert single_characters(short, AnswerForm.NAMES)
        assert not single_characters(long, AnswerForm.NAMES)
        assert single_characters(long, AnswerForm.LETTERS)


class TestRubric:
    def test_the_form_is_part_of_the_rubric(self) -> None:
        plain = rubric("{1: bad, 2: good}")
        forced = parse_rubric(RATE.replace("SCALE", "{1: bad, 2: good}\nanswer: letters"), "r.md")
        assert forced.answer is AnswerForm.LETTERS
        assert forced.hash != plain.hash

    def test_a_rubric_without_the_key_keeps_its_hash(self) -> None:
        known = "2122f6351cd5a1fd464a93d8bd44af3498d8e2a4b986cbadf0fd7b1d7a22f155"
        assert rubric("{1: bad, 2: good}").hash == known

    def test_too_many_letters_need_no_model(self) -> None:
        levels = ", ".join(f"{n}: x" for n in range(27))
        rating = parse_rubric(RATE.replace("SCALE", f"{{{levels}}}\nanswer: letters"), "r.md")
        with pytest.raises(SpecError, match="27 levels"):
            check_rubric(rating, "r")

    def test_a_comparison_has_no_such_key(self) -> None:
        text = (
            "---\nid: p\nversion: 1\nprotocol: pairwise\ninputs: [response_a, response_b]\nties: false\n"
            "answer: letters\ncriteria: {c: x}\n---\n## User\n{{response_a}}\n{{response_b}}\n"
        )
        with pytest.raises(SpecError, match="p:answer: the protocol pairwise has no answer"):
            check_rubric(parse_rubric(text, "p"), "p")

    def test_a_form_that_does_not_exist(self) -> None:
        with pytest.raises(SpecError, match=r"answer: .*'names' or 'letters'"):
            parse_rubric(RATE.replace("SCALE", "{1: bad, 2: good}\nanswer: words"), "r.md")
