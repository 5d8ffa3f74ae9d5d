"""One sample in full: the verdict that counts, what people say, both responses, and what the judge wrote."""

from __future__ import annotations

from typing import Any

import streamlit as st
from context import Context
from parts.choices import drop, put_into_address
from parts.filters import judges_of_unit
from parts.sample_more import Sample, show_more, show_response, verdicts_of
from parts.text import differences, hits_in, passage, plain, quotes_in
from parts.units import Unit, unit_of

from evalhub.analysis import sample_details
from evalhub.errors import UnknownNameError
from evalhub.report.grids.verdicts import first_shown, judge_of, label_of, orders_of, verdict_of
from evalhub.texts import number

Row = dict[str, Any]


def show_sample(context: Context, unit: Unit, judge: str | None, rows: list[Row]) -> None:
    """Show a sample, with the verdict of one judge first.

    Args:
        context: What the page is about.
        unit: The sample.
        judge: `JUDGE · CRITERION`, by default the first.
        rows: The verdicts of the list, of which the sample's is probably one.
    """
    st.subheader(plain(f"{unit.item_id} · {' against '.join(unit.systems)}"), anchor=False)
    name = _choose(judges_of_unit(context, unit), unit, judge)
    try:
        details = sample_details(
            context.results, context.dataset, unit.item_id, unit.systems, unit.sample,
            judge=name.partition(" · ")[0] if name else None,
        )  # fmt: skip
    except UnknownNameError:
        drop(f"Sample “{unit.item_id}” is not in this dataset")
        st.session_state["unit"] = None
        return
    st.session_state["of"] = name
    put_into_address("unit", unit.name)
    put_into_address("of", name)
    verdict = _verdict(context, unit, name, rows)
    if verdict is None:
        st.caption("This judge has no verdict on this sample.")
    sample = Sample(context, unit, details, _judgments_of(details["judgments"], verdict))
    if verdict:
        _show_answers(verdict, details["scores"])
    _show_texts(sample)
    _show_rationales(sample.judgments)
    show_more(sample)


def _choose(judges: list[str], unit: Unit, judge: str | None) -> str | None:
    """Let the reader choose whose verdict is shown."""
    if len(judges) < 2:
        return judges[0] if judges else None
    place = judges.index(judge) if judge in judges else 0
    # The key changes with the verdict that the list opens, so that the box follows the list.
    key = f"judge {unit.name} {judge}"
    return str(st.selectbox("Judge", judges, index=place, label_visibility="collapsed", key=key))


def _verdict(context: Context, unit: Unit, name: str | None, rows: list[Row]) -> Row | None:
    """Return the verdict of a judge on a sample: of the list, or else of the run."""
    for row in rows:
        if (unit_of(row), judge_of(row)) == (unit.name, name):
            return row
    return next((row for row in verdicts_of(context, unit) if judge_of(row) == name), None)


def _judgments_of(judgments: list[Row], verdict: Row | None) -> list[Row]:
    if verdict is None:
        return []
    return [
        judgment
        for judgment in judgments
        if (judgment["judge"], judgment["criterion"]) == (verdict["judge"], verdict["criterion"])
    ]


def _show_answers(verdict: Row, scores: list[Row]) -> None:
    """Show who wins by the judge, by the labels and by the first ROUGE, beside each other."""
    answers = {
        "Verdict": "no verdict" if verdict["failed"] else verdict_of(verdict),
        "Labels": label_of(verdict) or "–",
        **_rouge_answer(verdict, scores),
    }
    for column, (name, answer) in zip(st.columns(len(answers)), answers.items(), strict=True):
        column.caption(plain(name))
        column.markdown(f"#### {plain(answer)}")
    if sentence := orders_of(verdict):
        st.caption(plain(sentence))


def _rouge_answer(verdict: Row, scores: list[Row]) -> dict[str, str]:
    names = [score["metric"] for score in scores if score["metric"].lower().startswith("rouge")]
    metric = "rougeL" if "rougeL" in names else next(iter(names), "")
    values = {
        score["system"]: score["value"]
        for score in scores
        if (score["metric"], score["sample"]) == (metric, verdict["sample"]) and score["value"] is not None
    }
    systems = [verdict[name] for name in ("system", "system_a", "system_b") if verdict[name]]
    if any(system not in values for system in systems):
        return {}
    if len(systems) == 1:
        return {metric: number(values[systems[0]])}
    first, second = (values[system] for system in systems)
    return {metric: "tie" if first == second else systems[first < second]}


def _show_texts(sample: Sample) -> None:
    item, query = sample.details["item"], st.session_state.get("q") or ""
    turns = [(role.capitalize(), text) for role, text in item["messages"]]
    turns = turns or [(f"Prompt, turn {place}", text) for place, text in enumerate(item["turns"], 1)]
    if len(turns) == 1:
        turns = [("Prompt", turns[0][1])]
    turns += [("Context", text) for text in item["context"]]
    for place, (name, text) in enumerate(turns):
        passage(text, name, key=f"turn {place}", lines=8, spans=hits_in(text, query))
    shown = sample.judged_responses
    marks = len(shown) == 2 and st.toggle("Mark the words that differ", key="differences")
    rationale = "\n".join(judgment["rationale"] or "" for judgment in sample.judgments)
    for place, (response, column) in enumerate(zip(shown, st.columns(max(len(shown), 1)), strict=False)):
        text = response["text"]
        spans = quotes_in(text, rationale) + hits_in(text, query)
        if marks:
            spans = differences(text, shown[1 - place]["text"])
        with column:
            show_response(response, f"response {place}", spans)


def _show_rationales(judgments: list[Row]) -> None:
    for place, judgment in enumerate(judgments):
        if judgment["failure"]:
            detail = judgment["detail"] or judgment["raw_text"]
            passage(detail, f"No verdict: {judgment['failure']}", key=f"failure {place}", lines=6)
        if judgment["rationale"]:
            note = "cut at the cap" if judgment["rationale_cut"] else ""
            label = " · ".join(filter(None, ("Rationale", first_shown(judgment))))
            passage(judgment["rationale"], label, key=f"rationale {place}", note=note, lines=8)
