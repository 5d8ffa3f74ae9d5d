"""Checks of a resolved suite that need its datasets, its candidates and its judges together."""

from __future__ import annotations

from evalhub.engines import asks_in_batches
from evalhub.errors import SpecError, UnknownNameError
from evalhub.runner.plan.rater_names import check_raters
from evalhub.runner.plan.resolve import Resolved, ResolvedCandidate, ResolvedJudge, metric_columns
from evalhub.specs import ITEM_CRITERIA


def check_suite(resolved: Resolved) -> None:
    """Refuse a suite whose parts do not fit each other.

    Raises:
        SpecError: Two parts have one name, or an item lacks a prompt.
        UnknownNameError: A judge names a criterion of labels, or a baseline, that no dataset has.
    """
    _check_judges(resolved)
    _check_datasets(resolved)
    check_raters(resolved)
    _check_prompts(resolved)
    _check_system_prompts(resolved)
    _check_prices(resolved)


def _check_judges(resolved: Resolved) -> None:
    """Check each judge's baseline and its criteria of labels against the datasets."""
    systems = {system for dataset in resolved.datasets for system in dataset.facts.families}
    systems |= {candidate.spec.id for candidate in resolved.candidates}
    for judge in resolved.judges:
        where = f"{resolved.path}:judges.{judge.spec.id}"
        baseline = judge.spec.pairs.baseline
        if baseline is not None and baseline not in systems:
            raise UnknownNameError("system", baseline, systems, where=f"{where}.pairs.baseline")
        for criterion, label in judge.spec.label_criteria.items():
            of_item = judge.rubric.has_item_criteria and criterion == ITEM_CRITERIA
            criteria = {
                name
                for dataset in resolved.datasets
                for name, spec in dataset.card.criteria.items()
                if spec.kind is judge.rubric.kind and spec.turn is None and spec.of_item is of_item
            }
            if label not in criteria:
                subject = "the labels on criteria of items" if of_item else "the labels"
                kind = f"{judge.rubric.kind} criterion of {subject}"
                raise UnknownNameError(kind, label, criteria, where=f"{where}.label_criteria")


def _check_prices(resolved: Resolved) -> None:
    """Refuse a budget of money that does not know what a server asks for."""
    if resolved.suite.budget.cost is None:
        return
    uses: list[ResolvedCandidate | ResolvedJudge] = [*resolved.candidates, *resolved.judges]
    for use in uses:
        if use.runs.identity.is_remote and use.spec.price is None:
            raise SpecError(
                "a budget of money needs the price of each server's tokens",
                where=f"{resolved.path}:budget.cost",
                value=use.spec.id,
                fix="give it `price: {prompt: 2.5, completion: 10}`, for a million tokens",
            )
        if use.spec.price is not None and use.spec.price.batch is None and asks_in_batches(use.spec.engine):
            raise SpecError(
                "a budget of money needs the price of batches where a server is asked in batches",
                where=f"{resolved.path}:budget.cost",
                value=use.spec.id,
                fix="give it what a batch costs as a part of the other prices: `price: {..., batch: 0.5}`",
            )
    prices = {use.runs.identity.model: use.spec.price for use in uses}
    for use in uses:
        # A completion names its model alone, so what a token cost is known by the model.
        if use.spec.price != prices[use.runs.identity.model]:
            raise SpecError(
                "a budget of money knows one price for each model, and this model has two",
                where=f"{resolved.path}:budget.cost",
                value=use.runs.identity.model,
                fix="give all candidates and judges with this model the same price, such as the higher one",
            )


def _check_datasets(resolved: Resolved) -> None:
    """Refuse two datasets or scores of one name, and recorded scores that the suite would compute."""
    ids = [dataset.id for dataset in resolved.datasets]
    names = [name for use, metric in resolved.metrics for name in use.names(metric_columns(metric)).values()]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(
                "two metrics give a score of one name",
                where=f"{resolved.path}:metrics",
                value=name,
                fix="give one of them another id",
            )
    computed = set(names)
    for dataset in resolved.datasets:
        if ids.count(dataset.id) > 1:
            raise SpecError(
                "two datasets have one id",
                where=str(resolved.path),
                value=dataset.id,
                fix="give one of them an id of its own: {id: MINE, dataset: NAME}",
            )
        clash = sorted(computed.intersection(dataset.facts.recorded_metrics))
        if clash:
            raise SpecError(
                "the card records scores of a metric that the suite computes",
                where=f"{resolved.path}:metrics",
                value=clash[0],
                fix="leave one of the two out",
            )


def _check_prompts(resolved: Resolved) -> None:
    """Refuse items without a prompt if a candidate or a judge needs it."""
    users = [part.id for part in (*resolved.suite.candidates, *resolved.suite.judges)]
    for dataset in resolved.datasets:
        silent = dataset.facts.without_prompt
        if silent and users:
            raise SpecError(
                f"{len(silent)} of {dataset.facts.items} items have no prompt, which {users[0]} needs",
                where=f"{resolved.path}:datasets.{dataset.id}",
                value=silent[0],
                fix="return a prompt in the card's items, or leave candidates and judges out of the suite",
            )


def _check_system_prompts(resolved: Resolved) -> None:
    """Refuse a candidate's system prompt beside an item with a system message."""
    for candidate in resolved.candidates:
        for dataset in resolved.datasets:
            item_id = dataset.facts.with_system_message
            if candidate.spec.system_prompt and item_id is not None:
                raise SpecError(
                    "the candidate has a system_prompt, and an item has a system message of its own "
                    f"(dataset {dataset.id!r}, item {item_id!r})",
                    where=f"{resolved.path}:candidates.{candidate.spec.id}.system_prompt",
                    fix="leave system_prompt out, or leave the system message out in the card's SELECT",
                )
