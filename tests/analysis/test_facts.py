"""Facts are made in SQL. On random judgments they equal Python's rule to the last bit."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator

import duckdb
import pytest

from evalhub.analysis.database.pairs import PLACES, create_pairs
from evalhub.analysis.database.ratings import create_ratings
from evalhub.analysis.database.rules import Rules
from evalhub.judging import SIDES, preference
from evalhub.judging.aggregate import (
    equal_pairs,
    judgment_row,
    level,
    pair_verdict,
    retest,
    spread,
    unanimous_verdict,
    verdict,
)
from evalhub.records import FailureKind, Judgment, has_failed
from evalhub.scales import Order, Winner
from evalhub.store import to_arrow

CASES = 10_000

JUDGES = ("plain", "fixed", "voting", "unanimous", "sampled")
RULES = Rules(two_orders={"plain", "voting", "sampled"}, voting={"voting"}, agreeing={("d", "unanimous")})


def probabilities(draw: random.Random) -> dict[str, float] | None:
    """Return log-probabilities as engines and servers give them: rounded, tiny, unlisted, or none."""
    if draw.random() < 0.1:
        return None
    names = list(SIDES) if draw.random() < 0.5 else ["a", "b"]
    weights = {name: draw.choice((draw.random(), draw.random() * 1e-9, 0.5)) for name in names}
    logs = {name: math.log(weight) for name, weight in weights.items()}
    kind = draw.random()
    if kind < 0.05:
        logs.pop(draw.choice(names))
    elif kind < 0.1:
        logs[draw.choice(names)] = -math.inf
    elif kind < 0.12:
        logs[draw.choice(names)] = math.inf
    elif kind < 0.15:
        logs[draw.choice(names)] = math.nan
    elif kind < 0.3:
        logs = {name: round(log, 2) for name, log in logs.items()}
    return logs


def judgment(draw: random.Random, case: int, judge: str, **place: object) -> Judgment:
    logprobs = probabilities(draw)
    p_a = draw.choice((0.0, 1.0, 0.5, draw.random(), draw.random())) if draw.random() < 0.9 else None
    failure = draw.choice(list(FailureKind)) if draw.random() < 0.05 else None
    return Judgment(
        dataset="d", judge=judge, criterion="c", item_id=f"i{case:05}", system_a="x", system_b="y",
        winner=None if failure else draw.choice(list(Winner)), p_a=None if failure else p_a,
        logprobs=None if failure else logprobs, failure=failure, same_family=draw.choice((True, False, None)),
        **place,
    )  # fmt: skip


def pair_case(draw: random.Random, case: int) -> list[Judgment]:
    """Return the judgments of one pair: samples, orders of a list, orders that are missing or not known."""
    judge = draw.choice(JUDGES)
    orders = draw.choice(((Order.AB, Order.BA),) * 4 + ((Order.AB,), (Order.BA,), (None,)))
    repeats = draw.choice((1, 2, 3, 5)) if judge in ("voting", "sampled") else 1
    rows = 2 if draw.random() < 0.05 else 1
    return [
        judgment(draw, case, judge, shown=shown, row=row, repeat=repeat)
        for shown in orders
        for row in range(rows)
        for repeat in range(repeats)
        if draw.random() < 0.98
    ]


def facts_of(kind: str, records: list[Judgment], threads: int = 2) -> Iterator[dict[str, object]]:
    database = duckdb.connect()
    database.execute(f"SET threads = {threads}")
    database.register("judgments", to_arrow("judgments", records))
    create = create_pairs if kind == "pairs" else create_ratings
    table = database.sql(create(database, "judgments", RULES)).to_arrow_table()
    yield from table.to_pylist()


def test_pairs_equal_the_rule_in_python() -> None:
    draw = random.Random(7)
    cases = [case for case in (pair_case(draw, number) for number in range(CASES)) if case]
    facts = list(facts_of("pairs", [record for case in cases for record in case]))
    by_item = {fact["item_id"]: fact for fact in facts}
    assert len(facts) == len(cases)
    soft = sampled = 0
    for case in cases:
        fact, rows, judge = by_item[case[0].item_id], [judgment_row(record) for record in case], case[0].judge
        chances, winner = (
            unanimous_verdict(rows)
            if judge == "unanimous"
            else pair_verdict(rows, two_orders=judge in RULES.two_orders, vote=judge in RULES.voting)
        )
        soft += chances is not None
        sampled += len(rows) > 2
        # As texts, because NaN differs from itself.
        assert str([fact[f"chance_{name}"] for name in SIDES]) == str(
            [(chances or {}).get(name) for name in SIDES]
        ), rows
        assert fact["winner"] == (winner and winner.value), rows
        assert fact["askings"] == len(rows)
        assert fact["valid"] == sum(not has_failed(record.failure) for record in case)
        assert str((fact["spread"], fact["retest"])) == str((spread(rows), retest(rows)))
        for place in PLACES:
            of_place = [row for row in rows if (row["shown"] or "any") == place]
            assert fact[f"askings_{place}"] == len(of_place)
            assert fact[f"winner_{place}"] == order_winner(of_place), rows
            assert str(fact[f"p_{place}"]) == str(order_probability(of_place)), rows
    assert soft > CASES / 4
    assert sampled > CASES / 5


def order_winner(rows: list[dict[str, object]]) -> object:
    if len(rows) < 2:
        return rows[0]["winner"] if rows else None
    winner = verdict(rows)[1]
    return winner and winner.value


def order_probability(rows: list[dict[str, object]]) -> float | None:
    if len(rows) == 1 and rows[0]["winner"]:
        return rows[0]["p_a"]
    chances = verdict(rows)[0] if rows else None
    return None if chances is None else preference(chances)


def rating_case(draw: random.Random, case: int) -> list[Judgment]:
    judge = draw.choice(JUDGES)
    levels = draw.choice(((1.0, 2.0, 3.0, 4.0, 5.0), (0.1, 0.2, 0.7), (0.0, 1.0)))
    records = []
    for repeat in range(draw.choice((1, 1, 2, 3, 5))):
        failure = draw.choice(list(FailureKind)) if draw.random() < 0.08 else None
        expected = draw.random() * 5 if draw.random() < 0.9 else None
        records.append(
            Judgment(
                dataset="d", judge=judge, criterion="c", item_id=f"i{case:05}", system="x", repeat=repeat,
                value=None if failure else draw.choice(levels), expected=None if failure else expected,
                failure=failure,
            )
        )  # fmt: skip
    return records


def test_ratings_equal_the_rule_in_python() -> None:
    draw = random.Random(11)
    cases = [rating_case(draw, number) for number in range(CASES)]
    facts = list(facts_of("ratings", [record for case in cases for record in case]))
    assert len(facts) == CASES
    by_item = {fact["item_id"]: fact for fact in facts}
    for case in cases:
        fact = by_item[case[0].item_id]
        failed = any(has_failed(record.failure) for record in case)
        values = [record.value for record in case if record.value is not None]
        empty = len(case) - len(values)
        rated = not failed and 2 * empty < len(case)
        assert fact["rated"] is rated
        assert fact["not_applicable"] is (not failed and not rated)
        assert fact["value"] == (level(values, vote=case[0].judge == "voting") if rated else None)
        assert fact["retest"] == (
            None if failed or len(case) < 2 else equal_pairs([*values, *[None] * empty])
        )
        means = [record.expected for record in case if record.value is not None]
        if rated and None not in means:
            assert fact["expected"] == pytest.approx(statistics.fmean(means), abs=1e-15)
        else:
            assert fact["expected"] is None


@pytest.mark.parametrize("kind", ["pairs", "ratings"])
def test_the_number_of_threads_changes_no_bit(kind: str) -> None:
    draw = random.Random(3)
    make = pair_case if kind == "pairs" else rating_case
    records = [record for number in range(2_000) for record in make(draw, number)]
    shuffled = draw.sample(records, len(records))
    assert repr(list(facts_of(kind, records, threads=1))) == repr(list(facts_of(kind, shuffled, threads=4)))


def test_facts_of_no_judgments() -> None:
    assert list(facts_of("pairs", [])) == []
    assert list(facts_of("ratings", [])) == []
