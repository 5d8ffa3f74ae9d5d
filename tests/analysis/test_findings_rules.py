"""The rules of findings: data on both sides of each threshold, and how often nothing is called something."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evalhub import stats
from evalhub.analysis import Results, accuracy_differences, rows_of
from evalhub.analysis.findings.attacked import describe_attacks
from evalhub.analysis.findings.best import describe
from evalhub.analysis.findings.finding import Verdict
from evalhub.analysis.findings.judge_comparisons import JudgeComparisons
from evalhub.analysis.findings.measured import describe_coverage
from evalhub.analysis.findings.next_steps import observations_needed
from evalhub.analysis.findings.rankings import Place, Ranking
from evalhub.analysis.findings.trust import Trust, TrustTests, decide
from evalhub.analysis.tables import row

Write = Callable[..., Results]

RUNS = 2000
SYSTEMS, ITEMS = 5, 30


def judge(**values: Any) -> JudgeComparisons:
    known = {"estimate": 0.6, "chance": 0.5, "chance_difference": 0.1, "annotator_kind": "human"}
    return JudgeComparisons(dataset="d", judge="j", criterion="c", label_criterion="c", **{**known, **values})


@pytest.mark.parametrize(
    ("values", "better", "worse", "expected"),
    [
        ({}, 0.049, None, Trust.USEFUL),
        ({}, 0.05, None, Trust.UNKNOWN),
        ({"winning_rate": 0.5}, 0.049, None, Trust.STANDS_IN),
        ({"winning_rate": 0.49}, 0.049, None, Trust.USEFUL),
        ({"winning_rate": 1.0, "annotator_kind": "constructed"}, 0.01, None, Trust.USEFUL),
        ({"winning_rate": 1.0}, 0.2, None, Trust.UNKNOWN),
        ({"chance_difference": -0.1}, 1.0, 0.049, Trust.REFUSE),
        ({"chance_difference": -0.1}, 1.0, 0.05, Trust.CHANCE),
        ({"flips_low": 0.51}, 0.2, None, Trust.REFUSE),
        ({"flips_low": 0.5}, 0.2, None, Trust.UNKNOWN),
        ({"flips_low": 0.9}, 0.01, None, Trust.USEFUL),
        ({"longer_difference": -0.01}, 1.0, None, Trust.CHANCE),
        ({"longer_difference": 0.01}, 0.3, None, Trust.UNKNOWN),
        ({"estimate": None}, None, None, Trust.UNKNOWN),
    ],
)
def test_the_word_for_a_judge(
    values: dict[str, Any], better: float | None, worse: float | None, expected: Trust
) -> None:
    assert decide(judge(**values), TrustTests(better, worse)) is expected


@pytest.mark.parametrize(
    ("difference", "error", "present", "expected"),
    [
        (0.1, 0.05, 100, 197),  # 100 x (2.8016 x 0.05 / 0.1)^2
        (-0.1, 0.05, 100, 197),
        (0.2, 0.05, 100, None),  # enough already
        (0.001, 0.05, 100, None),  # out of reach
        (0.0, 0.05, 100, None),
        (0.1, None, 100, None),
    ],
)
def test_how_many_more_are_needed(
    difference: float, error: float | None, present: int, expected: int | None
) -> None:
    assert observations_needed(difference, error, present) == expected


def test_as_many_as_are_needed_find_the_difference_in_80_of_100_runs() -> None:
    rng = np.random.default_rng(14)
    pilot = rng.normal(0.3, 1, 40)
    needed = observations_needed(0.3, 1 / 40**0.5, len(pilot))
    assert needed is not None
    samples = rng.normal(0.3, 1, (4000, needed))
    z = samples.mean(axis=1) / (samples.std(axis=1, ddof=1) / needed**0.5)
    assert abs(float((z > 1.96).mean()) - 0.8) < 0.03


@pytest.mark.parametrize(
    ("places", "verdict", "ending"),
    [
        (
            [(1, 1), (2, 3), (2, 3)],
            Verdict.GOOD,
            "s0 is better than both others on d: win rate 0.70, then s1",
        ),
        (
            [(1, 2), (1, 2), (3, 3)],
            Verdict.CAUTION,
            "s0 and s1 lead on d and are not told apart. s2 is behind.",
        ),
        ([(1, 3), (1, 3), (1, 3)], Verdict.UNKNOWN, "30 items do not tell the 3 systems apart."),
        ([(None, None), (None, None)], Verdict.UNKNOWN, "there are too few items."),
    ],
)
def test_what_a_ranking_claims(
    places: list[tuple[int | None, int | None]], verdict: Verdict, ending: str
) -> None:
    ranking = Ranking(
        "d", "overall", "judge", "j", "win rate", 30,
        tuple(Place(f"s{n}", n + 1, *ends, 0.7 - n / 10, None, None) for n, ends in enumerate(places)),
    )  # fmt: skip
    finding = describe(ranking)
    assert finding.verdict is verdict
    assert ending in finding.sentence


@pytest.mark.parametrize("word", [Trust.REFUSE, Trust.CHANCE])
def test_the_ranking_of_a_judge_that_is_not_to_be_used_says_so(word: Trust) -> None:
    places = (Place("x", 1, 1, 1, 0.7, 0.6, 0.8), Place("y", 2, 2, 2, 0.3, 0.2, 0.4))
    finding = describe(Ranking("d", "overall", "judge", "j", "win rate", 30, places, trust=word))
    assert finding.verdict is Verdict.BAD
    assert finding.sentence.endswith("so its ranking is not to be used.")


def estimate(value: float, error: float) -> dict[str, Any]:
    low, high = value - 2 * error, value + 2 * error
    return row(stats.Estimate(value, low, high, 0.95, "t", 60, 60, 0, None, standard_error=error))


@pytest.mark.parametrize(
    ("net", "error", "control_low", "verdict"),
    [
        (0.3, 0.05, 0.0, Verdict.BAD),
        (0.1, 0.05, 0.0, Verdict.GOOD),  # p 0.0500 times two attacks
        (-0.3, 0.05, 0.0, Verdict.GOOD),
        (0.0, 0.05, 0.06, Verdict.BAD),
        (0.0, 0.05, 0.04, Verdict.GOOD),
    ],
)
def test_what_attacks_show(net: float, error: float, control_low: float, verdict: Verdict) -> None:
    rows = [
        {**estimate(net, error), "attack": "one", "statistic": "net"},
        {**estimate(0.0, error), "attack": "two", "statistic": "net"},
        {**estimate(net / 2, error), "attack": "all attacks", "statistic": "net"},
    ]
    control = {**estimate(0.2, 0.02), "low": control_low, "control": "empty", "opponent": "preferred"}
    assert describe_attacks("d", "j", rows, [control]).verdict is verdict


@pytest.mark.parametrize(
    ("done", "failed", "verdict", "sentence"),
    [
        (10, 0, Verdict.GOOD, "All 10 planned judgments are valid."),
        (10, 1, Verdict.CAUTION, "9 of 10 planned judgments are valid. 1 failed: 1 parse."),
        (9, 0, Verdict.CAUTION, "9 of 10 planned judgments are valid. 1 is not asked yet."),
        (
            8,
            1,
            Verdict.CAUTION,
            "7 of 10 planned judgments are valid. 2 are not asked yet. 1 failed: 1 parse.",
        ),
    ],
)
def test_what_is_said_of_coverage(done: int, failed: int, verdict: Verdict, sentence: str) -> None:
    failures = [{"stage": "judgment", "failure": "parse", "n": failed, "example": None}]
    finding = describe_coverage([{"expected": 10, "done": done, "failed": failed}], failures)
    assert (finding.verdict, finding.sentence) == (verdict, sentence)


def test_equal_systems_are_rarely_called_different() -> None:
    """2,000 rankings of 5 equal systems on 30 items, half of them in clusters of 3."""
    rng = np.random.default_rng(5)
    claims = 0
    systems = np.repeat([f"s{n}" for n in range(SYSTEMS)], ITEMS).tolist()
    for run in range(RUNS):
        clusters = [f"c{n // 3 if run % 2 else n}" for n in range(ITEMS)] * SYSTEMS
        difficulty = np.tile(rng.normal(0, 1, ITEMS), SYSTEMS)
        shared = np.repeat(rng.normal(0, 0.5, (SYSTEMS, ITEMS // 3)), 3, axis=1).ravel() if run % 2 else 0
        values = np.round(2 + difficulty + shared + rng.normal(0, 1, SYSTEMS * ITEMS))
        ranks = stats.rank_intervals(stats.system_means(values, systems, clusters))
        places = tuple(
            Place(rank.system, rank.rank, rank.low_all, rank.high_all, None, None, None) for rank in ranks
        )
        finding = describe(Ranking("d", "overall", "judge", "j", "mean score", ITEMS, places))
        claims += finding.verdict is not Verdict.UNKNOWN
    share = claims / RUNS
    print(f"a difference is claimed in {share:.4f} of {RUNS} runs without one")
    assert share <= 0.05 + 2 * (0.05 * 0.95 / RUNS) ** 0.5


def test_a_judge_that_guesses_is_rarely_called_useful() -> None:
    """2,000 judges, three at a time, that say what a coin says on 40 pairs."""
    rng = np.random.default_rng(6)
    claims = 0
    judges = 3
    for _ in range(RUNS):
        p = []
        for _ in range(judges):
            hits = rng.integers(0, 2, 40).astype(float)
            comparison = stats.paired_comparison(hits, np.full(40, 0.5), range(40), bounds=(0, 1))
            p.append(comparison.p if comparison.difference.estimate > 0 else 1.0)  # type: ignore[operator]
        words = [decide(judge(), TrustTests(better, None)) for better in stats.adjusted(p)]
        claims += Trust.USEFUL in words
    share = claims / RUNS
    print(f"a judge is called useful in {share:.4f} of {RUNS} runs of judges that guess")
    assert share <= 0.05 + 2 * (0.05 * 0.95 / RUNS) ** 0.5


def test_differences_of_accuracy(hand: Any, results: Write) -> None:
    """Of 4 labels the judge gives i1 and i2 right, and the longer answer is right on i1, i2 and i3."""
    rows = {row["second"]: row for row in rows_of(accuracy_differences(results(hand.pairs())))}
    coin, longer = rows["coin"], rows["longer"]
    # Labels a, b, b, a. Verdicts a, a, b and none. Lengths 10-5, 20-30, 10-20, 10-10.
    assert coin["n"] == longer["n"] == 3  # the judge has no verdict on i4, one of whose orders failed
    assert coin["estimate"] == pytest.approx(2 / 3 - 1 / 2)
    assert longer["estimate"] == pytest.approx(2 / 3 - 1)
    assert (coin["p"], coin["p_holm"]) == (1.0, 1.0)
