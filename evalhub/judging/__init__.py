"""Judging, pure: from a rubric and responses to requests, and from completions to judgments."""

from evalhub.judging.asking import Asking, Judge, Outline, Part, Protocol, Steps, failed
from evalhub.judging.check import check_rubric, check_use
from evalhub.judging.combine import (
    combine_orders,
    hard_winner,
    penalised,
    penalised_score,
    preference,
    softmax,
)
from evalhub.judging.escape import defuse, fence
from evalhub.judging.listwise import LETTERS, rows
from evalhub.judging.positions import list_rows, orders
from evalhub.judging.preview import Cacheable, cacheable, preview
from evalhub.judging.prompt import candidate_messages, messages
from evalhub.judging.protocols import PROTOCOLS, protocol_named

__all__ = [
    "LETTERS",
    "PROTOCOLS",
    "Asking",
    "Cacheable",
    "Judge",
    "Outline",
    "Part",
    "Protocol",
    "Steps",
    "cacheable",
    "candidate_messages",
    "check_rubric",
    "check_use",
    "combine_orders",
    "defuse",
    "failed",
    "fence",
    "hard_winner",
    "list_rows",
    "messages",
    "orders",
    "penalised",
    "penalised_score",
    "preference",
    "preview",
    "protocol_named",
    "rows",
    "softmax",
]
