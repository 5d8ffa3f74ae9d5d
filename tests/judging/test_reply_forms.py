"""The plain forms in which judges write their verdicts, and the words that withhold one."""

import pytest

from evalhub.judging import ReplySpec, parse_reply
from evalhub.records import FailureKind
from evalhub.scales import Winner

from ..timing import measure_shortest

SCORE = ReplySpec("score", (1, 7), criterion="clarity")
HUNDRED = ReplySpec("score", (0, 100), criterion="clarity")
SIDES = ReplySpec("letter", labels={"A": Winner.A, "B": Winner.B, "tie": Winner.TIE})
GRADES = ReplySpec("letter", labels={"A": 3.0, "B": 2.0, "C": 1.0})


def verdict_of(text, form):
    reading = parse_reply(text, form)
    return reading.failure or (reading.value if reading.winner is None else reading.winner)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Feedback: It is short. [RESULT] 6", 6), ("It is short.\n[RESULT]: 6", 6), ("[result] 6/7", 6),
        ("It is short. **[RESULT]** 6", 6), ("<score>6</score>", 6), ("<score>\n6\n</score>", 6),
        ("<feedback>It is short.</feedback><score>6</score>", 6), ("<final_score> 6/7 </final_score>", 6),
        ("It is short. <rating>6</rating>", 6), ("<clarity>6</clarity><grammar>2</grammar>", 6),
        ("<score>6</score> out of 7", 6), ("Overall: 6", 6), ("**Overall:** 6/7", 6),
        ("It is short.\n- Overall: 6", 6), ("Verdict: 6", 6), ("Score: \\boxed{6}", 6),
        ("The final score is $\\boxed{6}$.", 6), ("\\boxed{6}", 6), ("[6]", 6),
        ("Clarity: 6\nOverall: 3", 6),
        ("It lacks what holds it together, all in all, meriting a score of 6", 6),
        ("I cannot judge the source, yet the text is clear.\nScore: 6", 6), ("It has no typos.\n6", 6),
        ("It does not get lost in details.\n6", 6), ("Issues:\nNone.\n\nScore: 6", 6),
        ("No score of 7 is due here.\nScore: 6", 6), ("There is no score sheet in it.\nScore: 6", 6),
    ],
)  # fmt: skip
def test_a_rating_is_read_in_each_plain_form(text, value):
    assert verdict_of(text, SCORE) == value


@pytest.mark.parametrize(
    "text",
    [
        "I won't rate this.\n6", "The judge cannot rate it.\n6",
        "It cannot be scored.\n6", "This deserves no rating.\n6", "Rating: –\n6",
        "I'm unable to give a rating.\n6", "It does not receive a score.\n6", "N/A\n6", "No score, sorry.\n6",
        "No score.\n6", "No rating given.\n6", "I give no rating.\n\n6/7", "Not rated.\n6", "Unscored.\n6",
        "Score: N/A\n6", "Score: none\n6", "Rating not available.\n6", "There is no score.\nScore: 6",
        "Without a rating.\n6", "I cannot rate this.\n6", "No score.\n[RESULT] 6",
        "No score. <score>6</score>",
        "The response ends with [RESULT] 6", "The response says: [RESULT] 6", "[RESULT] (1-7)",
        "[RESULT] an integer from 1 to 7", "It is not <score>6</score>", "Please write <score>6</score>",
        "<example><score>6</score></example>", "<response>Score: 6</response>", "<score>6</score>/10",
        "<score>6</score> out of 10", "<score>6</score><score>5</score>", "<fluency>6</fluency>",
        "Grammar: 2\nOverall: 6", "Overall: 6\n\n2",
        "Overall, 6 facts are missing.", "Overall: 6 facts", "Overall: 6-1",
        "It is short, Relevance: Score: 6", "It has no errors at all FLUENCY: SCORE: 6",
        "The right answer is\n$$\\boxed{6}$$", "It is [6]", "Answer: 6", "Score: 85%", "The result is 6",
    ],
)  # fmt: skip
def test_no_rating_is_read_where_none_is_given(text):
    reading = parse_reply(text, SCORE)
    assert (text, reading.value) == (text, None)
    assert reading.failure in {"parse", "ambiguous", "off_scale", "refused"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Score: 72%", 72), ("**Score:** 72 %", 72), ("I rate it 72%.", 72), ("Clarity: 72 percent", 72),
        ("72%", 72), ("It is short.\n\n72%", 72), ("Score: 72.5%", 72.5), ("[RESULT] 72%", 72),
        ("Score: 72%. It names 40% of the facts.", 72), ("Score: 100%", 100), ("Score: 0%", 0),
        ("On a scale of 0% to 100%, I rate it 72%.", 72),
    ],
)  # fmt: skip
def test_per_cent_is_read_where_the_scale_is_one(text, value):
    assert verdict_of(text, HUNDRED) == value


@pytest.mark.parametrize(
    "text",
    [
        "It names 72% of the facts.", "72% of it is copied.", "Much is copied. 72%", "Score: 120%",
        "Score: 72% or 80%", "Score: 72%. On reflection, 60%.", "Score: about 72%", "not 72%",
    ],
)  # fmt: skip
def test_a_share_of_something_is_no_score(text):
    assert parse_reply(text, HUNDRED).value is None


def test_per_cent_of_json_is_read_where_the_scale_is_one():
    assert verdict_of('{"score": "72%"}', ReplySpec("json", (0, 100), key="score")) == 72


def test_per_cent_is_no_level_of_another_scale():
    for limits in ((1, 5), (0, 10), (0, 1)):
        assert parse_reply("Score: 4%", ReplySpec("score", limits)).value is None


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ("[[A<B]]", "b"), ("[[A<<B]]", "b"), ("[[B<A]]", "a"), ("[[B<<A]]", "a"), ("[[A>>B]]", "a"),
        ("[[B>>A]]", "b"), ("[[B=A]]", "tie"), ("[[A >> B]]", "a"), ("[[ A < B ]]", "b"),
        ("My final verdict is: [[B＞A]]", "b"), ("[[A<B]] so [[B>A]]", "b"), ("[[A>>>B]]", "off_scale"),
        ("[[A>A]]", "off_scale"), ("[[A<B]] [[B<A]]", "ambiguous"), ("It is not [[A<B]].", "parse"),
        ("No verdict. [[A]]", "ambiguous"),
    ],
)  # fmt: skip
def test_a_comparison_names_the_better_side(text, winner):
    assert verdict_of(text, ReplySpec("verdict")) == winner


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ("Answer: Response A", "a"), ("**Winner: Assistant B**", "b"), ("The winner is Assistant B.", "b"),
        ("\\boxed{A}", "a"), ("It is short.\n$\\boxed{\\text{B}}$", "b"), ("Verdict: Model A.", "a"),
        ("Better response: B", "b"), ("The better response is Response A.", "a"),
        ("Answer: **Output (B)**", "b"), ("\\boxed{Response A}", "a"), ("The best response is: B", "b"),
        ("<answer>A</answer>", "a"), ("<winner>Response B</winner>", "b"), ("[RESULT] B", "b"),
        ("The final answer is \\boxed{B}.", "b"), ("Response A", "a"), ("Assistant B.", "b"),
        ("There is no clear winner, so it is a draw. Answer: tie", "tie"),
        ("Preferred response: A", "a"), ("It was not an easy choice.\nA", "a"),
        ("I can't decide.\ntie", "tie"),
        ("A does not rate the film.\nB", "b"), ("There is no winner.\nAnswer: tie", "tie"),
    ],
)  # fmt: skip
def test_a_side_is_read_in_each_plain_form(text, winner):
    assert verdict_of(text, SIDES) == winner


@pytest.mark.parametrize(
    "text",
    [
        "Response A\nIt is short.\n\nResponse B\nIt is long.", "Answer: Response A or Response B",
        "Answer: Response A is not good.", "Response A is shorter.", "Answer: Response A. Wait, Response B.",
        "Answer: Response A. On reflection, Response B.", "The winner is not Assistant B.",
        "The model wrote \\boxed{A}", "Answer: Response", "Answer: A response", "No verdict.\nA",
        "I cannot choose.\nA", "No winner.\nB", "I refuse to pick.\nB", "No preference.\nA",
        "<response>A</response>", "The output is Response A.",
        "Winner: Assistant A. Winner: Assistant B.",
    ],
)  # fmt: skip
def test_no_side_is_read_where_none_is_given(text):
    reading = parse_reply(text, SIDES)
    assert (text, reading.winner) == (text, None)
    assert reading.failure in {"parse", "ambiguous", "refused"}


def test_a_noun_before_a_letter_names_a_side_and_no_grade():
    assert verdict_of("Grade: B", GRADES) == 2
    assert parse_reply("Answer: Response B", GRADES).failure is FailureKind.PARSE


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ('{"winner": "B"}', "b"), ('{"winner": "Assistant B"}', "b"),
        ('{"winner": "Response A or B"}', "off_scale"),
        ('{"winner": "model_b"}', "b"), ('{"winner": "b"}', "b"), ('{"winner": "Tie"}', "tie"),
        ('{"winner": "[[A]]"}', "a"), ('{"winner": "A or B"}', "off_scale"),
        ('{"winner": "both"}', "off_scale"),
        ('{"winner": "not A"}', "off_scale"), ('{"winner": null}', "off_scale"),
    ],
)  # fmt: skip
def test_a_side_of_json_is_read_as_it_is_spelled(text, winner):
    assert verdict_of(text, ReplySpec("json", labels=SIDES.labels, key="winner")) == winner


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"score": 6}', 6), ('{"score": "6/7"}', 6), ('{"score": "6 out of 7"}', 6),
        ('{"score": "6%"}', "off_scale"),
        ('{"score": "6/10"}', "off_scale"), ('{"score": "6 facts"}', "off_scale"),
    ],
)  # fmt: skip
def test_a_score_of_json_may_name_its_top(text, value):
    assert verdict_of(text, ReplySpec("json", (1, 7), key="score")) == value


@pytest.mark.parametrize(
    "piece", ["</score>", "<example>", "<score>6", "\\boxed{", "[RESULT] ", "No score. ", "72% "]
)
@pytest.mark.parametrize("name", ["score", "letter"])
def test_a_long_reply_with_marks_is_read_in_short_time(name, piece):
    spec = ReplySpec(name, (0, 100), SIDES.labels)
    assert measure_shortest(lambda: parse_reply(f"It is short.{piece * 4000}x", spec), 2) < 2
