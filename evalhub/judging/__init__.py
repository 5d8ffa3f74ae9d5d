"""Judging, pure: from a rubric and responses to requests, and from completions to judgments."""

from evalhub.judging.combine import (
    combine_orders,
    hard_winner,
    penalised,
    penalised_score,
    preference,
    softmax,
)
from evalhub.judging.escape import defuse, fence
from evalhub.judging.positions import orders
from evalhub.judging.preview import Cacheable, cacheable, preview
from evalhub.judging.prompt import candidate_messages, messages
from evalhub.judging.protocols import PROTOCOLS, Asking, Judge, Protocol, Steps

__all__ = [
    "PROTOCOLS",
    "Asking",
    "Cacheable",
    "Judge",
    "Protocol",
    "Steps",
    "cacheable",
    "candidate_messages",
    "combine_orders",
    "defuse",
    "fence",
    "hard_winner",
    "messages",
    "orders",
    "penalised",
    "penalised_score",
    "preference",
    "preview",
    "softmax",
]
