"""Signs, powers, expressions, Chinese numbers and multiplying words: read rightly, or not read at all."""

from fractions import Fraction

import pytest

from evalhub.metrics.exact import UNREAD, ExactMatch, Normalizer
from evalhub.metrics.numbers import Agreement, Reading, compare, final_number
from evalhub.metrics.numbers.magnitudes import magnitude, magnitude_words

from ..timing import measure_shortest


def value(text: str, language: str | None = None) -> Fraction | str | None:
    reading = final_number(text, language)
    assert reading is not None
    return reading.value


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("y = - 7", None),
        ("The result is - 7.", None),
        ("Das Ergebnis ist - 7", "de"),
        ("Ответ равен - 7", "ru"),
        ("Answer: - 7", None),
        ("Answer: **-7**", None),
        ("Answer: - **7**", None),
        ("- 7", None),
        ("-(7)", None),
        (r"-\left(7\right)", None),
        (r"-\boxed{7}", None),
        (r"\boxed{- 7}", None),
        (r"-\frac{14}{2}", None),
        (r"\frac{-14}{2}", None),
        (r"\frac{14}{-2}", None),
        ("$x = -7$", None),
        ("-$7", None),
        ("#### - 7", None),
        ("minus 7", None),
        ("negative 7", None),
        ("menos 7", "es"),
        ("moins 7", "fr"),
        ("meno 7", "it"),
        ("eksi 7", "tr"),
        ("mínusz 7", "hu"),
        ("miinus 7", "fi"),
        ("минус 7", "ru"),
        ("мінус 7", "uk"),
        ("μείον 7", "el"),
        ("ناقص ٧", "ar"),
        ("منفی ۷", "fa"),
        ("ناقص 7", "ur"),
        ("מינוס 7", "he"),
        ("माइनस 7", "hi"),
        ("মাইনাস ৭", "bn"),
        ("ลบ 7", "th"),
        ("マイナス7", "ja"),
        ("氷点下7度", "ja"),
        ("零下7度", "zh"),
        ("负七", "zh"),
        ("負の7", "ja"),
        ("값은-7", "ko"),
        ("마이너스 7", "ko"),
        ("âm 7", "vi"),
    ],
)
def test_a_sign_is_read(text, language):
    assert value(text, language) == -7


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("- 7 red apples", None),
        ("Apples:\n- 3 green\n- 7 red", None),
        ("au moins 7", "fr"),
        ("al menos 7", "es"),
        ("Answer — 7", None),
        ("Answer: 7 - well done", None),
        ("a 7-day week", None),
        ("7,-", "nl"),
        ("ב-7", "he"),
    ],
)
def test_a_dash_is_not_always_a_sign(text, language):
    assert value(text, language) == 7


@pytest.mark.parametrize(
    "text",
    [
        # Operands, ranges and unclear signs.
        "9 - 4", "9-4", "9–4", "9 minus 4", "9 + 4", "9 * 4", "9*4", "9 × 4", "9 x 4", "9x4",
        "9 ÷ 4", "9~4", "9 : 4", r"9 \times 4", "x - 4", "n+4", "12 pears - 4", "Answer - 4", "4 - y",
        "total = 9 + 4", "pages 9--4", "4-",
        # Powers without an exact value, and expressions of letters.
        "5^0.5", "5^{1/2}", r"5^{\frac{1}{2}}", "5^½", "10^{3x}", "3^n", "3^{n+1}", "10^1.5", "4 × 10^1.5",
        "(-3)^2", "(3+4)^2", "7^{2}^3", "9^9^9", "2^1/2", "4x", "4y + x", "4x^2", "9i", r"4\pi",
        r"\sqrt[3]{4}", "sqrt(4)", "log 4",
        r"\log_{2} 4", "f(4)", r"x \equiv 9 \pmod{4}", "9 mod 4", r"\binom{9}{4}", "x^4", "±4",
        r"\boxed{e^4}",
        # Lists, points, repeating decimals, durations, codes.
        "(9,4)", r"\boxed{9, 4}", r"\boxed{9 \text{ or } 4}", r"\boxed{x = 9, y = 4}",
        "0.(4)", r"0.\overline{4}",
        "0.444...", "9 hours 4 minutes", "9 feet 4 inches", "9h04", "9cm-4cm", "0x4F", "555-0004",
        "三点四十", "七八个", "3十",
    ],
)  # fmt: skip
def test_a_part_of_an_expression_is_not_the_number(text):
    reading = final_number(text)
    assert reading is not None
    assert reading.value is None
    for number in (4, 9, 5, 123456789):
        (column,) = ExactMatch(Normalizer.NUMBER).score([text], [[str(number)]])
        assert column.values == (None,)
        assert column.reasons[0]


def test_what_is_not_read_says_so():
    (column,) = ExactMatch(Normalizer.NUMBER).score(["It is 5^0.5.", "none"], [["2.236"], ["2.236"]])
    assert column.values == (None, 0.0)
    assert column.reasons == (UNREAD, None)


@pytest.mark.parametrize(
    "text", ["4.12.9", "2031-08-09", "23:45", "9/8/2031", "2031年8月9日", "8월 9일", "3点40分"]
)
def test_dates_times_and_versions_are_no_numbers(text):
    reading = final_number(text)
    assert reading is not None
    assert isinstance(reading.value, str)
    assert compare(reading, reading) is Agreement.EQUAL
    assert compare(reading, Reading(Fraction(77))) is Agreement.DIFFERENT


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9^0.5", "3"),
        ("9^{0,5}", "3"),
        ("64^{1/3}", "4"),
        ("64^(2/3)", "16"),
        (r"25^{-\frac{1}{2}}", "1/5"),
        ("25^{-1/2}", "1/5"),
        (r"32^{\frac{1}{5}}", "2"),
        ("81^½", "9"),
        ("(1/4) = 2^-2", "1/4"),
        ("3 ** 4", "81"),
        ("3**4", "81"),
        ("Part 3 **4**", "4"),
        (r"\frac{3.5}{7}", "1/2"),
        (r"The answer is \frac{3}{7}.", "3/7"),
        (r"That is\frac{3}{7}", "3/7"),
        ("3.5/7", "1/2"),
        ("The total is 31.\n1. Add\n2. Check", "31"),
        ("40^\\circ", "40"),
        ("25 m^2", "25"),
        ("25m2", "25"),
        ("4 m/s", "4"),
        ("$4/hour", "4"),
        ("Great, 4!", "4"),
        ("4...", "4"),
        ("\\boxed{3*4=12}", "12"),
    ],
)
def test_exact_values(text, number):
    reading = final_number(text)
    assert reading is not None
    assert reading.value == (None if number is None else Fraction(number))


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("二点七一八", "zh", "2.718"),
        ("答案是六十点七五", "zh", "60.75"),
        ("二点五万", "zh", "25000"),
        ("4千円", "ja", "4000"),
        ("4千克", "zh", "4"),
        ("2百万円", "ja", "2000000"),
        ("4.2万", "zh", "42000"),
        ("2.5億円", "ja", "250000000"),
        ("三百四", "zh", "340"),
        ("三百四", "ja", "304"),
        ("三百零四", "zh", "304"),
        ("两万六", "zh", "26000"),
        ("百分之七十", "zh", "70"),
        ("百分之70", "zh", "70"),
        ("四分之三", "zh", "3/4"),
        ("二又四分之三", "zh", "11/4"),
        ("百分之四点五", "zh", "4.5"),
        ("4分の3", "ja", "3/4"),
        ("4분의 3", "ko", "3/4"),
        ("叁仟伍佰", "zh", "3500"),
        ("3万亿", "zh", "3000000000000"),
        ("三万亿", "zh", "3000000000000"),
        ("2万6千亿", "zh", "2600000000000"),
        ("两万六千亿", "zh", "2600000000000"),
        ("四亿零三十万", "zh", "400300000"),
        ("1兆2000億円", "ja", "1200000000000"),
        ("分2步，答案是六十四。", "zh", "64"),
        ("答案是九。", "zh", "9"),
        ("負六十四", "zh-Hant", "-64"),
    ],
)
def test_chinese_numbers(text, language, number):
    assert value(text, language) == Fraction(number)


@pytest.mark.parametrize("text", ["万一", "千万别去", "第二", "一起去", "十分好"])
def test_chinese_words_are_no_numbers(text):
    assert final_number(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is eight.", 8),
        ("minus fifty-three", -53),
        ("It is negative eight.", -8),
        ("six hundred and seven dollars", 607),
        ("four thousand twelve", 4012),
        ("two million fifty thousand and nine", 2_050_009),
        ("seven point two five", Fraction("7.25")),
        ("a thousand", 1000),
        (r"\boxed{\text{thirty-one}}", 31),
        ("The answer is one.", 1),
        ("1. Add them.\n2. That is twelve.", 12),
        ("In 3 steps it is 40, or ten each", 40),
        ("three quarters", Fraction(3, 4)),
        ("three and a half", Fraction(7, 2)),
        ("three quarters of it", None),
        ("eight or nine", None),
        ("eight minus three", None),
        ("the twenty-third", None),
        ("No one can say", None),
        ("eight nine", None),
    ],
)
def test_english_words(text, number):
    assert value(text, "en") == number


def test_words_of_other_languages_and_labels_of_lists_are_no_numbers():
    assert final_number("neun", "de") is None
    assert final_number("1. Add\n2. Divide") is None
    assert final_number("He often has none of it.") is None


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("7 milionów", "pl", 7 * 10**6),
        ("7 tysięcy", None, 7 * 10**3),
        ("7 miljoner", "sv", 7 * 10**6),
        ("7 millioner", "no", 7 * 10**6),
        ("7 milliarder", "da", 7 * 10**9),
        ("7 мільярдів", "uk", 7 * 10**9),
        ("7 тысяч", "ru", 7 * 10**3),
        ("7 тыс. руб.", "ru", 7 * 10**3),
        ("7 millió", None, 7 * 10**6),
        ("7 ezer", "hu", 7 * 10**3),
        ("milioni 7", "sw", 7 * 10**6),
        ("elfu 7", "sw", 7 * 10**3),
        ("දහස 7", "si", 7 * 10**3),
        ("elfu 7", None, None),
        ("7 na milyon", "fil", 7 * 10**6),
        ("7 тысячами", "ru", 7 * 10**3),
        ("7 миллионами", None, 7 * 10**6),
        ("7 миллионеров", "ru", 7),
        ("7 milionami", "pl", 7 * 10**6),
        ("7 miljoonassa", "fi", 7 * 10**6),
        ("7 milyona", "tr", 7 * 10**6),
        ("7 millionaires", None, 7),
        ("7 tuhatta", "fi", 7 * 10**3),
        ("7 χιλιάδες", "el", 7 * 10**3),
        ("৭ লক্ষ", "bn", 7 * 10**5),
        ("7 लाख", "hi", 7 * 10**5),
        ("7 கோடி", "ta", 7 * 10**7),
        ("7 crore 20 lakh 5 thousand", "en-IN", 72_005_000),
        ("7 Billionen", None, 7 * 10**12),
        ("7 Billion", "de", 7 * 10**12),
        ("7 billions", "fr", 7 * 10**12),
        ("7 billones", "es", 7 * 10**12),
        ("7 billion", "da", 7 * 10**12),
        ("7 billion", "en", 7 * 10**9),
        ("7 billion", None, 7 * 10**9),
        ("7 mil", "pt", 7 * 10**3),
        ("7 mil", "cs", 7 * 10**6),
        ("7 mil", None, None),
        ("7 M€", "fr", 7 * 10**6),
        ("7 k€", None, 7 * 10**3),
        ("$7m", None, 7 * 10**6),
        ("from $6m to $7m", None, 7 * 10**6),
        ("$7m$", None, 7),
        ("$7k$", None, 7),
        ("$7m^2$", None, 7),
        ("7 million입니다", "ko", 7 * 10**6),
        ("7 min", None, 7),
        ("7 miles", None, 7),
        ("7 miles", "en", 7),
        ("7 min", "az", 7 * 10**3),
        ("៧លាន", "km", 7 * 10**6),
        ("7ล้านบาท", "th", 7 * 10**6),
        ("7ແສນ", "lo", 7 * 10**5),
    ],
)
def test_multiplying_words(text, language, number):
    assert value(text, language) == number


@pytest.mark.parametrize(
    "text", ["2,5 billion", "3 billions d'euros", "un total de 3 billions de francs", "1 Billion Euro"]
)
def test_signs_of_another_language_make_a_billion_unclear(text):
    assert value(text) is None


def test_a_long_scale_billion_is_unclear_without_a_language():
    (column,) = ExactMatch(Normalizer.NUMBER).score(["1 billion"] * 3, [["10^12"], ["10^9"], ["7"]])
    assert column.values == (None, 1.0, 0.0)


@pytest.mark.parametrize("language", sorted(magnitude_words()))
def test_every_word_of_a_language_multiplies(language):
    for word, power in magnitude_words()[language].items():
        assert magnitude(f" {word}", language).power == power, word


@pytest.mark.parametrize(
    "unit",
    ["9", "1 ", "1-", "- ", "1^", "^{", "2**", "\\boxed{1}", "\\frac{-1}{2", "一", "一百点", "1年1月",
     "+1 23 ",
     "5 million ", "½", "1. a\n", "m²", "\u3000", "minus ", "(1,", "1x"],
)  # fmt: skip
def test_a_hundred_thousand_characters_take_less_than_a_second(unit):
    text = (unit * 100_000)[:100_000]
    assert measure_shortest(lambda: final_number(text), 1) < 1


@pytest.mark.parametrize(
    "text", ["9^999999999", "2^{1/999999999}", "5^{999999999/2}", "1e999999999", "4×10^{-99999999}"]
)
def test_huge_exponents_are_not_computed(text):
    assert measure_shortest(lambda: final_number(text), 0.1) < 0.1
    reading = final_number(text)
    assert reading is not None
    assert not isinstance(reading.value, Fraction)


@pytest.mark.parametrize(
    "text",
    ["5 to 6", "between 5 and 6", "5 or 6 apples", "5至6", "5 bis 6", "5% to 6%", "5 à 6 km"],
)
def test_a_range_in_words_is_no_number(text: str) -> None:
    number = final_number(text)
    assert number is not None
    assert number.value is None


def test_a_change_ends_at_its_last_number() -> None:
    number = final_number("It rose from 5 to 6.")
    assert number is not None
    assert number.value == 6
