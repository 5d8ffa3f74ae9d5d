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
    own = {"range": sorted((signs.judges, 5 * signs.judges)), "higher_is_better": signs.judges > 0}
    jury_facts = {
        "id": "panel", "members": [JUDGE, SECOND], "combine": jury, "quorum": 2,
        "criteria": {"quality": {JUDGE: "quality", SECOND: "quality"}},
    }  # fmt: skip
    own_judges = (JUDGE, SECOND) if jury else (JUDGE,)
    return {
        "resolved": {"suite": {"controls": {"length_penalty": 0.5}}},
        "judges": {judge: {"rubric": "rate"} for judge in own_judges},
        "rubrics": dict.fromkeys(own_judges, rubric),
        "against": {judge: {"d": {"quality": "quality"}} for judge in (*own_judges, "panel")},
        "juries": [jury_facts] if jury else [],
        "metrics": {"ter": {"bounds": None, "higher_is_better": signs.metric > 0}},
        "cards": {
            "d": {
                "id": "d",
                "criteria": {
                    "quality": quality,
                    "overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]},
                },
                "judges": {RECORDED: own},
                "metrics": {"edits": {"higher_is_better": signs.metric > 0}},
            }
        },
        "expected": dict.fromkeys(own_judges, 120),
    }


def records(seed: int, signs: Signs, *, jury: str | None = None) -> Iterator[Record]:
    """Yield 18 items with three answers, and what judges, annotators and metrics say of each."""
    drawn = random.Random(seed)
    for number in range(18):
        item = f"i{number:02}"
        yield Item("d", item, turns=("?",), cluster=f"c{number // 2}")
        for place, system in enumerate(SYSTEMS):
            truth = min(5, max(1, round(drawn.gauss(2.2 + 0.5 * place, 1))))
            chars = drawn.randint(20, 400)
            yield Response("d", item, system, text="x" * chars, chars=chars)
            for judge in (JUDGE, RECORDED, *([SECOND] if jury else [])):
                value = min(5, max(1, truth + drawn.choice((-1, 0, 0, 1))))
                expected = min(5.0, max(1.0, value + drawn.uniform(-0.4, 0.4)))
                judgment = Judgment("d", judge, "quality", item, system, value=float(signs.judges * value))
                if judge == RECORDED:
                    yield replace(judgment, source="recorded")
                else:
                    yield replace(judgment, expected=signs.judges * expected)
            for who in ("p", "q", "r") if number < 12 else ():
                value = min(5, max(1, truth + drawn.choice((-1, 0, 0, 0, 1))))
                value *= signs.labels
                yield Label("d", item, "quality", who, AnnotatorKind.HUMAN, system, value=float(value))
            for metric in ("ter", "edits"):
                yield Score("d", item, system, metric, value=signs.metric * (truth + drawn.gauss(0, 1)))
        for a, b in (SYSTEMS[:2], SYSTEMS[1:]):
            yield Label(
                "d", item, "overall", "p", AnnotatorKind.HUMAN, system_a=a, system_b=b,
                winner=drawn.choice(("a", "b", "tie")),
            )  # fmt: skip


@pytest.fixture
def runs(results: Callable[..., Results]) -> Callable[..., Results]:
    """Return a run whose labels have a mean as truth, with some of its numbers turned round."""

    def make(seed: int, signs: Signs, **options: Any) -> Results:
        changes = manifest(signs, **options)
        changes["cards"]["d"]["criteria"]["quality"]["truth"] = {"by": "mean"}
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
    new = {one: row[other] for pair in pairs for one, other in (pair, pair[::-1])}
    return row | {name: value if value is None else -value + 0.0 for name, value in new.items()}


ENDS = (("estimate", "estimate"), ("low", "high"))
WORDS = ("higher_is_better", "run", "reference", "variant")


@pytest.mark.parametrize("jury", ["mean", "weighted"])
def test_mirrored_values_rank_alike(runs: Callable[..., Results], jury: str) -> None:
    here, there = (runs(1, signs, jury=jury) for signs in (UPRIGHT, MIRRORED))
    ranked = rows(analysis.ranks(here))
    assert ranked == rows(analysis.ranks(there))
    assert {row["measure"] for row in ranked} >= {
        "mean score",
        "mean score (length-penalised)",
        "ter",
        "edits",
    }
    numbers = (*ENDS, ("unshared", "unshared"), ("unshared_low", "unshared_high"))
    board = [turned(row, *numbers) for row in rows(analysis.leaderboard(here), *WORDS)]
    assert board == rows(analysis.leaderboard(there), *WORDS)
    mirrored = {row["measure"] for row in rows(analysis.leaderboard(there)) if row["higher_is_better"]}
    assert mirrored == {"win rate"}
    assert rows(analysis.sensitivity([here]), *WORDS) == rows(analysis.sensitivity([there]), *WORDS)


def test_mirrored_values_differ_alike(runs: Callable[..., Results]) -> None:
    here, there = (runs(2, signs) for signs in (UPRIGHT, MIRRORED))
    numbers = (*ENDS, ("worst_low", "worst_high"))
    ours = [turned(row, *numbers) for row in rows(analysis.comparisons(here, margin=0.3), *WORDS)]
    theirs = rows(analysis.comparisons(there, margin=0.3), *WORDS)
    assert ours == theirs
    assert {row["finding"] for row in theirs} > {"inconclusive"}


@pytest.mark.parametrize("signs", [Signs(judges=-1), Signs(labels=-1, metric=-1)])
def test_who_goes_with_people_whatever_the_directions(runs: Callable[..., Results], signs: Signs) -> None:
    here, there = runs(4, UPRIGHT), runs(4, signs)
    for table in (analysis.correlation_differences, analysis.ranking_accuracies):
        ours, theirs = rows(table(here)), rows(table(there))
        length = [{row.get("first"), row.get("second"), row.get("rater")} & {"length"} for row in ours]
        kept = [place for place, of_length in enumerate(length) if signs.labels > 0 or not of_length]
        assert [ours[place] for place in kept] == [theirs[place] for place in kept]
    ours, theirs = (
        rows(analysis.alternative_annotator_test(here)),
        rows(analysis.alternative_annotator_test(there)),
    )
    close = ("winning rate", "advantage")
    opposed = signs.judges != signs.labels
    for one, other in zip(ours, theirs, strict=True):
        if opposed and one["statistic"] in close:
            assert other["estimate"] is None
            assert "run the other way" in other["reason"]
        else:
            assert one == other


@pytest.mark.parametrize("signs", [Signs(judges=-1), Signs(labels=-1, metric=-1)])
def test_correlations_are_shown_as_measured_and_read_by_direction(
    runs: Callable[..., Results], signs: Signs
) -> None:
    sign = {"labels": signs.labels, "ter": signs.metric, "edits": signs.metric, "length": 1}
    here, there = (rows(analysis.correlations(runs(5, one))) for one in (UPRIGHT, signs))
    for one, other in zip(here, there, strict=True):
        product = sign.get(one["x"], signs.judges) * sign.get(one["y"], signs.judges)
        expected = one if product > 0 else turned(one, *ENDS)
        assert {name: expected[name] for name in ("x", "y", "estimate", "low", "high", "reading")} == {
            name: other[name] for name in ("x", "y", "estimate", "low", "high", "reading")
        }
        opposed = product < 0 and "length" not in (one["x"], one["y"]) and one["estimate"] is not None
        assert opposed == ("-1 is full agreement" in (other["reason"] or ""))
    assert {row["reading"] for row in there} == {"agrees", None}


def test_a_metric_decides_pairs_by_its_direction(runs: Callable[..., Results]) -> None:
    here, there, against = (
        rows(analysis.agreement(runs(6, signs))) for signs in (UPRIGHT, Signs(metric=-1), MIRRORED)
    )
    metrics = [row for row in here if row["rater"] in ("ter", "edits")]
    assert metrics
    assert metrics == [row for row in there if row["rater"] in ("ter", "edits")]
    assert here == against


def test_people_and_judge_together_whatever_the_directions(runs: Callable[..., Results]) -> None:
    names = ("estimate", "low", "high", "labels_worth", "labelled", "verdicts")
    here = rows(analysis.prediction_powered(runs(7, UPRIGHT)))
    opposed = rows(analysis.prediction_powered(runs(7, Signs(judges=-1))))
    assert here
    for one, other in zip(here, opposed, strict=True):
        if one["statistic"] == "judge alone":
            assert other["estimate"] == -one["estimate"]
        else:
            assert [one[name] for name in names] == [other[name] for name in names]
    mirrored = rows(analysis.prediction_powered(runs(7, MIRRORED)), *WORDS)
    assert [
        turned(row, *ENDS) for row in rows(analysis.prediction_powered(runs(7, UPRIGHT)), *WORDS)
    ] == mirrored


def test_levels_of_opposite_directions_are_not_compared(results: Callable[..., Results]) -> None:
    changes = manifest(UPRIGHT)
    changes["cards"]["d"]["criteria"]["quality"] = {
        "kind": "pointwise", "levels": {"5": "awful", "4": "bad", "3": "fair", "2": "good", "1": "great"},
    }  # fmt: skip
    run = results((one for one in records(8, UPRIGHT) if getattr(one, "annotator", "p") == "p"), **changes)
    levels = [row for row in rows(analysis.agreement(run)) if row["rater"] == JUDGE]
    assert {row["estimate"] for row in levels} == {None}
    assert all("run the other way" in row["reason"] for row in levels)
    assert {row["reading"] for row in rows(analysis.correlations(run)) if row["x"] == "labels"} == {
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
