"""One item in full, down to one verdict: what was asked, shown, sent and said."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
from drawing import chances
from loading import Selection, plain

from evalhub.analysis import item_details, rows_of
from evalhub.records import CUT
from evalhub.texts import count

selection: Selection = st.session_state["selection"]

Row = dict[str, Any]


def block(text: str | None, *, exact: bool = False) -> None:
    """Show a text of a model or dataset as it is: nothing in it is read as markup.

    Args:
        text: What is shown.
        exact: Whether every space counts, as in a prompt.
    """
    if not text:
        st.caption("empty" if text == "" else "none")
    elif exact:
        st.code(text, language=None, wrap_lines=True)
    else:
        with st.container(border=True):
            st.text(text)


def item_of() -> str | None:
    items = selection.rows("item_list")
    if items.empty:
        st.info("There are no items yet. The run has just begun: read it again in a moment.")
        return None
    names = list(items["item_id"])
    linked = st.query_params.get("item")
    item: str | None = st.selectbox("Item", names, key="item", bind="query-params")
    if linked and linked not in names:
        st.warning("The link names an item that this run does not have. The first one is shown instead.")
    with st.expander(f"All {count(len(names))} items"):
        st.dataframe(items.drop(columns="dataset").head(1000), hide_index=True, alt="Items of the dataset")
    return item


def show_prompt(item: Row) -> None:
    history = list(item["messages"])
    for role, text in history:
        st.markdown(f"**{role.capitalize()}**")
        block(text)
    for number, turn in enumerate(() if history else item["turns"], 1):
        st.markdown("**Prompt**" if len(item["turns"]) == 1 else f"**Prompt, turn {number}**")
        block(turn)
    for context in item["context"]:
        st.markdown("**Context**")
        block(context)
    references = [text for turn in item["refs"] for text in turn]
    if references:
        with st.expander(f"{len(references)} reference{'s' if len(references) > 1 else ''}"):
            for text in references:
                block(text)
    facts = [("tags", ", ".join(item["tags"])), ("language", item["lang"]), ("cluster", item["cluster"])]
    st.caption(" · ".join(f"{name} {plain(value)}" for name, value in facts if value))


def pair_name(judgment: Row) -> str:
    systems = [judgment[name] for name in ("system", "system_a", "system_b") if judgment[name]]
    sample_name = f" · sample {judgment['sample']}" if judgment["sample"] else ""
    return " / ".join(systems) + sample_name


def order_name(judgment: Row) -> str:
    first = {"ab": "system_a", "ba": "system_b"}.get(judgment["shown"] or "")
    name = f"{judgment[first]} first" if first else "one"
    numbers = [f"{number} {judgment[number]}" for number in ("row", "repeat") if judgment[number]]
    return " · ".join([name, *numbers])


def judgment_of(judgments: list[Row]) -> Row | None:
    """Let the reader choose a judgment: judge, criterion, responses, order."""
    steps: dict[str, tuple[str, Callable[[Row], str]]] = {
        "judge": ("Judge", lambda judgment: judgment["judge"]),
        "criterion": ("Criterion", lambda judgment: judgment["criterion"]),
        "responses": ("Responses", pair_name),
        "shown": ("Order shown", order_name),
    }
    columns = st.columns(len(steps))
    for (key, (label, name)), column in zip(steps.items(), columns, strict=True):
        names = list(dict.fromkeys(name(judgment) for judgment in judgments))
        picked = column.selectbox(label, names, key=key, bind="query-params", disabled=len(names) == 1)
        choice = picked if picked in names else names[0]
        judgments = [judgment for judgment in judgments if name(judgment) == choice]
    return judgments[0] if judgments else None


def responses_shown(responses: list[Row], judgment: Row | None) -> None:
    """Show the responses, those of the judgment first and in its order."""
    order: list[str] = []
    if judgment:
        order = [judgment[name] for name in ("system", "system_a", "system_b") if judgment[name]]
        order = order[::-1] if judgment["shown"] == "ba" else order
    judged = [response for name in order for response in responses if response["system"] == name]
    if judgment:
        judged = [response for response in judged if response["sample"] == judgment["sample"]]
    for place, (response, column) in enumerate(zip(judged, st.columns(max(len(judged), 1)), strict=False)):
        letter = f"Shown as {'AB'[place]}" if len(judged) == 2 else "Rated"
        with column:
            show_response(response, letter)
    further = [response for response in responses if response not in judged]
    if further:
        with st.expander(f"{len(further)} other response{'s' if len(further) > 1 else ''}"):
            for response in further:
                show_response(response, "")


def show_response(response: Row, letter: str) -> None:
    sampled = f" · sample {response['sample']}" if response["sample"] else ""
    cut = " · cut at the token limit" if response["finish_reason"] == CUT else ""
    st.markdown(f"**{letter + ' · ' if letter else ''}{plain(response['system'])}**{sampled}{cut}")
    for turn in response["turns"][:-1]:
        block(turn)
    if response["failure"]:
        st.badge(f"failed: {response['failure']}", color="orange")
        block(response["detail"])
    block(response["text"])
    if response["reasoning"]:
        with st.expander("Think text, not shown to the judge"):
            block(response["reasoning"])
    tokens = f" · {count(response['completion_tokens'])} tokens" if response["completion_tokens"] else ""
    chars = f"{count(response['chars'])} characters" if response["chars"] is not None else "length unknown"
    families = plain(", ".join(response["families"]))
    st.caption(f"{response['source']} · {chars}{tokens} · family {families}")


def verdict(judgment: Row) -> None:
    st.subheader("Verdict", anchor=False)
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        if judgment["failure"]:
            st.badge(f"no verdict: {judgment['failure']}", color="orange")
            block(judgment["detail"])
        elif judgment["winner"]:
            winner = {"a": judgment["system_a"], "b": judgment["system_b"]}.get(judgment["winner"], "a tie")
            st.metric("Winner in this order", winner)
        else:
            st.metric("Rating", f"{judgment['value']:g}")
        facts = {
            "probability that a wins": judgment["p_a"],
            "expected level": judgment["expected"],
            "choice mass": judgment["choice_mass"],
        }
        numbers = [f"{name} {value:.4f}" for name, value in facts.items() if value is not None]
        if numbers:
            st.caption(" · ".join(numbers))
        both_orders(judgment)
        st.caption("Raw output")
        block(judgment["raw_text"], exact=True)
    with right:
        if judgment["logprobs"]:
            st.altair_chart(chances(probabilities(judgment)), alt="Probability of each verdict")
        else:
            st.caption("No probabilities were recorded.")
    if judgment["rationale"]:
        st.markdown("**Rationale**" + (" (cut at the cap)" if judgment["rationale_cut"] else ""))
        block(judgment["rationale"])


def both_orders(judgment: Row) -> None:
    """Show the pair's verdict with both orders combined."""
    if not judgment["system_a"]:
        return
    rows = selection.rows("pair_verdicts")
    for name in ("judge", "criterion", "item_id", "system_a", "system_b", "sample"):
        rows = rows[rows[name] == judgment[name]]
    for row in rows_of(rows):
        winner = {"a": row["system_a"], "b": row["system_b"], "tie": "a tie"}.get(row["winner"], "no verdict")
        chance = "" if row["p_a"] is None else f" (probability that a wins {row['p_a']:.4f})"
        st.caption(f"{'Both orders' if row['askings'] > 1 else 'The pair'} together: {plain(winner)}{chance}")


def probabilities(judgment: Row) -> pd.DataFrame:
    names = (
        {"a": judgment["system_a"], "b": judgment["system_b"], "tie": "tie"} if judgment["system_a"] else {}
    )
    rows = [
        {"verdict": names.get(label, label), "probability": math.exp(value)}
        for label, value in judgment["logprobs"].items()
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["verdict", "probability"])


def prompt(judgment: Row) -> None:
    with st.expander("The judge's prompt, as sent", expanded=False):
        if not judgment["prompt"]:
            st.caption("This judgment was recorded elsewhere. Its prompt is not known.")
        for message in judgment["prompt"]:
            st.markdown(f"**{plain(message['role'])}**")
            block(message["content"], exact=True)
        names = ("model", "rubric", "rubric_hash", "mode")
        st.caption(" · ".join(f"{name} {plain(judgment[name])}" for name in names if judgment[name]))


def label_verdict(label: Row) -> Any:
    """Return the value of a rating, or the system that won."""
    if label["winner"] is None:
        return label["value"]
    return label.get(f"system_{label['winner']}") or "tie"


def labels(rows: list[Row]) -> None:
    st.subheader("Labels", anchor=False)
    shown = [
        {
            "criterion": label["criterion"],
            "of": pair_name(label),
            "says": label_verdict(label),
            "annotator": label["annotator"],
            "kind": label["annotator_kind"],
        }
        for label in rows
    ]
    if shown:
        frame = pd.DataFrame(shown).astype({"says": str})
        st.dataframe(frame, hide_index=True, alt="Labels of this item")
    else:
        st.caption("This item has no labels.")


def scores(rows: list[Row]) -> None:
    st.subheader("Metrics", anchor=False)
    if not rows:
        st.caption("No metric was computed.")
        return
    wide: dict[str, Row] = {}
    for score in rows:
        name = " · ".join(part for part in (score["metric"], score["criterion"]) if part)
        wide.setdefault(pair_name({**score, "system_a": None, "system_b": None}), {})[name] = score["value"]
    frame = pd.DataFrame.from_dict(wide, orient="index").rename_axis("system").reset_index()
    numbers = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(
        frame,
        hide_index=True,
        column_config=dict.fromkeys(frame.columns[1:], numbers),
        alt="Metrics of each response",
    )
    with st.expander("Signatures"):
        for signature in dict.fromkeys(score["signature"] for score in rows):
            st.text(signature or "recorded with the dataset")
    for reason in dict.fromkeys(score["reason"] for score in rows if score["reason"]):
        st.caption(f"– {plain(reason)}")


st.title("Samples", anchor=False)
item_id = item_of()
if item_id is not None:
    details = item_details(selection.results, selection.dataset, item_id)
    show_prompt(details["item"])
    judgment = None
    if details["judgments"]:
        st.subheader("One judgment", anchor=False)
        judgment = judgment_of(details["judgments"])
    else:
        st.info("No judge has said anything about this item.")
    responses_shown(details["responses"], judgment)
    if judgment:
        verdict(judgment)
        prompt(judgment)
        parameters = selection.link(
            item=item_id,
            judge=judgment["judge"],
            criterion=judgment["criterion"],
            responses=pair_name(judgment),
            shown=order_name(judgment),
        )
        st.page_link(
            "views/samples.py", label="Link to this judgment", icon=":material/link:", query_params=parameters
        )
    left, right = st.columns(2)
    with left:
        labels(details["labels"])
    with right:
        scores(details["scores"])
