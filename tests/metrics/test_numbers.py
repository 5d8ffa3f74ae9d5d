"""Numbers as people write them: which is taken, what it means, and what else it could mean."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.metrics.numbers import Agreement, Reading, compare, final_number
from evalhub.metrics.numbers.languages import Decimal, decimal_mark

from ..timing import measure_shortest


def value(text: str, language: str | None = None) -> Fraction | str | None:
    reading = final_number(text, language)
    return None if reading is None else reading.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 * 3 = <<5*3=15>>15\n#### 15", "15"),
        ("#### 1,234", "1234"),
        ("#### -3", "-3"),
        ("####7", "7"),
        ("#### $18.00 a day", "18"),
        ("#### **64**", "64"),
        ("#### 42\nQuestion: 7 apples\n#### 9", "42"),
        ("#### 12. Add them\n#### 23. Then it is 35", "35"),
        ("#### 1,234. Add them: 35", "35"),
        ("#### 21.\nThat took 3 steps", "21"),
        (r"\boxed{64}, after 2 tries", "64"),
        (r"first \boxed{8}, then \boxed{9}, in 3 steps", "9"),
        (r"\boxed{\text{about } 1\,500 \text{ m}^2} in \boxed{}", "1500"),
        (r"\boxed{6 and 7", "7"),
        ("The answer is 18.", "18"),
        ("It costs $1,200.50 in all", "1200.5"),
        ("from -$5 to −5", "-5"),
        ("a debt of -$5", "-5"),
        ("a loss of $-5", "-5"),
        ("a loss of € -5", "-5"),
        ("10-5", None),
        ("(3)-5", None),
        ("x = -5", "-5"),
        ("between −8 and ‒6.5", "-6.5"),
        ("so minus 6", "-6"),
        ("10 minus 6", None),
        ("so .5 of it", "0.5"),
        ("1,2,3", "3"),
        ("- 5 apples", "5"),
        ("50%", "50"),
        ("CO2 rose by 6 in sector B4", "6"),
        ("7 m^2 of x_1", "7"),
        ("7 km²", "7"),
        ("x7", "7"),
        ("7 planes of type F-16", "7"),
        ("7.5 ± 0.2 m", "7.5"),
        (r"7.5 \pm 0.2", "7.5"),
        ("7️⃣2️⃣", "72"),
        ("EUR700 in A4", "700"),
        ("\u200f-7\ufeff", "-7"),
        ("no idea", None),
        (r"\boxed{x^2}", None),
        ("一起去", None),
        ("####", None),
        ("", None),
    ],
)
def test_the_final_number(text, expected):
    assert value(text) == (None if expected is None else Fraction(expected))


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (r"8{,}250", None, "8250"),
        (r"8{,}25", "de", "8.25"),
        (r"18\,250", None, "18250"),
        (r"18,\!250", None, "18250"),
        ("18 250", None, "18250"),
        ("18\u00a0250", None, "18250"),
        ("18\u202f250,5", None, "18250.5"),
        ("18\u2009250\u2009000", None, "18250000"),
        ("in 2024 750", None, "750"),
        ("8'250.75", None, "8250.75"),
        ("8’250", None, "8250"),
        ("8_250", None, "8250"),
        ("8.250,75", None, "8250.75"),
        ("8,250.75", "de", "8250.75"),
        ("8.250.750", None, "8250750"),
        ("8.250", "de", "8250"),
        ("8.250", "es-MX", "8.25"),
        ("8.250", "en", "8.25"),
        ("8.250", None, "8.25"),
        ("8,250", "pt_BR", "8.25"),
        ("8,250", None, "8250"),
        ("8,25", None, "8.25"),
        ("8,25", "en", "25"),
        ("0,125", None, "0.125"),
        ("8250,125", None, "8250.125"),
        ("12,34,56,789", None, "123456789"),
        ("१२,३४,५६७.५", "hi", "1234567.5"),
        ("٨٬٢٥٠٫٧٥", "ar", "8250.75"),
        ("８，２５０", "ja", "8250"),
        ("৮২", None, "82"),
        ("๘๒", None, "82"),
        ("៨២", None, "82"),
        ("3/8", None, "3/8"),
        ("3⁄8", None, "3/8"),
        ("⅝", None, "5/8"),
        ("-2⅝", None, "-21/8"),
        ("2 3/8", None, "19/8"),
        ("2 and 3/8", None, "19/8"),
        (r"-\tfrac{3}{8}", None, "-3/8"),
        (r"2\dfrac38", None, "19/8"),
        ("4e-3", None, "1/250"),
        ("4.5E+6", None, "4500000"),
        ("4.5×10^6", None, "4500000"),
        (r"4.5 \cdot 10^{-2}", None, "9/200"),
        ("4,5 × 10⁻²", "fr", "9/200"),
        ("10^{4}", None, "10000"),
        ("2^5", None, "32"),
        ("4 million", None, "4000000"),
        ("4.5k", None, "4500"),
        ("$4B", None, "4000000000"),
        ("£4.5m", None, "4500000"),
        ("4.5 m", None, "4.5"),
        ("4 thousand 500", None, "4500"),
        ("1 миллион 200 тысяч", "ru", "1200000"),
        ("10**4", None, "10000"),
        ("百", "zh", "100"),
        ("一百十五", "zh", "115"),
        ("4 mil millones", "es", "4000000000"),
        ("4,5 Mio. Euro", "de", "4500000"),
        ("4 करोड़", "hi", "40000000"),
        ("4.5億円", "ja", "450000000"),
        ("4億5000万", "ja", "450000000"),
        ("1億2,000万円", "ja", "120000000"),
        ("5만 3,000원", "ko", "53000"),
        ("9.8 m s^{-2}", None, "9.8"),
        ("9.8 m s^-2", None, "9.8"),
        ("9.8 m·s⁻²", None, "9.8"),
        ("4兆瓦", "zh", "4"),
        ("4萬5千", "zh", "45000"),
        ("4만 5천", "ko", "45000"),
        ("答案是三百二十五", "zh", "325"),
        ("一共两千零七人", "zh", "2007"),
        ("十二", "ja", "12"),
        ("五", "zh", "5"),
        ("二〇三一年", "zh", "2031"),
        ("三千五百万", "zh", "35000000"),
        ("七个，也就是28天", "zh", "28"),
    ],
)
def test_the_value_of_a_written_number(text, language, expected):
    assert value(text, language) == Fraction(expected)


@pytest.mark.parametrize(
    ("text", "language", "other"),
    [
        ("2.500", None, "2500"),
        ("2,500", None, "2.5"),
        ("2.500", "de", "2.5"),
        ("2,500", "fr", "2500"),
        ("7 500", None, "500"),
        ("200,300,400", None, "400"),
        ("6,5", None, "5"),
        ("6,000,50", None, "50"),
        ("6 thousand 500", None, "500"),
        ("6,5", "en", "6.5"),
        ("5/8", None, "8"),
        ("1 5/8", None, "5/8"),
        ("25%", None, "1/4"),
        ("25 percent", None, "1/4"),
        ("6 million", None, "6"),
        ("minus 6", None, "6"),
        ("($60)", None, "-60"),
        (r"3\sqrt{7}", None, "7"),
        ("6π", None, "6"),
        (r"\frac{\sqrt{5}}{6}", None, "6"),
        (r"\boxed{\frac{6}{x}}", None, "6"),
        ("7:30", None, "30"),
        ("2031-08-09", None, "9"),
        ("9/8/2031", None, "2031"),
        ("1.2.7", None, "7"),
    ],
)
def test_what_else_a_number_could_mean(text, language, other):
    reading = final_number(text, language)
    assert reading is not None
    assert compare(reading, Reading(Fraction(other))) is Agreement.UNCLEAR
    different = Agreement.UNREAD if reading.value is None else Agreement.DIFFERENT
    assert compare(reading, Reading(Fraction(123456789))) is different


@pytest.mark.parametrize(
    ("text", "language", "different"),
    [
        ("2.500", "en", "2500"),
        ("2,500", "en", "2.5"),
        ("8.250,75", None, "75"),
        ("⅝", None, "8"),
        ("-6", None, "6"),
    ],
)
def test_what_a_number_cannot_mean(text, language, different):
    reading = final_number(text, language)
    assert reading is not None
    assert compare(reading, Reading(Fraction(different))) is Agreement.DIFFERENT


@pytest.mark.parametrize(
    ("language", "mark"),
    [
        ("de", Decimal.COMMA),
        ("PT_br", Decimal.COMMA),
        ("de-Latn-CH", Decimal.POINT),
        ("es-419", Decimal.POINT),
        ("es-ES", Decimal.COMMA),
        ("en", Decimal.POINT),
        ("zh-Hans", Decimal.POINT),
        ("xx", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_language_writes_before_decimals(language, mark):
    assert decimal_mark(language) is mark


FORMS = {
    "en": (",", "."),
    "hi": (",", "."),
    "de": (".", ","),
    "es": (".", ","),
    "fr": ("\u202f", ","),
    "ru": ("\u00a0", ","),
    "pt-BR": (".", ","),
    "de-CH": ("’", "."),
    "ar": ("٬", "٫"),
}


@given(
    st.sampled_from(sorted(FORMS)),
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False) | st.integers(-(10**9), 10**9),
    st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９"]),
    st.sampled_from(["{}", "It is {}.", "= {} km", "{} € / h", "答えは{}。", r"\boxed{{{}}} in 2"]),
)
@settings(deadline=None)
def test_a_number_is_read_as_its_language_writes_it(language, number, digits, sentence):
    group, decimal = FORMS[language]
    text = f"{number:,}".replace(".", "@").replace(",", group).replace("@", decimal)
    text = sentence.format(text.translate(str.maketrans("0123456789", digits)))
    assert value(text, language) == Fraction(number)


@given(st.fractions(max_denominator=999).filter(lambda number: number.denominator > 1))
@settings(deadline=None)
def test_a_fraction_is_read(number):
    sign = "-" if number < 0 else ""
    top, bottom = abs(number.numerator), number.denominator
    assert value(f"{sign}{top}/{bottom}") == number
    assert value(rf"{sign}\frac{{{top}}}{{{bottom}}}") == number
    if top > bottom:
        assert value(f"{sign}{top // bottom} {top % bottom}/{bottom}") == number


@given(
    st.text("0123456789.,' \u00a0-/:^eE×x{}\\%$()kM万億½٫٬#boxedfrac") | st.text(),
    st.sampled_from([None, "de", "en"]),
)
@settings(deadline=None)
def test_any_text_is_read_and_agrees_with_itself(text, language):
    reading = final_number(text, language)
    if reading is not None:
        assert compare(reading, reading) is not Agreement.DIFFERENT


@pytest.mark.parametrize(
    "unit",
    [
        "9",
        "1,",
        "1 000 ",
        "1/",
        "1:",
        "-",
        "{",
        "\\boxed{",
        "\\boxed{1}",
        "\\frac{1}",
        "####",
        "1万",
        "½",
        "1e",
        "√",
    ],
)
def test_long_texts_are_read_in_linear_time(unit):
    assert measure_shortest(lambda: final_number(unit * (50_000 // len(unit))), 2) < 2


def test_numbers_too_large_to_compute_are_compared_as_they_are_written():
    for text in ("9" * 5000, "1e999999", "9^99999999", "4 × 10^5000"):
        reading = final_number(text)
        assert reading is not None
        assert compare(reading, reading) is Agreement.EQUAL
        assert compare(reading, Reading(Fraction(7))) is Agreement.DIFFERENT
