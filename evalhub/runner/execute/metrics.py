"""Metrics: the scores of responses."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

from evalhub.metrics import NO_TEXT, Column, CountedMetric, LanguageMetric, Metric
from evalhub.records import Item, Response, Score
from evalhub.runner.execute.texts import Texts
from evalhub.runner.plan.resolve import metric_columns
from evalhub.specs import MetricUse
from evalhub.store import MetricFacts


def scores(metric: Metric, items: dict[str, Item], responses: list[Response]) -> Iterator[Score]:
    """Yield one score for each response and column of a metric, for the responses of one dataset.

    Args:
        metric: The metric, fitted to the dataset.
        items: The dataset's items by id.
        responses: The dataset's responses. Failed ones are left out. If only the length of a response is
            known, a metric of texts has no value for it.
    """
    texts = [response for response in responses if response.text is not None]
    answered = [items[response.item_id] for response in texts]
    yield from _scores(texts, _columns(metric, [response.text or "" for response in texts], answered))
    lengths = [response for response in responses if response.text is None and response.chars is not None]
    if lengths:
        yield from _scores(lengths, _length_columns(metric, [response.chars or 0 for response in lengths]))


def _scores(responses: list[Response], columns: list[Column]) -> Iterator[Score]:
    for column in columns:
        for response, value, reason in zip(responses, column.values, column.reasons, strict=True):
            if value is not None and not math.isfinite(value):
                value, reason = None, f"the metric gave {value}"
            yield Score(
                dataset=response.dataset,
                item_id=response.item_id,
                system=response.system,
                sample=response.sample,
                metric=column.name,
                signature=column.signature,
                value=value,
                reason=reason,
            )


def _columns(metric: Metric, texts: list[str], items: list[Item]) -> list[Column]:
    """Return a metric's columns for texts, each with its item."""
    references = [item.references for item in items]
    if isinstance(metric, LanguageMetric):
        return metric.score_in(texts, references, [item.lang for item in items])
    return metric.score(texts, references)


def _length_columns(metric: Metric, chars: list[int]) -> list[Column]:
    """Return a metric's columns for responses whose text is not known, only their length."""
    if isinstance(metric, CountedMetric):
        return metric.score_counts(chars)
    values, reasons = (None,) * len(chars), (NO_TEXT,) * len(chars)
    return [replace(column, values=values, reasons=reasons) for column in _columns(metric, [], [])]


def make_scores(
    use: MetricUse, metric: Metric, texts: Texts, reference_systems: Collection[str]
) -> Iterator[tuple[int, list[Score]]]:
    """Yield the scores of a dataset's responses, shard by shard: its number and its scores.

    Args:
        use: The suite's entry.
        metric: The metric.
        texts: The items of the dataset and the responses.
        reference_systems: The systems whose responses are the references. They have no scores.
    """
    names = use.names(metric_columns(metric))
    fitted = metric.for_dataset(list(texts.references()))
    for number in texts.shards:
        items = {item.item_id: item for item in texts.items_of(number)}
        responses = [
            response for response in texts.responses(items) if response.system not in reference_systems
        ]
        if responses:
            rows = scores(fitted, items, responses)
            yield number, [replace(score, metric=names[score.metric]) for score in rows]


def metric_facts(use: MetricUse, metric: Metric) -> MetricFacts:
    """Return the facts of a metric's columns."""
    return MetricFacts(
        metric=use.name,
        bounds=metric.bounds,
        higher_is_better=None if metric.is_length else metric.higher_is_better,
        is_length=metric.is_length,
    )
