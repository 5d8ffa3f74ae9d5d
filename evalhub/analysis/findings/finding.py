"""A finding: one sentence that answers a question, as data, and how its parts are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from evalhub.texts import count, make_printable, number

ALPHA = 0.05
"""A difference is claimed if its p-value, adjusted for all that are tested with it, is below this."""


class Question(StrEnum):
    """What a finding answers. Findings stand in this order."""

    GATES = "Do the gates hold?"
    CONCLUSIVE = "Is the run conclusive?"
    BEST = "Which system is best?"
    METRICS = "May a metric stand in for the judge?"
    TRUST = "May the judge stand in for people?"
    BIAS = "Which bias moves the verdicts?"
    ATTACKS = "Can the judge be fooled?"
    MEASURED = "What was not measured?"
    CHANGE = "What changed since the baseline?"
    NEXT = "What is worth doing next?"


class Verdict(StrEnum):
    """How good the answer is for whoever relies on the run."""

    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sentence with what it rests on.

    Attributes:
        question: What it answers.
        verdict: How good the answer is.
        sentence: The answer, one or two sentences, complete without its surroundings.
        dataset: The dataset that it is about. None = the whole run.
        subject: The system, judge or metric that it is about. None = several.
        numbers: The numbers in the sentence, by name.
        n: Number of observations behind them. None where no single number is.
        link: The dashboard's view that shows more, as the path and query of its address.
        command: The command that shows more, or that mends it.
    """

    question: Question
    verdict: Verdict
    sentence: str
    dataset: str | None = None
    subject: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    n: int | None = None
    link: str | None = None
    command: str | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the finding as plain values, fit for a table: its numbers are a list of names and values."""
        numbers = [{"name": name, "value": float(value)} for name, value in self.numbers.items()]
        facts = {"question": self.question.name.lower(), "verdict": self.verdict.value, "numbers": numbers}
        return {**asdict(self), **facts}


def with_interval(row: Mapping[str, Any], name: str = "estimate", *, places: int = 2) -> str:
    """Return a number with its interval, such as `0.62 [0.51, 0.72]`.

    Args:
        row: A row with the columns estimate, low and high, or NAME, NAME_low and NAME_high.
        name: The name of the estimate's column.
        places: Decimal places.
    """
    prefix = "" if name == "estimate" else f"{name}_"
    point, low, high = row[name], row[f"{prefix}low"], row[f"{prefix}high"]
    if low is None:
        return number(point, places)
    return f"{number(point, places)} [{number(low, places)}, {number(high, places)}]"


def listed(names: Sequence[str], *, limit: int = 4) -> str:
    """Return names as people list them.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abcdef"))
    ('a', 'a, b and c', 'a, b, c and 3 more')
    """
    shown = [make_printable(name) for name in names]
    if len(shown) > limit:
        shown = [*shown[: limit - 1], f"{count(len(names) - limit + 1)} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def on(dataset: str, criterion: str | None = None) -> str:
    """Return where a finding holds, such as `on summeval (coherence)`.

    >>> on("summeval", "coherence"), on("pandalm", "overall")
    ('on summeval (coherence)', 'on pandalm')
    """
    shown = make_printable(dataset)
    return (
        f"on {shown}" if criterion in (None, "", "overall") else f"on {shown} ({make_printable(criterion)})"
    )


LABELS = {
    "human": "people",
    "constructed": "the constructed labels",
    "model": "the labels of a model",
}
"""How the givers of labels are called in a sentence."""
