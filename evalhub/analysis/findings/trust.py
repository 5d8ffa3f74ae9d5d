"""May a judge stand in for people? One word for each judge and criterion, and the comparisons behind it."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.findings.finding import ALPHA
from evalhub.analysis.findings.judge_comparisons import JudgeComparisons, judge_comparisons
from evalhub.analysis.results import Results, cached_statistics
from evalhub.records import AnnotatorKind

if TYPE_CHECKING:
    import pandas as pd

HALF = 0.5
"""If surely more of a judge's verdicts change with the order, the order decides and not the responses."""

STANDS_IN_RATE = 0.5
"""The alternative annotator test: a judge may stand in if it is not inferior to this share of annotators."""


class Trust(StrEnum):
    """What a judge may be used for."""

    STANDS_IN = "stands in for people"
    USEFUL = "useful"
    CHANCE = "no better than chance"
    REFUSE = "refuse"
    UNKNOWN = "not known"


UNUSABLE = {
    Trust.REFUSE: "This judge is to be refused here, so its ranking is not to be used",
    Trust.CHANCE: "This judge is no better than chance here, so its ranking is not to be used",
}
"""Why the ranking of a judge is not to be used, for each word that says so."""


@dataclass(frozen=True, slots=True)
class TrustTests:
    """The p-values of a judge, adjusted for all judges of the same labels. None = no test.

    Attributes:
        better: That it agrees with the labels no more often than the best rater that reads nothing.
        worse: That it agrees with them no less often than a coin.
    """

    better: float | None
    worse: float | None


COLUMNS = (*(field.name for field in fields(JudgeComparisons)), "p_better", "p_worse", "trust")


@cached_statistics
def trust(results: Results) -> pd.DataFrame:
    """Return what each judge may be used for, and why.

    One row per dataset, label criterion, kind of annotator and judge, with the columns of `JudgeComparisons`:

    - `refuse`: it agrees with the labels less often than a coin, or it is not shown to agree more often and
      most of its verdicts change with the order.
    - `no better than chance`: it agrees no more often than the best rater that reads nothing.
    - `not known`: there are no labels, or it agrees more often, but too few labels show it.
    - `useful`: it surely agrees more often than every rater that reads nothing.
    - `stands in for people`: useful, and by the alternative annotator test not inferior to a person.

    `p_better` is the largest p-value of the comparisons with raters that read nothing, `p_worse` that of the
    comparison with chance, both adjusted by Holm for the judges of the same labels.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    judges = judge_comparisons(results)
    for _, group in itertools.groupby(judges, key=_labels_of):
        of_labels = list(group)
        for judge, tests in zip(of_labels, _adjusted(of_labels), strict=True):
            word = decide(judge, tests)
            rows.append(
                {**asdict(judge), "p_better": tests.better, "p_worse": tests.worse, "trust": word.value}
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _labels_of(judge: JudgeComparisons) -> tuple[str, str, str]:
    return judge.dataset, judge.label_criterion or "", judge.annotator_kind or ""


def _adjusted(judges: list[JudgeComparisons]) -> list[TrustTests]:
    better = stats.adjusted([_p_better(judge) for judge in judges])
    worse = stats.adjusted([judge.p_chance if _is_below_chance(judge) else None for judge in judges])
    return [TrustTests(*values) for values in zip(better, worse, strict=True)]


def _p_better(judge: JudgeComparisons) -> float | None:
    """Return the largest p-value of the comparisons with what reads nothing, 1 where the judge is behind."""
    if judge.chance_difference is None or judge.p_chance is None:
        return None
    p = [judge.p_chance if judge.chance_difference > 0 else 1.0]
    if judge.longer_difference is not None and judge.p_longer is not None:
        p.append(judge.p_longer if judge.longer_difference > 0 else 1.0)
    return max(p)


def _is_below_chance(judge: JudgeComparisons) -> bool:
    return judge.chance_difference is not None and judge.chance_difference < 0


def decide(judge: JudgeComparisons, tests: TrustTests) -> Trust:
    """Return what a judge may be used for. See `trust`."""
    if tests.better is not None and tests.better < ALPHA:
        return Trust.STANDS_IN if _is_not_inferior(judge) else Trust.USEFUL
    if tests.worse is not None and tests.worse < ALPHA:
        return Trust.REFUSE
    if judge.estimate is None:
        return Trust.UNKNOWN
    if judge.flips_low is not None and judge.flips_low > HALF:
        return Trust.REFUSE
    is_ahead = judge.chance_difference is not None and judge.chance_difference > 0
    is_behind_longer = judge.longer_difference is not None and judge.longer_difference <= 0
    return Trust.UNKNOWN if is_ahead and not is_behind_longer else Trust.CHANCE


def _is_not_inferior(judge: JudgeComparisons) -> bool:
    rate = judge.winning_rate
    return judge.annotator_kind == AnnotatorKind.HUMAN and rate is not None and rate >= STANDS_IN_RATE
