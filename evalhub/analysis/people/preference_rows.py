"""A preference: a prompt, the preferred and the other response, and where they come from.

The columns are those of TRL's conversational preferences, with an explicit prompt.

Source: TRL, Dataset formats and types.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.judging import candidate_messages, defuse
from evalhub.records import Item, Message, Response
from evalhub.scales import Winner
from evalhub.texts import is_blank

if TYPE_CHECKING:
    import pyarrow as pa

NO_VERDICT = "pairs without a verdict"
TIE = "pairs whose verdict is a tie"
OTHER_SPLIT = "pairs outside of the split"
HARD = "pairs without a probability"
UNSURE = "pairs below the least probability"
ONE_ORDER = "pairs without a verdict in both orders"
DISAGREE = "pairs whose two orders disagree"
UNLABELLED = "pairs without a label"
OTHER_LABEL = "pairs whose label is not the verdict"
NO_PROMPT = "pairs of items without a prompt"
EMPTY = "pairs with an empty or failed response"
TURNS = "pairs whose earlier turns differ or are missing"
EQUAL = "pairs of two equal responses"

REASONS: Mapping[str, str] = {
    NO_VERDICT: "",
    TIE: "",
    OTHER_SPLIT: "--split",
    HARD: "--min-probability",
    UNSURE: "--min-probability",
    ONE_ORDER: "--orders-agree",
    DISAGREE: "--orders-agree",
    UNLABELLED: "--agree-with-labels",
    OTHER_LABEL: "--agree-with-labels",
    NO_PROMPT: "",
    EMPTY: "",
    TURNS: "",
    EQUAL: "",
}
"""Why a pair is no preference, in the order in which a pair is tested, with the option that asks for it."""

_CONTENT = {
    "judge": "string", "rubric": "string", "rubric_hash": "string", "model": "string", "criterion": "string",
    "probability": "float64", "margin": "float64", "orders_agree": "bool_", "label": "string",
    "label_kind": "string", "control_tokens": "bool_",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preference:
    """A pair that is exported.

    Attributes:
        row: The columns of `preference_schema`, with messages as objects with a role and a content.
        cluster_number: The number of the item's cluster.
    """

    row: dict[str, Any]
    cluster_number: int

    @property
    def extra_chars(self) -> int:
        """The length of the preferred response minus that of the other, in characters."""
        sides = (self.row[name][0]["content"] for name in ("chosen", "rejected"))
        preferred, other = map(len, sides)
        return preferred - other


def preference_schema() -> pa.Schema:
    """Return the columns of preferences with their types, in order."""
    import pyarrow as pa

    text = pa.string()
    conversation = pa.list_(pa.struct([("role", text), ("content", text)]))
    names = ("dataset", "item_id", "cluster", "split", "system_chosen", "system_rejected")
    return pa.schema(
        [
            *((name, conversation) for name in ("prompt", "chosen", "rejected")),
            *((name, text) for name in names),
            ("sample", pa.int64()),
            *((name, getattr(pa, kind)()) for name, kind in _CONTENT.items()),
        ]
    )


def preference_texts(
    item: Item, a: Response | None, b: Response | None, turn: int | None
) -> tuple[tuple[Message, ...], str, str] | str:
    """Return the messages before the turn that was judged, and the answers of both sides to it, or a reason.

    The prompt is the conversation as candidates were asked, without a system prompt, in which the two sides
    may differ. The loss of a preference is taken over all that stands behind the prompt. So a user's turn
    may stand in the prompt alone, and both sides share what stands before the turn that was judged.
    """
    if a is None or b is None or a.failure or b.failure:
        return EMPTY
    answers_a, answers_b = _answers(a), _answers(b)
    if not answers_a or not answers_b:
        return EMPTY
    if turn is None and not len(answers_a) == len(answers_b) == max(1, len(item.turns)):
        return TURNS
    place = turn or len(answers_a)
    if place > min(len(answers_a), len(answers_b)):
        return EMPTY
    earlier, text_a, text_b = answers_a[: place - 1], answers_a[place - 1], answers_b[place - 1]
    if is_blank(text_a) or is_blank(text_b):
        return EMPTY
    if earlier != answers_b[: place - 1]:
        return TURNS
    if text_a == text_b:
        return EQUAL
    if len(item.turns) < place:
        return NO_PROMPT
    # Texts stand as they are: a model would learn the spaces that make special tokens harmless.
    prompt = candidate_messages(item, earlier, None, prepare=str)
    return NO_PROMPT if is_blank(prompt[-1].content) else (prompt, text_a, text_b)


def _answers(response: Response) -> tuple[str, ...]:
    if response.turns:
        return response.turns
    return () if response.text is None else (response.text,)


def preference_row(
    pair: Mapping[str, Any],
    prompt: tuple[Message, ...],
    text_a: str,
    text_b: str,
    rubric: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return the columns of a preference.

    Args:
        pair: The verdict on the pair, with its winner, `a` or `b`, and its label.
        prompt: The messages before the responses.
        text_a: The response of the pair's first system.
        text_b: That of the second.
        rubric: The rubric, rubric_hash and model of the judge. Empty where there is no judge of the run.
    """
    first, second = ("a", "b") if pair["winner"] == Winner.A else ("b", "a")
    sides = {"a": text_a, "b": text_b}
    texts = [*(message.content for message in prompt), text_a, text_b]
    label = pair["label_winner"]
    return {
        "prompt": [{"role": message.role, "content": message.content} for message in prompt],
        "chosen": [{"role": "assistant", "content": sides[first]}],
        "rejected": [{"role": "assistant", "content": sides[second]}],
        "dataset": pair["dataset"],
        "item_id": pair["item_id"],
        "cluster": pair["cluster"],
        "split": pair["split"],
        "system_chosen": pair[f"system_{first}"],
        "system_rejected": pair[f"system_{second}"],
        "sample": pair["sample"],
        "judge": pair["judge"],
        "rubric": rubric.get("rubric"),
        "rubric_hash": rubric.get("rubric_hash"),
        "model": rubric.get("model"),
        "criterion": pair["criterion"],
        "probability": None if pair["p_a"] is None else probability(pair),
        "margin": _margin(pair[f"odds_{first}"], pair[f"odds_{second}"]),
        "orders_agree": pair["orders_agree"],
        "label": {None: None, "tie": "tie", first: "chosen", second: "rejected"}[label],
        "label_kind": pair["label_kind"],
        "control_tokens": any(defuse(text) != text for text in texts),
    }


def probability(pair: Mapping[str, Any]) -> float:
    """Return the probability that the preferred response is better, in [0.5, 1]."""
    p_a: float = pair["p_a"]
    return p_a if pair["winner"] == Winner.A else 1 - p_a


def _margin(odds: float | None, against: float | None) -> float | None:
    """Return the log-odds of the preferred response. None without a finite number."""
    if not odds or not against:
        return None
    return math.log(odds) - math.log(against)
