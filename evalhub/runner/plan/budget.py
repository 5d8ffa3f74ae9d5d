"""How a budget of judgments is divided among judges and items."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

from evalhub.runner.plan.task_groups import TaskGroup, Tasks

_Split = dict[str, Tasks]


def split_by_budget(budget: int | None, by_judge: Mapping[str, Tasks]) -> tuple[_Split, _Split]:
    """Split tasks into those within a budget and those beyond it.

    The judges go through the same items side by side, and an item is never cut. Items that different judges
    judge, or of different datasets, take turns, so that no judge waits for another's.

    Args:
        budget: The number of judgments. None is no limit.
        by_judge: The tasks of each judge, item by item.
    """
    if budget is None:
        return dict(by_judge), {judge: Tasks() for judge in by_judge}
    remaining = budget
    affordable: set[tuple[str, str, str]] = set()
    for judge, item, size in _turns(by_judge):
        remaining -= size
        if remaining < 0:
            break
        affordable.add((judge, *item))

    def is_affordable(group: TaskGroup) -> bool:
        return (group.judge, group.dataset, group.item_id) in affordable

    affordable_tasks, excess = (
        {
            judge: tasks.keep_groups(lambda group, fits=fits: is_affordable(group) is fits)  # type: ignore[misc]
            for judge, tasks in by_judge.items()
        }
        for fits in (True, False)
    )
    return affordable_tasks, excess


def _turns(by_judge: Mapping[str, Tasks]) -> Iterator[tuple[str, tuple[str, str], int]]:
    """Yield each judge's items with their number of judgments, in the order in which a budget is spent."""
    items: dict[tuple[str, str], Counter[str]] = {}
    for judge, tasks in by_judge.items():
        for group in tasks.groups:
            items.setdefault((group.dataset, group.item_id), Counter())[judge] += group.judgments
    by_judges: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for item, sizes in items.items():
        by_judges.setdefault((item[0], *sizes), []).append(item)
    for turn in itertools.zip_longest(*by_judges.values()):
        for item in filter(None, turn):
            for judge, size in items[item].items():
                yield judge, item, size
