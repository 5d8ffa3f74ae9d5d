-- How does each system do by tag?
-- n: pairs or responses. estimate: the win rate (a tie counts half) or the mean score, without an interval. The empty tag stands for all items.
SELECT dataset, judge, criterion, measure, tag, system, sum(n) AS n,
  round(sum(total * CASE measure WHEN 'win rate' THEN 0.5 ELSE pow(2, -32) END) / sum(n), 4) AS estimate
FROM cells
WHERE measure IN ('win rate', 'mean score')
GROUP BY ALL
ORDER BY dataset, judge, criterion, measure, tag, estimate DESC, system
