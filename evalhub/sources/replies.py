"""The replies of recorded judges, read in the format that the card names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.errors import SpecError
from evalhub.judging import ParsedReply, ReplySpec, VerdictRule, find_reply_format, parse_reply
from evalhub.records import FailureKind
from evalhub.scales import Kind, Level, Order, Winner, number_in
from evalhub.sources.columns import place
from evalhub.sources.verdicts import bounds, unparsed_verdict
from evalhub.specs import Card, CriterionSpec, RecordedJudge, ReplyFormatUse

Verdict = float | Winner | FailureKind

_SIDES: Mapping[str, Winner] = {"A": Winner.A, "B": Winner.B, "tie": Winner.TIE}


def refuse_unknown_formats(card: Card, where: str) -> None:
    """Refuse a format that does not exist, and letters in a format that takes none.

    Raises:
        UnknownNameError: A judge of the card names it.
        SpecError: The format takes no letters, or another package's format cannot be loaded.
    """
    for name, judge in card.judges.items():
        if not judge.reply_format:
            continue
        key = f"{where}:judges.{name}.reply_format"
        reply_format = find_reply_format(judge.reply_format.name, where=key)
        if judge.reply_format.letters and not reply_format.takes_letters:
            raise SpecError(
                f"the format {judge.reply_format.name} takes no letters",
                where=f"{key}.letters",
                fix="leave them out",
            )


def read_reply(
    row: Mapping[str, Any],
    judge: RecordedJudge,
    reply_format: ReplyFormatUse,
    spec: CriterionSpec,
    where: str,
) -> dict[str, Any]:
    """Return the verdict or failure in a row's reply, in terms of the systems as the row names them.

    Raises:
        SpecError: The row has a verdict too, the format does not fit the criterion, or the row of a
            comparison does not say which system was shown first.
    """
    columns = [name for name in ("value", "winner", "p_a") if row[name] is not None]
    if columns:
        raise SpecError(
            f"a row has a verdict, and the card says to read its judge's replies ({place(row)})",
            where=where,
            value=columns,
            fix="leave the column or `reply_format` out",
        )
    if spec.kind not in find_reply_format(reply_format.name).kinds:
        raise SpecError(
            f"the format {reply_format.name} cannot answer a {spec.kind} criterion ({place(row)})",
            where=where,
        )
    if spec.kind is Kind.PAIRWISE and row["shown"] is None:
        raise SpecError(
            f"a reply's letters name what was shown first, and the row does not say ({place(row)})",
            where=where,
            fix="return the column shown, 'ab' or 'ba'",
        )
    if row["failure"] is not None:
        return {"failure": row["failure"]}
    if row["raw_text"] is None:
        return unparsed_verdict(judge, spec, row, FailureKind.PARSE, "no reply is recorded", where)
    reading = parse_reply(row["raw_text"], _form(row, judge, reply_format, spec, where))
    return _as_fields(reading, row, judge, spec, where)


def _form(
    row: Mapping[str, Any],
    judge: RecordedJudge,
    reply_format: ReplyFormatUse,
    spec: CriterionSpec,
    where: str,
) -> ReplySpec:
    return ReplySpec(
        format=reply_format.name,
        limits=judge.range or bounds(spec),
        labels=_labels(row, judge, reply_format, spec, where),
        criterion=row["criterion"],
        key=reply_format.key,
        rule=VerdictRule(reply_format.rule) if reply_format.rule else None,
        think=tuple(spec.tags for spec in judge.think),
    )


def _labels(
    row: Mapping[str, Any],
    judge: RecordedJudge,
    reply_format: ReplyFormatUse,
    spec: CriterionSpec,
    where: str,
) -> Mapping[str, Verdict]:
    """Return the verdict of each label of a reply: the card's letters, else the criterion's own labels."""
    verdicts: dict[str, Verdict]
    if spec.kind is Kind.PAIRWISE:
        verdicts = {str(side): side for side in Winner if side in (spec.levels or ())}
        defaults: Mapping[str, Verdict] = {
            label: side for label, side in _SIDES.items() if str(side) in verdicts
        }
    else:
        levels = spec.scale.levels if spec.scale else ()
        # If a judge has a range of its own, its numbers are not those of the labels.
        levels = tuple(level for level in levels if judge.range is None or number_in(level.name) is None)
        defaults = verdicts = {level.name: _verdict_of(level) for level in levels}
    limits = judge.range or (None if verdicts else bounds(spec))
    labels = dict(defaults) if not reply_format.letters else {}
    for letter, value in reply_format.letters.items():
        if str(value) in verdicts:
            labels[letter] = verdicts[str(value)]
        elif limits and not isinstance(value, str) and limits[0] <= value <= limits[1]:
            labels[letter] = float(value)
        else:
            raise SpecError(
                f"the letter {letter} has a meaning that the criterion {row['criterion']} does not allow",
                where=f"{where.rpartition(':')[0]}:judges.{row['judge']}.reply_format.letters",
                value=value,
                allowed=verdicts or "a number from {:g} to {:g}".format(*limits or (0, 0)),
            )
    return labels


def _verdict_of(level: Level) -> float | FailureKind:
    return FailureKind.NOT_APPLICABLE if level.value is None else level.value


def _as_fields(
    reading: ParsedReply, row: Mapping[str, Any], judge: RecordedJudge, spec: CriterionSpec, where: str
) -> dict[str, Any]:
    rationale = {"rationale": reading.thinking} if reading.thinking else {}
    if reading.failure is None:
        winner = reading.winner.swapped() if reading.winner and row["shown"] is Order.BA else reading.winner
        if winner is not None and winner not in (spec.levels or ()):
            detail = f"the reply says {winner}, which the criterion does not allow"
            return {**rationale, "failure": FailureKind.OFF_SCALE, "detail": detail}
        return {**rationale, "winner": winner, "value": reading.value}
    return {**rationale, **unparsed_verdict(judge, spec, row, reading.failure, reading.reason, where)}
