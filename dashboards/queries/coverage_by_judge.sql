-- How much did each judge deliver?
-- asked: the judgments of the judge. verdicts: the answers that count, with those that find that the criterion does not apply. coverage: their share.
SELECT dataset, judge, criterion,
  count(*) AS asked,
  count(*) FILTER (failure IS NULL OR failure = 'not_applicable') AS verdicts,
  round(verdicts / asked, 4) AS coverage
FROM judgments
GROUP BY ALL
ORDER BY coverage, dataset, judge, criterion
