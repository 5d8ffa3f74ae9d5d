"""Choice mass: the probability that a judge gives to its allowed answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.results import Results
from evalhub.records import THINK_TAGS
from evalhub.specs import Mode
from evalhub.store import JudgeFacts

if TYPE_CHECKING:
    import pandas as pd

LOW_MASS = 0.5
"""A mean choice mass below this is low: the judge would mostly have answered something else."""

_CELL = ("judge", "dataset", "criterion")
_OPENS_THINKING = tuple(tags.open for tags in THINK_TAGS)

_MASSES = """
SELECT judge, coalesce(dataset, '') AS dataset, coalesce(criterion, '') AS criterion,
  avg(choice_mass) AS mass, count(*) AS n FROM judgments
WHERE choice_mass IS NOT NULL AND source = 'generated'
GROUP BY GROUPING SETS ((judge), (judge, dataset, criterion))
QUALIFY dataset IS NULL OR count(*) OVER (PARTITION BY judge) > 2
ORDER BY ALL
"""
# The tokens that judges preferred to their allowed answers.
_PREFERRED_TOKENS = """
SELECT j.judge, coalesce(j.dataset, '') AS dataset, coalesce(j.criterion, '') AS criterion,
  j.top_token AS token, count(*) AS n
FROM judgments j JOIN completions c ON c.key = j.completions[-1]
WHERE j.top_token IS NOT NULL AND j.choice_mass IS NOT NULL
  AND NOT list_contains(c.choices, trim(j.top_token))
GROUP BY GROUPING SETS ((j.judge, j.top_token), (j.judge, j.top_token, j.dataset, j.criterion))
ORDER BY j.judge, j.dataset, j.criterion, n DESC, token
"""


def choice_mass(results: Results) -> pd.DataFrame:
    """Return the choice mass of each judge whose verdicts come from token probabilities.

    One row for the whole run of a judge, and one for each of its cells (a dataset and criterion) where it has
    several.

    Columns: judge, dataset and criterion ("" = the whole run), mass (mean probability of the allowed answers
    together, in [0, 1], higher is better, verdicts below the floor included), n (judgments with a mass), low
    (whether mass is below 0.5), token (the most probable token where that is not an allowed answer, the most
    frequent one, None = always allowed), token_n (number of judgments with it), thinks (whether the model
    thinks first although the judge must answer at once).
    """
    frame = results.sql(_MASSES)
    preferred = results.sql(_PREFERRED_TOKENS).drop_duplicates(list(_CELL)).set_index(list(_CELL))
    frame["low"] = frame["mass"] < LOW_MASS
    cells = list(frame[list(_CELL)].itertuples(index=False, name=None))
    frame["token"] = [preferred["token"].get(cell) for cell in cells]
    frame["token_n"] = [int(preferred["n"].get(cell, 0)) for cell in cells]
    frame["thinks"] = [
        judge in results.judges and _thinks(results.judges[judge], token)
        for judge, token in zip(frame["judge"], frame["token"], strict=True)
    ]
    return frame


def _thinks(judge: JudgeFacts, token: str | None) -> bool:
    """Return whether a model that must answer at once would have begun to think."""
    opens_thinking = bool(token) and str(token).strip().startswith(_OPENS_THINKING)
    return judge.mode is Mode.DIRECT and (opens_thinking or judge.opens_thinking)
