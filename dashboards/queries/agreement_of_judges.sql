-- How often do two judges agree on the same pairs?
-- n: the pairs or responses that both judged by this criterion. agreement: the share with the same winner or level. Agreement by chance is not taken out.
WITH verdicts AS (
  SELECT dataset, criterion, item_id, system_a || ' / ' || system_b AS responses, sample, judge,
    winner AS verdict
  FROM pair_facts
  UNION ALL
  SELECT dataset, criterion, item_id, system, sample, judge, value::VARCHAR
  FROM rating_facts
)
SELECT dataset, criterion, a.judge AS judge_a, b.judge AS judge_b, count(*) AS n,
  round(avg((a.verdict = b.verdict)::INTEGER), 4) AS agreement
FROM verdicts AS a
JOIN verdicts AS b USING (dataset, criterion, item_id, responses, sample)
WHERE a.judge < b.judge AND a.verdict IS NOT NULL AND b.verdict IS NOT NULL
GROUP BY ALL
ORDER BY agreement, dataset, criterion, judge_a, judge_b
