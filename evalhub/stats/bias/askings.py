"""Judgments of pairs as columns, and the covariates that measure the biases of a judge.

| covariate | value | unit of its coefficient | its marginal effect, in points |
|---|---|---|---|
| order | +1 a shown first, -1 b shown first | half the way from second to first | first rather than second |
| length | log2(chars_a / chars_b) | one doubling | slope per doubling |
| lists, markdown | (a - b) / (a + b) of the counts, 0 where both are 0 | one has all of it | slope per unit |
| self-preference | own_a - own_b | own against a stranger's | own rather than the opponent's own |

Doublings and shares mean the same in every dataset; a coefficient per standard deviation would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Texts, categories, floats, same_length
from evalhub.stats.ranking.preference import ORDERS


class BiasKind(StrEnum):
    """The biases that are measured."""

    POSITION = "position"
    FLIPS = "flips"
    LENGTH = "length"
    LISTS = "lists"
    MARKDOWN = "markdown"
    SELF_PREFERENCE = "self-preference"


CONTRASTS = {BiasKind.POSITION: (-1.0, 1.0), BiasKind.SELF_PREFERENCE: (-1.0, 1.0)}
UNCROSSED = "needs at least 2 judge families that judge the same 2 response families"


@dataclass(frozen=True, slots=True)
class Askings:
    """Judgments of pairs by one judge, or by several whose biases are pooled. One row per pair and order.

    Args:
        winner: (n,) un-swapped verdict: "a", "tie", "b". None = failed.
        cluster: (n,) cluster ids.
        shown: (n,) order, "ab" or "ba". None = unknown.
        pair: (n,) ids of the pairs that are shown in two orders: one id per judge, criterion and pair of
            responses.
        p_a: (n,) probability that a wins plus half that of a tie, in [0, 1].
        chars_a: (n,) length of response a in characters, at least 0.
        chars_b: (n,) length of response b.
        lists_a: (n,) list items in response a, at least 0.
        lists_b: (n,) list items in response b.
        markdown_a: (n,) headers, bold spans, code fences and tables in response a, at least 0.
        markdown_b: (n,) those in response b.
        judge_family: (n,) family of the judge.
        family_a: (n,) family of system a.
        family_b: (n,) family of system b.
        people: (n,) people's verdict on the same pair: "a", "tie", "b". None = no label.
        people_shown: (n,) order in which people saw the pair, "ab" or "ba". None = unknown.

    Raises:
        InputError: The columns differ in length.
    """

    winner: Column
    cluster: Column
    shown: Column | None = None
    pair: Column | None = None
    p_a: Column | None = None
    chars_a: Column | None = None
    chars_b: Column | None = None
    lists_a: Column | None = None
    lists_b: Column | None = None
    markdown_a: Column | None = None
    markdown_b: Column | None = None
    judge_family: Column | None = None
    family_a: Column | None = None
    family_b: Column | None = None
    people: Column | None = None
    people_shown: Column | None = None

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        same_length({name: column for name, column in columns.items() if column is not None})

    @property
    def n(self) -> int:
        """Number of judgments."""
        return same_length({"winner": self.winner})

    def numbers(self, column: Column | None) -> Floats:
        """Return a column as numbers, NaN throughout where the column is absent."""
        return np.full(self.n, np.nan) if column is None else floats(column)

    def texts(self, column: Column | None) -> tuple[Texts, Bools]:
        """Return a column as text and where it is present: nowhere where the column is absent."""
        return categories([None] * self.n if column is None else column)


def order_signs(askings: Askings, *, people: bool = False) -> Floats:
    """Return which side was shown first.

    Args:
        askings: The judgments.
        people: Whether the order is the one that people saw.

    Returns:
        (n,) +1 = a, -1 = b, NaN = unknown.

    Raises:
        InputError: An order is neither "ab" nor "ba".
    """
    shown, present = askings.texts(askings.people_shown if people else askings.shown)
    strange = present & ~np.isin(shown, ORDERS)
    if strange.any():
        raise InputError("unknown order", value=str(shown[strange][0]), allowed=ORDERS)
    return np.where(present, np.where(shown == "ab", 1.0, -1.0), np.nan)


def own_signs(askings: Askings) -> Floats:
    """Return which side is of the judge's own family.

    Args:
        askings: The judgments.

    Returns:
        (n,) +1 = a, -1 = b, 0 = both or neither, NaN = a family is unknown.
    """
    (judge, has_judge), (first, has_first), (second, has_second) = map(
        askings.texts, (askings.judge_family, askings.family_a, askings.family_b)
    )
    signs = (judge == first).astype(np.float64) - (judge == second)
    return np.where(has_judge & has_first & has_second, signs, np.nan)


def covariates(askings: Askings) -> dict[str, Column]:
    """Build the covariates of the pooled logit, nuisances among them.

    Where judge families cross response families, each response family gets a main effect (the opinion of all
    judges on it), so that "self-preference" is a difference in differences. Each judge family then also gets
    its own length slope. Otherwise a judge that likes length would seem to like the family that writes long.

    Args:
        askings: The judgments.

    Returns:
        Name to (n,) covariate, signed towards a. Those with the name of a `BiasKind` are reported. There is
        no "self-preference" where it cannot be separated from quality.

    Raises:
        InputError: A count is negative, or an order is unknown.

    Source: Li, Angelopoulos & Chiang, Does style matter? LMSYS blog, 2024 (share form of the counts).

    Example:
        >>> columns = covariates(Askings(["a", "b"], [1, 2], chars_a=[400, 10], chars_b=[100, 20]))
        >>> columns["length"].tolist()
        [2.0, -1.0]
    """
    columns: dict[str, Column] = {
        BiasKind.POSITION: order_signs(askings),
        BiasKind.LENGTH: np.log2(
            np.maximum(_counts(askings, askings.chars_a), 1)
            / np.maximum(_counts(askings, askings.chars_b), 1)
        ),
        BiasKind.LISTS: _share(askings, askings.lists_a, askings.lists_b),
        BiasKind.MARKDOWN: _share(askings, askings.markdown_a, askings.markdown_b),
    }
    if _is_crossed(askings):
        columns |= _families(askings, np.asarray(columns[BiasKind.LENGTH], dtype=np.float64))
    return columns


def _is_crossed(askings: Askings) -> bool:
    """Return whether at least 2 judge families judge the same 2 response families.

    Only then can self-preference be separated from the quality of a family. Failed judgments do not count.
    """
    judge, _ = askings.texts(askings.judge_family)
    first, _ = askings.texts(askings.family_a)
    second, _ = askings.texts(askings.family_b)
    rows = ~np.isnan(own_signs(askings)) & askings.texts(askings.winner)[1] & (first != second)
    families = [
        {*first[rows & (judge == name)].tolist(), *second[rows & (judge == name)].tolist()}
        for name in np.unique(judge[rows])
    ]
    return any(len(left & right) > 1 for i, left in enumerate(families) for right in families[:i])


def _families(askings: Askings, length: Floats) -> dict[str, Column]:
    judge, judges = askings.texts(askings.judge_family)
    first, _ = askings.texts(askings.family_a)
    second, _ = askings.texts(askings.family_b)
    signs = own_signs(askings)
    columns: dict[str, Column] = {BiasKind.SELF_PREFERENCE: signs}
    for family in np.unique(np.concatenate([first, second])[np.tile(~np.isnan(signs), 2)])[1:].tolist():
        columns[f"family {family}"] = (first == family).astype(np.float64) - (second == family)
    if np.isnan(length).all():
        return columns
    for family in np.unique(judge[judges])[1:].tolist():
        is_family = (judge == family).astype(np.float64)
        columns[f"length for judges of family {family}"] = length * (is_family - is_family[judges].mean())
    return columns


def _counts(askings: Askings, column: Column | None) -> Floats:
    numbers = askings.numbers(column)
    if (numbers < 0).any():
        raise InputError("a count is not negative", value=float(np.nanmin(numbers)))
    return numbers


def _share(askings: Askings, first: Column | None, second: Column | None) -> Floats:
    a, b = _counts(askings, first), _counts(askings, second)
    return np.asarray((a - b) / np.where(a + b == 0, 1.0, a + b), dtype=np.float64)
