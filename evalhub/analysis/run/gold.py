"""Gold cases: what the judge said of each, beside what it must say."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.verdicts import soft_judges
from evalhub.analysis.results import Results
from evalhub.judging import level_values, preference, softmax
from evalhub.judging.aggregate import judgment_row, verdict
from evalhub.records import Judgment, key_of
from evalhub.specs import Rubric

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("case", "criterion", "expected", "said", "probability", "passed")
_WIDTH = 1e-9

Expected = Mapping[str, Any]


def gold(results: Results) -> pd.DataFrame:
    """Return one row for each gold case of a run of `evalhub judges test`, in the file's order.

    Columns: case, criterion, expected, said (a level, an outcome, an order, or why there is none),
    probability (that the judge gave to what is expected, all its askings together; of a list, to its
    least sure pair; None where it is no probability of the verdict), passed.
    """
    import pandas as pd

    records = {key_of(one): one for one in results.run.records("judgments")}
    found: dict[tuple[str, str], list[Judgment]] = defaultdict(list)
    for one in records.values():
        if isinstance(one, Judgment):
            found[one.item_id, one.criterion].append(one)
    soft = soft_judges(results)
    rows = []
    for expected in results.manifest["gold"]:
        mine = found[expected["case"], expected["criterion"]]
        said, probability, passed = _read(results, expected, mine)
        sure = probability if all(one.judge in soft for one in mine) else None
        rows.append((expected["case"], expected["criterion"], expected["words"], said, sure, passed))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame["probability"] = frame["probability"].astype("Float64")
    return frame


def _read(results: Results, expected: Expected, judgments: list[Judgment]) -> tuple[str, float | None, bool]:
    failed = next((one for one in judgments if one.failure), None)
    if failed or not judgments:
        return f"no verdict ({failed.failure if failed else 'not asked'})", None, False
    if expected["order"]:
        return _list(expected["order"], judgments)
    if expected["winner"]:
        chances, winner = verdict([judgment_row(one) for one in judgments])
        said = winner.value if winner else "no verdict"
        return said, (chances or {}).get(expected["winner"]), said == expected["winner"]
    rubric = results.rubric(judgments[0].judge)
    return _rating(expected, judgments[0], rubric)


def _list(order: Iterable[str], judgments: list[Judgment]) -> tuple[str, float | None, bool]:
    """Return the order by pairs won, and how far the judge holds with the least sure of those expected."""
    pairs: dict[tuple[str, str], list[Judgment]] = defaultdict(list)
    for one in judgments:
        pairs[str(one.system_a), str(one.system_b)].append(one)
    chance: dict[tuple[str, str], float] = {}
    for (a, b), askings in pairs.items():
        chances, winner = verdict([judgment_row(one) for one in askings])
        chance[a, b] = preference(chances) if chances else 0.5 + (winner.sign / 2 if winner else 0.0)
        chance[b, a] = 1 - chance[a, b]
    won = Counter({name: 0 for pair in pairs for name in pair})
    won.update(better for (better, _), share in chance.items() if share > 0.5)
    expected = [chance[pair] for pair in itertools.combinations(order, 2)]
    said = " > ".join(sorted(won, key=lambda name: (-won[name], name)))
    return said, min(expected), all(share > 0.5 for share in expected)


def _rating(expected: Expected, judgment: Judgment, rubric: Rubric | None) -> tuple[str, float | None, bool]:
    low = -math.inf if expected["low"] is None else expected["low"]
    high = math.inf if expected["high"] is None else expected["high"]
    value = judgment.value if judgment.value is not None else math.nan
    passed = low - _WIDTH <= value <= high + _WIDTH
    if rubric is None or judgment.logprobs is None:  # a checklist's total is a share, no level
        return f"{value:g}", None, passed
    values = level_values(rubric, judgment.criterion)
    names = {count: label for label, count in values.items()}
    shares = softmax({name: given for name, given in judgment.logprobs.items() if given is not None})
    right = (share for label, share in shares.items() if low <= _value(values, label) <= high)
    return names.get(value, f"{value:g}"), math.fsum(right), passed


def _value(values: Mapping[str, float], label: str) -> float:
    return values[label] if label in values else values[label.lower()]
