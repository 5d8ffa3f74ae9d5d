"""The protocols: pure generators from one asking to its judgments.

A protocol yields requests, is sent their completions, and returns judgments. It calls no
model and touches no disk, so that resuming is replaying completions.
"""

from __future__ import annotations

from collections.abc import Mapping

from evalhub.judging.protocols.base import Protocol
from evalhub.judging.protocols.checklist import TOTAL, all_parts, checklist
from evalhub.judging.protocols.listwise import listwise, pair_parts
from evalhub.judging.protocols.pointwise_pairwise import pairwise, pointwise
from evalhub.judging.protocols.self_written import writing
from evalhub.judging.protocols.swap import both_parts, swap
from evalhub.specs import find_entry

_ONE, _TWO = ("response",), ("response_a", "response_b")

PROTOCOLS: Mapping[str, Protocol] = {
    "pointwise": Protocol((_ONE,), pointwise),
    "pairwise": Protocol((_TWO,), pairwise),
    "reference": Protocol((_ONE, _TWO), writing("reference", unless_given=True), writes=("reference",)),
    "own-reference": Protocol((_ONE, _TWO), writing("reference"), writes=("reference",)),
    "metrics": Protocol((_ONE, _TWO), writing("metrics"), writes=("metrics",)),
    "metrics-reference": Protocol(
        (_ONE, _TWO), writing("metrics", "reference"), writes=("metrics", "reference")
    ),
    "swap": Protocol((_TWO,), swap, both_orders=True, parts=both_parts),
    "checklist": Protocol((_ONE,), checklist, parts=all_parts, total=TOTAL),
    "listwise": Protocol((("responses",),), listwise, parts=pair_parts),
}


def protocol_named(name: str, *, where: str = "") -> Protocol:
    """Return a protocol; those of other packages come from the entry points `evalhub.protocols`.

    Args:
        name: What a rubric says under `protocol`.
        where: File and key that say it.

    Raises:
        UnknownNameError: There is no protocol of that name; the nearest one is named.
        SpecError: Another package's protocol cannot be loaded.

    Example:
        >>> protocol_named("pairwise").inputs
        (('response_a', 'response_b'),)
    """
    return find_entry(
        "protocol", name, PROTOCOLS, fits=lambda entry: isinstance(entry, Protocol), where=where
    )
