"""What a run has spent of its budget: tokens, minutes and money."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

from evalhub.records import Completion
from evalhub.specs.suite import Budget, Price
from evalhub.store import RunWriter

TIME = "minutes"
"""The key of the budget's time."""


class Meter:
    """Counts what a run computes, and says when a limit of its budget is reached.

    Args:
        budget: The limits.
        prices: The price of each model by its display id.
        writer: The run. What its earlier sessions spent counts too.

    Attributes:
        tokens: Tokens of prompts and answers.
        cost: Their price.
    """

    def __init__(self, budget: Budget, prices: dict[str, Price], writer: RunWriter) -> None:
        self.tokens, self.cost = 0, 0.0
        self._budget, self._prices = budget, prices
        self._start = time.monotonic() - writer.manifest.seconds
        if budget.tokens is not None or budget.cost is not None:
            keys: set[str] = set()
            for record in cast("Iterator[Completion]", writer.records("completions")):
                # A completion that two judges share stands in the parts of both.
                if record.computed_in in (None, "", writer.id) and record.key not in keys:
                    keys.add(record.key)
                    self.count(record)

    def count(self, completion: Completion) -> None:
        """Count a completion that the run has computed."""
        prompt, generated = completion.prompt_tokens or 0, completion.completion_tokens or 0
        self.tokens += prompt + generated
        if price := self._prices.get(completion.model):
            # Without a price of batches the full one counts, so that no more is spent than the budget has.
            is_cheaper = bool(completion.batch) and price.batch is not None
            cached = completion.cached_tokens or 0
            self.cost += price.money(prompt, generated, cached=cached, in_batch=is_cheaper)

    def reached(self) -> str | None:
        """Return the key of a limit that is reached, or None."""
        minutes = (time.monotonic() - self._start) / 60
        spending = {"tokens": self.tokens, TIME: minutes, "cost": self.cost}
        for name, value in spending.items():
            limit = getattr(self._budget, name)
            if limit is not None and value >= limit:
                return name
        return None
