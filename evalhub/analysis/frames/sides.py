"""The outcome of each system in each verdict, as SQL over facts: of a pair for both sides, of a rating."""

SIDES = """
SELECT dataset, judge, criterion, item_id, sample, system_a AS system, system_b AS opponent,
  CASE winner WHEN 'a' THEN 1.0 WHEN 'tie' THEN 0.5 WHEN 'b' THEN 0.0 END AS value
FROM pair_facts
UNION ALL
SELECT dataset, judge, criterion, item_id, sample, system_b, system_a,
  CASE winner WHEN 'b' THEN 1.0 WHEN 'tie' THEN 0.5 WHEN 'a' THEN 0.0 END
FROM pair_facts
UNION ALL
SELECT dataset, judge, criterion, item_id, sample, system, NULL, value FROM rating_facts
WHERE NOT not_applicable"""
"""Columns: dataset, judge, criterion, item_id, sample, system, opponent and value.

`opponent` is NULL of a rating, and `value` where a verdict failed. A response to which the criterion does not
apply has no row.
"""
