-- How are the values of each metric distributed?
-- n: responses with a value. absent: those without. q25, median and q75: a quarter, half and three quarters of the values are at or below.
SELECT dataset, metric, criterion, system, count(value) AS n, count(*) - count(value) AS absent,
  round(min(value), 4) AS smallest,
  round(quantile_cont(value, 0.25), 4) AS q25,
  round(median(value), 4) AS median,
  round(quantile_cont(value, 0.75), 4) AS q75,
  round(max(value), 4) AS largest,
  round(avg(value), 4) AS mean
FROM scores
GROUP BY ALL
ORDER BY dataset, metric, criterion, system
