"""What lies behind a sample: all judges, prompts as sent, raw outputs, labels, metrics, other responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from context import Context
from parts.sections import show_table
from parts.text import Span, passage, plain
from parts.units import Unit, unit_of

from evalhub.analysis import VerdictFilter, judgment_prompt, verdict_list
from evalhub.records import CUT
from evalhub.report.grids.verdicts import first_shown, orders_of, verdict_of
from evalhub.texts import count, number

Row = dict[str, Any]
_FURTHER_AT_MOST = 20
_VERDICTS_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample with all its records.

    Attributes:
        details: Of `sample_details`.
        judgments: Of the judge whose verdict is shown.
    """

    context: Context
    unit: Unit
    details: Row
    judgments: list[Row]

    @property
    def judged_responses(self) -> list[Row]:
        """The responses of the sample, in the order of its systems."""
        responses = {(row["system"], row["sample"]): row for row in self.details["responses"]}
        keys = [(system, self.unit.sample) for system in self.unit.systems]
        return [responses[key] for key in keys if key in responses]

    @property
    def further_responses(self) -> list[Row]:
        """The responses of the item that the sample is not about."""
        return [row for row in self.details["responses"] if row not in self.judged_responses]

    @property
    def references(self) -> list[str]:
        """All reference answers of the item."""
        return [text for turn in self.details["item"]["refs"] for text in turn]


def verdicts_of(context: Context, unit: Unit) -> list[Row]:
    """Return the verdict of each judge and criterion on a sample."""
    selection = VerdictFilter(dataset=context.dataset, item_id=unit.item_id)
    rows, _ = verdict_list(context.results, selection, order="item", size=_VERDICTS_AT_MOST)
    return [row for row in rows if unit_of(row) == unit.name]


def show_response(response: Row, key: str, spans: list[Span]) -> None:
    """Show a response with its length and what went wrong with it."""
    facts = [
        f"{count(response['chars'])} characters" if response["chars"] is not None else "",
        f"{count(response['completion_tokens'])} tokens" if response["completion_tokens"] else "",
        "cut at the token limit" if response["finish_reason"] == CUT else "",
        f"failed: {response['failure']}" if response["failure"] else "",
    ]
    text = (response["failure"] and response["detail"]) or response["text"]
    passage(text, response["system"], key=key, note=" · ".join(filter(None, facts)), lines=18, spans=spans)
    if response["reasoning"]:
        passage(response["reasoning"], "Think text, not shown to the judge", key=f"{key} think", lines=6)


def show_more(sample: Sample) -> None:
    """Show what lies behind a sample, each part only when it is opened."""
    contents: dict[str, tuple[int, Callable[[Sample], None]]] = {
        "Criteria": (len(_answers_by_criterion(sample)), _show_criteria),
        "Labels": (len(sample.details["labels"]), _show_labels),
        "Raw output": (len(sample.judgments), _show_raw),
        "Judges": (len(sample.details["judgments"]), _show_judges),
        "Prompt as sent": (len(sample.judgments), _show_prompt),
        "Metrics": (len(sample.details["scores"]), _show_scores),
        "References": (len(sample.references), _show_references),
        "Other responses": (len(sample.further_responses), _show_further),
    }
    names = [name for name, (n, _) in contents.items() if n]
    if not names:
        return
    for name, tab in zip(names, st.tabs(names, on_change="rerun", key="more"), strict=True):
        if tab.open:
            with tab:
                contents[name][1](sample)


def _show_judges(sample: Sample) -> None:
    rows = [
        {
            "judge": row["judge"],
            "criterion": row["criterion"],
            "verdict": verdict_of(row),
            "orders": orders_of(row),
        }
        for row in verdicts_of(sample.context, sample.unit)
    ]
    show_table(rows, alt="The verdict of each judge on this sample")


def _answers_by_criterion(sample: Sample) -> dict[str, list[Row]]:
    """Return the judgments on each criterion of the item by the judge whose verdict is shown."""
    judges = {judgment["judge"] for judgment in sample.judgments}
    answers: dict[str, list[Row]] = {}
    for judgment in sample.details["judgments"]:
        if judgment["item_criterion"] is not None and judgment["judge"] in judges:
            answers.setdefault(judgment["item_criterion"], []).append(judgment)
    return answers


def _show_criteria(sample: Sample) -> None:
    answers = _answers_by_criterion(sample)
    rows = []
    for criterion in sample.details["item"]["criteria"]:
        judgments = answers.get(criterion["id"], [])
        met = [judgment["value"] for judgment in judgments if judgment["value"] is not None]
        expected = [judgment["expected"] for judgment in judgments if judgment["expected"] is not None]
        rows.append({
            "criterion": criterion["id"],
            "points": f"{criterion['points']:+g}",
            "met": number(sum(met) / len(met)) if met else "–",
            "probability": number(sum(expected) / len(expected)) if expected else "–",
            "tags": ", ".join(criterion["tags"]),
            "text": criterion["text"],
        })  # fmt: skip
    show_table(rows, alt="The judge's answer on each criterion of the item")


def _show_prompt(sample: Sample) -> None:
    names = [
        first_shown(judgment) or f"judgment {place}" for place, judgment in enumerate(sample.judgments, 1)
    ]
    names = list(dict.fromkeys(names))
    picked = names[0]
    if len(names) > 1:
        picked = st.segmented_control("Order", names, default=names[0], required=True, key="prompt order")
    messages = judgment_prompt(sample.context.results, sample.judgments[names.index(picked)])
    if not messages:
        st.caption("This judgment was recorded elsewhere. Its prompt is not at hand.")
    for place, message in enumerate(messages):
        passage(message["content"], message["role"], key=f"message {place}", exact=True, lines=24)


def _show_raw(sample: Sample) -> None:
    for place, judgment in enumerate(sample.judgments):
        label = " · ".join(filter(None, ("Raw output", first_shown(judgment))))
        passage(judgment["raw_text"], label, key=f"raw {place}", exact=True)
        mass = judgment["choice_mass"]
        facts = {
            **{name: judgment[name] for name in ("model", "rubric", "mode")},
            "answered within the allowed words": None if mass is None else number(mass),
        }
        st.caption(plain(" · ".join(f"{name} {value}" for name, value in facts.items() if value)))


def _show_labels(sample: Sample) -> None:
    rows = [
        {
            "criterion": " · ".join(filter(None, (label["criterion"], label["item_criterion"]))),
            "label": number(label["value"])
            if label["winner"] is None
            else label.get(f"system_{label['winner']}") or "tie",
            "annotator": label["annotator"],
            "kind": label["annotator_kind"],
        }
        for label in sample.details["labels"]
    ]
    show_table(rows, alt="Labels of this sample")


def _show_scores(sample: Sample) -> None:
    names = dict.fromkeys(_score_name(score) for score in sample.details["scores"])
    lines: dict[tuple[str, int], Row] = {}
    for score in sample.details["scores"]:
        line = lines.setdefault((score["system"], score["sample"]), dict.fromkeys(names, "–"))
        if score["value"] is not None:
            line[_score_name(score)] = number(score["value"])
    rows = [
        {"system": f"{system} · sample {place}" if place else system, **line}
        for (system, place), line in lines.items()
    ]
    show_table(rows, alt="Metrics of each response")


def _score_name(score: Row) -> str:
    return " · ".join(filter(None, (score["metric"], score["criterion"])))


def _show_references(sample: Sample) -> None:
    for place, text in enumerate(sample.references, 1):
        passage(text, f"Reference {place}", key=f"reference {place}", lines=8)


def _show_further(sample: Sample) -> None:
    responses = sample.further_responses
    for place, response in enumerate(responses[:_FURTHER_AT_MOST]):
        show_response(response, f"further {place}", [])
    if len(responses) > _FURTHER_AT_MOST:
        st.caption(f"{count(len(responses) - _FURTHER_AT_MOST)} more are not shown.")
