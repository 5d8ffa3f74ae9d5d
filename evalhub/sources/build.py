"""The rows of a card's SELECTs as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import (
    FailureKind,
    Item,
    Judgment,
    Label,
    Record,
    Response,
    Score,
    Source,
    digest,
    join_reasoning,
    split_thinking,
)
from evalhub.scales import Kind
from evalhub.sources.columns import place
from evalhub.sources.replies import read_reply
from evalhub.sources.verdicts import criterion_of, recorded_verdict, sides, value_of, winner_of
from evalhub.specs import Card, CombineOrders
from evalhub.texts import is_blank, without_blanks

Row = Mapping[str, Any]
ANNOTATOR = "annotator"
STILL_THINKS = "the recorded answer ends while it still thinks"


def _turns(row: Row, column: str, where: str) -> tuple[str, ...]:
    """Return the turns of a row that has one text or several turns. Empty if it has neither."""
    if row[column] is not None and row["turns"]:
        raise SpecError(f"a row has both {column} and turns ({place(row)})", where=where)
    if row[column] is not None:
        return (row[column],)
    return tuple(row["turns"] or ())


def build_item(card: Card, row: Row, where: str) -> Item:
    """Return the item of a row. Blank texts count as absent."""
    turns, messages = _turns(row, "prompt", where), _messages(card, row, where)
    if turns and messages:
        raise SpecError(f"a row has messages beside a prompt or turns ({place(row)})", where=where)
    if messages:
        turns = (messages[-1][1],)
    if all(map(is_blank, turns)):
        turns = ()
    elif any(map(is_blank, turns)):
        raise SpecError(f"a turn is blank beside others that are not ({place(row)})", where=where)
    return Item(
        dataset=card.id,
        item_id=row["item_id"],
        turns=turns,
        refs=_references(row, len(turns) or 1, where),
        context=without_blanks(row["context"] or ()),
        tags=without_blanks(row["tags"] or ()),
        lang=None if is_blank(row["lang"] or "") else row["lang"],
        cluster=row["cluster"] or row["item_id"],
        split=row["split"],
        messages=messages,
        criteria=row["criteria"] or (),
    )


def _messages(card: Card, row: Row, where: str) -> tuple[tuple[str, str], ...]:
    """Return the chat history of a row, without the think text of the assistant's turns."""
    tags = tuple(spec.tags for spec in card.think)
    messages = []
    for role, text in row["messages"] or ():
        answer = split_thinking(text, tags).answer if role == "assistant" else text
        if answer is None:
            raise SpecError(
                f"the think text of an assistant's message has no end ({place(row)})",
                where=where,
                fix="think: none keeps it as it is",
            )
        messages.append((role, answer))
    return tuple(messages)


def _references(row: Row, turns: int, where: str) -> tuple[tuple[str, ...], ...]:
    """Return the references of each turn that are not blank. Empty if no turn has any."""
    refs: tuple[Any, ...] = row["refs"] or ()
    lists = [texts for texts in refs if not isinstance(texts, str)]
    alternatives = tuple(map(without_blanks, lists or (refs,)))
    if not any(alternatives):
        return ()
    if not lists and turns > 1:
        raise SpecError(
            f"refs of an item with several turns is a list of lists, one for each turn ({place(row)})",
            where=where,
        )
    if len(alternatives) != turns:
        raise SpecError(f"refs has {len(alternatives)} lists for {turns} turns ({place(row)})", where=where)
    return alternatives


def build_response(card: Card, row: Row, where: str) -> Response:
    """Return the recorded response of a row, with its think text split off.

    A text that ends within think text is truncated. An empty answer is an answer. A blank text of a reference
    system is an absent reference.
    """
    texts = _turns(row, "text", where)
    if not texts and row["chars"] is None:
        raise SpecError(f"a response has neither text, turns nor chars ({place(row)})", where=where)
    tags = tuple(spec.tags for spec in card.think)
    thoughts = [split_thinking(text, tags) for text in texts]
    turns = tuple(thought.answer for thought in thoughts if thought.answer is not None)
    is_cut = len(turns) < len(texts)
    if turns and not is_cut and row["system"] in card.reference_systems and is_blank(turns[-1]):
        return _absent_response(card, row)
    text = None if is_cut or not turns else turns[-1]
    return Response(
        dataset=card.id,
        item_id=row["item_id"],
        system=row["system"],
        sample=row["sample"] or 0,
        text=text,
        turns=turns if len(turns) > 1 and not is_cut else (),
        reasoning=join_reasoning(thought.reasoning for thought in thoughts),
        chars=None if is_cut else _chars(row["chars"], texts, turns),
        families=row["family"] or ("unknown",),
        source=Source.RECORDED,
        finish_reason=row["finish_reason"],
        sha256=None if text is None else digest(text),
        failure=FailureKind.TRUNCATED if is_cut else None,
        detail=STILL_THINKS if is_cut else None,
    )


def _absent_response(card: Card, row: Row) -> Response:
    """Return a response without a text."""
    return Response(
        dataset=card.id,
        item_id=row["item_id"],
        system=row["system"],
        sample=row["sample"] or 0,
        families=row["family"] or ("unknown",),
    )


def _chars(chars: int | None, texts: tuple[str, ...], turns: tuple[str, ...]) -> int:
    """Return the length of the answers. A recorded length that includes think text is counted again."""
    length = sum(map(len, texts))
    return chars if chars is not None and (turns == texts or chars != length) else sum(map(len, turns))


def build_label(card: Card, row: Row, where: str) -> Label:
    """Return the label of a row, its pair in bytewise order."""
    spec = criterion_of(card, row, where)
    systems, is_swapped = sides(row, spec, where)
    pairwise = spec.kind is Kind.PAIRWISE
    winner = winner_of(row, spec, where) if pairwise else None
    value = None if pairwise else value_of(row, spec, where)
    shown = row["shown"]
    return Label(
        dataset=card.id,
        item_id=row["item_id"],
        criterion=row["criterion"],
        annotator=row["annotator"] or ANNOTATOR,
        annotator_kind=row["annotator_kind"],
        **systems,
        sample=row["sample"] or 0,
        winner=winner.swapped() if winner and is_swapped else winner,
        value=value,
        shown=shown.swapped() if shown and is_swapped else shown,
        probability=row["probability"],
        uniform=row["uniform"],
        turn=row["turn"],
        not_applicable=winner is None and value is None,
        item_criterion=row["item_criterion"],
    )


def build_judgment(card: Card, row: Row, where: str) -> Judgment:
    """Return the judgment of a recorded judge, its pair in bytewise order."""
    if card.judges and row["judge"] not in card.judges:
        raise UnknownNameError("judge", row["judge"], card.judges, where=where)
    spec = criterion_of(card, row, where)
    systems, is_swapped = sides(row, spec, where)
    judge = card.judges.get(row["judge"])
    if judge and judge.reply_format:
        verdict = read_reply(row, judge, judge.reply_format, spec, where)
    else:
        verdict = recorded_verdict(row, card, spec, where)
    shown = row["shown"]
    if is_swapped:
        shown = shown.swapped() if shown else None
        if verdict.get("winner") is not None:
            verdict["winner"] = verdict["winner"].swapped()
        if verdict.get("p_a") is not None:
            verdict["p_a"] = 1 - verdict["p_a"]
    if judge and judge.combine_orders is CombineOrders.AGREE and spec.kind is Kind.PAIRWISE and shown is None:
        raise SpecError(
            f"combine_orders: agree needs to know which system was shown first ({place(row)})",
            where=where,
            fix="return the column shown, 'ab' or 'ba'",
        )
    return Judgment(
        dataset=card.id,
        judge=row["judge"],
        criterion=row["criterion"],
        item_id=row["item_id"],
        **systems,
        **verdict,
        sample=row["sample"] or 0,
        shown=shown,
        repeat=row["repeat"] or 0,
        raw_text=row["raw_text"],
        source=Source.RECORDED,
        turn=row["turn"],
        item_criterion=row["item_criterion"],
    )


def build_score(card: Card, row: Row, where: str) -> Score:
    """Return the recorded score of a row. Its criterion, if any, is one of the card's."""
    if row["criterion"] is not None:
        criterion_of(card, row, where)
    if card.metrics and row["metric"] not in card.metrics:
        raise UnknownNameError("metric", row["metric"], card.metrics, where=where)
    return Score(
        dataset=card.id,
        item_id=row["item_id"],
        system=row["system"],
        metric=row["metric"],
        sample=row["sample"] or 0,
        criterion=row["criterion"],
        value=row["value"],
        reason="recorded without a value" if row["value"] is None else None,
        source=Source.RECORDED,
    )


BUILDERS: Mapping[str, Callable[[Card, Row, str], Record]] = {
    "items": build_item,
    "responses": build_response,
    "labels": build_label,
    "judgments": build_judgment,
    "scores": build_score,
}


def build(card: Card, kind: str, rows: Iterable[Row], where: str) -> list[Any]:
    """Return the records of a kind's rows, in the rows' order."""
    make = BUILDERS[kind]
    return [make(card, row, where) for row in rows]
