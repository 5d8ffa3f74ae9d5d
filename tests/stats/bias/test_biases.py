import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from evalhub.errors import InputError
from evalhub.stats import (
    Askings,
    BiasKind,
    controlled,
    controlled_beyond_people,
    flip_rate,
    pooled_logit,
    raw_rate,
)
from evalhub.stats.bias.biases import PEOPLES_ORDER


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def crossed(items, chance):
    """Two judges of families x and y, each item asked once of each; a is of family x in all of them."""
    said = [
        np.where(np.arange(items) < round(share * items), "a", "b") for share in (chance["x"], chance["y"])
    ]
    return Askings(
        np.concatenate(said),
        np.tile(np.arange(items), 2),
        judge_family=np.repeat(["x", "y"], items),
        family_a=["x"] * 2 * items,
        family_b=["y"] * 2 * items,
    )


def drawn(seed=0, pairs=60):
    random = np.random.default_rng(seed)
    both = np.repeat(np.arange(pairs), 2)
    shown = np.tile(["ab", "ba"], pairs)
    chars = random.integers(100, 4000, size=(2, pairs))
    lists = random.integers(0, 3, size=(2, pairs))
    marks = random.integers(0, 4, size=(2, pairs))
    quality = random.normal(size=pairs)
    pull = np.repeat(quality + 0.4 * np.log2(chars[0] / chars[1]), 2) + np.where(shown == "ab", 0.5, -0.5)
    p_a = special.expit(pull)
    winner = np.where(random.random(2 * pairs) < p_a, "a", "b").astype(object)
    winner[::11] = "tie"
    people = np.where(random.random(pairs) < special.expit(quality), "a", "b").astype(object)
    return Askings(
        winner, both, shown=shown, pair=both, p_a=p_a, people=people[both],
        chars_a=chars[0][both], chars_b=chars[1][both], lists_a=lists[0][both], lists_b=lists[1][both],
        markdown_a=marks[0][both], markdown_b=marks[1][both],
    )  # fmt: skip


def test_raw_rates_by_hand():
    askings = Askings(
        ["a", "b", "tie", "a", None], range(5), shown=["ab", "ab", "ba", "ba", "ab"],
        chars_a=[9, 9, 9, 5, 9], chars_b=[5, 5, 5, 5, 5],
        lists_a=[0, 0, 0, 2, 1], lists_b=[1, 1, 0, 0, 0],
        people=["a", "a", "b", "b", "a"], people_shown=["ab", "ab", "ab", "ab", None],
    )  # fmt: skip
    position, theirs, beyond = raw_rate(askings, BiasKind.POSITION)
    # Ties and the failure aside: first, second, second; people on the same three, in their own order: first,
    # first, second.
    assert (position.estimate, position.n, position.n_excluded) == (pytest.approx(1 / 3), 3, 2)
    assert (theirs.estimate, beyond.estimate) == (pytest.approx(2 / 3), pytest.approx(-1 / 3))
    unknown = replace(askings, people_shown=None)
    assert raw_rate(unknown, BiasKind.POSITION)[0] == position
    assert raw_rate(unknown, BiasKind.POSITION)[1].reason == PEOPLES_ORDER
    longer, theirs, beyond = raw_rate(askings, BiasKind.LENGTH)
    assert (longer.estimate, longer.n, longer.n_excluded) == (0.5, 3, 2)
    assert (theirs.estimate, beyond.estimate) == (pytest.approx(2 / 3), pytest.approx(-1 / 6))
    lists, theirs, _ = raw_rate(askings, BiasKind.LISTS)
    assert (lists.estimate, lists.n, theirs.estimate) == (pytest.approx(2 / 3), 3, 0)
    assert raw_rate(askings, BiasKind.MARKDOWN)[0].reason == "nothing was measured"
    assert raw_rate(askings, BiasKind.FLIPS)[0].estimate is None


def test_flips_match_the_orders_of_each_pair():
    first, second = ["a", "a", "tie", None, "b"], ["a", "b", "a", "a", "b"]
    said = [*first, *second, "b", "a", "a"]
    pair = [*range(5), *range(5), 0, 0, 9]
    shown = ["ab"] * 5 + ["ba"] * 5 + ["ab", "ba", "ab"]
    found = raw_rate(Askings(said, pair, shown=shown, pair=pair), BiasKind.FLIPS)[0]
    expected = flip_rate([*first, "b"], [*second, "a"], [0, 1, 2, 3, 4, 0])
    assert (found.estimate, found.n, found.n_excluded) == (expected.estimate, 5, 1)
    assert found.estimate == 3 / 5


def test_own_family_is_a_difference_in_differences():
    found = controlled(crossed(40, {"x": 0.7, "y": 0.4}))[BiasKind.SELF_PREFERENCE]
    assert found.points.estimate == pytest.approx(30)
    assert found.log_odds.estimate == pytest.approx((special.logit(0.7) - special.logit(0.4)) / 2)
    assert raw_rate(crossed(40, {"x": 0.7, "y": 0.4}), BiasKind.SELF_PREFERENCE)[0].estimate == pytest.approx(
        0.65
    )


def test_a_better_family_is_not_self_preference():
    askings = crossed(40, {"x": 0.8, "y": 0.8})
    # Judge y gives the same share of wins, on other items.
    winner = np.concatenate([askings.winner[:40], askings.winner[:39:-1]])
    found = controlled(Askings(**{**_columns(askings), "winner": winner}))[BiasKind.SELF_PREFERENCE].points
    assert found.estimate == pytest.approx(0, abs=1e-9)
    assert found.low < 0 < found.high


def test_own_family_needs_crossing():
    reason = "needs at least 2 judge families that judge the same 2 response families"
    one = crossed(20, {"x": 0.7, "y": 0.4})
    alone = Askings(
        one.winner[:20], one.cluster[:20], judge_family=["x"] * 20, family_a=["x"] * 20, family_b=["y"] * 20
    )
    assert controlled(alone)[BiasKind.SELF_PREFERENCE].points.reason == reason
    assert raw_rate(alone, BiasKind.SELF_PREFERENCE)[0].estimate == 0.7
    apart = Askings(
        one.winner, one.cluster, judge_family=one.judge_family,
        family_a=["x"] * 20 + ["v"] * 20, family_b=["y"] * 20 + ["w"] * 20,
    )  # fmt: skip
    assert controlled(apart)[BiasKind.SELF_PREFERENCE].points.reason == reason
    strangers = Askings(
        one.winner, one.cluster, judge_family=np.repeat(["v", "w"], 20), family_a=one.family_a,
        family_b=one.family_b,
    )  # fmt: skip
    assert controlled(strangers)[BiasKind.SELF_PREFERENCE].points.reason == "the same in every row"
    failed = Askings(
        [*one.winner[:20], *[None] * 20], one.cluster, judge_family=one.judge_family, family_a=one.family_a,
        family_b=one.family_b,
    )  # fmt: skip
    assert controlled(failed)[BiasKind.SELF_PREFERENCE].points.reason == reason


def test_a_liking_for_length_is_not_self_preference():
    random = np.random.default_rng(4)
    items = 4000
    judge = np.repeat(["x", "y"], items)
    length = np.tile(random.normal(1, 1, size=items), 2)  # family x writes at twice the length
    winner = np.where(
        random.random(2 * items) < special.expit(np.where(judge == "x", 0.8, 0) * length), "a", "b"
    )
    askings = Askings(
        winner, np.tile(np.arange(items), 2), chars_a=500 * 2**length, chars_b=[500] * 2 * items,
        judge_family=judge, family_a=["x"] * 2 * items, family_b=["y"] * 2 * items,
    )  # fmt: skip
    found = controlled(askings)[BiasKind.SELF_PREFERENCE].points
    assert found.low < 0 < found.high
    assert found.width < 10


def test_the_controlled_effects_are_one_pooled_logit():
    askings = drawn()
    effects, beyond = controlled(askings), controlled_beyond_people(askings)
    assert list(effects) == list(BiasKind)
    wins = np.select([askings.winner == "a", askings.winner == "b"], [1.0, 0.0], 0.5)
    columns = {
        "position": np.where(askings.shown == "ab", 1, -1),
        "length": np.log2(askings.chars_a / askings.chars_b),
        "lists": (askings.lists_a - askings.lists_b) / np.maximum(askings.lists_a + askings.lists_b, 1),
        "markdown": (askings.markdown_a - askings.markdown_b)
        / np.maximum(askings.markdown_a + askings.markdown_b, 1),
    }
    expected = pooled_logit(wins, askings.cluster, columns, contrasts={"position": (-1, 1)})
    for name in ("position", "length", "lists", "markdown"):
        assert effects[name] == expected[name]
        assert raw_rate(askings, BiasKind(name))[0].low is not None
        assert (beyond[name].points.low is not None) == (name != "position")
    assert effects[BiasKind.FLIPS].points.estimate is None
    assert raw_rate(askings, BiasKind.FLIPS)[0].estimate > 0


def _columns(askings):
    return {name: getattr(askings, name) for name in askings.__dataclass_fields__}


def test_soft_verdicts_are_narrower():
    askings = drawn()
    hard, soft = (controlled(askings, soft=soft) for soft in (False, True))
    for kind in (BiasKind.POSITION, BiasKind.LENGTH):
        assert soft[kind].points.width < hard[kind].points.width
    assert raw_rate(askings, BiasKind.POSITION, soft=True) == raw_rate(askings, BiasKind.POSITION)
    none = controlled(Askings(["a"] * 5, range(5)), soft=True)
    assert none[BiasKind.LENGTH].points.estimate is None


def test_the_two_sides_may_be_exchanged():
    one = drawn(1)
    other = _columns(one)
    for name in ("chars", "lists", "markdown"):
        other[f"{name}_a"], other[f"{name}_b"] = other[f"{name}_b"], other[f"{name}_a"]
    turn = {"a": "b", "b": "a", "tie": "tie", "ab": "ba", "ba": "ab"}
    for name in ("winner", "shown", "people"):
        other[name] = [turn[text] for text in other[name]]
    other["p_a"] = 1 - other["p_a"]
    mirrored = Askings(**other)
    for kind in BiasKind:
        assert raw_rate(mirrored, kind)[0] == raw_rate(one, kind)[0]
        for effects in (controlled, controlled_beyond_people):
            left, right = effects(one)[kind].points, effects(mirrored)[kind].points
            assert left.reason == right.reason
            if left.low is not None:
                assert (left.low, left.high) == pytest.approx((right.low, right.high), abs=1e-8)


def test_nothing_known_gives_reasons():
    for askings in (Askings([], []), Askings(["a", None, "b"], range(3))):
        effects, beyond = controlled(askings), controlled_beyond_people(askings)
        for kind in BiasKind:
            estimates = (*raw_rate(askings, kind), effects[kind].points, effects[kind].log_odds)
            for estimate in (*estimates, beyond[kind].points):
                assert estimate.estimate is None
                assert estimate.reason
    assert controlled_beyond_people(Askings(["a"], [1]))[BiasKind.POSITION].points.reason.startswith(
        "no human"
    )


def test_empty_responses_and_responses_without_style():
    askings = Askings(
        ["a", "b", "a", "b"] * 5, range(20), chars_a=[0, 5] * 10, chars_b=[3, 0, 4, 4] * 5,
        lists_a=[0] * 20, lists_b=[0] * 20,
    )  # fmt: skip
    assert raw_rate(askings, BiasKind.LENGTH)[0].estimate is not None
    assert controlled(askings)[BiasKind.LISTS].points.reason == "the same in every row"


@pytest.mark.parametrize(
    "call",
    [
        lambda: Askings(["a"], [1, 2]),
        lambda: Askings(["a"], [1], shown=["ab", "ba"]),
        lambda: controlled(Askings(["A"], [1])),
        lambda: controlled(Askings(["a"], [1], shown=["first"])),
        lambda: controlled(Askings(["a"], [1], chars_a=[-1], chars_b=[1])),
        lambda: controlled(Askings(["a"], [1], p_a=[1.5]), soft=True),
        lambda: controlled_beyond_people(Askings(["a"], [1], people=["A"])),
    ],
)
def test_what_is_refused(call):
    with pytest.raises(InputError):
        call()
