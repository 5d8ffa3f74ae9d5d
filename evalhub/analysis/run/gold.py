"""Gold cases: the judge's verdict on each case beside the expected one."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from evalhub.analysis.frames.verdicts import few_sample_judges
from evalhub.analysis.results import Results
from evalhub.judging import level_values, preference, softmax
from evalhub.judging.aggregate import judgment_row, verdict
from evalhub.records import Judgment, key_of
from evalhub.specs import Expectation, Rubric

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("case", "criterion", "expected", "verdict", "probability", "passed")
_WIDTH = 1e-9

# The judge's verdict in words, the probability of the expected verdict, and whether the case passed.
Check = tuple[str, float | None, bool]


def gold(results: Results) -> pd.DataFrame:
    """Return one row for each gold case of a run of `evalhub judges test`, in the file's order.

    Columns: case, criterion, expected, verdict (the judge's verdict: a level, an outcome or an order, or why
    there is none), probability (of the expected verdict, in [0, 1], over all judgments of the case, for a
    list that of its least certain pair, None where the judge gives no probabilities), passed.
    """
    import pandas as pd

    records = {key_of(record): record for record in results.run.records("judgments")}
    by_case: dict[tuple[str, str], list[Judgment]] = defaultdict(list)
    for record in records.values():
        if isinstance(record, Judgment):
            by_case[record.item_id, record.criterion].append(record)
    few_samples = few_sample_judges(results)
    rows = []
    for expected in results.manifest.gold or ():
        judgments = by_case[expected.case, expected.criterion]
        verdict_text, probability, passed = _check(results, expected, judgments)
        if any(judgment.judge in few_samples for judgment in judgments):
            probability = None
        rows.append((expected.case, expected.criterion, expected.words, verdict_text, probability, passed))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame["probability"] = frame["probability"].astype("Float64")
    return frame


def _check(results: Results, expected: Expectation, judgments: list[Judgment]) -> Check:
    failed = next((judgment for judgment in judgments if judgment.failure), None)
    if failed or not judgments:
        return f"no verdict ({failed.failure if failed else 'not asked'})", None, False
    if expected.order:
        return _check_order(expected.order, judgments)
    if expected.winner:
        chances, winner = verdict([judgment_row(judgment) for judgment in judgments])
        outcome = winner.value if winner else "no verdict"
        return outcome, (chances or {}).get(expected.winner), outcome == expected.winner
    rubric = results.rubric(judgments[0].judge)
    return _check_rating(expected, judgments[0], rubric)


def _check_order(order: Iterable[str], judgments: list[Judgment]) -> Check:
    """Check a list: the judge's order is by pairs won, the probability that of the least certain pair."""
    by_pair: dict[tuple[str, str], list[Judgment]] = defaultdict(list)
    for judgment in judgments:
        by_pair[str(judgment.system_a), str(judgment.system_b)].append(judgment)
    win_chance: dict[tuple[str, str], float] = {}
    for (a, b), pair_judgments in by_pair.items():
        chances, winner = verdict([judgment_row(judgment) for judgment in pair_judgments])
        win_chance[a, b] = preference(chances) if chances else 0.5 + (winner.sign / 2 if winner else 0.0)
        win_chance[b, a] = 1 - win_chance[a, b]
    wins = Counter({name: 0 for pair in by_pair for name in pair})
    wins.update(better for (better, _), chance in win_chance.items() if chance > 0.5)
    expected = [win_chance[pair] for pair in itertools.combinations(order, 2)]
    judge_order = " > ".join(sorted(wins, key=lambda name: (-wins[name], name)))
    return judge_order, min(expected), all(chance > 0.5 for chance in expected)


def _check_rating(expected: Expectation, judgment: Judgment, rubric: Rubric | None) -> Check:
    low = -math.inf if expected.low is None else expected.low
    high = math.inf if expected.high is None else expected.high
    value = judgment.value if judgment.value is not None else math.nan
    passed = low - _WIDTH <= value <= high + _WIDTH
    if rubric is None or judgment.logprobs is None:  # a checklist's total is a share, not a level
        return f"{value:g}", None, passed
    values = level_values(rubric, judgment.criterion)
    labels = {level: label for label, level in values.items()}
    logprobs = {label: logprob for label, logprob in judgment.logprobs.items() if logprob is not None}
    expected_probabilities = (
        probability
        for label, probability in softmax(logprobs).items()
        if low <= _value(values, label) <= high
    )
    return labels.get(value, f"{value:g}"), math.fsum(expected_probabilities), passed


def _value(values: Mapping[str, float], label: str) -> float:
    return values[label] if label in values else values[label.lower()]
