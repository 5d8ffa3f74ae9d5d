"""Recorded replies are read strictly: what is said, or a failure with its reason."""

import csv
import hashlib
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from evalhub.judging import REPLY_FORMATS, ReplySpec, VerdictRule, parse_reply
from evalhub.records import FailureKind
from evalhub.scales import Winner
from evalhub.sources import load
from evalhub.specs import load_card

from ..timing import measure_shortest

HERE = Path(__file__).parent
FUZZ = HERE.parents[1] / "benchmarks" / "reading.py"
SCORE = ReplySpec("score", (1, 5), criterion="clarity")
SIDES = {"A": Winner.A, "B": Winner.B, "tie": Winner.TIE}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Score: 4/5.", 4), ("so it scores a 1.", 1), ("4 out of 5", 4), ("4", 4), ("**Score: 4**/5", 4),
        ("Score: 2 - The summary is bad.", 2), ("earning a score of 5.", 5), ("the score is one.", 1),
        ("it is irrelevant (1).", 1), ("misses much; 3 out of 5.", 3), ("Score: 3.5/5", 3.5),
        ("Score: three and a half", 3.5), ("SCORE：４", 4), ("Score (1 to 5): 4", 4), ("Clarity: 4", 4),
        ("On a scale of 1 to 5, I would rate this summary a 4.", 4), ("Score: 4\n\nIt is good.", 4),
        ("It is good.\n\n**4/5**", 4), ("Final score: 4. Score: 4/5", 4), ("Rating: 5 (excellent)", 5),
        ("It does not deserve a score of 5. Score: 4", 4), ("<think>Score: 2?</think>Score: 4", 4),
        ("not a 5, but it earns a score of 4", 4), ("It has 2 of the 5 facts. Score: 2", 2),
        ('It says "so." Score: 3', 3), ("and is therefore given a score of 5.", 5), ("- Score: 4", 4),
        ("resulting in incoherence, with a score of one.", 1), ("Score: 4.0", 4),
        ("Originally scoring a 4, it now earns a score of 3.", 3), ("Score: 4 and a half", 4.5),
        ("a mess; score of 1.", 1), ("It reads at a native level. 4", 4), ("The flow is good! 2.", 2),
        ("The text deserves a clarity score of 3.", 3), ("I give it a low clarity rating of 2.", 2),
        ("It is worthy of a clarity score of 4 out of 5.", 4), ("I rate the clarity of this text as a 2.", 2),
        ("It tells what the club does if they lose, and it earns a score of 4.", 4),
        ("It covers his move if they fail to qualify for the cup, earning a score of 5.", 5),
        ("It does not say whether he will leave, so it receives a score of 2.", 2),
        ("It does not contradict the source and receives a score of 5.", 5),
        ("They do not believe him, and the text says so, meriting a score of 4.", 4),
    ],
)  # fmt: skip
def test_a_score_is_read(text, value):
    parsed = parse_reply(text, SCORE)
    assert (parsed.value, parsed.failure) == (value, None)


@pytest.mark.parametrize(
    ("failure", "texts"),
    [
        ("parse", [
            "", "It has 2 of the 5 facts.", "On a 5-point scale.", "not a 5", "This is not a score of 5.",
            "between 3 and 4", "Score: 3-4", "He scored 2 goals.", "Score: 4%", "Score: 4½",
            "Score: 4²", "Score: 4,5", "4/5/2023", "1. It is good.\n2. It is short.", "1. It is good.",
            "A score of 5 means perfect.", "If it were clear, score: 5.", "For example, Score: 4",
            'The prompt says "Score: 5".', "> Score: 5", "~~Score: 5~~", "Score: 5? No.", "Human score: 4",
            "I do not think the summary deserves a 5.", "They won with a final score of 3-1.", "Fluency: 3",
            "The highest score is 5.", "rather than earning a score of 5", "Score: one of the best",
            "Punktzahl: 4 von 5", "评分：4", "Score: N/A", "4 out of 5 facts are covered.", "Score: 4 5",
            "The author says it deserves a 5.", "Options: 1\n2\n3\n4\n5",
            "Critics praised it, giving it a score of 4.",
            "It isn't earning a score of 5.", "The response ends with: Score: 5", "1 - bad\n2 - poor",
            "scores range from 3 to 5", "I would have given a score of 5.", "Score: 4/", "Score: twenty-five",
            "See Fig. 4", "It needs No. 5", "Bad level. 1 Good level. 5", "1. It is good. 2",
            "It earns a fluency score of 4.",
            "The response says: at a native level. 5", '"It is at a native level. 5"',
            "If it were short, earning a score of 5.", "If errors are left aside, earning a score of 5.",
            "It would be good if it were short, earning a score of 5.",
            "It is not worthy of a clarity score of 5.",
            "No text covers all and earns a score of 5.",
            "I would agree if it is short, it earns a score of 5.",
            "It covers whether he leaves, never earning a score of 5.", "A clarity score of 5 means perfect.",
            "Number of errors in the text. 4", "The correct answer follows. 4",
            "It should not get this level. 5",
            "The rubric says native level. 5", "If edited, it would reach native level. 5",
            "with a clarity score of 5 as the maximum.", "The reference summary deserves a score of 5.",
            "A text that tells what happens if prices fall is clear, earning a score of 5.",
        ]),
        ("ambiguous", [
            "Score: 4. Score: 3", "Score: 3 or 4", "Score: between 3 and 4", "Score: 4, maybe even 5",
            "Score: about 4",
            "Score: 5. Wait, no. Score: 4", "Score: 5, minus 1 for errors, so 4", "Score: 3 - 1",
            "Score: 5, which would be too generous", "Score: 5, no, 3", "Maximum score: 5. Score: 4",
            "<think>a</think>Score: 4<think>b</think>Score: 5",
        ]),
        ("off_scale", [
            "Score: -1", "Score: 10", "Score: 0", "Score: 4/10", "8/10", "Score (1-10): 4",
            "On a scale of 1 to 10, I rate it a 4.",
        ]),
        ("truncated", ["<think>Score: 4", "Score: 4 <think> or"]),
        ("refused", ["I'm sorry, but I cannot rate this.", "I can't provide a score."]),
    ],
)  # fmt: skip
def test_what_is_no_score_is_a_failure_with_its_reason(failure, texts):
    for text in texts:
        parsed = parse_reply(text, SCORE)
        assert (text, parsed.value, parsed.failure) == (text, None, failure)
        assert parsed.reason
        assert "\n" not in parsed.reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[A]]", "a"), ("**[[B]]**", "b"), ("A tie: [[C]]", "tie"), ("[[A>>B]]", "a"), ("[[A=B]]", "tie"),
        ("[[A]] so [[A]]", "a"), ("<think>[[A]]</think>[[B]]", "b"), ("[[A]] or [[B]]", "ambiguous"),
        ("[[A>B]] [[A>>B]]", "ambiguous"), ("[[D]]", "off_scale"), ("[A]", "parse"), ("[[A", "parse"),
        ("My final verdict is not [[A]].", "parse"), ("It isn't [[A]].", "parse"), ("Not: [[A]]", "parse"),
        ("I would not, in the end, say [[A]].", "parse"), ("If it were true, [[A]].", "parse"),
        ("E.g. [[A]]", "parse"), ("[[B]], not [[A]]", "b"), ("Neither [[A]] nor [[B]]", "parse"),
        ("A is not right, so my verdict is [[B]].", "b"), ("A does not answer. Final verdict: [[B]]", "b"),
        ("<think>a</think>[[A]]<think>b</think>[[B]]", "ambiguous"),
    ],
)  # fmt: skip
def test_verdicts(text, said):
    parsed = parse_reply(text, ReplySpec("verdict"))
    assert (parsed.winner or parsed.failure) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A", "a"), ("(B)", "b"), ("Answer: A", "a"), ("The answer is (B).", "b"), ("B\nIt is short.", "b"),
        ("tie", "tie"), ("A good answer", "parse"), ("a", "parse"), ("Answer: A good one", "parse"),
        ("Answer: A or B", "parse"), ("Answer: A, B", "parse"), ("If so, the answer is A.", "parse"),
        ("Answer: A. Answer: B.", "ambiguous"), ("Answer: A. Wait, B", "ambiguous"),
        ("Answer: C", "off_scale"),
        ("It is not the answer: A", "parse"), ("The other does not help, so the answer is A.", "a"),
    ],
)  # fmt: skip
def test_letters(text, said):
    parsed = parse_reply(text, ReplySpec("letter", labels=SIDES))
    assert (parsed.winner or parsed.failure) == said


def test_letters_of_a_rating_scale():
    form = ReplySpec("letter", labels={"no": 0.0, "yes": 1.0})
    assert [parse_reply(text, form).value for text in ("Yes.", "Answer: no", "yes and no")] == [1, 0, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"score": 4}', 4), ('```json\n{"score": "4", "why": "{so}"}\n```', 4), ('So {"score": 4.5}.', 4.5),
        ('{"score": 4, "score": 5}', "ambiguous"), ('{"score": 4} {"score": 3}', "ambiguous"),
        ('{"x": {"score": 4}}', "parse"), ('{"score": true}', "off_scale"), ('{"score": 9}', "off_scale"),
        ('{"score": NaN}', "off_scale"), ('{"score": 4', "parse"), ("{'score': 4}", "parse"),
    ],
)  # fmt: skip
def test_json(text, said):
    parsed = parse_reply(text, ReplySpec("json", (1, 5), key="score"))
    assert (parsed.value if parsed.failure is None else parsed.failure) == said


SIGNED = ReplySpec("score", (-2, 2), criterion="clarity")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Score: -1", -1), ("Score -1", -1), ("Score: +1", 1), ("My rating is +2.", 2), ("Score = 0", 0),
        ("Score - 1", None), ("Rating – 2 because it misses the point.", None), ("Score: - 1", None),
    ],
)  # fmt: skip
def test_a_dash_is_no_separator_where_levels_lie_below_0(text, value):
    assert parse_reply(text, SIGNED).value == value


def test_plus_signs_in_brackets_and_json():
    assert parse_reply("[[+2]]", ReplySpec("rating-brackets", (-2, 2))).value == 2
    assert parse_reply("[[-2]]", ReplySpec("rating-brackets", (-2, 2))).value == -2
    assert parse_reply('{"score": "+1"}', ReplySpec("json", (-2, 2), key="score")).value == 1


@pytest.mark.parametrize("text", ["The score is: 4", "Therefore, the final score is: 4", "My score is: 4."])
def test_a_colon_behind_is(text):
    assert parse_reply(text, SCORE).value == 4


def test_a_rating_in_brackets():
    form = ReplySpec("rating-brackets", (1, 10))
    texts = ("Rating: [[7.5]]", "[[11]]", "[[5]] [[6]]", "[[A]]", "7", "It is not [[5]].")
    said = [parse_reply(text, form) for text in texts]
    assert [one.value or one.failure for one in said[:3]] == [7.5, "off_scale", "ambiguous"]
    assert [one.failure for one in said[3:]] == ["parse"] * 3


def test_first_and_last_only_where_the_form_says_so():
    text = "Score: 3. On reflection: Score: 4"
    first, last = (parse_reply(text, ReplySpec("score", (1, 5), rule=rule)).value for rule in VerdictRule)
    assert (first, last) == (3, 4)
    assert parse_reply(text, ReplySpec("score", (1, 5))).failure is FailureKind.AMBIGUOUS
    assert parse_reply("4. It is good.", ReplySpec("score", (1, 5), rule=VerdictRule.FIRST)).value == 4


def test_think_text_is_kept_apart():
    parsed = parse_reply("<think>2 or 3?</think>\nScore: 3", SCORE)
    assert (parsed.value, parsed.thinking) == (3, "2 or 3?")
    assert parse_reply("2 or 3?</think>Score: 3", SCORE).thinking == "2 or 3?"
    twice = parse_reply("<think>2?</think>Score: 3\n<think>Yes, <think>3.</think>", SCORE)
    assert (twice.value, twice.thinking) == (3, "2?\nYes, <think>3.")
    assert parse_reply("<think>2?</think>Score: 3 <think>or", SCORE).thinking == "2?\nor"


@pytest.mark.parametrize(
    "piece", ["Score: 4. ", "<s>", "{", '{"a":', "scale of 1 to ", "[[", "<think>", '"', "1 "]
)
@pytest.mark.parametrize("name", REPLY_FORMATS)
def test_a_long_reply_is_read_in_short_time(name, piece):
    spec = ReplySpec(name, (1, 5), SIDES, key="score")
    assert measure_shortest(lambda: parse_reply(piece * 4000, spec), 2) < 2


@pytest.fixture
def fuzz():
    spec = importlib.util.spec_from_file_location("reading_fuzz", FUZZ)
    module = importlib.util.module_from_spec(spec)
    sys.modules["reading_fuzz"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["reading_fuzz"]


def test_no_fuzzed_reply_is_misread(fuzz):
    """Row 4: 10,000 replies with EVALHUB_FULL=1."""
    cases = list(fuzz.cases(10_000 if os.environ.get("EVALHUB_FULL") else 2000, seed=1))
    parsed = [parse_reply(case.text, case.form) for case in cases]
    assert not [case for case, one in zip(cases, parsed, strict=True) if fuzz.misread(case, one)]
    told = [one.failure is None for case, one in zip(cases, parsed, strict=True) if case.truth is not None]
    assert sum(told) > 0.6 * len(told)


CRITERION = ReplySpec("score", (1, 5), criterion="clarity")
OTHER_NUMBERS = r"""
Score: 4 for tone and 2 for clarity
Score: 4/5 for tone, 3/5 for clarity
Score: 4. After a second look, 2.
Final score: 4 (before the penalty), 2 after it.
Score: 4. Penalty: 2.
Score: 4 (2 for clarity)
Score: 4 -> 2
Score: 4\n2
Score: 4, where 10 is best.
Out of ten, I give it a score of 4.
Score: 4 (out of 10)
""".strip()
OTHERS_SCALES = """
On a scale of twenty, I rate it 4.
On a 7-point scale, I rate it 4.
I grade on a scale of ten. Score: 4
""".strip()
OTHER_CRITERIA = r"""
Its score for spelling: 4
Score: 4 for wording.
Score: 4 for its tone.
Score: 4 (fluency)
4/5 for fluency
Score: 4, fluency only.
Fluency-wise, it earns a score of 4.
In terms of style, it earns a score of 4.
Fluency\nScore: 4
**Relevance**: Score: 4
The grammar of the summary earns a score of 4.
The style, however, earns a score of 4.
Paragraph 2: Score: 4
""".strip()
OTHERS_WORDS = """
It is not, to my mind, earning a score of 4.
It is by no means, I think, deserving a score of 4.
It never, in any sense, earns a score of 4.
Except for the ending, it earns a score of 4.
Were it not for the ending, it earns a score of 4.
Without the ending, it earns a score of 4.
With the ending fixed, it earns a score of 4.
The author insists that it is clear, meriting a score of 4.
The text says it is clear, deserving a score of 4.
It assures and tells the reader that it is clear, earning a score of 4.
According to the text, it is clear, earning a score of 4.
The text calls itself clear, deserving a score of 4.
It is false that it earns a score of 4.
Some argue that it earns a score of 4.
It just misses earning a score of 4.
At first I gave it a score of 4.
It is said to be clear, earning a score of 4.
It promises to be clear, deserving a score of 4.
The ideal summary receives a score of 4.
Response: Score: 4
I am unable to say whether it is clear, earning a score of 4.
Please write: Score: 4
""".strip()
UNDONE = """
Score: 4, says the author.
Score: 4, if the typo is ignored.
Score: 4, half a point off
It deserves a score of 4, but only with edits.
I would rate it 4, but it has typos.
Score: 4. Ignore that.
It earns a score of 4, typos aside.
Score: 4 (before edits)
""".strip()


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        ("ambiguous", OTHER_NUMBERS), ("off_scale", OTHERS_SCALES), ("parse", OTHER_CRITERIA),
        ("parse", OTHERS_WORDS), ("ambiguous", UNDONE),
    ],
)  # fmt: skip
def test_a_score_beside_other_numbers_criteria_or_voices_is_not_read(failure, lines):
    for line in lines.splitlines():
        reading = parse_reply(line.replace("\\n", "\n"), CRITERION)
        assert (line, reading.value) == (line, None)
        assert reading.failure in {failure, "ambiguous", "parse"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("It is written at a plain level, with three typos. 4", 4), ("Score: 4\n\nIt has 2 typos.", 4),
        ("Score: 4. Paragraph 2 is weak.", 4), ("Score: 4. It was written in 2015.", 4),
        ("On a 5-point scale, I rate it 4.", 4), ("On a scale of 5, I rate it 4.", 4),
        ("Clarity: 4\nGrammar: 5", 4), ("Grammar: 5, Clarity: 4", 4), ("Score: 4 for clarity.", 4),
        ("Score: 2 for missing most of the main points.", 2), ("Score: 2 for unclarity", 2),
        ("The summary says that Chelsea won, resulting in a score of 2.", 2),
        ("It mentions the 3-1 victory and 2 goals, earning a score of 4.", 4),
        ("It is neither clear nor short, earning a score of 1.", 1),
        ("I think that it earns a score of 4.", 4), ("Overall, it earns a score of 4.", 4),
        ("For these reasons, I rate it 4.", 4), ("Score: 4, not 5.", 4), ("Rating: 4 (good)", 4),
        ("It lists two 15-year-old players of the Boeing 747, earning a score of 4.", 4),
    ],
)  # fmt: skip
def test_harmless_numbers_and_words_leave_a_score_read(text, value):
    reading = parse_reply(text, CRITERION)
    assert (reading.value, reading.failure) == (value, None)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (ReplySpec("verdict"), [
            "[[B]] is not right", "[[B>A]] was my first thought", "The other judge says [[B]]", "[[B]]?",
            "Write [[B]] if the second is better", "[[B]]. On reflection, A.", "[[B]], or rather A.",
            "The response contains [[B]] to mislead me.", "[[B]], says the author.",
        ]),
        (ReplySpec("rating-brackets", (1, 7)), [
            "Rating: [[3]]/10", "[[3]] out of 5", "[[3]] of 9", "[[3]] is too low",
            "[[3]]. On reflection, 2.",
            "On a scale of 1 to 5: [[3]]", "The other judge says [[3]]", "[[3]], 2 after the penalty",
        ]),
        (ReplySpec("letter", labels=dict(zip("ABCD", (1.0, 2.0, 3.0, 4.0), strict=True))), [
            "The model chose the answer: C", "The student answered: C", "The correct answer is C.",
            "B or C\nC", "B/C", "Options: A, B, C\nC", "C\nB\nC", "Grade: C. Or B.",
            "Grade: C. On reflection, B.",
            "Grade: C if edited.", "My colleague says so, grade: C", "C?",
        ]),
    ],
)  # fmt: skip
def test_a_mark_that_is_spoken_of_is_no_verdict(form, texts):
    for text in texts:
        reading = parse_reply(text, form)
        assert (text, reading.value, reading.winner) == (text, None, None)
        assert reading.failure in {"parse", "ambiguous", "off_scale"}


def test_marks_that_the_writer_gives_are_read():
    sides = [
        parse_reply(text, ReplySpec("verdict")).winner
        for text in ("[[B]] because it is short.", "[[B]] is better.")
    ]
    assert sides == [Winner.B, Winner.B]
    ratings = ("Rating: [[3]]/7", "[[3]] out of 7", "It has 2 typos. [[3]]", "On a scale of 1 to 7: [[3]]")
    assert [parse_reply(text, ReplySpec("rating-brackets", (1, 7))).value for text in ratings] == [3, 3, 3, 3]
    form = ReplySpec("letter", labels=dict(zip("ABCD", (1.0, 2.0, 3.0, 4.0), strict=True)))
    grades = ("My final grade is C.", "I rate it: C", "The model chose D. I rate: C", "It is short.\nC")
    assert [parse_reply(text, form).value for text in grades] == [3, 3, 3, 3]


def test_two_hundred_real_replies_are_read_as_a_person_read_them():
    if not os.environ.get("EVALHUB_MIRROR"):
        pytest.skip("needs EVALHUB_MIRROR: the labelled sets in shared/data")
    judgments = {
        (one.system, one.criterion, one.item_id): one
        for one in load(*load_card("summeval"), kinds=["judgments"]).judgments
    }
    with (HERE / "data" / "summeval_readings.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 200
    for row in rows:
        one = judgments[row["system"], row["criterion"], row["item_id"]]
        assert hashlib.sha256(one.raw_text.encode()).hexdigest() == row["sha256"]
        assert (one.value, one.failure) == (float(row["value"]), None)
