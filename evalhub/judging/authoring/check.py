"""A rubric, and a suite's use of it, checked against the protocol."""

from __future__ import annotations

from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging.prompts.answer_forms import check_number
from evalhub.judging.protocols.base import Protocol
from evalhub.judging.protocols.table import PROTOCOLS, find_protocol
from evalhub.scales import Kind, Shape
from evalhub.specs import INPUT_SLOTS, JudgeUse, Mode, Rubric

_FIXES = {
    "scale": "write scale: {1: …, 2: …}",
    "answer": "",
    "ties": "write ties: true or false",
    "weights": "",
    "verdict": "write verdict: pairwise, or verdict: pointwise",
    "assistant": "",
}
_CONVERSATION = ("{{question}}", "{{response}}")


def check_rubric(rubric: Rubric, where: str) -> None:
    """Check a rubric against its protocol.

    Raises:
        UnknownNameError: The protocol or an input does not exist.
        SpecError: The protocol needs an input or a key that the rubric lacks, or the reverse.
    """
    protocol = find_protocol(rubric.protocol, where=f"{where}:protocol")
    _check_inputs(rubric, protocol, where)
    has_levels = rubric.kind is Kind.POINTWISE and protocol.total is None and not protocol.reads_alone
    values = {
        "scale": rubric.scale,
        "answer": rubric.answer,
        "ties": rubric.ties,
        "weights": rubric.weights,
        "verdict": rubric.verdict,
        "assistant": rubric.assistant or None,
    }
    if rubric.has_item_criteria:
        _check_item_criteria(rubric, protocol, where)
    # True: the key must be there. False: it must not. None: it may.
    required = {
        "scale": has_levels,
        "answer": None if has_levels else False,
        "ties": rubric.shape is Shape.PAIR and not protocol.reads_alone,
        "weights": None if protocol.total else False,
        "verdict": protocol.reads_alone,
        "assistant": None if protocol.reads_alone else False,
    }
    for key, fix in _FIXES.items():
        if required[key] and values[key] is None:
            raise SpecError(f"the protocol {rubric.protocol} needs {key}", where=f"{where}:{key}", fix=fix)
        if required[key] is False and values[key] is not None:
            raise SpecError(
                f"the protocol {rubric.protocol} has no {key}", where=f"{where}:{key}", fix="leave it out"
            )
    if rubric.assistant and (rubric.user.strip(), rubric.assistant.strip()) != _CONVERSATION:
        raise SpecError(
            "a rubric with an Assistant section is the conversation itself",
            where=where,
            allowed="## User with {{question}} alone, and ## Assistant with {{response}} alone",
            fix="leave the Assistant section out, and show the response in the User section",
        )
    if rubric.answer is not None:
        for scale in filter(None, map(rubric.scale_for, rubric.criteria)):
            check_number(scale, rubric.answer, where)
    if protocol.total in rubric.criteria:
        raise SpecError(
            "a criterion has the name of the total", where=f"{where}:criteria", value=protocol.total
        )


def _check_item_criteria(rubric: Rubric, protocol: Protocol, where: str) -> None:
    if not protocol.asks_items:
        raise SpecError(
            f"the protocol {rubric.protocol} asks the rubric's criteria, not those of items",
            where=f"{where}:criteria",
            value="item",
            allowed=[name for name, entry in PROTOCOLS.items() if entry.asks_items],
        )
    if rubric.weights is not None:
        raise SpecError(
            "the criteria of items have points in place of weights",
            where=f"{where}:weights",
            fix="leave it out",
        )


def _check_inputs(rubric: Rubric, protocol: Protocol, where: str) -> None:
    if rubric.shows not in {*protocol.inputs, *(choice[::-1] for choice in protocol.inputs)}:
        raise SpecError(
            f"the protocol {rubric.protocol} shows other responses",
            where=f"{where}:inputs",
            value=", ".join(rubric.shows),
            allowed=[", ".join(choice) for choice in protocol.inputs],
        )
    for name in protocol.writes:
        if name not in rubric.inputs:
            raise SpecError(
                f"a judge of protocol {rubric.protocol} writes {name}, and the rubric does not show it",
                where=f"{where}:inputs",
                fix=f"add {name} to the inputs, and {{{{{name}}}}} to the text",
            )
    for name in rubric.inputs:
        if name not in (*INPUT_SLOTS, *protocol.writes):
            _refuse_input(name, rubric.protocol, protocol, where)


def _refuse_input(name: str, protocol_name: str, protocol: Protocol, where: str) -> None:
    """Refuse an input that is neither data of the item nor written by the judge."""
    writers = [other for other, entry in PROTOCOLS.items() if name in entry.writes]
    if not writers:
        raise UnknownNameError("input", name, [*INPUT_SLOTS, *protocol.writes], where=f"{where}:inputs")
    raise SpecError(
        f"nobody writes {name} in the protocol {protocol_name}",
        where=f"{where}:inputs",
        value=name,
        fix=f"use the protocol {' or '.join(writers)}, or leave it out",
    )


def check_use(use: JudgeUse, rubric: Rubric, where: str) -> None:
    """Refuse a suite's settings of a judge that name nothing, or would change nothing.

    Raises:
        UnknownNameError: The rubric does not have a criterion.
        SpecError: The judge has no use for a setting.
    """
    protocol = find_protocol(rubric.protocol)
    for key, names in (("criteria", use.criteria or ()), ("label_criteria", use.label_criteria)):
        criteria = [
            *rubric.criteria,
            *([protocol.total] if protocol.total and key == "label_criteria" else []),
        ]
        for name in names:
            if name not in criteria:
                raise UnknownNameError("criterion", name, criteria, where=f"{where}.{key}")
    for name in sorted(_idle_settings(use, rubric, protocol) & use.model_fields_set):
        raise SpecError(
            f"a judge of protocol {rubric.protocol} and mode {use.mode} has no use for this",
            where=f"{where}.{name}",
            fix="leave it out",
        )
    if "max_tokens" in use.sampling.model_fields_set:
        where = f"{where}.sampling.max_tokens"
        fix = "use rationale_tokens or think_tokens"
        raise SpecError("the length of what a judge writes is set elsewhere", where=where, fix=fix)
    if use.samples > 1 and (not _samples_text(use, protocol) or use.sampling.temperature == 0):
        raise SpecError(
            "more samples of a judge that draws nothing would all be the same",
            where=f"{where}.samples",
            value=use.samples,
            fix="use mode explain with a temperature above 0, or leave samples out",
        )


def _idle_settings(use: JudgeUse, rubric: Rubric, protocol: Protocol) -> set[str]:
    """Return the settings that would change nothing."""
    idle = set() if protocol.uses_positions(rubric) else {"positions"}
    idle |= {"mode"} if protocol.reads_alone and use.mode is not Mode.DIRECT else set()
    idle |= set() if rubric.shape is Shape.PAIR else {"pairs"}
    idle |= {"criteria"} if protocol.total else set()
    idle |= set() if _samples_text(use, protocol) else {"sampling"}
    idle |= set() if use.mode is Mode.EXPLAIN or protocol.writes else {"rationale_tokens"}
    idle |= {"combine"} if use.samples == 1 else set()
    idle |= set() if use.mode is Mode.THINK else {"think_tokens", "think_extensions"}
    return idle


def _samples_text(use: JudgeUse, protocol: Protocol) -> bool:
    """Return whether the judge generates text before its verdict."""
    return (use.mode is not Mode.DIRECT and not protocol.reads_alone) or bool(protocol.writes)
