"""A rubric, and a suite's use of it, held against the protocol."""

from __future__ import annotations

from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging.prompts.answer_forms import check_number
from evalhub.judging.protocols.base import Protocol
from evalhub.judging.protocols.table import protocol_named
from evalhub.scales import Kind
from evalhub.specs import JudgeUse, Mode, Rubric

_SELF_WRITTEN = ("metrics",)


def check_rubric(rubric: Rubric, where: str) -> None:
    """Hold a rubric against its protocol.

    Raises:
        UnknownNameError: There is no such protocol.
        SpecError: The protocol needs an input, or a scale, that the rubric lacks, or the reverse.
    """
    protocol = protocol_named(rubric.protocol, where=f"{where}:protocol")
    _check_inputs(rubric, protocol, where)
    levels = rubric.kind is Kind.POINTWISE and protocol.total is None
    may_tie = rubric.kind is Kind.PAIRWISE and rubric.shows != ("responses",)
    given = {
        "scale": rubric.scale, "answer": rubric.answer, "ties": rubric.ties, "weights": rubric.weights,
    }  # fmt: skip
    needed = {
        "scale": levels,
        "answer": None if levels else False,
        "ties": may_tie,
        "weights": None if protocol.total else False,
    }
    for key, fix in _FIXES.items():
        if needed[key] and given[key] is None:
            raise SpecError(f"the protocol {rubric.protocol} needs {key}", where=f"{where}:{key}", fix=fix)
        if needed[key] is False and given[key] is not None:
            raise SpecError(
                f"the protocol {rubric.protocol} has no {key}", where=f"{where}:{key}", fix="leave it out"
            )
    if rubric.answer is not None:
        for scale in filter(None, map(rubric.scale_for, rubric.criteria)):
            check_number(scale, rubric.answer, where)
    if protocol.total in rubric.criteria:
        raise SpecError(
            "a criterion has the name of the total", where=f"{where}:criteria", value=protocol.total
        )


_FIXES = {
    "scale": "write scale: {1: …, 2: …}", "answer": "", "ties": "write ties: true or false", "weights": "",
}  # fmt: skip


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
    for name in _SELF_WRITTEN:
        if name in rubric.inputs and name not in protocol.writes:
            raise SpecError(
                f"nobody writes {name} in the protocol {rubric.protocol}",
                where=f"{where}:inputs",
                value=name,
                fix="use the protocol metrics or metrics-reference, or leave it out",
            )


def check_use(use: JudgeUse, rubric: Rubric, where: str) -> None:
    """Refuse what a suite says of a judge where it names nothing, or would change nothing.

    Raises:
        UnknownNameError: A criterion that the rubric does not have.
        SpecError: A setting that the judge has no use for.
    """
    protocol = protocol_named(rubric.protocol)
    for key, names in (("criteria", use.criteria or ()), ("against", use.against)):
        known = [*rubric.criteria, *([protocol.total] if protocol.total and key == "against" else [])]
        for name in names:
            if name not in known:
                raise UnknownNameError("criterion", name, known, where=f"{where}.{key}")
    for name in sorted(_idle(use, rubric, protocol) & use.model_fields_set):
        raise SpecError(
            f"a judge of protocol {rubric.protocol} and mode {use.mode} has no use for this",
            where=f"{where}.{name}",
            fix="leave it out",
        )
    if "max_tokens" in use.sampling.model_fields_set:
        where = f"{where}.sampling.max_tokens"
        fix = "use rationale_tokens or think_tokens"
        raise SpecError("the length of what a judge writes is set elsewhere", where=where, fix=fix)
    if use.samples > 1 and (not _draws(use, protocol) or use.sampling.temperature == 0):
        raise SpecError(
            "more samples of a judge that draws nothing would all be the same",
            where=f"{where}.samples",
            value=use.samples,
            fix="use mode explain with a temperature above 0, or leave samples out",
        )


def _idle(use: JudgeUse, rubric: Rubric, protocol: Protocol) -> set[str]:
    """Return the settings that would change nothing."""
    idle = {"positions", "pairs"} if rubric.kind is Kind.POINTWISE else set()
    idle |= {"positions"} if protocol.both_orders else set()
    idle |= {"pairs"} if rubric.shows == ("responses",) else set()
    idle |= {"criteria"} if protocol.total else set()
    idle |= set() if _draws(use, protocol) else {"sampling"}
    idle |= set() if use.mode is Mode.EXPLAIN or protocol.writes else {"rationale_tokens"}
    idle |= {"combine"} if use.samples == 1 else set()
    idle |= set() if use.mode is Mode.THINK else {"think_tokens", "waits"}
    return idle


def _draws(use: JudgeUse, protocol: Protocol) -> bool:
    return use.mode is not Mode.DIRECT or bool(protocol.writes)
