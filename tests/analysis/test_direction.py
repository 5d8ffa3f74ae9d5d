"""Negating every value and turning its direction round changes no rank, no test and no verdict."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from evalhub import analysis
from evalhub.analysis import Results, rows_of
from evalhub.records import AnnotatorKind, Item, Judgment, Label, Record, Response, Score
from evalhub.specs import parse_rubric

SYSTEMS = ("anna", "ben", "cleo")
JUDGE, SECOND, RECORDED = "qwen", "smol", "crowd"
LEVELS = {1: "poor", 2: "weak", 3: "fair", 4: "good", 5: "great"}
RUBRIC = (
    "---\nid: rate\nversion: 1\nprotocol: pointwise\ninputs: [response]\ncriteria: {{quality: x}}\n"
    "scale: {{{scale}}}\n---\n## User\n{{{{scale}}}}\n{{{{response}}}}\n"
)


@dataclass(frozen=True)
class Signs:
    """Which numbers of a run are negated, with their direction turned round."""

    judges: int = 1
    labels: int = 1
    metric: int = 1


UPRIGHT, MIRRORED = Signs(), Signs(-1, -1, -1)


def manifest(signs: Signs, *, jury: str | None = None) -> dict[str, Any]:
    scale = ", ".join(f"{signs.judges * value}: {meaning}" for value, meaning in LEVELS.items())
    rubric = parse_rubric(RUBRIC.format(scale=scale), "rate").model_dump(mode="json", exclude_none=True)
    ends = sorted((signs.labels * 1, signs.labels * 5))
    quality = {"kind": "pointwise", "range": ends, "higher_is_better": signs.labels > 0}
    judge_facts = {"range": sorted((signs.judges, 5 * signs.judges)), "higher_is_better": signs.judges > 0}
    jury_facts = {
        "id": "panel", "members": [JUDGE, SECOND], "combine": jury, "quorum": 2,
        "criteria": {"quality": {JUDGE: "quality", SECOND: "quality"}},
    }  # fmt: skip
    own_judges = (JUDGE, SECOND) if jury else (JUDGE,)
    return {
        "resolved": {"suite": {"controls": {"length_penalty": 0.5}}},
        "judges": {judge: {"rubric": "rate"} for judge in own_judges},
        "rubrics": dict.fromkeys(own_judges, rubric),
        "label_criteria": {judge: {"d": {"quality": "quality"}} for judge in (*own_judges, "panel")},
        "juries": [jury_facts] if jury else [],
        "metrics": {"ter": {"bounds": None, "higher_is_better": signs.metric > 0}},
        "cards": {
            "d": {
                "id": "d",
                "criteria": {
                    "quality": quality,
                    "overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]},
                },
                "judges": {RECORDED: judge_facts},
                "metrics": {"edits": {"higher_is_better": signs.metric > 0}},
            }
        },
        "expected": dict.fromkeys(own_judges, 120),
    }


def records(seed: int, signs: Signs, *, jury: str | None = None) -> Iterator[Record]:
    """Yield 18 items with three answers, and what judges, annotators and metrics say of each."""
    rng = random.Random(seed)
    for number in range(18):
        item = f"i{number:02}"
        yield Item("d", item, turns=("?",), cluster=f"c{number // 2}")
        for place, system in enumerate(SYSTEMS):
            truth = min(5, max(1, round(rng.gauss(2.2 + 0.5 * place, 1))))
            chars = rng.randint(20, 400)
            yield Response("d", item, system, text="x" * chars, chars=chars)
            for judge in (JUDGE, RECORDED, *([SECOND] if jury else [])):
                value = min(5, max(1, truth + rng.choice((-1, 0, 0, 1))))
                expected = min(5.0, max(1.0, value + rng.uniform(-0.4, 0.4)))
                judgment = Judgment("d", judge, "quality", item, system, value=float(signs.judges * value))
                if judge == RECORDED:
                    yield replace(judgment, source="recorded")
                else:
                    yield replace(judgment, expected=signs.judges * expected)
            for annotator in ("p", "q", "r") if number < 12 else ():
                value = min(5, max(1, truth + rng.choice((-1, 0, 0, 0, 1))))
                value *= signs.labels
                yield Label("d", item, "quality", annotator, AnnotatorKind.HUMAN, system, value=float(value))
            for metric in ("ter", "edits"):
                yield Score("d", item, system, metric, value=signs.metric * (truth + rng.gauss(0, 1)))
        for a, b in (SYSTEMS[:2], SYSTEMS[1:]):
            yield Label(
                "d", item, "overall", "p", AnnotatorKind.HUMAN, system_a=a, system_b=b,
                winner=rng.choice(("a", "b", "tie")),
            )  # fmt: skip


@pytest.fixture
def runs(results: Callable[..., Results]) -> Callable[..., Results]:
    """Return a run whose labels have a mean as truth, with some of its numbers turned round."""

    def make(seed: int, signs: Signs, **options: Any) -> Results:
        changes = manifest(signs, **options)
        changes["cards"]["d"]["criteria"]["quality"]["consensus"] = {"by": "mean"}
        return results(records(seed, signs, **options), **changes)

    return make


def rows(frame: Any, *without: str) -> list[dict[str, Any]]:
    """Return the rows of a table without numbers' last bits and without what may differ."""
    return [
        {
            name: round(value, 9) if isinstance(value, float) else value
            for name, value in row.items()
            if name not in without
        }
        for row in rows_of(frame)
    ]


def turned(row: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
    """Return a row with numbers negated, each pair of ends exchanged; a win rate stays what it is."""
    if row.get("measure") == "win rate":
        return row
    new = {end: row[other] for pair in pairs for end, other in (pair, pair[::-1])}
    return row | {name: value if value is None else -value + 0.0 for name, value in new.items()}


ENDS = (("estimate", "estimate"), ("low", "high"))
WORDS = ("higher_is_better", "run", "reference", "variant")


@pytest.mark.parametrize("jury", ["mean", "weighted"])
def test_mirrored_values_rank_alike(runs: Callable[..., Results], jury: str) -> None:
    upright, mirrored_run = (runs(1, signs, jury=jury) for signs in (UPRIGHT, MIRRORED))
    ranked = rows(analysis.ranks(upright))
    assert ranked == rows(analysis.ranks(mirrored_run))
    assert {row["measure"] for row in ranked} >= {
        "mean score",
        "mean score (length-penalised)",
        "ter",
        "edits",
    }
    numbers = (*ENDS, ("unshared", "unshared"), ("unshared_low", "unshared_high"))
    board = [turned(row, *numbers) for row in rows(analysis.leaderboard(upright), *WORDS)]
    assert board == rows(analysis.leaderboard(mirrored_run), *WORDS)
    mirrored = {row["measure"] for row in rows(analysis.leaderboard(mirrored_run)) if row["higher_is_better"]}
    assert mirrored == {"win rate"}
    assert rows(analysis.sensitivity([upright]), *WORDS) == rows(analysis.sensitivity([mirrored_run]), *WORDS)


def test_mirrored_values_differ_alike(runs: Callable[..., Results]) -> None:
    upright, mirrored = (runs(2, signs) for signs in (UPRIGHT, MIRRORED))
    numbers = (*ENDS, ("worst_low", "worst_high"))
    upright_rows = [turned(row, *numbers) for row in rows(analysis.comparisons(upright, margin=0.3), *WORDS)]
    mirrored_rows = rows(analysis.comparisons(mirrored, margin=0.3), *WORDS)
    assert upright_rows == mirrored_rows
    assert {row["finding"] for row in mirrored_rows} > {"inconclusive"}


@pytest.mark.parametrize("signs", [Signs(judges=-1), Signs(labels=-1, metric=-1)])
def test_who_goes_with_people_whatever_the_directions(runs: Callable[..., Results], signs: Signs) -> None:
    upright, turned_run = runs(4, UPRIGHT), runs(4, signs)
    for table in (analysis.correlation_differences, analysis.ranking_accuracies):
        upright_rows, turned_rows = rows(table(upright)), rows(table(turned_run))
        length = [
            {row.get("first"), row.get("second"), row.get("rater")} & {"length"} for row in upright_rows
        ]
        places = [place for place, of_length in enumerate(length) if signs.labels > 0 or not of_length]
        assert [upright_rows[place] for place in places] == [turned_rows[place] for place in places]
    upright_rows, turned_rows = (
        rows(analysis.alternative_annotator_test(upright)),
        rows(analysis.alternative_annotator_test(turned_run)),
    )
    close = ("winning rate", "advantage")
    opposed = signs.judges != signs.labels
    for upright_row, turned_row in zip(upright_rows, turned_rows, strict=True):
        if opposed and upright_row["statistic"] in close:
            assert turned_row["estimate"] is None
            assert "run the other way" in turned_row["reason"]
        else:
            assert upright_row == turned_row


@pytest.mark.parametrize("signs", [Signs(judges=-1), Signs(labels=-1, metric=-1)])
def test_correlations_are_shown_as_measured_and_read_by_direction(
    runs: Callable[..., Results], signs: Signs
) -> None:
    sign = {"labels": signs.labels, "ter": signs.metric, "edits": signs.metric, "length": 1}
    upright, turned_rows = (
        rows(analysis.correlations(runs(5, some_signs))) for some_signs in (UPRIGHT, signs)
    )
    for upright_row, turned_row in zip(upright, turned_rows, strict=True):
        product = sign.get(upright_row["first"], signs.judges) * sign.get(upright_row["second"], signs.judges)
        expected = upright_row if product > 0 else turned(upright_row, *ENDS)
        assert {
            name: expected[name] for name in ("first", "second", "estimate", "low", "high", "reading")
        } == {name: turned_row[name] for name in ("first", "second", "estimate", "low", "high", "reading")}
        opposed = (
            product < 0
            and "length" not in (upright_row["first"], upright_row["second"])
            and upright_row["estimate"] is not None
        )
        assert opposed == ("-1 is full agreement" in (turned_row["reason"] or ""))
    assert {row["reading"] for row in turned_rows} == {"agrees", None}


def test_a_metric_decides_pairs_by_its_direction(runs: Callable[..., Results]) -> None:
    upright, turned_rows, mirrored = (
        rows(analysis.agreement(runs(6, signs))) for signs in (UPRIGHT, Signs(metric=-1), MIRRORED)
    )
    metrics = [row for row in upright if row["rater"] in ("ter", "edits")]
    assert metrics
    assert metrics == [row for row in turned_rows if row["rater"] in ("ter", "edits")]
    assert upright == mirrored


def test_people_and_judge_together_whatever_the_directions(runs: Callable[..., Results]) -> None:
    names = ("estimate", "low", "high", "labels_worth", "labelled", "verdicts")
    upright = rows(analysis.prediction_powered(runs(7, UPRIGHT)))
    opposed = rows(analysis.prediction_powered(runs(7, Signs(judges=-1))))
    assert upright
    for upright_row, opposed_row in zip(upright, opposed, strict=True):
        if upright_row["statistic"] == "judge alone":
            assert opposed_row["estimate"] == -upright_row["estimate"]
        else:
            assert [upright_row[name] for name in names] == [opposed_row[name] for name in names]
    mirrored = rows(analysis.prediction_powered(runs(7, MIRRORED)), *WORDS)
    assert [
        turned(row, *ENDS) for row in rows(analysis.prediction_powered(runs(7, UPRIGHT)), *WORDS)
    ] == mirrored


def test_levels_of_opposite_directions_are_not_compared(results: Callable[..., Results]) -> None:
    changes = manifest(UPRIGHT)
    changes["cards"]["d"]["criteria"]["quality"] = {
        "kind": "pointwise", "levels": {"5": "awful", "4": "bad", "3": "fair", "2": "good", "1": "great"},
    }  # fmt: skip
    run = results(
        (record for record in records(8, UPRIGHT) if getattr(record, "annotator", "p") == "p"), **changes
    )
    levels = [row for row in rows(analysis.agreement(run)) if row["rater"] == JUDGE]
    assert {row["estimate"] for row in levels} == {None}
    assert all("run the other way" in row["reason"] for row in levels)
    assert {row["reading"] for row in rows(analysis.correlations(run)) if row["first"] == "labels"} == {
        "opposes", None,
    }  # fmt: skip


def test_a_metric_without_direction_ranks_and_decides_nothing(results: Callable[..., Results]) -> None:
    changes = manifest(UPRIGHT)
    changes["metrics"] = {}
    changes["cards"]["d"]["metrics"] = {
        "ter": {"higher_is_better": None},
        "edits": {"higher_is_better": False},
    }
    run = results(records(9, UPRIGHT), **changes)
    assert {row["rater"] for row in rows(analysis.ranks(run))}.isdisjoint({"ter"})
    assert {row["rater"] for row in rows(analysis.agreement(run))}.isdisjoint({"ter"})
    board = {row["rater"]: row["higher_is_better"] for row in rows(analysis.leaderboard(run))}
    assert (board["ter"], board["edits"], board[JUDGE]) == (None, False, True)
