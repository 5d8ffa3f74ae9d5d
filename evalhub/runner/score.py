"""Metrics: from responses with references to scores."""

from __future__ import annotations

from collections.abc import Iterator

from evalhub.metrics import Metric
from evalhub.records import Item, Response, Score


def scores(metric: Metric, items: dict[str, Item], responses: list[Response]) -> Iterator[Score]:
    """Yield one score per response and quantity of a metric, for the responses of one dataset.

    Args:
        metric: The metric.
        items: The dataset's items by id.
        responses: The dataset's responses; those without text are left out.
    """
    texts = [response for response in responses if response.text is not None]
    references = [items[response.item_id].references for response in texts]
    settled = metric.for_dataset(
        [*(response.text or "" for response in texts), *(ref for refs in references for ref in refs)]
    )
    for column in settled.score([response.text or "" for response in texts], references):
        for response, value, reason in zip(texts, column.values, column.reasons, strict=True):
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
