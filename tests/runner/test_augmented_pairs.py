"""Pairs of which one response is worse by construction."""

from collections import Counter

import pytest

from evalhub.records import Item, Response
from evalhub.runner.one_judge.augmented_pairs import ATTACK, CONTROL, OTHER_REQUEST, augmented_pairs
from evalhub.runner.one_judge.training_pairs import TrainingPair

TOPICS = ("apples", "boats", "clouds", "drums")


def pair(number: int, share: float) -> TrainingPair:
    topic = TOPICS[number % 4]
    item = Item("d", f"i{number}", turns=(f"Tell me about {topic}, number {number}.",), cluster=f"c{number}")
    texts = (f"{topic} first {number}", f"{topic} second {number}")
    sides = tuple(
        Response("d", item.item_id, name, text=text) for name, text in zip("km", texts, strict=True)
    )
    return TrainingPair(item.cluster, item, "overall", share, (sides[0], sides[1]))


PAIRS = [pair(number, (1.0, 0.0)[number % 2]) for number in range(40)]


def better_text(training_pair: TrainingPair) -> str:
    return training_pair.responses[0 if training_pair.share > 0.5 else 1].text or ""


def test_the_better_response_stays_the_better_one() -> None:
    augmented = augmented_pairs(PAIRS, 0)
    assert len(augmented) == len(PAIRS)
    originals = {entry.item.item_id: better_text(entry) for entry in PAIRS}
    for entry in augmented:
        assert better_text(entry) == originals[entry.item.item_id]
        first, second = entry.responses
        assert first.text != second.text
    assert {entry.share for entry in augmented} == {0.0, 1.0}
    kinds = Counter(entry.augmentation for entry in augmented)
    assert kinds == {OTHER_REQUEST: 20, ATTACK: 10, CONTROL: 10}


def test_an_answer_to_another_request_is_the_better_one_of_a_similar_request() -> None:
    for entry in augmented_pairs(PAIRS, 0):
        if entry.augmentation == OTHER_REQUEST:
            worse = entry.responses[1 if entry.share > 0.5 else 0].text or ""
            topic, number = worse.split()[0], worse.split()[-1]
            assert topic in entry.item.turns[0]
            assert f"c{number}" != entry.cluster
            assert worse in {better_text(labelled) for labelled in PAIRS}


def test_draws_follow_from_the_seed() -> None:
    assert augmented_pairs(PAIRS, 1) == augmented_pairs(PAIRS, 1)
    assert augmented_pairs(PAIRS, 1) != augmented_pairs(PAIRS, 2)


def test_ties_and_lonely_pairs_bring_nothing_of_other_requests() -> None:
    assert augmented_pairs([pair(0, 0.5)], 0) == []
    assert augmented_pairs([pair(0, 1.0)], 0) == []


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_an_attacked_response_keeps_the_text_that_lost(share: float) -> None:
    pairs = [pair(number, share) for number in range(8)]
    for entry in augmented_pairs(pairs, 0):
        if entry.augmentation == ATTACK:
            worse = entry.responses[1 if entry.share > 0.5 else 0].text or ""
            number = entry.item.item_id[1:]
            loser = "second" if share == 1.0 else "first"
            assert f"{loser} {number}" in worse
