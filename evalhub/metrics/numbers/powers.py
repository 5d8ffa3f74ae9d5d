"""Powers that are exact: `4^0.5` is 2, and `2^0.5` has no exact value."""

from __future__ import annotations

from fractions import Fraction


def raise_exactly(base: Fraction, power: Fraction) -> Fraction | None:
    """Return a power where it is a rational number.

    Args:
        base: The base, at least 0. More than 0 where the power is negative.
        power: The exponent. The caller bounds its size.

    Returns:
        The exact value. None where it is irrational.

    Example:
        >>> raise_exactly(Fraction(8), Fraction(-1, 3)), raise_exactly(Fraction(2), Fraction(1, 2))
        (Fraction(1, 2), None)
    """
    top, bottom = _root(base.numerator, power.denominator), _root(base.denominator, power.denominator)
    if top is None or bottom is None:
        return None
    return Fraction(top, bottom) ** power.numerator


def _root(number: int, degree: int) -> int | None:
    """Return the whole root of a whole number. None where there is none."""
    if degree == 1 or number in (0, 1):
        return number
    if degree > number.bit_length():
        return None
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**degree < number:
            low = middle + 1
        else:
            high = middle
    return low if low**degree == number else None
