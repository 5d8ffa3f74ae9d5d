"""What languages write before decimals."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Decimal(StrEnum):
    """What stands between whole number and decimals."""

    POINT = "."
    COMMA = ","


_COMMA = (
    "af az be bg br bs ca cs da de el eo es et eu fi fo fr fy gl hr hu hy id is it jv ka kk kl ky lb lo lt "
    "lv mk nb nl nn no os pl ps pt ro ru sc sk sl sq sr sv tg tk tr tt uk uz vi wo"
)
_POINT = (
    "am bn en fil ga gu gv ha he hi ig ja kn ko ml mn mr ms mt my ne or pa rm si so sw ta te th ti ur xh yi "
    "yo zh zu"
)
# Regions that write otherwise than most of their language.
_POINT_REGIONS = {"de": "ch li", "es": "419 cu do gt hn mx ni pa pe pr sv us", "it": "ch"}


@lru_cache(maxsize=256)
def decimal_mark(language: str | None) -> Decimal | None:
    """Return what a language writes before decimals.

    Args:
        language: A BCP 47 tag such as `de` or `pt-BR`, any case, `-` or `_`. None where it is not known.

    Returns:
        The mark. None for a language that is unknown here or writes both.

    Source: Unicode CLDR 46, number symbols.

    Example:
        >>> decimal_mark("pt-BR").name, decimal_mark("de_CH").name, decimal_mark(None)
        ('COMMA', 'POINT', None)
    """
    primary, *subtags = _subtags(language)
    if set(_POINT_REGIONS.get(primary, "").split()).intersection(subtags):
        return Decimal.POINT
    if primary in _COMMA.split():
        return Decimal.COMMA
    return Decimal.POINT if primary in _POINT.split() else None


@lru_cache(maxsize=256)
def primary_language(language: str | None) -> str:
    """Return the language of a tag, without its script and region.

    Args:
        language: A BCP 47 tag, any case, `-` or `_`. None where it is not known.

    Returns:
        The code in lower case, empty where it is not known. Norwegian and Filipino have one code each.

    Example:
        >>> primary_language("pt_BR"), primary_language("no"), primary_language(None)
        ('pt', 'nb', '')
    """
    primary = _subtags(language)[0]
    return {"no": "nb", "tl": "fil", "in": "id", "iw": "he", "sh": "sr"}.get(primary, primary)


def _subtags(language: str | None) -> list[str]:
    return (language or "").strip().lower().replace("_", "-").split("-")
