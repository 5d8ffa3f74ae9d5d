-- Which responses are the longest?
-- characters: the length of the text. finish_reason: why the engine stopped, such as length where the text was cut. start: the first words.
SELECT dataset, system, item_id, sample, length(text) AS characters, completion_tokens, finish_reason,
  left(text, 200) AS start
FROM responses
WHERE text IS NOT NULL
ORDER BY characters DESC, dataset, system, item_id, sample
LIMIT 500
