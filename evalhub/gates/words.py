"""What a gate found, as a sentence."""

from __future__ import annotations

import math

from evalhub.gates.check import MeasureCheck
from evalhub.gates.split import Cause, Split
from evalhub.stats import ClusterDesign, Estimate, GateState, clusters_needed
from evalhub.texts import count, number


def describe(check: MeasureCheck, change: Estimate, state: GateState, cause: str | None) -> str:
    """Return what a gate on a measure found.

    Args:
        check: The gate on one measure.
        change: The change, above 0 = better.
        state: What it says.
        cause: Why the change cannot be laid to the system. None = it can.
    """
    subject = _subject(check)
    if check.is_unchanged:
        return f"{subject} is unchanged: its answers and its values are those of {check.against}."
    if change.estimate is None:
        return f"{subject} is not decided: {cause or change.reason}."
    numbers = f"{_signed(change.estimate)}{_ends(change)} against {check.against}, n {count(change.n)}"
    if change.n_excluded:
        numbers += f" without {count(change.n_excluded)} that lack a value on one side"
    margin = number(float(check.gate.margin or 0))
    if cause is not None:
        return f"{subject} is not decided, because {cause}: {numbers}.{_in_parts(check.split)}"
    if state is GateState.FAIL:
        return f"{subject} got worse: {numbers}, and a loss of {margin} counts."
    if state is GateState.PASS:
        worse = " It is worse, but by less than the margin." if (change.high or 0) < 0 else ""
        return f"{subject} is not worse by {margin} or more: {numbers}.{worse}"
    size = _items_needed(change, float(check.gate.margin or 0))
    advice = f" About {count(size)} items show a loss of {margin} in 80% of nights." if size else ""
    reason = f" ({change.reason})" if change.low is None else ""
    return f"{subject} is not decided: {numbers}{reason}, and a loss of {margin} counts.{advice}"


def _in_parts(split: Split | None) -> str:
    if split is None:
        return ""
    judge, system = (f"{_signed(part.estimate)}{_ends(part)}" for part in (split.judge, split.system))
    moved = "neither moved it beyond chance" if split.cause is Cause.NEITHER else f"{split.cause} moved it"
    if split.cause is Cause.UNKNOWN:
        moved = f"what moved it is not known ({split.judge.reason or split.system.reason})"
    return f" The judge did {judge} of it and the system {system}: {moved}."


def _subject(check: MeasureCheck) -> str:
    dataset, _, rater, criterion, measure = check.measure
    by = f" by {rater}" if rater and rater != measure else ""
    on = f" on {dataset}" if dataset else ""
    parts = ", ".join(filter(None, (criterion, check.gate.tag)))
    return f"{check.gate.system}{on}: {measure}{by}{f' ({parts})' if parts else ''}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{'+' if value > 0 else ''}{number(value, 3)}"


def _ends(change: Estimate) -> str:
    return "" if change.low is None else f" [{_signed(change.low)}, {_signed(change.high)}]"


def _items_needed(change: Estimate, margin: float) -> int | None:
    """Return how many items would show a loss of the margin in 80 of 100 nights. None = unknown, or fewer."""
    if not change.standard_error or not margin:
        return None
    spread = change.standard_error * math.sqrt(change.n)
    size = clusters_needed(margin, ClusterDesign(sd=spread, alpha=1 - change.confidence))
    return size if size > change.n else None
