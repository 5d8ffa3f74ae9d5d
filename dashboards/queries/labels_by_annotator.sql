-- How does each annotator label?
-- a, tie and b: pairs with that label, where system_a stands before system_b in the alphabet. rated and mean: responses with a level, and its mean. not_applicable: no verdict.
SELECT dataset, criterion, annotator, annotator_kind, count(*) AS labels,
  count(*) FILTER (winner = 'a') AS a,
  count(*) FILTER (winner = 'tie') AS tie,
  count(*) FILTER (winner = 'b') AS b,
  count(value) AS rated,
  round(avg(value), 3) AS mean,
  count(*) FILTER (not_applicable) AS not_applicable
FROM labels
GROUP BY ALL
ORDER BY labels DESC, dataset, criterion, annotator, annotator_kind
