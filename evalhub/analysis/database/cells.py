"""Cells: how often something was measured and the sum of it, by judge, system, tag and cluster.

A mean under any filter, its variance over clusters and its interval need cells alone. Sums are integers, so
that they do not depend on the order of the rows or on the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping

CELL_KEY = ("dataset", "judge", "criterion", "measure", "system", "tag", "cluster")

UNITS: Mapping[str, float] = {
    "win rate": 0.5,
    "win rate (soft)": 2.0**-53,
    "mean score": 2.0**-32,
    "mean score (soft)": 2.0**-32,
}
"""What one unit of each measure's total stands for. Measures have their names in the leaderboard.

Win rates are exact: hard verdicts are halves, and probabilities multiples of 2**-53. Scores are rounded to a
unit.
"""

_HALF = "(chance_a - chance_b) / 2"
PREFERENCE = f"if({_HALF} >= 0, 0.5 + {_HALF}, 1 - (0.5 - {_HALF}))"
"""The probability of a in a row of pair facts, as in `judging.preference`. That of b is 1 minus it."""


def cells_query() -> str:
    """Return a query for the cells of the tables items, pair_facts and rating_facts.

    Columns: the key (dataset, judge, criterion, measure, system, tag, cluster), n (the number of pairs or
    responses of the cluster with that measure) and total (their sum, in units of the measure). The tag ''
    stands for all items, and an item with several tags is in the cells of each. Judges with probabilities
    from few sampled rationales have soft measures too, which the tables of a run leave out.
    """
    place = "dataset, judge, criterion, item_id"
    soft = _units("win rate (soft)", PREFERENCE)
    sides = [
        ("win rate", "a", "CASE winner WHEN 'a' THEN 2 WHEN 'tie' THEN 1 WHEN 'b' THEN 0 END"),
        ("win rate", "b", "CASE winner WHEN 'b' THEN 2 WHEN 'tie' THEN 1 WHEN 'a' THEN 0 END"),
        ("win rate (soft)", "a", soft),
        ("win rate (soft)", "b", f"{_units('win rate (soft)', '1')} - {soft}"),
    ]
    of_pairs = [
        f"SELECT {place}, '{measure}' AS measure, system_{side} AS system, ({units})::HUGEINT AS units "
        "FROM pair_facts"
        for measure, side, units in sides
    ]
    of_ratings = [
        f"SELECT {place}, '{measure}' AS measure, system, ({_units(measure, column)})::HUGEINT AS units "
        "FROM rating_facts"
        for measure, column in (("mean score", "value"), ("mean score (soft)", "expected"))
    ]
    return f"""
    SELECT {", ".join(CELL_KEY)}, count(*) AS n, sum(units) AS total
    FROM ({" UNION ALL ".join([*of_pairs, *of_ratings])})
    JOIN (
      SELECT dataset, item_id, cluster, unnest(list_prepend('', coalesce(tags, []))) AS tag FROM items
    ) USING (dataset, item_id)
    WHERE units IS NOT NULL
    GROUP BY ALL"""


def _units(measure: str, value: str) -> str:
    """Return a value in units of a measure, rounded to the nearest."""
    return f"round(({value})::DOUBLE * {1 / UNITS[measure]:.1f}::DOUBLE)::HUGEINT"
