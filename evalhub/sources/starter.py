"""A first card for a folder of data files, to be written over."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from evalhub.sources.proposal import FORMATS, Proposal, Values, reserved_words

# Of these an item's id is better than one of rows, where several systems answer.
_ITEM_IDS = (
    "question_id", "prompt_id", "example_id", "sample_id", "instance_id", "task_id", "qid", "item",
)  # fmt: skip
# What a column may be, by its name; the likeliest name first.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "item_id": (
        "item_id", "id", *_ITEM_IDS, "uid", "uuid", "idx", "index", "key", "number",
    ),
    "system": ("system", "model", "model_id", "model_name", "generator", "llm", "bot"),
    "prompt": (
        "prompt", "question", "instruction", "q", "query", "problem", "request", "input", "source",
        "document", "article", "dialogue", "user_prompt", "user_question", "prompt_text", "question_text",
    ),
    "turns": ("turns",),
    "text": (
        "response", "output", "completion", "generation", "prediction", "candidate", "model_output",
        "model_response", "model_answer", "llm_response", "response_text",
    ),
    "refs": (
        "refs", "references", "reference", "reference_answer", "reference_answers", "ground_truth", "gold",
        "target", "expected", "ideal", "solution",
    ),
    "context": ("context", "contexts", "passage", "passages", "input"),
    "tags": ("tags", "tag", "category", "topic", "task", "subject"),
    "lang": ("lang", "language"),
    "finish_reason": ("finish_reason", "stop_reason"),
}  # fmt: skip
# An answer is a response where the data name systems, and else a reference; a text is a prompt. The label of
# a pair is its winner.
_BESIDE_SYSTEMS = {"text": ("answer", "text")}
_ALONE = {"prompt": ("text",), "refs": ("answers", "answer", "label")}
_SPLITS = frozenset({"train", "training", "test", "testing", "dev", "val", "valid", "validation", "eval"})
_IDS = re.compile(r"[A-Za-z0-9._/@+-]{1,200}")
_ENDING = re.compile(rf"({'|'.join(map(re.escape, FORMATS))})([.]gz)?$", re.IGNORECASE)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WIDE = 100
_ASKED = ("prompt", "turns")
_ONE = ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN")
_MANY = (*_ONE, "VARCHAR[]", "BIGINT[]", "DOUBLE[]")
_TYPES = {
    "item_id": ("VARCHAR", "BIGINT", "INTEGER"), "system": ("VARCHAR",), "prompt": _ONE, "text": _ONE,
    "turns": ("VARCHAR[]",), "refs": _MANY, "context": _MANY, "tags": _MANY, "lang": ("VARCHAR",),
    "finish_reason": ("VARCHAR",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Roles:
    """What a table's columns seem to be.

    Attributes:
        columns: The column of each role that has one.
        item_id: The SQL of an item's id.
        repeated: Whether several rows are about one item.
        by_file: The SQL of the system of each file, where each holds the answers of one, or an empty text.
    """

    table: Proposal
    columns: dict[str, str]
    item_id: str
    repeated: bool
    by_file: str


def first_card(card_id: str, tables: Sequence[Proposal]) -> str:
    """Return the text of a first card for some tables.

    What stands in each column is guessed by its name; comments say what to look at.

    Args:
        card_id: The id of the card.
        tables: What a folder holds.
    """
    lines = [
        f"id: {card_id}",
        "version: 1",
        f"title: {card_id}",
        "licence: not stated    # change: under which the data may be used",
        "source: not stated     # change: where the data come from",
        "files:",
        *(line for table in tables for line in _file(table)),
        *_selects([_roles(table, several=len(tables) > 1) for table in tables]),
    ]
    return "\n".join(lines) + "\n"


def _file(table: Proposal) -> Iterator[str]:
    """Yield the lines of one table: its files with their hashes, its format and columns."""
    yield f"  {table.name}:    # {table.rows:,} rows"
    if len(table.hashes) == 1:
        ((path, sha256),) = table.hashes.items()
        yield f"    path: {_yaml(path)}"
        yield f"    sha256: {sha256}"
    else:
        yield "    paths:"
        yield from (f"      {_yaml(path)}: {sha256}" for path, sha256 in sorted(table.hashes.items()))
    yield f"    format: {table.format}"
    yield from (f"    {name}: {json.dumps(value)}" for name, value in table.form.items())
    if table.format == "lines":
        return
    columns = [f"{_yaml(name)}: {values.type or 'VARCHAR'}" for name, values in table.columns.items()]
    one_line = f"    columns: {{{', '.join(columns)}}}"
    if len(one_line) <= _WIDE and "[" not in one_line:
        yield one_line
    else:
        yield "    columns:"
        yield from (f"      {column}" for column in columns)
    if table.reserved:
        yield f"    # left out, as a card cannot declare them: {', '.join(table.reserved)}"


def _roles(table: Proposal, *, several: bool) -> _Roles:
    lower = {re.sub(r"[^a-z0-9]+", "_", name.lower()): name for name in table.columns}
    system, prompt = (_first(table, lower, role, _NAMES[role], ()) for role in ("system", "prompt"))
    column = _id_column(table, lower, shared=bool(system))
    values = table.columns[column] if column else Values()
    named = values.count == table.rows and all(map(_IDS.fullmatch, values.texts))
    repeated = len(values.texts) < table.rows
    by_file = ""
    # Where one id asks several things, the files are parts of a dataset, and their ids begin anew.
    asks_once = prompt is None or len(table.columns[prompt].hashes) <= len(values.texts)
    if named and repeated and values.unique and asks_once:
        by_file = _system_of_file(table.hashes)
    found = {"item_id": column} if column else {}
    found |= {"system": system} if system else {}
    paired = any(f"{name[:-2]}_b" in lower for name in lower if name.endswith("_a"))
    extra = _BESIDE_SYSTEMS if system or by_file else {} if paired else _ALONE
    for role in ("prompt", "turns", "text", "refs", "context", "tags", "lang", "finish_reason"):
        name = _first(table, lower, role, (*_NAMES[role], *extra.get(role, ())), found.values())
        found |= {role: name} if name else {}
    if column and named and (not repeated or system or by_file):
        return _Roles(table, found, _sql(column), repeated, by_file)
    if len(table.hashes) > 1:
        item_id = "regexp_replace(file || ':' || line, '[^A-Za-z0-9._/@+-]', '-', 'g')"
    else:
        item_id = f"'{table.name}-' || line" if several else "line"
    return _Roles(table, found, item_id, repeated=False, by_file="")


def _id_column(table: Proposal, lower: Mapping[str, str], *, shared: bool) -> str | None:
    """Return the column that seems to name the items.

    Args:
        table: The table.
        lower: Its columns by their plain names.
        shared: Whether the table names systems: then an id of items stands in several rows.
    """
    if shared:
        columns = [lower[name] for name in _ITEM_IDS if name in lower]
        repeated = [
            name for name in columns if 1 < len(table.columns[name].texts) < table.columns[name].count
        ]
        if repeated:
            return repeated[0]
    column = _first(table, lower, "item_id", _NAMES["item_id"], ())
    return column or next((lower[name] for name in lower if name.endswith("_id")), None)


def _system_of_file(paths: Iterable[str]) -> str:
    """Return the SQL of a name for each file: its own, its folder's or its path, the first that differs.

    Empty where there is one file, or where the files are parts of a dataset such as train and test.
    """
    files = [PurePosixPath(path) for path in paths]
    stems = [_ENDING.sub("", path.name) for path in files]
    endings = sorted({path.name[len(stem) :] for path, stem in zip(files, stems, strict=True)})
    end = f"({'|'.join(endings)})".replace(".", "[.]")
    if len(files) < 2 or {stem.lower() for stem in stems} <= _SPLITS:
        return ""
    names = {
        f"regexp_extract(file, '([^/]+){end}$', 1)": stems,
        "regexp_extract(file, '([^/]+)/[^/]+$', 1)": [path.parent.name for path in files],
        f"regexp_replace(file, '{end}$', '')": [_ENDING.sub("", str(path)) for path in files],
    }
    for sql, values in names.items():
        ids = {re.sub("[^A-Za-z0-9._/@+-]+", "-", value) for value in values}
        if len(ids) == len(files) and all(map(_IDS.fullmatch, ids)):
            return sql if ids == set(values) else f"regexp_replace({sql}, '[^A-Za-z0-9._/@+-]+', '-', 'g')"
    return ""


def _first(
    table: Proposal, lower: Mapping[str, str], role: str, names: Iterable[str], taken: Collection[str]
) -> str | None:
    """Return the first column of some names whose values can stand in a role."""
    for name in names:
        column = lower.get(name)
        if column and column not in taken and _may_be(table.columns[column], role):
            return column
    return None


def _may_be(values: Values, role: str) -> bool:
    """Say whether values can stand in a role. A role of several texts takes lists beside texts too."""
    listed = values.type == "JSON" and values.plain and _TYPES[role] is _MANY
    return listed or (values.type or "VARCHAR") in _TYPES[role]


def _selects(tables: list[_Roles]) -> Iterator[str]:
    """Yield the SELECTs of items and responses, with what to look at."""
    main = max(
        tables,
        key=lambda one: (not one.columns.keys().isdisjoint(_ASKED), not one.repeated, "refs" in one.columns),
    )
    answering = [one for one in tables if "text" in one.columns and _joins(one, main)]
    yield ""
    yield "# Change below what is guessed wrong. Every table also has the columns `file` and `line`."
    yield from _items(main)
    yield ""
    if answering:
        yield from _responses(answering)
    else:
        select = f"SELECT {main.item_id} AS item_id, 'my-system' AS system, … AS text FROM {main.table.name}"
        yield "# No column looks like recorded responses. With some, add:"
        yield f"# responses: {select}"
    unused = [one.table.name for one in tables if one is not main and one not in answering]
    if unused:
        yield f"# Not used yet: {', '.join(unused)}"


def _likely_items(one: _Roles) -> tuple[bool, bool, bool]:
    """Return what speaks for a table as that of the items."""
    return any(role in one.columns for role in _ASKED), not one.repeated, "refs" in one.columns


def _joins(one: _Roles, main: _Roles) -> bool:
    """Say whether every row of a table is about an item of the main table."""
    if one is main:
        return True
    own, other = one.columns.get("item_id"), main.columns.get("item_id")
    if own is None or other is None or (one.item_id, main.item_id) != (_sql(own), _sql(other)):
        return False
    return one.table.columns[own].texts <= main.table.columns[other].texts


def _items(main: _Roles) -> Iterator[str]:
    asked = next((role for role in _ASKED if role in main.columns), "")
    # References of turns are lists of lists, which no name gives away.
    held = ("context", "tags", "lang") if asked == "turns" else ("refs", "context", "tags", "lang")
    shown = [role for role in (asked, *held) if role in main.columns]
    if not asked:
        yield "# No column looks like a prompt: without one nothing can be generated or judged."
    columns = [_as(main.item_id, "item_id")]
    for role in shown:
        value = _text(main.table.columns[main.columns[role]], main.columns[role], role)
        columns.append(_as(value, role))
    yield "items: |"
    yield from _select(columns, f"{main.table.name}{' GROUP BY ALL' if main.repeated else ''}")


def _responses(tables: list[_Roles]) -> Iterator[str]:
    if any("system" not in one.columns and not one.by_file for one in tables):
        yield "# The data do not name the system that answered: change 'recorded'."
    if missing := sum(map(_missing, tables)):
        yield f"# {missing:,} rows without a text are no responses: coalesce(…, '') makes them empty answers."
    yield "# A family, such as llama or gpt, keeps a judge from judging responses of its own family."
    yield "responses: |"
    for place, one in enumerate(tables):
        system = _system(one, alone=len(tables) == 1)
        text = _text(one.table.columns[one.columns["text"]], one.columns["text"], "text")
        columns = [_as(one.item_id, "item_id"), _as(system, "system"), "'unknown' AS family"]
        columns.append(_as(text, "text"))
        if end := one.columns.get("finish_reason"):
            columns.append(_as(_sql(end), "finish_reason"))
        if one.repeated and not one.by_file:
            rank = f"row_number() OVER (PARTITION BY {one.item_id}, {system} ORDER BY file, line) - 1"
            columns.append(f"{rank} AS sample")
        where = f" WHERE {text} IS NOT NULL" if _missing(one) else ""
        yield from _select(columns, one.table.name + where, "UNION ALL BY NAME " if place else "")


def _missing(one: _Roles) -> int:
    """Return how many rows of a table have no text."""
    return one.table.rows - one.table.columns[one.columns["text"]].count


def _select(columns: list[str], source: str, before: str = "") -> Iterator[str]:
    """Yield the lines of a SELECT, on as few as are easy to read."""
    line = f"  {before}SELECT {', '.join(columns)}"
    if len(line) <= _WIDE:
        yield line
    else:
        yield f"  {before}SELECT"
        yield from (f"    {column}{',' if column != columns[-1] else ''}" for column in columns)
    yield f"  FROM {source}"


def _as(value: str, name: str) -> str:
    return name if value == name else f"{value} AS {name}"


def _system(one: _Roles, *, alone: bool) -> str:
    """Return the SQL of the system that answered: a column, the file's name, or a word to change."""
    column = one.columns.get("system")
    if column:
        return _as_id(one.table.columns[column], column)
    if one.by_file:
        return one.by_file
    return "'recorded'" if alone else f"'recorded-{one.table.name}'"


def _as_id(values: Values, name: str) -> str:
    if all(map(_IDS.fullmatch, values.texts)) and values.type == "VARCHAR":
        return _sql(name)
    return f"regexp_replace({_sql(name)}::VARCHAR, '[^A-Za-z0-9._/@+-]+', '-', 'g')"


def _text(values: Values, name: str, role: str) -> str:
    """Return the SQL of a column as a text, or as the texts that a role may have."""
    listed = (values.type or "").endswith("[]")
    if values.type in (None, "VARCHAR", "VARCHAR[]", "JSON"):
        return _sql(name)
    kind = "VARCHAR[]" if listed and role in ("refs", "context", "tags") else "VARCHAR"
    return f"{_sql(name)}::{kind}"


def _sql(name: str) -> str:
    if _PLAIN.fullmatch(name) and name not in reserved_words():
        return name
    return '"' + name.replace('"', '""') + '"'


def _yaml(text: str) -> str:
    """Return a text as YAML reads it back as a text."""
    return (
        text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and not _is_word(text) else json.dumps(text)
    )


def _is_word(text: str) -> bool:
    return text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
