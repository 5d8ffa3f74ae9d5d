-- Which prompts cost the most tokens?
-- tokens: those of the prompt and of the answer. cached: prompt tokens that the engine had read before. prompt and answer: the first words.
SELECT model, coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0) AS tokens, prompt_tokens,
  cached_tokens AS cached, completion_tokens, finish_reason, failure, left(messages, 200) AS prompt,
  left(text, 200) AS answer
FROM completions
ORDER BY tokens DESC, key
LIMIT 200
