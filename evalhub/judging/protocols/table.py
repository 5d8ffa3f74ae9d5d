"""All protocols by the name that a rubric gives under `protocol`."""

from __future__ import annotations

from collections.abc import Mapping

from evalhub.judging.protocols.antisymmetric import antisymmetric
from evalhub.judging.protocols.base import Protocol
from evalhub.judging.protocols.checklist import TOTAL, checklist, plan_criteria
from evalhub.judging.protocols.listwise import listwise, plan_pairs
from evalhub.judging.protocols.ordinal import ordinal
from evalhub.judging.protocols.pointwise_pairwise import pairwise, pointwise
from evalhub.judging.protocols.reward import reward
from evalhub.judging.protocols.self_written import QUESTIONS, REFERENCE, write_first
from evalhub.judging.protocols.swap import plan_orders, swap
from evalhub.records import RequestKind
from evalhub.specs import find_entry

_RESPONSE, _PAIR, _LIST = ("response",), ("response_a", "response_b"), ("responses",)
_RATE_OR_COMPARE = (_RESPONSE, _PAIR)

PROTOCOLS: Mapping[str, Protocol] = {
    "pointwise": Protocol((_RESPONSE,), pointwise, decides=True),
    "pairwise": Protocol((_PAIR,), pairwise, decides=True),
    "reference": Protocol(_RATE_OR_COMPARE, write_first("reference", keep_references=True), writes=REFERENCE),
    "self-reference": Protocol(_RATE_OR_COMPARE, write_first("reference"), writes=REFERENCE),
    "self-questions": Protocol(_RATE_OR_COMPARE, write_first("questions"), writes=QUESTIONS),
    "self-questions-reference": Protocol(
        _RATE_OR_COMPARE, write_first("questions", "reference"), writes=QUESTIONS | REFERENCE
    ),
    "swap": Protocol((_PAIR,), swap, both_orders=True, plan=plan_orders),
    "checklist": Protocol(
        (_RESPONSE,), checklist, plan=plan_criteria, total=TOTAL, asks_items=True, decides=True
    ),
    "listwise": Protocol((_LIST,), listwise, plan=plan_pairs),
    "reward": Protocol((_RESPONSE,), reward, asks=RequestKind.REWARD, orderless=True),
}

ANTISYMMETRIC = Protocol((_PAIR,), antisymmetric, decides=True, orderless=True)
"""The protocol of a pairwise rubric on a model that was trained on the difference of both orders."""

ORDINAL = Protocol((_RESPONSE,), ordinal, decides=True)
"""The protocol of a pointwise rubric on a model that was trained on ratings, and has cut points."""


def find_protocol(name: str, *, where: str = "") -> Protocol:
    """Return a protocol from `PROTOCOLS`, or from another package's entry point in `evalhub.protocols`.

    Args:
        name: The rubric's value of `protocol`.
        where: File and key of that value, for errors.

    Raises:
        UnknownNameError: No protocol has this name. The error names the nearest one.
        SpecError: Another package's protocol cannot be loaded.

    Example:
        >>> find_protocol("pairwise").inputs
        (('response_a', 'response_b'),)
    """
    return find_entry(
        "protocol", name, PROTOCOLS, fits=lambda entry: isinstance(entry, Protocol), where=where
    )
