"""The page about statistics promises, for each command, functions that the command really reaches."""

import dis
import re
import types
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import typer

import evalhub
from evalhub import stats
from evalhub.cli import app
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import tables_of
from evalhub.runner import run

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and "`" in line
]
COMMANDS = typer.main.get_command(app)


def command_of(text: str) -> Any:
    """Return the command of a cell such as `labels queue` or `compare --margin`."""
    command: Any = COMMANDS
    for word in text.split():
        if word.startswith("--"):
            assert any(word in option.opts for option in command.params), text
        else:
            command = command.commands[word]
    return command


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code object and those of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def objects_used(function: types.FunctionType) -> Iterator[object]:
    """Yield what a function refers to: globals, attributes of modules, and what it wraps.

    A function that asks the registry for the tables of a place refers to the functions of those tables.
    """
    values = [cell.cell_contents for cell in function.__closure__ or ()]
    for code in codes(function.__code__):
        value: object = None
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_GLOBAL":
                value = function.__globals__.get(step.argval)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and (
                isinstance(value, types.ModuleType) or value is Place
            ):
                value = getattr(value, step.argval, None)
            elif step.opname in ("CACHE", "PRECALL", "PUSH_NULL"):
                continue
            else:
                value = None
            values.append(value)
    if any(value is tables_of for value in values):
        places = [value for value in values if isinstance(value, Place)]
        values = [value for value in values if value is not tables_of]
        values += [table.function for place in places for table in tables_of(place)]
    yield from values


def functions_in(value: object) -> Iterator[types.FunctionType]:
    """Yield the functions of this package that an object is, wraps or holds."""
    if isinstance(value, types.ModuleType):
        return  # some modules import others when they are only looked at
    if isinstance(value, partial):
        value = value.func
    value = getattr(value, "__wrapped__", value)
    if isinstance(value, types.FunctionType) and value.__module__.startswith("evalhub"):
        yield value
    elif isinstance(value, type) and value.__module__.startswith("evalhub"):
        for member in vars(value).values():
            member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            yield from functions_in(member) if isinstance(member, types.FunctionType) else ()
    elif isinstance(value, dict):
        for member in value.values():
            yield from functions_in(member)
    elif isinstance(value, tuple | list) and not isinstance(value, Enum):
        for member in value:
            yield from functions_in(member)


@cache
def reached_from(start: Callable[..., object]) -> frozenset[str]:
    """Return the names of the functions of `evalhub.stats` that a function reaches."""
    visited: dict[int, types.FunctionType] = {}
    queue = list(functions_in(start))
    while queue:
        function = queue.pop()
        if id(function) not in visited:
            visited[id(function)] = function
            queue += [callee for value in objects_used(function) for callee in functions_in(value)]
    return frozenset(
        function.__name__ for function in visited.values() if function.__module__.startswith("evalhub.stats")
    )


def test_the_table_is_there() -> None:
    assert len(ROWS) >= 15
    assert "(docs/statistics.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_commands_reach_the_functions(row: list[str]) -> None:
    names = re.findall(r"`(\w+)`", row[2])
    assert names
    assert set(names) <= set(stats.__all__)
    commands = re.findall(r"`([^`]+)`", row[1])
    assert commands
    starts = [run if ":" in text else command_of(text).callback for text in commands]
    missing = [name for name in names if not any(name in reached_from(start) for start in starts)]
    assert not missing, f"{row[1]} reaches no {', '.join(missing)}"
    idle = [
        text for text, start in zip(commands, starts, strict=True) if not set(names) & reached_from(start)
    ]
    assert not idle, f"{', '.join(idle)} reaches none of {', '.join(names)}"


def test_following_names_is_no_formality() -> None:
    """A command does not reach the statistics of another one."""
    leaderboard = reached_from(command_of("leaderboard").callback)
    assert {"mean_estimate", "bradley_terry", "rank_intervals"} <= leaderboard
    assert not {"labelling_queue", "set_thresholds", "planned"} & leaderboard
    assert not {"bradley_terry", "joint_length_controlled"} & reached_from(command_of("plan").callback)


def test_every_public_function_is_reached_by_some_command() -> None:
    """`evalhub.stats` has no function that neither a command nor the dashboard needs."""

    def callbacks(command: Any) -> Iterator[Any]:
        if getattr(command, "commands", None):
            for inner in command.commands.values():
                yield from callbacks(inner)
        else:
            yield command.callback

    reached = frozenset().union(*(reached_from(callback) for callback in callbacks(COMMANDS)))
    dashboard = reached_from(evalhub.analysis.reliability)
    functions = {name for name in stats.__all__ if isinstance(getattr(stats, name), types.FunctionType)}
    assert functions <= reached | dashboard, sorted(functions - reached - dashboard)
