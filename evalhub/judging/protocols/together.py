"""Several generators of requests side by side, so that none waits for another."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from evalhub.records import Completion, Request

_Result = TypeVar("_Result")
Steps = Generator[tuple[Request, ...], tuple[Completion, ...], _Result]


def ask_together(generators: Iterable[Steps[_Result]]) -> Steps[list[_Result]]:
    """Yield the next requests of all generators at once, until each has ended. Return what each returns.

    Args:
        generators: None of them depends on another. They need not have the same number of steps.
    """
    results: dict[int, _Result] = {}
    recorders = [_record(results, place, generator) for place, generator in enumerate(generators)]
    batches = [(recorder, batch) for recorder in recorders if (batch := next(recorder, None)) is not None]
    while batches:
        completions = iter((yield tuple(request for _, batch in batches for request in batch)))
        further = []
        for recorder, batch in batches:
            with suppress(StopIteration):
                further.append((recorder, recorder.send(tuple(islice(completions, len(batch))))))
        batches = further
    return [results[place] for place in range(len(recorders))]


def _record(results: dict[int, _Result], place: int, generator: Steps[_Result]) -> Steps[None]:
    """Pass a generator on, and keep what it returns."""
    results[place] = yield from generator
