"""The rubrics, datasets and suite of a run: what was asked, of what, and how."""

import streamlit as st
import yaml
from context import Context
from parts.choices import choice
from parts.sections import show_table
from parts.text import passage, plain

from evalhub.texts import count

context: Context = st.session_state["context"]


def show_judge() -> None:
    """Show a judge's rubric, and how far it was trusted on each dataset of the run."""
    judges = list(context.run.manifest.judges)
    if not judges:
        st.info("The run executed no judge. Its verdicts were recorded with the datasets.")
        return
    name = str(choice("Judge", judges, key="judged", width=340))
    facts, rubric = context.run.manifest.judges[name], context.results.rubric(name)
    uses = {
        "rubric": facts.rubric, "protocol": facts.protocol, "model": facts.model, "mode": facts.mode.value,
        "positions": facts.positions.value if facts.positions else "no order",
        "families": ", ".join(facts.families),
    }  # fmt: skip
    show_table([{"field": key, "value": value} for key, value in uses.items()], alt=f"How {name} judges")
    if rubric is None:
        return
    criteria = [
        {
            "criterion": criterion,
            "scale": ", ".join(f"{value:g}" for value in scale.values)
            if (scale := rubric.scale_for(criterion))
            else "a, tie, b",
            "better": "higher" if rubric.higher_is_better(criterion) else "lower",
            "meaning": str(rubric.criteria[criterion]) if isinstance(rubric.criteria, dict) else "",
        }
        for criterion in rubric.criteria
    ]
    show_table(criteria, alt=f"Criteria of {facts.rubric}")
    passage(rubric.system, "System", key="rubric system", exact=True)
    passage(rubric.user, "User", key="rubric user", exact=True)
    if context.has_tables:
        rows = [row for row in context.table("judge_summary") if row["judge"] == name and row["trust"]]
        if rows:
            st.markdown("**Measured trust**")
            show_table(
                [
                    {"dataset": row["dataset"], "labels": row["label_criterion"], "trust": row["trust"]}
                    for row in rows
                ],
                alt=f"How far {name} is trusted on each dataset",
            )


def show_datasets() -> None:
    """Show the cards of the run's datasets."""
    for name, card in context.run.manifest.cards.items():
        st.markdown(f"**{plain(card.title or name)}**")
        facts = {"id": name, "licence": card.licence, "source": card.source, "note": card.note}
        show_table(
            [{"field": key, "value": value} for key, value in facts.items() if value],
            alt=f"The card of {name}",
        )
        kinds = [
            {
                "criterion": criterion,
                "kind": spec.kind.value,
                "levels": count(len(spec.levels)) if spec.levels else "–",
            }
            for criterion, spec in card.criteria.items()
        ]
        show_table(kinds, alt=f"Label criteria of {name}")


def show_suite() -> None:
    """Show the suite as it was resolved."""
    suite = context.run.manifest.resolved.suite.model_dump(mode="json", exclude_none=True)
    passage(
        yaml.safe_dump(suite, sort_keys=False, allow_unicode=True),
        "Suite",
        key="suite text",
        exact=True,
        lines=40,
    )


st.title("Library", anchor=False)
PARTS = {"Judges": show_judge, "Datasets": show_datasets, "Suite": show_suite}
for name, tab in zip(PARTS, st.tabs(list(PARTS), on_change="rerun", key="library"), strict=True):
    if tab.open:
        with tab:
            PARTS[name]()
