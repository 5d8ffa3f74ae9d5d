-- Why did judgments fail?
-- failure: the kind. n: the judgments of the judge with it. share: their part of all its judgments. example: the first reason, in the words of the engine or the parser.
WITH counts AS (
  SELECT dataset, judge, criterion, failure, count(*) AS n, min(detail) AS example
  FROM judgments
  GROUP BY ALL
)
SELECT dataset, judge, criterion, failure, n,
  round(n / (sum(n) OVER (PARTITION BY dataset, judge, criterion)), 4) AS share,
  left(example, 300) AS example
FROM counts
QUALIFY failure IS NOT NULL
ORDER BY n DESC, dataset, judge, criterion, failure
