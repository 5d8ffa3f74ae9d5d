-- Which verdicts change with the order?
-- winner_ab and winner_ba: the verdict with a or b shown first, in terms of the systems. p_ab and p_ba: the probability that a wins. gap: their distance.
SELECT dataset, judge, criterion, item_id, system_a, system_b, sample, winner_ab, winner_ba,
  round(p_ab, 3) AS p_ab, round(p_ba, 3) AS p_ba, round(abs(p_ab - p_ba), 3) AS gap
FROM pair_facts
WHERE winner_ab <> winner_ba
ORDER BY gap DESC NULLS LAST, dataset, judge, criterion, item_id, system_a, system_b, sample
