"""Judges that wanted to say something else than a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.results import Results
from evalhub.records import THINK_TAGS

if TYPE_CHECKING:
    import pandas as pd

LOW_MASS = 0.5
"""A judge whose allowed answers have less probability than this, on average, wants to say something else."""

_CELL = ("judge", "dataset", "criterion")
_OPENS_THINKING = tuple(tags.open for tags in THINK_TAGS)

# A token that is one of the allowed answers is no wish for something else.
_MASSES = """
SELECT judge, coalesce(dataset, '') AS dataset, coalesce(criterion, '') AS criterion,
  avg(label_mass) AS mass, count(*) AS n FROM judgments
WHERE label_mass IS NOT NULL AND source = 'generated'
GROUP BY GROUPING SETS ((judge), (judge, dataset, criterion))
QUALIFY dataset IS NULL OR count(*) OVER (PARTITION BY judge) > 2
ORDER BY ALL
"""
_WISHES = """
SELECT j.judge, coalesce(j.dataset, '') AS dataset, coalesce(j.criterion, '') AS criterion,
  j.top_token AS token, count(*) AS n
FROM judgments j JOIN completions c ON c.key = j.completions[-1]
WHERE j.top_token IS NOT NULL AND j.label_mass IS NOT NULL AND NOT list_contains(c.choices, trim(j.top_token))
GROUP BY GROUPING SETS ((j.judge, j.top_token), (j.judge, j.top_token, j.dataset, j.criterion))
ORDER BY j.judge, j.dataset, j.criterion, n DESC, token
"""


def choice_mass(results: Results) -> pd.DataFrame:
    """Return, for each judge of the run that was read from probabilities, how much it wanted to answer.

    One row for the whole run of a judge, and one for each of its cells (a dataset and criterion) where it has
    several. Columns: judge, dataset and criterion (of a cell; "" = the whole run), mass (mean probability of
    the allowed answers together, in [0, 1], verdicts below the floor included), n (judgments with a mass),
    low (mass below 0.5), token (the most frequent most probable token that is no allowed answer; None where
    there is none), token_n (how often that was so), thinks (the judge answers at once although its model
    thinks first).
    """
    frame = results.sql(_MASSES)
    wishes = results.sql(_WISHES).drop_duplicates(list(_CELL)).set_index(list(_CELL))
    frame["low"] = frame["mass"] < LOW_MASS
    cells = list(frame[list(_CELL)].itertuples(index=False, name=None))
    frame["token"] = [wishes["token"].get(cell) for cell in cells]
    frame["token_n"] = [int(wishes["n"].get(cell, 0)) for cell in cells]
    frame["thinks"] = [
        _thinks(results.manifest["judges"].get(judge, {}), token)
        for judge, token in zip(frame["judge"], frame["token"], strict=True)
    ]
    return frame


def _thinks(judge: dict[str, object], token: str | None) -> bool:
    """Return whether a model that is asked to answer at once would have begun to think."""
    wants = bool(token) and str(token).strip().startswith(_OPENS_THINKING)
    return judge.get("mode") == "direct" and (wants or bool(judge.get("opens_thinking")))
