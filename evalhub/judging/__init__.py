"""Judging, pure: from a rubric and responses to requests, and from completions to judgments."""

from evalhub.judging.asking import Asking, Judge, Outline, Part, Protocol, Steps, failed
from evalhub.judging.attacks import ATTACKS, CONTROLS
from evalhub.judging.check import check_rubric, check_use
from evalhub.judging.combine import (
    agreed_winner,
    combine_orders,
    combine_winners,
    hard_winner,
    log_odds_of,
    mirrored,
    penalised,
    penalised_score,
    preference,
    softmax,
)
from evalhub.judging.escape import defuse, fence
from evalhub.judging.expectation import MOST_MOVED, SIDES
from evalhub.judging.forms import choose_form, single_characters
from evalhub.judging.gold import Expectation, expectations, level_values
from evalhub.judging.hard import answer_schema, read_answer
from evalhub.judging.insertions import Attack, Control, inserted_system
from evalhub.judging.listwise import LETTERS, rows
from evalhub.judging.positions import list_rows, orders
from evalhub.judging.preview import Cacheable, cacheable, preview
from evalhub.judging.prompt import candidate_messages, messages
from evalhub.judging.protocols import PROTOCOLS, protocol_named
from evalhub.judging.reading import READERS, Reading, read
from evalhub.judging.reading_text import Form, Rule
from evalhub.judging.starter import starter

__all__ = [
    "ATTACKS",
    "CONTROLS",
    "LETTERS",
    "MOST_MOVED",
    "PROTOCOLS",
    "READERS",
    "SIDES",
    "Asking",
    "Attack",
    "Cacheable",
    "Control",
    "Expectation",
    "Form",
    "Judge",
    "Outline",
    "Part",
    "Protocol",
    "Reading",
    "Rule",
    "Steps",
    "agreed_winner",
    "answer_schema",
    "cacheable",
    "candidate_messages",
    "check_rubric",
    "check_use",
    "choose_form",
    "combine_orders",
    "combine_winners",
    "defuse",
    "expectations",
    "failed",
    "fence",
    "hard_winner",
    "inserted_system",
    "level_values",
    "list_rows",
    "log_odds_of",
    "messages",
    "mirrored",
    "orders",
    "penalised",
    "penalised_score",
    "preference",
    "preview",
    "protocol_named",
    "read",
    "read_answer",
    "rows",
    "single_characters",
    "softmax",
    "starter",
]
