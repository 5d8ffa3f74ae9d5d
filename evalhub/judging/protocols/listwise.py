"""k responses ranked in one task, best first, each place one token.

The ranking is kept as one verdict for each pair, so that every count and correlation of pairs reads it. A
pair's probability comes from the step at which the better of the two was chosen. Both could still be chosen
there, and by Luce's axiom the other responses do not matter.

Source: Luce, Individual Choice Behavior, 1959; Plackett, The Analysis of Permutations, 1975.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from evalhub.judging.prompts.order import LIST_LETTERS, list_orders
from evalhub.judging.protocols.base import JudgmentGenerator, PlannedJudgment, Task, TaskOutline, new_judgment
from evalhub.judging.protocols.one_token import TokenAnswer, ask_next_token, ask_token
from evalhub.judging.protocols.pointwise_pairwise import pair_preference
from evalhub.records import Judgment
from evalhub.scales import Order, Winner


def plan_pairs(outline: TaskOutline) -> tuple[PlannedJudgment, ...]:
    """Return one judgment for each pair, with the order in which the two stood in the list."""
    order = list_orders(outline.responses)[outline.row]
    place = {response: number for number, response in enumerate(order)}
    return tuple(
        PlannedJudgment(outline.criterion, (a, b), Order.AB if place[a] < place[b] else Order.BA)
        for a, b in itertools.combinations(range(outline.responses), 2)
    )


def listwise(task: Task) -> JudgmentGenerator:
    """Ask for the best response, then for the best of the remaining ones, until the ranking is complete."""
    # The first place shows whether the model answers with a letter at all. Later it may want to repeat a
    # letter that is taken. The probabilities of the other letters still order them.
    lenient = replace(task.judge, min_choice_mass=0.0)
    order = list_orders(len(task.responses))[task.row]
    planned = plan_pairs(task.outline)
    shown = tuple(task.responses[place] for place in order)
    remaining = dict(zip(LIST_LETTERS, order, strict=False))
    answer = yield from ask_token(task, shown, _question(remaining, "best"), tuple(remaining))
    by_pair: dict[tuple[int, ...], Judgment] = {}
    while True:
        if answer.failure:
            return tuple(answer.fill(new_judgment(task, judgment)) for judgment in planned)
        best = answer.best
        for letter in remaining.keys() - {best}:
            pair = (min(remaining[best], remaining[letter]), max(remaining[best], remaining[letter]))
            letters = {remaining[best]: best, remaining[letter]: letter}
            by_pair[pair] = _pair_judgment(task, answer, letters, pair)
        del remaining[best]
        if len(remaining) < 2:
            return tuple(replace(by_pair[judgment.systems], shown=judgment.shown) for judgment in planned)
        answer = replace(answer, text=best)
        question = _question(remaining, "best of the others")
        answer = yield from ask_next_token(answer, lenient, question, tuple(remaining))


def _question(remaining: dict[str, int], rank: str) -> str:
    return f"Which response is the {rank}? Answer with one letter: {', '.join(remaining)}."


def _pair_judgment(
    task: Task, answer: TokenAnswer, letters: dict[int, str], pair: tuple[int, int]
) -> Judgment:
    judgment = new_judgment(task, PlannedJudgment(task.criterion, pair))
    if answer.logprobs is None:
        return answer.fill(judgment, winner=Winner.A if letters[pair[0]] == answer.best else Winner.B)
    sides = {name: letters[place] for name, place in zip("ab", pair, strict=True)}
    logprobs = {name: answer.logprobs[letter] for name, letter in sides.items()}
    unlisted = {name: letter for name, letter in sides.items() if letter in answer.unlisted}
    return answer.fill(judgment, **pair_preference(logprobs, unlisted))
