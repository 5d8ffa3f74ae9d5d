"""k responses ranked in one asking, best first, each place one token.

The ranking is kept as what it says of each pair, so that every count and correlation of pairs reads it. A
pair's probability comes from the step at which the better of the two was chosen: both could still be
chosen there, and by Luce's axiom the others do not matter.

Source: Luce, Individual Choice Behavior, 1959; Plackett, The Analysis of Permutations, 1975; rows balanced
as in Williams, Experimental designs balanced for residual effects, 1949.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from evalhub.judging.protocols.base import Asking, Outline, Part, Steps, blank
from evalhub.judging.protocols.one_token import Answer, ask, ask_again
from evalhub.judging.protocols.pointwise_pairwise import with_preference
from evalhub.records import Judgment
from evalhub.scales import Order, Winner

LETTERS = "ABCDEFGH"


def rows(responses: int) -> tuple[tuple[int, ...], ...]:
    """Return the orders in which a list is shown: rows of a Latin square.

    Every response stands once in each place (twice if their number is odd), and each of two stands before
    the other in half of the rows.

    Args:
        responses: Length of the list, 2 to 8.

    Example:
        >>> rows(4)
        ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))
    """
    zigzag = [0]
    for step in range(1, responses):
        zigzag.append((step + 1) // 2 if step % 2 else responses - step // 2)
    square = [tuple((place + row) % responses for place in zigzag) for row in range(responses)]
    mirror = [row[::-1] for row in square] if responses % 2 else []
    return (*square, *mirror)


def pair_parts(outline: Outline) -> tuple[Part, ...]:
    """Return one judgment for each pair, with the order in which the two stood in the list."""
    place = {response: at for at, response in enumerate(rows(outline.responses)[outline.row])}
    return tuple(
        Part(outline.criterion, (a, b), Order.AB if place[a] < place[b] else Order.BA)
        for a, b in itertools.combinations(range(outline.responses), 2)
    )


def listwise(asking: Asking) -> Steps:
    """Ask for the best, then for the best of those left, until the order is known."""
    count = len(asking.responses)
    # The first place shows whether the model answers with a letter at all. Later it may want to repeat a
    # letter that is taken, and what it gives to the others still orders them.
    later = replace(asking.judge, min_choice_mass=0.0)
    order = rows(count)[asking.row]
    parts = pair_parts(asking.outline)
    shown = tuple(asking.responses[place] for place in order)
    left = dict(zip(LETTERS, order, strict=False))
    answer = yield from ask(asking, shown, _question(left, "best"), tuple(left))
    decided: dict[tuple[int, int], Judgment] = {}
    while True:
        if answer.failure:
            return tuple(answer.fill(blank(asking, part)) for part in parts)
        best = answer.best
        for letter in left.keys() - {best}:
            pair = (min(left[best], left[letter]), max(left[best], left[letter]))
            decided[pair] = _pair(asking, answer, {left[best]: best, left[letter]: letter}, pair)
        del left[best]
        if len(left) < 2:
            return tuple(
                replace(decided[part.systems[0], part.systems[1]], shown=part.shown) for part in parts
            )
        answer = replace(answer, text=best)
        answer = yield from ask_again(answer, later, _question(left, "best of the others"), tuple(left))


def _question(left: dict[str, int], which: str) -> str:
    return f"Which response is the {which}? Answer with one letter: {', '.join(left)}."


def _pair(asking: Asking, answer: Answer, letters: dict[int, str], pair: tuple[int, int]) -> Judgment:
    judgment = answer.fill(blank(asking, Part(asking.criterion, pair)))
    if answer.logprobs is None:
        return replace(judgment, winner=Winner.A if letters[pair[0]] == answer.best else Winner.B)
    sides = {name: letters[place] for name, place in zip("ab", pair, strict=True)}
    logprobs = {name: answer.logprobs[letter] for name, letter in sides.items()}
    unlisted = {name: letter for name, letter in sides.items() if letter in answer.unlisted}
    return with_preference(judgment, logprobs, unlisted)
