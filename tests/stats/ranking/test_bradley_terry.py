"""Strengths, covariates, divides, and who beats whom."""

import math

import choix
import evalica
import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import pooled_logit
from evalhub.stats.ranking.beats import p_beats
from evalhub.stats.ranking.bradley_terry import BradleyTerry, bradley_terry
from evalhub.stats.ranking.matches import Matches
from evalhub.stats.ranking.ranks import rank_intervals
from evalhub.stats.ranking.system_estimates import SystemEstimates


def strengths(found: BradleyTerry) -> np.ndarray:
    return np.array([one.strength.estimate for one in found.ratings])


def drawn(seed: int, systems: int, n: int, ties: float = 0.0) -> tuple[np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=systems)
    first = rng.integers(0, systems, n)
    second = (first + rng.integers(1, systems, n)) % systems
    wins = (rng.random(n) < 1 / (1 + np.exp(truth[second] - truth[first]))).astype(float)
    wins[rng.random(n) < ties] = 0.5
    return wins, [f"s{i:02}" for i in first], [f"s{i:02}" for i in second]


def test_three_to_one_is_log_three() -> None:
    found = bradley_terry(Matches([1, 1, 1, 0], ["x"] * 4, ["y"] * 4, range(4)))
    assert strengths(found) == pytest.approx([math.log(3) / 2, -math.log(3) / 2])
    assert found.ratings[0].elo.estimate == pytest.approx(1000 + 200 * math.log10(3))
    assert found.reason is None


@pytest.mark.parametrize(("systems", "n", "ties"), [(5, 300, 0.0), (8, 2000, 0.3), (30, 6000, 0.2)])
def test_evalica_finds_the_same(systems: int, n: int, ties: float) -> None:
    wins, first, second = drawn(1, systems, n, ties)
    said = [evalica.Winner.X if w == 1 else evalica.Winner.Y if w == 0 else evalica.Winner.Draw for w in wins]
    theirs = evalica.bradley_terry(first, second, said, tie_weight=0.5, tolerance=1e-13, limit=1000)
    logs = np.log(theirs.scores.sort_index().to_numpy())
    mine = strengths(bradley_terry(Matches(wins, first, second, range(n))))
    assert mine == pytest.approx(logs - logs.mean(), abs=1e-10)


def test_choix_finds_the_same() -> None:
    wins, first, second = drawn(2, 6, 500)
    won = [
        (int(a[1:]), int(b[1:])) if w else (int(b[1:]), int(a[1:]))
        for w, a, b in zip(wins, first, second, strict=True)
    ]
    mine = strengths(bradley_terry(Matches(wins, first, second, range(500))))
    assert mine == pytest.approx(choix.ilsr_pairwise(6, won, tol=1e-13, max_iter=1000), abs=1e-10)
    newton = choix.opt_pairwise(6, won, alpha=0, tol=1e-13)
    assert mine == pytest.approx(newton - newton.mean(), abs=1e-7)


def test_weights_count_as_copies_and_their_unit_does_not_matter() -> None:
    wins, first, second = drawn(3, 4, 60)
    twice = np.arange(60) < 20
    doubled = [
        np.concatenate([np.asarray(c), np.asarray(c)[twice]]) for c in (wins, first, second, range(60))
    ]
    weighted = bradley_terry(Matches(wins, first, second, range(60), weights=1.0 + twice))
    assert strengths(weighted) == pytest.approx(strengths(bradley_terry(Matches(*doubled))))
    scaled = bradley_terry(Matches(wins, first, second, range(60), weights=7 * (1.0 + twice)))
    assert scaled.ratings[0].strength.low == pytest.approx(weighted.ratings[0].strength.low)


def test_a_covariate_is_that_of_the_logit_on_two_systems() -> None:
    rng = np.random.default_rng(4)
    order = rng.choice([-1.0, 1.0], 200)
    wins = (rng.random(200) < 1 / (1 + np.exp(-0.5 - order))).astype(float)
    items = rng.integers(0, 40, 200)
    found = bradley_terry(Matches(wins, ["x"] * 200, ["y"] * 200, items, covariates={"order": order}))
    logit = pooled_logit(wins, items, {"order": order})["order"].log_odds
    mine = found.covariates["order"]
    assert (mine.estimate, mine.low, mine.high) == pytest.approx((logit.estimate, logit.low, logit.high))


def test_a_covariate_that_only_tells_systems_apart_is_named() -> None:
    wins, first, second = drawn(5, 4, 200)
    own = np.array([float(a == "s00") - float(b == "s00") for a, b in zip(first, second, strict=True)])
    noise = np.random.default_rng(5).normal(size=200)
    given = {"own": own, "noise": noise, "copy": 2 * noise, "gone": [None] * 200, "order": noise > 0}
    found = bradley_terry(Matches(wins, first, second, range(200), covariates=given))
    for name in ("own", "noise", "copy", "gone"):
        assert found.covariates[name].estimate is None
    assert found.covariates["order"].estimate is not None
    assert found.ratings[0].strength.low is not None


def test_a_covariate_that_predicts_all_is_refused() -> None:
    wins = np.array([1, 0] * 20)
    found = bradley_terry(Matches(wins, ["x"] * 40, ["y"] * 40, range(40), covariates={"it": wins - 0.5}))
    assert "separation" in (found.reason or "")
    assert found.ratings[0].strength.estimate is None


def test_who_never_lost_is_named_and_rated_with_a_prior() -> None:
    wins, first, second = drawn(6, 5, 400)
    more = ["king"] * 40
    matches = Matches([*wins, *[1] * 40], [*first, *more], [*second, *second[:40]], [*range(400), *range(40)])
    found = bradley_terry(matches)
    assert "king never lost to the rest" in (found.reason or "")
    assert "one virtual tie" in (found.reason or "")
    king = found.ratings[0]
    assert king.system == "king"
    assert "the prior decides" in (king.strength.reason or "")
    assert 2 < (king.strength.estimate or 0) < 6
    assert all((one.strength.low, one.strength.method) == (None, "bt+prior") for one in found.ratings)
    others = strengths(bradley_terry(Matches(wins, first, second, range(400))))
    gap = strengths(found)[1] - strengths(found)[2]
    assert gap == pytest.approx(others[0] - others[1], abs=0.02)
    assert found.estimates is not None
    ranks = {one.system: one for one in rank_intervals(found.estimates)}
    assert (ranks["king"].rank, ranks["king"].low_all) == (1, 1)
    # By hand: x won 9 of 9 and ties once with the phantom p, as y does: p lies halfway, d = x - p solves
    # 9 (1 - s(2d)) + .5 - s(d) = 0.
    pair = bradley_terry(Matches([1] * 9, ["x"] * 9, ["y"] * 9, range(9)))
    half = pair.ratings[0].strength.estimate or 0.0
    logistic = 1 / (1 + np.exp(-np.array([2 * half, half])))
    assert 9 * (1 - logistic[0]) + 0.5 - logistic[1] == pytest.approx(0, abs=1e-9)


def test_parts_that_never_meet_are_named() -> None:
    found = bradley_terry(Matches([1, 0, 1, 0], ["a", "a", "c", "c"], ["b", "b", "d", "d"], range(4)))
    assert found.reason == "systems of 2 parts never meet: a, b | c, d"
    assert all(one.strength.estimate is None for one in found.ratings)
    assert found.estimates is None


def test_a_system_whose_matches_all_failed() -> None:
    found = bradley_terry(Matches([1, 0, 1, 0, None], ["a", "a", "a", "a", "c"], ["b"] * 5, [1, 2, 3, 4, 5]))
    assert [one.system for one in found.ratings] == ["a", "b", "c"]
    assert found.ratings[2].strength.reason == "no match that counts"
    assert found.ratings[0].strength.n_excluded == 1


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (([], [], [], []), None),
        (([None, math.nan], ["x"] * 2, ["y"] * 2, [1, 2]), "no match that counts"),
        (([1, 0, 1, 0], ["x"] * 4, ["y"] * 4, [1, 1, 2, 2]), "fewer than 3 clusters"),
        (([0.5] * 4, ["x"] * 4, ["y"] * 4, range(4)), "the interval has no width"),
        (([0.6, 0.4, 0.7], ["x", "y", "z"], ["y", "z", "w"], range(3)), "fewer than 3 clusters"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_too_little(columns: tuple[list[object], ...], reason: str | None) -> None:
    found = bradley_terry(Matches(*columns))
    if reason is None:
        assert found.ratings == ()
        assert found.reason == "nothing was measured"
    else:
        assert all((one.strength.reason or "").startswith(reason) for one in found.ratings)
        assert all(one.strength.low is None for one in found.ratings)


def test_a_system_that_one_cluster_alone_ties_to_the_rest() -> None:
    wins, first, second = [1, 0, 0.5, 0.5] * 3, ["x"] * 12, ["y"] * 12
    more = [*wins, 0.6, 0.6, 0.6], [*first, *["x"] * 3], [*second, *["z"] * 3], [*range(12), 0, 0, 0]
    found = bradley_terry(Matches(*more))
    assert found.ratings[2].strength.reason == "fewer than 3 clusters"
    assert found.ratings[0].strength.reason == "one cluster alone tells it"
    assert found.estimates is None
    beats = {(one.first, one.second): one.modelled for one in p_beats(Matches(*more))}
    assert beats["x", "y"].low is not None


@pytest.mark.parametrize(
    "columns",
    [
        {"wins": [1.2]},
        {"second": ["x"]},
        {"weights": [0.0]},
        {"weights": [-1.0]},
        {"first": ["x", "y"]},
        {"covariates": {"order": [1, 2]}},
    ],
)
def test_misuse(columns: dict[str, object]) -> None:
    given = {"wins": [1], "first": ["x"], "second": ["y"], "clusters": [1]} | columns
    with pytest.raises(InputError):
        bradley_terry(Matches(**given))


def test_rows_in_another_order_and_sides_swapped_change_nothing() -> None:
    wins, first, second = drawn(8, 5, 200, 0.2)
    items = np.random.default_rng(8).integers(0, 30, 200)
    one = bradley_terry(Matches(wins, first, second, items))
    shuffled = np.random.default_rng(9).permutation(200)
    columns = (wins, np.array(first), np.array(second), items)
    assert bradley_terry(Matches(*(column[shuffled] for column in columns))).ratings == one.ratings
    swapped = bradley_terry(Matches(1 - wins, second, first, items))
    assert strengths(swapped) == pytest.approx(strengths(one))


def test_many_clusters_are_dealt_into_groups() -> None:
    wins, first, second = drawn(11, 3, 6000)
    many = bradley_terry(Matches(wins, first, second, range(6000)))
    whole = many.ratings[0].strength
    assert isinstance(many.estimates, SystemEstimates)
    assert many.estimates.influence.shape == (2000, 3)
    # Independent matches: the inverse information is the variance.
    share = 1 / (1 + np.exp(-np.subtract.outer(strengths(many), strengths(many))))
    met = np.zeros((3, 3))
    for a, b in zip(first, second, strict=True):
        met[int(a[1:]), int(b[1:])] += 1
    steep = (met + met.T) * share * (1 - share)
    error = np.linalg.pinv(np.diag(steep.sum(axis=1)) - steep)[0, 0] ** 0.5
    assert (whole.width or 0) / 2 / 1.96 == pytest.approx(error, rel=0.06)


def test_who_beats_whom() -> None:
    wins, first, second = drawn(12, 4, 400, 0.2)
    items = np.arange(400) % 80
    table = {(one.first, one.second): one for one in p_beats(Matches(wins, first, second, items))}
    found = strengths(bradley_terry(Matches(wins, first, second, items)))
    assert len(table) == 12
    one, back = table["s00", "s03"], table["s03", "s00"]
    assert one.modelled.estimate == pytest.approx(1 / (1 + math.exp(found[3] - found[0])))
    assert (back.modelled.low or 0) + (one.modelled.high or 0) == pytest.approx(1)
    met = [
        w if a == "s00" else 1 - w
        for w, a, b in zip(wins, first, second, strict=True)
        if {a, b} == {"s00", "s03"}
    ]
    assert one.observed.estimate == pytest.approx(np.mean(met))
    assert one.observed.n == len(met)


def test_two_that_never_met_have_a_model_but_no_record() -> None:
    wins, first, second = [1, 0, 1, 0] * 3, ["a", "a", "b", "b"] * 3, ["b", "b", "c", "c"] * 3
    table = {(one.first, one.second): one for one in p_beats(Matches(wins, first, second, range(12)))}
    assert table["a", "c"].modelled.estimate == pytest.approx(0.5)
    assert table["a", "c"].observed.reason == "the two never met"
    apart = p_beats(Matches([1, 0], ["a", "c"], ["b", "d"], [1, 2]))
    assert all(one.modelled.estimate is None for one in apart)
