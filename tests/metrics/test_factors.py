"""Words that multiply or divide the number beside them: an equal value, or none with a reason."""

import pytest

from evalhub.metrics.exact import UNREAD, ExactMatch, Normalizer
from evalhub.metrics.numbers import Agreement, compare, final_number


def value(candidate, reference, language=None):
    """Return the value of number match and its reason."""
    (column,) = ExactMatch(Normalizer.NUMBER).score_in([candidate], [[reference]], [language])
    assert (column.values[0] is None) is (column.reasons[0] is not None)
    return column.values[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (r"\boxed{7 \text{ dozen}}", "84"), ("7 doz.", "84"), ("7 & a half", "7.5"),
        ("7 dozen", "84"), ("1.5 dozen", "18"), ("7 dozens of eggs", "84"), ("7-dozen", "84"),
        ("-7 dozen", "-84"),
        ("seven dozen", "84"), ("A dozen", "12"), ("She buys a dozen eggs.", "12"), ("half a dozen", "6"),
        ("7 Dutzend", "84"), ("7 douzaines", "84"), ("7 docenas", "84"), ("7 dozzine", "84"),
        ("7 dúzias", "84"),
        ("7 дюжин", "84"), ("7ダース", "84"), ("7 dozijn", "84"), ("7 tuzinów", "84"), ("7打", "84"),
        ("half", "0.5"), ("Half.", "1/2"), ("a half", "0.5"), ("one half", "0.5"),
        ("The answer is half.", "0.5"),
        ("one-half", "1/2"), ("7 quarters", "1.75"),
        ("1 half", "0.5"), ("7 tenths", "0.7"), ("7 halves.", "3.5"),
        ("three and three quarters", "3.75"), ("one and one half", "1.5"),
        ("half-dozen", "6"), ("a half dozen", "6"),
        ("#### half", "0.5"), (r"\boxed{\text{half}}", "0.5"), ("seven and a half", "7.5"),
        ("a quarter", "0.25"), ("two thirds", "2/3"), ("Two-thirds.", "2/3"),
        ("It is three quarters.", "0.75"), ("a third", "1/3"), ("four fifths", "0.8"),
        ("seven tenths", "0.7"),
        ("two and a half", "2.5"), ("three and a quarter", "3.25"), ("minus one half", "-0.5"),
        ("7 and a half", "7.5"), ("It takes 7 and a half hours.", "7.5"), ("7 and three quarters", "7.75"),
        ("一半", "0.5"), ("半分", "0.5"), ("die Hälfte", "0.5"), ("La moitié.", "0.5"), ("la mitad", "0.5"),
        ("половина", "0.5"),
        ("50 pairs", "50"), ("There were 7 couples.", "7"), ("four pairs", "4"), ("7 pairs of socks", "7"),
    ],
)  # fmt: skip
def test_a_factor_gives_its_value(text, number):
    assert value(text, number) == 1
    assert value(number, text) == 1
    assert value(text, "991") != 1


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("7 times 9", ["63", "9"]), ("half times 8", ["4", "8"]), ("7 plus 9", ["16", "9"]),
        ("7‰", ["0.007"]),
        ("the sum divided by 9", ["9"]), ("7 basis points", ["0.0007"]), ("7 baker's dozen", ["91", "7"]),
        ("a gross", ["144"]), ("7 dozen", ["7"]), ("7 pairs", ["14"]), ("7 pairs of socks", ["14"]),
        ("7 couples", ["14"]),
        ("7 score", ["140"]), ("7 gross", ["7", "1008"]),
        ("7 halves", ["7"]),
        ("1 half", ["1"]), ("7 tenths", ["7"]),
        ("three quarters", ["3"]), ("7 thirds of it", ["7", "7/3"]),
        ("four pairs", ["8"]), ("half of four", ["2", "4"]),
        ("twice four", ["8", "4"]),
        ("½ of 88", ["44", "88"]),
        ("half the class", ["0.5", "15"]), ("3 half dozens", ["18", "3"]), ("the square of 9", ["81", "9"]),
        ("seven squared", ["49"]), ("two thirds of nine", ["6", "9"]), ("7个半", ["7.5", "7"]),
        ("五个半", ["5.5", "5"]), ("a dozen and a half", ["18", "12"]), ("7 hours and a half", ["7.5", "7"]),
        ("a million and a half", ["1500000", "1000000.5"]), ("half hour", ["0.5", "30"]),
        ("7 doubled", ["7", "14"]),
        ("7 halved", ["7", "3.5"]),
        ("half of 88", ["44", "88"]), ("half 88", ["44", "88"]), ("half the 88", ["44", "88"]),
        ("two thirds of 90", ["60", "90"]), ("a quarter of 88", ["22", "88"]),
        ("a third of the 90", ["30", "90"]),
        ("3/4 of 88", ["66", "88"]), ("25% of 88", ["22", "88"]), ("25 percent of $88", ["22", "88"]),
        ("twice 88", ["176", "88"]), ("double 88", ["176", "88"]), ("triple the 88", ["264", "88"]),
        ("thrice 88", ["264", "88"]), ("twice as many as 88", ["176", "88"]),
        ("half of **88**", ["44", "88"]),
        ("3 times as many as 88", ["264", "88"]), ("a pair", ["2", "1"]), ("a couple", ["2"]),
        ("a score", ["20"]),
        ("double", ["2"]), ("twice", ["2"]), ("half an hour", ["0.5", "30"]), ("half a million", ["500000"]),
        ("half a percent", ["0.005"]), ("a couple hundred", ["200", "100"]), ("He ate half.", ["0.5"]),
        ("He ate a third.", ["1/3"]), ("half of them", ["0.5", "30"]), ("a few dozen", ["12", "36"]),
        ("dozens", ["12"]), ("several dozen", ["12"]), ("one and a half dozen", ["18", "1.5"]),
        ("7 and a half dozen", ["90", "7"]), ("88的一半", ["44", "88"]), ("88の半分", ["44", "88"]),
        ("die Hälfte von 88", ["44", "88"]), ("la moitié de 88", ["44", "88"]),
        ("la mitad de 88", ["44", "88"]),
        ("половина от 88", ["44", "88"]), ("7 and half", ["7"]), ("twenty-third", ["23"]),
    ],
)  # fmt: skip
def test_where_a_factor_leaves_it_open_there_is_no_value(text, numbers):
    for number in numbers:
        assert (text, number, value(text, number)) == (text, number, None)
        assert (number, text, value(number, text)) == (number, text, None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The second half: 7", "7"), ("half past 7", "7"), ("7 score points", "7"), ("a score of 7", "7"),
        ("A pair costs 7", "7"), ("double digits: 77", "77"), ("quarter 3", "3"), ("the third of 7", "7"),
        ("In the first half they scored 7", "7"), ("Twice as many, so 7", "7"), ("half = 7", "7"),
        ("It doubled to 7", "7"), ("2 of 7", "7"),
        ("7 times", "7"), ("7 per mille", "7"), ("7 times 9 is 63", "63"),
        ("7 fifth graders", "7"), ("7 second graders", "7"),
        ("Half of the 88 is 44", "44"), ("25% of 88 = 22", "22"), ("a dozen eggs cost 7", "7"),
        ("7 quarter notes", "7"), ("a four-week plan", "4"),
        ("7 half-hour lessons", "7"), ("He gave half to his 7 sons", "7"),
        ("$70 gross", "70"), ("3 times 7 is 21", "21"), ("7", "7"),
    ],
)  # fmt: skip
def test_other_uses_of_such_words_change_nothing(text, number):
    assert value(text, number) == 1


@pytest.mark.parametrize(
    "text",
    ["I have a couple of ideas.", "In the second half they won.", "It is a third-party tool.",
     "He cut it in half.",
     "They came third.", "It is the third.", "I cannot say, a pair of reasons speaks against it."],
)  # fmt: skip
def test_a_text_without_an_answer_stays_without_one(text):
    assert final_number(text) is None
    assert value(text, "7") == 0


def test_what_is_unread_says_so():
    (column,) = ExactMatch(Normalizer.NUMBER).score(["half of 88"], [["44"]])
    assert column.reasons == (UNREAD,)
    assert compare(final_number("7 dozen"), final_number("7")) is Agreement.UNCLEAR
