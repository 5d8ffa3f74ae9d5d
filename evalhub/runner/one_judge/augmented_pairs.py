"""Pairs of which one response is worse by construction, so that a judge learns what no label taught it.

The better response of a labelled pair stands against the worse one with a text that argues for it, against a
response that answers nothing, or against a response that answers another request. The last is fluent and may
be long, which is what misleads a judge that has learned to like long answers.

Source: Zeng et al., LLMBar, ICLR 2024, section 3 (answers to neighbouring instructions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from evalhub.judging import ATTACKS, CONTROLS
from evalhub.records import digest
from evalhub.runner.one_judge.training_pairs import TrainingPair

ATTACK, CONTROL, OTHER_REQUEST = "attack", "control", "other request"

# Answers to other requests teach most, so they come twice as often.
_KINDS = (OTHER_REQUEST, ATTACK, OTHER_REQUEST, CONTROL)
_SHARED_WORDS = 200


@dataclass(frozen=True, slots=True)
class _Sides:
    """The better and the worse response of a labelled pair, as texts, with the request."""

    pair: TrainingPair
    question: str
    better: str
    worse: str


def augmented_pairs(pairs: Sequence[TrainingPair], seed: int) -> list[TrainingPair]:
    """Return one further pair for each labelled pair that is no tie.

    Args:
        pairs: Labelled pairs. Further responses come from these alone, so that no other item is learned from.
        seed: Seed of the draws.
    """
    sides = [_sides(pair) for pair in pairs if pair.share != 0.5]
    neighbours = _Neighbours(sides)
    makers: dict[str, Callable[[_Sides, Random], str | None]] = {
        ATTACK: _attacked,
        CONTROL: _control,
        OTHER_REQUEST: neighbours.find,
    }
    augmented = []
    for number, pair_sides in enumerate(sides):
        random = Random(digest([seed, "augmented", number, pair_sides.question]))
        kind = _KINDS[number % len(_KINDS)]
        text = makers[kind](pair_sides, random)
        if text is not None and text.strip() != pair_sides.better.strip():
            augmented.append(_augmented(pair_sides.pair, text, kind, random))
    return augmented


def _sides(pair: TrainingPair) -> _Sides:
    first, second = ((response.text or "") for response in pair.responses)
    better, worse = (first, second) if pair.share > 0.5 else (second, first)
    return _Sides(pair, "\n\n".join(pair.item.turns), better, worse)


def _augmented(pair: TrainingPair, text: str, kind: str, random: Random) -> TrainingPair:
    """Return the better response against a text. Which of the two comes first is drawn."""
    place = 0 if pair.share > 0.5 else 1
    better, worse = pair.responses[place], replace(pair.responses[1 - place], text=text, turns=(), chars=None)
    if random.random() < 0.5:
        return replace(pair, share=1.0, responses=(better, worse), augmentation=kind)
    return replace(pair, share=0.0, responses=(worse, better), augmentation=kind)


def _attacked(sides: _Sides, random: Random) -> str:
    return random.choice(ATTACKS).apply(sides.worse, sides.question)


def _control(sides: _Sides, random: Random) -> str:
    return random.choice(CONTROLS).apply(sides.better, sides.question)


class _Neighbours:
    """Finds the better response to the request that is most like another one."""

    def __init__(self, sides: Sequence[_Sides]) -> None:
        self._sides = sides
        self._words = [_words(entry.question) for entry in sides]

    def find(self, sides: _Sides, random: Random) -> str | None:
        """Return the better response to a similar request of another cluster. None without one."""
        words = _words(sides.question)
        places = [
            place
            for place, entry in enumerate(self._sides)
            if (entry.pair.dataset, entry.pair.cluster) != (sides.pair.dataset, sides.pair.cluster)
        ]
        candidates = random.sample(places, min(_SHARED_WORDS, len(places)))
        if not candidates:
            return None
        nearest = max(candidates, key=lambda place: (_overlap(words, self._words[place]), place))
        return self._sides[nearest].better


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the share of words that two texts have in common, in [0, 1]."""
    return len(first & second) / max(len(first | second), 1)
