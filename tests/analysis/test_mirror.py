"""With the systems of every pair exchanged, a run's tables are the mirror of what they were.

Which of two systems is called a follows from their names alone, so no number may depend on it.
"""

import math
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from evalhub import analysis
from evalhub.analysis import Results, pair_verdicts
from evalhub.judging import hard_winner, preference, softmax, with_exact_complement
from evalhub.records import FailureKind, Judgment, Label, Record
from evalhub.scales import Order, Winner
from evalhub.sources import load
from evalhub.specs import load_card
from tests.analysis.mirroring import exchanged, exchanged_names

Write = Callable[..., Results]

JUDGES = ("soft", "hard", "certain")
SETS = ("faireval", "llmbar", "pandalm", "autoj_pairwise", "judgebench", "alpaca_eval", "alpaca_eval_2")
SWAPPED = {"a": "b", "b": "a"}
NAMES = ("system", "system_a", "system_b", "first", "second")
# Drawn by the systems' names, or read in one order alone.
UNLIKE = ("ab", "ba")
# Few items leave some logits ill-conditioned: intervals of thousands of points carry fewer digits.
TOLERANCE = {"biases": 1e-6}
TABLES: dict[str, Callable[[Results], pd.DataFrame]] = {
    "leaderboard": analysis.leaderboard,
    "ranks": analysis.ranks,
    "bradley_terry": analysis.bradley_terry_ratings,
    "win_probabilities": analysis.win_probabilities,
    "worst_case_bounds": analysis.worst_case_bounds,
    "agreement": analysis.agreement,
    "biases": analysis.biases,
}


def invented_verdicts(labels: Iterable[Label], seed: int) -> list[Judgment]:
    """Return both orders of every labelled pair by three judges: soft with ties, hard, and nearly certain."""
    draw = random.Random(seed)
    pairs = {
        (label.dataset, label.criterion, label.item_id, label.system_a, label.system_b, label.sample)
        for label in labels
        if label.system_a
    }
    return [
        _verdict(judge, Judgment(pair[0], judge, *pair[1:3], None, *pair[3:], shown=shown), draw)
        for pair in sorted(pairs)
        for judge in JUDGES
        for shown in Order
    ]


def _verdict(judge: str, judgment: Judgment, draw: random.Random) -> Judgment:
    if draw.random() < 0.03:
        return replace(judgment, failure=FailureKind.PARSE)
    if judge == "hard":
        return replace(judgment, winner=draw.choice(list(Winner)))
    if judge == "soft":
        logs = {name: -draw.expovariate(1) for name in ("a", "tie", "b")}
        chances = softmax(logs)
        return replace(judgment, winner=hard_winner(chances), p_a=preference(chances), logprobs=logs)
    p_a = with_exact_complement(draw.choice([0.0, 1.0, 0.5, draw.random()]))
    winner = Winner.of_sign(p_a - 0.5 if abs(p_a - 0.5) > 1e-6 else 0)
    return replace(judgment, winner=winner, p_a=p_a)


def both_ways(
    results: Write, records: list[Record], facts: dict[str, Any]
) -> tuple[Results, Results, dict[str, str]]:
    """Return the run of some records, the run with the systems exchanged, and the renaming."""
    names = exchanged_names(records)
    manifest: dict[str, Any] = {
        "cards": {facts["id"]: facts},
        "judges": {judge: {} for judge in JUDGES},
        "rubrics": {}, "label_criteria": {}, "exclusions": {}, "expected": {},
        "resolved": {"suite": {"controls": {"length_penalty": 0.5}}},
    }  # fmt: skip
    before = results(records, **manifest)
    return before, results([exchanged(record, names) for record in records], **manifest), names


def exchanged_verdicts(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return the verdicts of a run in terms of the systems exchanged."""
    frame = frame.copy()
    frame["system_a"], frame["system_b"] = (
        [names[name] for name in frame[column]] for column in ("system_b", "system_a")
    )
    for name in ("winner", "winner_ab", "winner_ba", "winner_penalised"):
        frame[name] = [SWAPPED.get(winner, winner) for winner in frame[name]]
    for a, b in (("winner_ab", "winner_ba"), ("chars_a", "chars_b")):
        frame[a], frame[b] = frame[b].copy(), frame[a].copy()
    frame["p_a"], frame["p_a_penalised"] = 1 - frame["p_a"], 1 - frame["p_a_penalised"]
    frame["extra_chars"] = -frame["extra_chars"]
    return frame


def rows(frame: pd.DataFrame, names: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a table as values, sorted by their texts, systems renamed."""
    frame = frame.copy()
    for name in NAMES:
        if names and name in frame:
            frame[name] = [names.get(system, system) for system in frame[name]]
    values = [
        {str(name): None if _absent(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
    values = [_alphabetical(row) for row in values]
    return sorted(values, key=lambda row: [str(value) for value in row.values() if _is_key(value)])


def _alphabetical(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row about how often the first beats the second with the two in alphabetical order."""
    if row.get("second") is None or row["first"] < row["second"]:
        return row
    ends = {name: None if row[name] is None else 1 - row[name] for name in ("estimate", "low", "high")}
    return row | {
        "first": row["second"], "second": row["first"],
        "estimate": ends["estimate"], "low": ends["high"], "high": ends["low"],
    }  # fmt: skip


def _absent(value: Any) -> bool:
    return value is pd.NA or value is None or value != value


def _is_key(value: Any) -> bool:
    return value is None or isinstance(value, str | bool)


def assert_mirrored(before: Results, after: Results, names: dict[str, str]) -> None:
    """Hold every verdict of two runs against each other to the last bit, and every table to rounding."""
    assert rows(pair_verdicts(before)) == rows(exchanged_verdicts(pair_verdicts(after), names))
    for table, make in TABLES.items():
        first, second = make(before), make(after)
        if table == "agreement" and len(first):
            first, second = (
                frame[(frame["rater_kind"] != "baseline") & ~frame["reading"].isin(UNLIKE)]
                for frame in (first, second)
            )
        pairs = zip(rows(first), rows(second, names), strict=True)
        for row, twin in pairs:
            assert row.keys() == twin.keys()
            for name, value in row.items():
                if isinstance(value, float):
                    near = math.isclose(twin[name], value, rel_tol=TOLERANCE.get(table, 1e-9), abs_tol=1e-9)
                    assert near, f"{table} {name} {value!r} {twin[name]!r} {row}"
                else:
                    assert twin[name] == value, (table, name, row, twin)


def test_a_run_written_by_hand_mirrors(hand: Any, results: Write) -> None:
    records: list[Record] = []
    for number in range(12):
        item = f"i{number}"
        records.append(hand.item(item))
        records += [
            hand.response(item, system, 10 + 7 * number % 31 + place) for place, system in enumerate("kmz")
        ]
        records += [
            hand.won(item, "abtie"[number % 2] if number % 5 else "tie", pair) for pair in ("km", "kz", "mz")
        ]
    labels = [record for record in records if isinstance(record, Label)]
    records += invented_verdicts(labels, 1)
    facts = {"id": "d", "criteria": {"overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]}}}
    assert_mirrored(*both_ways(results, records, facts))


@pytest.mark.skipif(
    "EVALHUB_MIRROR" not in os.environ, reason="needs EVALHUB_MIRROR: the labelled sets in shared/data"
)
@pytest.mark.parametrize("name", SETS)
def test_every_recorded_set_mirrors(name: str, results: Write) -> None:
    card, path = load_card(name)
    dataset = load(card, path)
    some = {item.item_id for item in random.Random(0).sample(dataset.items, min(40, len(dataset.items)))}
    records: list[Record] = [
        record
        for records in (dataset.items, dataset.responses, dataset.labels, dataset.judgments)
        for record in records
        if record.item_id in some
    ]
    if not dataset.judgments:
        records += invented_verdicts((label for label in dataset.labels if label.item_id in some), 2)
    include = {"id", "criteria", "anonymous", "reference_systems", "judges"}
    facts = card.model_dump(mode="json", include=include, exclude_none=True)
    assert_mirrored(*both_ways(results, records, facts))
