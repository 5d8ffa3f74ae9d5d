"""Judging, pure: from a rubric and responses to requests, and from completions to judgments."""

from evalhub.judging.attacks.insertions import Attack, Control, inserted_system
from evalhub.judging.attacks.texts import ATTACKS, CONTROLS
from evalhub.judging.authoring.check import check_rubric, check_use
from evalhub.judging.authoring.gold import expectations, level_values
from evalhub.judging.authoring.preview import preview, shared_prefix
from evalhub.judging.authoring.starter import starter
from evalhub.judging.expectation import MOST_MOVED, SIDES
from evalhub.judging.length_penalty import penalise, penalise_score
from evalhub.judging.probabilities import (
    combine_orders,
    combine_winners,
    hard_winner,
    log_odds_of,
    preference,
    softmax,
    unanimous_winner,
    with_exact_complement,
)
from evalhub.judging.prompts.answer_forms import choose_form, single_characters
from evalhub.judging.prompts.escape import defuse, fence
from evalhub.judging.prompts.order import LIST_LETTERS, choose_list_orders, choose_orders, list_orders
from evalhub.judging.prompts.slots import candidate_messages, messages
from evalhub.judging.protocols.base import (
    Judge,
    JudgmentGenerator,
    PlannedJudgment,
    Protocol,
    Task,
    TaskOutline,
    fail_all,
    new_judgment,
    plan_single,
)
from evalhub.judging.protocols.one_token import TokenAnswer, ask_token
from evalhub.judging.protocols.pointwise_pairwise import compare, rate
from evalhub.judging.protocols.table import ANTISYMMETRIC, ORDINAL, PROTOCOLS, find_protocol
from evalhub.judging.replies.hard import answer_schema, read_answer
from evalhub.judging.replies.read import (
    REPLY_FORMATS,
    ParsedReply,
    ReplyFormat,
    find_reply_format,
    parse_reply,
)
from evalhub.judging.replies.text import ReplySpec, VerdictCandidate, VerdictRule

__all__ = [
    "ANTISYMMETRIC", "ATTACKS", "CONTROLS", "LIST_LETTERS", "MOST_MOVED", "ORDINAL", "PROTOCOLS",
    "REPLY_FORMATS", "SIDES", "Attack", "Control", "Judge", "JudgmentGenerator", "ParsedReply",
    "PlannedJudgment", "Protocol", "ReplyFormat", "ReplySpec", "Task", "TaskOutline", "TokenAnswer",
    "VerdictCandidate", "VerdictRule", "answer_schema", "ask_token", "candidate_messages", "check_rubric",
    "check_use", "choose_form", "choose_list_orders", "choose_orders", "combine_orders", "combine_winners",
    "compare", "defuse", "expectations", "fail_all", "fence", "find_protocol", "find_reply_format",
    "hard_winner", "inserted_system", "level_values", "list_orders", "log_odds_of", "messages",
    "new_judgment", "parse_reply", "penalise", "penalise_score", "plan_single", "preference", "preview",
    "rate", "read_answer", "shared_prefix", "single_characters", "softmax", "starter", "unanimous_winner",
    "with_exact_complement",
]  # fmt: skip
