"""Several children of one model side by side, each with GPUs or processor cores of its own."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalhub.engines.base import Engine, EngineIdentity
from evalhub.engines.facts import EngineFacts
from evalhub.engines.harness import ChildEngine
from evalhub.engines.process import wait_for
from evalhub.errors import EngineError
from evalhub.records import Completion, Request

# Requests that follow each other share the beginning of their prompts, so that one child gets them together.
_BLOCK = 32
# The part of its equal share of the unfinished requests that a child gets at most, beyond one batch.
_SHARE = 0.75
_TURN_SECONDS = 0.2
_COUNTERS = (
    "prefix_cache_queries", "prefix_cache_hits", "requests", "failures", "prompt_tokens", "cached_tokens",
    "completion_tokens", "restarts",
)  # fmt: skip


class Replicas(Engine):
    """Several children of one model. Each request goes to the one that has the fewest.

    Args:
        start_child: Starts one child. It takes the child's number, from 0, and `of`, the number of children.
        count: The number of children, at least 2.

    Raises:
        ModelError: The model cannot be loaded.
        EngineError: A child cannot start. The others are ended.
    """

    def __init__(self, start_child: Callable[[Mapping[str, int]], ChildEngine], count: int) -> None:
        self._queue: deque[tuple[str, Request]] = deque()
        self._draining = False
        self._waited = 0.0
        self._children = _start_all(start_child, count)

    @property
    def identity(self) -> EngineIdentity:
        """The model and its requested settings. How many children compute changes no completion."""
        return self._children[0].identity

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request under its completion's key. After `drain` it is dropped."""
        if not self._draining:
            self._queue.append((key, request))

    def results(self) -> Iterator[Completion]:
        """Yield each completion as soon as it is finished, until nothing is in flight.

        Raises:
            ModelError: A request cannot be asked of this model at all.
            EngineError: A child died too often, or the engine is closed.
        """
        while True:
            self._advance()
            idle = True
            for child in self._children:
                for completion in child.take_done():
                    idle = False
                    yield completion
            if not self._pending:
                return
            if idle:
                self._wait(_TURN_SECONDS)

    def take(self, seconds: float) -> list[Completion]:
        """Return what is finished, or finishes within so many seconds. Empty with nothing in flight.

        Raises:
            ModelError, EngineError: As `results`.
        """
        self._advance()
        if self._pending and not self.ready:
            self._wait(seconds)
            self._advance()
        return [completion for child in self._children for completion in child.take_done()]

    @property
    def _pending(self) -> bool:
        return bool(self._queue) or any(child.pending for child in self._children)

    def _advance(self) -> None:
        """Give the children work, and take their messages."""
        self._deal()
        waited, self._waited = self._waited, 0.0
        for child in self._children:
            if child.pending:
                child.advance(0.0, waited=waited)

    def _wait(self, seconds: float) -> None:
        """Wait for a message of a child that works."""
        busy = [child.process for child in self._children if child.pending and child.process]
        self._waited = wait_for(busy, seconds)

    @property
    def ready(self) -> int:
        """The number of completions that are finished and not taken yet."""
        return sum(child.ready for child in self._children)

    def drain(self) -> None:
        """Drop the requests that have not begun and finish the others. Safe in a signal handler."""
        self._draining = True
        for child in self._children:
            child.drain()

    def facts(self) -> EngineFacts:
        """Return the settings in use and the work of all children. Their seconds are those of the slowest."""
        all_facts = [child.facts() for child in self._children]
        return replace(
            all_facts[0],
            replicas=len(all_facts),
            seconds_start=max(facts.seconds_start for facts in all_facts),
            seconds_busy=max(facts.seconds_busy for facts in all_facts),
            seconds_tail=max((facts.seconds_tail or 0.0 for facts in all_facts), default=0.0) or None,
            **{name: sum(getattr(facts, name) for facts in all_facts) for name in _COUNTERS},
        )

    def close(self) -> None:
        """End all children. A second call does nothing."""
        for child in self._children:
            child.close()

    def _deal(self) -> None:
        """Give each child what it can hold, block by block to whoever has the least.

        Beyond one batch a child gets less than its share of what is left, so that the fast ones take over
        what the slow ones would finish last.
        """
        if self._draining:
            self._queue.clear()
        unfinished = len(self._queue) + sum(child.pending for child in self._children)
        share = math.ceil(_SHARE * unfinished / len(self._children))
        while self._queue:
            child = min(self._children, key=lambda child: child.pending)
            room = min(child.window, max(child.window // 2, share)) - child.pending
            if room <= 0:
                return
            block = min(_BLOCK, max(1, share // 4))
            for _ in range(min(block, room, len(self._queue))):
                child.submit(*self._queue.popleft())


def _start_all(start_child: Callable[[Mapping[str, int]], ChildEngine], count: int) -> Sequence[ChildEngine]:
    """Start all children before the first is ready, because each loads the model for itself."""
    children: list[ChildEngine] = []
    try:
        for number in range(count):
            children.append(start_child({"number": number, "of": count}))
        for child in children:
            child.wait_until_ready()
    except BaseException:
        for child in children:
            child.close()
        raise
    return children


def share_variables(share: Mapping[str, int], visible: str | None, devices: int) -> dict[str, Any]:
    """Return the variables by which a child sees its own GPUs alone.

    Args:
        share: The number of the child, from 0, and the number of children.
        visible: The devices that this process sees, as in CUDA_VISIBLE_DEVICES. None = all.
        devices: The number of GPUs that one child needs.

    Raises:
        EngineError: There are fewer GPUs than all children need.

    Example:
        >>> share_variables({"number": 1, "of": 2}, None, 2)
        {'CUDA_VISIBLE_DEVICES': '2,3'}
        >>> share_variables({"number": 1, "of": 2}, "4,6", 1)
        {'CUDA_VISIBLE_DEVICES': '6'}
    """
    count = share["of"] * devices
    names = [str(number) for number in range(count)]
    if visible is not None:
        names = [name for name in visible.split(",") if name]
    if len(names) < count:
        raise EngineError(
            "there are too few GPUs for the replicas",
            where="CUDA_VISIBLE_DEVICES",
            value=visible,
            allowed=f"{count} devices or more",
            fix="set replicas lower",
        )
    first = share["number"] * devices
    return {"CUDA_VISIBLE_DEVICES": ",".join(names[first : first + devices])}
