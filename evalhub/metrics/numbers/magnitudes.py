"""Words and signs behind a number that multiply it: `5 million`, `5k`, `1.2億`."""

from __future__ import annotations

import re

_WORDS = {
    2: "hundred",
    3: "thousand tausend tsd mille mil mila duizend tusen tusind tys tisíc тыс тысяча тысячи тысяч тисяч "
    "nghìn ngàn ribu bin हज़ार हजार হাজার ألف الف آلاف هزار พัน",
    4: "หมื่น",
    5: "lakh lakhs lac lacs लाख লাখ แสน",
    6: "million millions millionen mio mln mn millón millones milhão milhões milione milioni miljoen "
    "miljoner milyon miliony milionów млн миллион миллиона миллионов мільйонів مليون ملايين میلیون ล้าน "
    "triệu juta",
    7: "crore crores करोड़ কোটি",
    9: "billion billions bn milliarde milliarden milliard milliards mrd miliardo miliardi bilhão bilhões mld "
    "miljard miljarder milyar miliard miliardów млрд миллиард миллиарда миллиардов мільярдів مليار میلیارد "
    "tỷ tỉ miliar",
    12: "trillion trillions billionen billón billones trilhão trilhões триллион триллионов تريليون",
}
_POWERS = {word: power for power, words in _WORDS.items() for word in words.split()}
_LETTERS = {"k": 3, "K": 3, "M": 6, "B": 9}
_HAN = {
    "千": 10**3, "천": 10**3, "百": 10**2, "백": 10**2, "万": 10**4, "萬": 10**4, "만": 10**4,
    "十": 10, "億": 10**8, "亿": 10**8, "억": 10**8, "兆": 10**12, "조": 10**12,
}  # fmt: skip
_WORD = re.compile(r"[ \u00a0-]?((?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])+)")
_UNSPACED = tuple(word for word in _POWERS if "\u0e00" <= word[0] <= "\u0e7f")
_HAN_DIGITS = str.maketrans("〇零一二两兩三四五六七八九", "0012223456789")
_HAN_WORDS = re.compile(r"[〇零一二两兩三四五六七八九十百千万萬億亿]{1,30}")
# 千克 is a kilogram and no thousand, and so with other units.
HAN_UNIT = r"(?:千(?![克米瓦卡字赫帕伏焦円])|百(?![分帕])|兆(?![瓦字赫帕比位])|[万萬億亿만억조천백])"


def power_of_ten(behind: str, *, money: bool = False) -> int:
    """Return the power of ten that the words behind a number name.

    Args:
        behind: The text that follows a number.
        money: Whether the number has a currency, so that `5m` is no length.

    Returns:
        The exponent, 0 where there is no such word.

    Example:
        >>> power_of_ten(" million euros"), power_of_ten(" mil millones"), power_of_ten(" km")
        (6, 9, 0)
    """
    power = 0
    while word := _WORD.match(behind):
        name = word[1]
        thai = next((thai for thai in _UNSPACED if name.startswith(thai)), "")
        letters = _LETTERS | {"m": 6} if money else _LETTERS
        letter = letters.get(name, 0) if word[0] == name and not power else 0
        step = _POWERS.get(thai or name.casefold(), letter)
        if not step:
            break
        power += step
        behind = behind[word.end() - len(name) + len(thai) :] if thai else behind[word.end() :]
    return power


def han_words(text: str) -> str | None:
    """Return the last number that a text without digits writes in Chinese characters, such as `四十二`.

    Args:
        text: Any text.

    Returns:
        The number in digits 0-9. None where there is none; a single character among others is a word.

    Example:
        >>> han_words("答案是四十二。"), han_words("二〇二四年"), han_words("一起")
        ('42', '2024', None)
    """
    runs: list[str] = _HAN_WORDS.findall(text)
    if not runs or (len(runs[-1]) == 1 and runs[-1] != text.strip()):
        return None
    digits = runs[-1].translate(_HAN_DIGITS)
    if digits.isdecimal():
        return digits
    return str(han_number(re.sub(r"^(?=\D)|(?<=\D)(?=十)", "1", digits.replace("0", ""))))


def han_number(written: str) -> int:
    """Return the value of digits with Chinese, Japanese or Korean units, such as `1億2000万`.

    Args:
        written: Whole numbers of digits 0-9, each but the last with units behind it.

    Returns:
        The number.

    Example:
        >>> han_number("1万2千"), han_number("3千万")
        (12000, 30000000)
    """
    total = section = 0
    for digits, units in re.findall(r"(\d+)(\D*)", written):
        value = int(digits)
        for unit in units:
            size = _HAN[unit]
            if size < 10**4:
                value *= size
            else:
                total, section, value = total + (section + value) * size, 0, 0
        section += value
    return total + section
