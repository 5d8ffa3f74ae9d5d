"""Row 4, Row 5 and Row 6: an answer is exactly one allowed verdict, or a failure with its reason.

Row 4: 10,000 answers with an oracle. Row 5: an answer that was cut is no verdict. Row 6: 1,000 numbers that
are none, or none of the scale.
"""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines.base import Outcome, completion
from evalhub.judging import PROTOCOLS, Judge, ReplySpec, Task, parse_reply
from evalhub.judging.replies.hard import read_answer
from evalhub.records import Completion, FailureKind, Item, Judgment, Message, Request, Response, Score
from evalhub.specs import Mode, parse_rubric
from evalhub.store import write_records
from evalhub.store.journal import encode

from ..conftest import PAIR, RATE

CHOICES = (("A", "B"), ("A", "B", "C"), ("1", "2", "3"), ("Yes", "No"), ("far better", "better", "worse"))
FORMS = (
    "{c}", " {c}\n", "**{c}**", "({c})", "[{c}]", '"{c}"', "{c}.", "`{c}`", "```\n{c}\n```", "__{c}__",
    "**{c}**.",
    '{{"answer": "{c}"}}', '```json\n{{"answer": "{c}"}}\n```', '{{ "answer" : "{c}" }}\n',
)  # fmt: skip
NO_FORMS = (
    "{c} {d}", "{c} or {d}", "not {c}", "{c}, {d}", "{c}?", "I think {c}", "Response {c}", "{c}{d}", "",
    " ",
    "\n\n", "both", "neither", "{c} is better than {d}", '{{"answer": ["{c}"]}}', "x{c}", "{c}x", "~{c}~",
    '{{"answer": "{c}", "answer": "{d}"}}', '{{"Answer": "{c}"}}', '{{"answer": "{c}", "why": "x"}}',
    '{{"answer": null}}', '{{"answer": "{c}"', "<think>{c}</think>", "{c}\n{d}", "{c}/{d}", "{c}=", "!{c}",
    "&{c}", "\u0410", "1.5",
)  # fmt: skip
NOISE = "xyz?~#%&<>{}\u0301\u200b\x00\ud800é答"


def test_ten_thousand_answers_are_read_or_refused() -> None:
    rng = random.Random(4)
    read = 0
    for _ in range(10_000):
        choices = rng.choice(CHOICES)
        right, other = rng.sample(choices, 2)
        gives = rng.random() < 0.5
        text = rng.choice(FORMS if gives else NO_FORMS).format(c=right, d=other)
        if gives and rng.random() < 0.5:
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(NOISE) + text[place:]
        answer = read_answer(text, choices)
        assert answer is None or (gives and answer == right), (text, choices, answer)
        read += answer is not None
    assert read > 2_000


def drive(protocol: str, *completions: Completion, mode: Mode = Mode.DIRECT) -> tuple[Judgment, ...]:
    """Return the judgments that a protocol makes of completions."""
    pair = protocol == "pairwise"
    rubric = parse_rubric(PAIR if pair else RATE, "r.md")
    shown = tuple(Response("d", "i", name, text=name) for name in ("k", "m")[: 1 + pair])
    judge = Judge("j", rubric, "m", mode=mode)
    steps = PROTOCOLS[protocol].ask(
        Task(judge, Item("d", "i", turns=("?",)), next(iter(rubric.criteria)), shown)
    )
    next(steps)
    for one in completions[:-1]:
        steps.send((one,))
    with pytest.raises(StopIteration) as end:
        steps.send((completions[-1],))
    judgments: tuple[Judgment, ...] = end.value.value
    return judgments


@pytest.mark.parametrize("protocol", ["pairwise", "pointwise"])
@pytest.mark.parametrize(
    "text", ["A", "1", '{"answer": "A"', " " * 500, "\n" * 500, "A" * 500, '{"answer": "A"}', ""]
)
def test_an_answer_that_was_cut_is_no_verdict(protocol: str, text: str) -> None:
    cut = Completion("k", "m", "[]", text=text, finish_reason="length")
    (judgment,) = drive(protocol, cut)
    assert judgment.failure is FailureKind.TRUNCATED
    assert (judgment.winner, judgment.value) == (None, None)
    explained = Completion("k", "m", "[]", text=text, finish_reason="length")
    (judgment,) = drive(protocol, explained, cut, mode=Mode.EXPLAIN)
    assert judgment.failure is FailureKind.TRUNCATED
    assert judgment.rationale_cut


def odd_numbers(rng: random.Random) -> list[str]:
    """Return spellings of what is no number from 1 to 5."""
    fixed = [
        "NaN", "nan", "inf", "-inf", "Infinity", "-Infinity", "true", "false", "null", "1e999", "-1",
        "0", "6",
        "0.99", "5.01", "-0", "1e3", "0x5", "4/10", "7/10", "4 out of 10", "50%", "4/5/6", "1/0", "5e1",
        "٦",
        "６", "4/100", "4 of 7", "00", "9" * 400, "-3", "1e-9", "5.000001", "10", "4,5,6",
    ]  # fmt: skip
    made = []
    while len(made) < 1_000 - len(fixed):
        outside = rng.choice([rng.uniform(-1e6, 0.99), rng.uniform(5.01, 1e6), 10 ** rng.uniform(1, 300)])
        denominator = rng.randrange(6, 1000)
        made.append(rng.choice([f"{outside:.2f}", f"{outside:g}", f"{int(outside)}", f"4/{denominator}"]))
    return [
        *fixed,
        *(text for text in made if text.replace(".", "").strip("0-") not in ("", "1", "2", "3", "4", "5")),
    ]


def test_a_thousand_numbers_that_are_none_of_the_scale_are_no_verdict() -> None:
    texts = odd_numbers(random.Random(6))
    assert len(texts) > 990
    score, field = ReplySpec("score", (1, 5)), ReplySpec("json", (1, 5), key="score")
    brackets = ReplySpec("rating-brackets", (1, 5))
    for text in texts:
        for reply, form in (
            (f"Score: {text}", score), (f"[[{text}]]", brackets), (f'{{"score": {text}}}', field),
            (f'{{"score": {json.dumps(text)}}}', field),
        ):  # fmt: skip
            reading = parse_reply(reply, form)
            assert reading.value is None, reply
            assert reading.failure


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_that_is_not_finite_is_stored(value: float, tmp_path: Path) -> None:
    label: dict[str, Any] = {"dataset": "d", "judge": "j", "criterion": "c", "item_id": "i"}
    records: list[Any] = [
        Score("d", "i", "s", "m", value=value),
        Judgment(**label, system="s", value=value),
        Judgment(**label, system_a="k", system_b="m", p_a=value),
        Judgment(**label, system="s", value=1.0, logprobs={"1": -0.1, "2": value}),
    ]
    for record in records:
        with pytest.raises(ValueError, match="not finite"):
            encode(record)
        kind = "scores" if isinstance(record, Score) else "judgments"
        with pytest.raises(ValueError, match="not finite"):
            write_records(tmp_path / "0001.parquet", kind, [record])
    assert list(tmp_path.iterdir()) == []


def test_nan_of_an_engine_is_its_failure() -> None:
    request = Request((Message("user", "x"),), choices=("A", "B"))
    record = completion("k", "m", request, Outcome("A", logprobs={"A": -0.1, "B": math.nan}))
    assert (record.failure, record.logprobs) == (FailureKind.ENGINE, None)
    record = completion("k", "m", request, Outcome("A", logprobs={"A": -0.1, "B": -math.inf}))
    assert record.logprobs == {"A": -0.1, "B": -9999.0}
