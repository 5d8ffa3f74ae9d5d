"""What a run of a suite is expected to take: requests, tokens, minutes, money, as in earlier runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.engines import asks_in_batches
from evalhub.runner.plan.prepared import Prepared
from evalhub.runner.plan.resolve import ResolvedCandidate, ResolvedJudge
from evalhub.store import Run


@dataclass(frozen=True, slots=True)
class Expense:
    """What a candidate or judge is expected to take.

    Attributes:
        source: The candidate or judge.
        requests: First requests that are not answered yet. A judge that explains asks further ones.
        tokens: Tokens of prompts and answers. None = no run has measured such requests.
        minutes: Time of its engine. None = not known, as for batches, whose time is the server's.
        cost: Price of the tokens. None = not known, or it has no price. A batch needs one of its own.
        measured_in: The run whose averages are taken.
    """

    source: str
    requests: int
    tokens: int | None = None
    minutes: float | None = None
    cost: float | None = None
    measured_in: str | None = None


def expected_expenses(prepared: Prepared, steps: Sequence[Mapping[str, Any]]) -> list[Expense]:
    """Return what each candidate and judge of a suite is expected to take, those that take something.

    The averages are those of the newest run in which the same model answered on the same kind of engine.

    Args:
        prepared: The suite and its plan.
        steps: As `describe_steps` returns them.
    """
    resolved = prepared.resolved
    parts: list[ResolvedCandidate | ResolvedJudge] = [*resolved.candidates, *resolved.judges]
    expenses = []
    for part in parts:
        of_part = [step for step in steps if step["source"] == part.spec.id and step["requests"] is not None]
        requests = sum(step["requests"] - step["answered"] for step in of_part)
        if requests:
            expenses.append(_expense(part, requests, prepared.catalog.runs))
    return expenses


def _expense(part: ResolvedCandidate | ResolvedJudge, requests: int, runs: Sequence[Run]) -> Expense:
    name, price = part.spec.id, part.spec.price
    measured = next(_measured(part, runs), None)
    if measured is None:
        return Expense(name, requests)
    run, engine = measured
    share = requests / engine["requests"]
    names = ("prompt_tokens", "completion_tokens", "cached_tokens")
    prompt, generated, cached = (share * (engine.get(key) or 0) for key in names)
    # No prompt is empty. Where all of them have no tokens, the server gives no numbers.
    is_counted = prompt > 0
    in_batch = asks_in_batches(part.spec.engine)
    is_priced = price is not None and (price.batch is not None or not in_batch)
    is_timed = not in_batch and engine.get("batches") is None
    return Expense(
        source=name,
        requests=requests,
        tokens=round(prompt + generated) if is_counted else None,
        minutes=share * (engine["seconds_busy"] or 0) / 60 if is_timed else None,
        cost=price.money(prompt, generated, cached=cached, in_batch=in_batch)
        if price and is_priced and is_counted
        else None,
        measured_in=run.id,
    )


def _measured(
    part: ResolvedCandidate | ResolvedJudge, runs: Sequence[Run]
) -> Iterator[tuple[Run, Mapping[str, Any]]]:
    """Yield the engines that served the same model, the newest first, those for this part before others."""
    identity = part.runs.identity
    shared = []
    for run in runs:
        for engine in run.manifest.engines:
            if (engine.get("engine"), engine.get("model")) != (identity.engine, identity.model):
                continue
            if not engine.get("requests"):
                continue
            if engine.get("serves") == [part.spec.id]:
                yield run, engine
            else:
                shared.append((run, engine))
    yield from shared
