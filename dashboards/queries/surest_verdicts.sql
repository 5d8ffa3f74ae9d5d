-- Which verdicts is a judge surest of?
-- responses: the pair, or the response that is rated. shown: the order. verdict: the winner or the level. sure: the probability of the likeliest answer among those allowed.
SELECT dataset, judge, criterion, item_id, coalesce(system, system_a || ' / ' || system_b) AS responses,
  sample, shown, coalesce(winner, value::VARCHAR) AS verdict,
  round(exp(list_max(map_values(logprobs)))
    / list_sum(list_transform(map_values(logprobs), lambda logprob: exp(logprob))), 4) AS sure,
  left(rationale, 300) AS rationale
FROM judgments
WHERE failure IS NULL AND cardinality(logprobs) > 1
ORDER BY sure DESC, dataset, judge, criterion, item_id, responses, sample, shown
LIMIT 500
