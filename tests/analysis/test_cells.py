"""Cells are exact sums: they equal Python's fractions in any order of rows and with any number of threads."""

from __future__ import annotations

import random
from collections import defaultdict
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from evalhub.analysis import Results, leaderboard
from evalhub.analysis.database.cells import CELL_KEY, UNITS, cells_query
from evalhub.analysis.database.pairs import create_pairs
from evalhub.analysis.database.ratings import create_ratings
from evalhub.judging import SIDES, preference
from evalhub.records import Item, Judgment, Record
from evalhub.store import to_arrow

from .test_facts import RULES, pair_case, rating_case

CASES = 3_000
Cells = dict[tuple[str, ...], tuple[int, int]]


def random_items(draw: random.Random) -> list[Record]:
    tags = ((), ("hard",), ("hard", "maths"), ("maths",))
    return [
        Item("d", f"i{number:05}", cluster=f"c{draw.randrange(CASES // 5)}", tags=draw.choice(tags))
        for number in range(CASES)
    ]


def facts_and_items(judgments: list[Judgment], items: list[Record]) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    for kind, records in (("judgments", judgments), ("items", items)):
        database.register("incoming", to_arrow(kind, records))
        database.execute(f"CREATE TABLE {kind} AS FROM incoming")
    for name, create in (("pair_facts", create_pairs), ("rating_facts", create_ratings)):
        database.execute(f"CREATE TABLE {name} AS {create(database, 'judgments', RULES)}")
    return database


def cells_of(database: duckdb.DuckDBPyConnection) -> Cells:
    rows = database.execute(cells_query()).fetchall()
    cells = {tuple(row[: len(CELL_KEY)]): (row[-2], row[-1]) for row in rows}
    assert len(cells) == len(rows)
    return cells


def expected_cells(database: duckdb.DuckDBPyConnection, items: list[Record]) -> Cells:
    by_id = {item.item_id: item for item in items if isinstance(item, Item)}
    sums: dict[tuple[str, ...], list[Fraction]] = defaultdict(list)

    def add(fact: dict[str, Any], measure: str, system: str, value: float | None) -> None:
        if value is None:
            return
        item = by_id[fact["item_id"]]
        for tag in ("", *item.tags):
            key = (fact["dataset"], fact["judge"], fact["criterion"], measure, system, tag, item.cluster)
            sums[key].append(Fraction(round(Fraction(value) / Fraction(UNITS[measure]))))

    for fact in database.sql("FROM pair_facts").to_arrow_table().to_pylist():
        points = {"a": 1.0, "tie": 0.5, "b": 0.0}.get(fact["winner"])
        chances = {name: fact[f"chance_{name}"] for name in SIDES}
        p_a = None if chances["a"] is None else preference(chances)
        for system, of_side in (("system_a", lambda p: p), ("system_b", lambda p: 1 - p)):
            add(fact, "win rate", fact[system], None if points is None else of_side(points))
            add(fact, "win rate (soft)", fact[system], None if p_a is None else of_side(p_a))
    for fact in database.sql("FROM rating_facts").to_arrow_table().to_pylist():
        add(fact, "mean score", fact["system"], fact["value"])
        add(fact, "mean score (soft)", fact["system"], fact["expected"])
    return {key: (len(values), int(sum(values))) for key, values in sums.items()}


@pytest.mark.parametrize("seed", [3, 4])
def test_cells_equal_fractions_in_any_order_and_number_of_threads(seed: int) -> None:
    draw = random.Random(seed)
    judgments = [
        record
        for number in range(CASES)
        for record in (pair_case if number % 2 else rating_case)(draw, number)
    ]
    items = random_items(draw)
    database = facts_and_items(judgments, items)
    cells = cells_of(database)
    assert cells == expected_cells(database, items)
    assert {key[3] for key in cells} == set(UNITS)
    assert any(n > 3 for n, _ in cells.values())
    draw.shuffle(judgments)
    for threads in (1, 4):
        again = facts_and_items(judgments, items[::-1])
        again.execute(f"SET threads = {threads}")
        assert cells_of(again) == cells


def test_the_cells_of_a_run_have_the_means_of_its_leaderboard(desk: Any) -> None:
    tags = "SELECT item_id, prompt, refs, [if(line % 2 = 0, 'even', 'odd')] AS tags FROM items"
    desk.dataset(items=12, systems="kmn", card={"items": tags})
    desk.suite()
    results = Results(desk.run())
    for part, tag in ((results, ""), (results.where("list_contains(tags, 'odd')"), "odd")):
        query = "SELECT system, measure, sum(n) AS n, sum(total) AS total FROM cells WHERE tag = $tag"
        rows = part.sql(f"{query} GROUP BY ALL", {"tag": tag})
        means = {
            (row.system, row.measure): row.total * UNITS[row.measure] / row.n for row in rows.itertuples()
        }
        ranked = leaderboard(part)
        ranked = ranked[ranked["rater_kind"] == "judge"]
        estimates = {(row.system, row.measure): row.estimate for row in ranked.itertuples()}
        assert estimates.keys() == means.keys()
        assert [estimates[key] for key in means] == pytest.approx(list(means.values()), abs=1e-12)
