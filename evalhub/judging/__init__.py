"""Judging, pure: from a rubric and responses to requests, and from completions to judgments."""

from evalhub.judging.attacks.insertions import Attack, Control, inserted_system
from evalhub.judging.attacks.texts import ATTACKS, CONTROLS
from evalhub.judging.authoring.check import check_rubric, check_use
from evalhub.judging.authoring.gold import Expectation, expectations, level_values
from evalhub.judging.authoring.preview import Cacheable, cacheable, preview
from evalhub.judging.authoring.starter import starter
from evalhub.judging.expectation import MOST_MOVED, SIDES
from evalhub.judging.length_penalty import penalised, penalised_score
from evalhub.judging.probabilities import (
    agreed_winner,
    combine_orders,
    combine_winners,
    hard_winner,
    log_odds_of,
    mirrored,
    preference,
    softmax,
)
from evalhub.judging.prompts.answer_forms import choose_form, single_characters
from evalhub.judging.prompts.escape import defuse, fence
from evalhub.judging.prompts.order import list_rows, orders
from evalhub.judging.prompts.slots import candidate_messages, messages
from evalhub.judging.protocols.base import Asking, Judge, Outline, Part, Protocol, Steps, failed
from evalhub.judging.protocols.listwise import LETTERS, rows
from evalhub.judging.protocols.table import PROTOCOLS, protocol_named
from evalhub.judging.replies.hard import answer_schema, read_answer
from evalhub.judging.replies.read import READERS, Reading, read
from evalhub.judging.replies.text import Form, Rule

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
