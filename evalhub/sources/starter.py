"""A first card for a folder of data files, as a draft to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from evalhub.sources.proposal import FORMATS, Proposal, Values, reserved_words

# Ids of items, which are better than ids of rows if several systems answer.
_ITEM_IDS = (
    "question_id", "prompt_id", "example_id", "sample_id", "instance_id", "task_id", "qid", "item",
)  # fmt: skip
# The names of the columns of each role, the likeliest first.
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
# An answer is a response if the data name systems. Otherwise it is a reference, and a text is a prompt. The
# label of a pair is its winner.
_BESIDE_SYSTEMS = {"text": ("answer", "text")}
_ALONE = {"prompt": ("text",), "refs": ("answers", "answer", "label")}
_SPLITS = frozenset({"train", "training", "test", "testing", "dev", "val", "valid", "validation", "eval"})
_IDS = re.compile(r"[A-Za-z0-9._/@+-]{1,200}")
_ENDING = re.compile(rf"({'|'.join(map(re.escape, FORMATS))})([.]gz)?$", re.IGNORECASE)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WIDE = 100
_PROMPTS = ("prompt", "turns")
_ONE = ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN")
_MANY = (*_ONE, "VARCHAR[]", "BIGINT[]", "DOUBLE[]")
_TYPES = {
    "item_id": ("VARCHAR", "BIGINT", "INTEGER"), "system": ("VARCHAR",), "prompt": _ONE, "text": _ONE,
    "turns": ("VARCHAR[]",), "refs": _MANY, "context": _MANY, "tags": _MANY, "lang": ("VARCHAR",),
    "finish_reason": ("VARCHAR",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Roles:
    """The guessed roles of a table's columns.

    Attributes:
        columns: The column of each role that has one.
        item_id: The SQL of an item's id.
        repeated: Whether several rows are about one item.
        by_file: The SQL of each file's system, or an empty text if the files are not of one system each.
    """

    table: Proposal
    columns: dict[str, str]
    item_id: str
    repeated: bool
    by_file: str


def first_card(card_id: str, tables: Sequence[Proposal]) -> str:
    """Return the text of a first card for some tables.

    The role of each column is guessed from its name. Comments point to the guesses.

    Args:
        card_id: The id of the card.
        tables: The tables of a folder.
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
    line = f"    columns: {{{', '.join(columns)}}}"
    if len(line) <= _WIDE and "[" not in line:
        yield line
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
    has_ids = values.count == table.rows and all(map(_IDS.fullmatch, values.texts))
    repeated = len(values.texts) < table.rows
    by_file = ""
    # If one id has several prompts, the files are parts of a dataset, and each numbers its items again.
    asks_once = prompt is None or len(table.columns[prompt].hashes) <= len(values.texts)
    if has_ids and repeated and values.unique and asks_once:
        by_file = _system_of_file(table.hashes)
    columns = {"item_id": column} if column else {}
    columns |= {"system": system} if system else {}
    has_pairs = any(f"{name[:-2]}_b" in lower for name in lower if name.endswith("_a"))
    extra = _BESIDE_SYSTEMS if system or by_file else {} if has_pairs else _ALONE
    for role in ("prompt", "turns", "text", "refs", "context", "tags", "lang", "finish_reason"):
        name = _first(table, lower, role, (*_NAMES[role], *extra.get(role, ())), columns.values())
        columns |= {role: name} if name else {}
    if column and has_ids and (not repeated or system or by_file):
        return _Roles(table, columns, _sql(column), repeated, by_file)
    if len(table.hashes) > 1:
        item_id = "regexp_replace(file || ':' || line, '[^A-Za-z0-9._/@+-]', '-', 'g')"
    else:
        item_id = f"'{table.name}-' || line" if several else "line"
    return _Roles(table, columns, item_id, repeated=False, by_file="")


def _id_column(table: Proposal, lower: Mapping[str, str], *, shared: bool) -> str | None:
    """Return the column that seems to hold the ids of the items.

    Args:
        table: The table.
        lower: Its columns by their plain names.
        shared: Whether the table names systems. An item's id is then in several rows.
    """
    if shared:
        columns = [lower[name] for name in _ITEM_IDS if name in lower]
        candidates = [
            name for name in columns if 1 < len(table.columns[name].texts) < table.columns[name].count
        ]
        if candidates:
            return candidates[0]
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
    table: Proposal, lower: Mapping[str, str], role: str, names: Iterable[str], claims: Collection[str]
) -> str | None:
    """Return the first column with one of some names whose values fit a role and that has no role yet."""
    for name in names:
        column = lower.get(name)
        if column and column not in claims and _may_be(table.columns[column], role):
            return column
    return None


def _may_be(values: Values, role: str) -> bool:
    """Return whether values fit a role. A role of several texts takes lists beside texts too."""
    is_list = values.type == "JSON" and values.plain and _TYPES[role] is _MANY
    return is_list or (values.type or "VARCHAR") in _TYPES[role]


def _selects(tables: list[_Roles]) -> Iterator[str]:
    """Yield the SELECTs of items and responses, with comments."""
    main = max(
        tables,
        key=lambda roles: (
            not roles.columns.keys().isdisjoint(_PROMPTS),
            not roles.repeated,
            "refs" in roles.columns,
        ),
    )
    answers = [roles for roles in tables if "text" in roles.columns and _joins(roles, main)]
    yield ""
    yield "# Change below what is guessed wrong. Every table also has the columns `file` and `line`."
    yield from _items(main)
    yield ""
    if answers:
        yield from _responses(answers)
    else:
        select = f"SELECT {main.item_id} AS item_id, 'my-system' AS system, … AS text FROM {main.table.name}"
        yield "# No column looks like recorded responses. With some, add:"
        yield f"# responses: {select}"
    remainder = [roles.table.name for roles in tables if roles is not main and roles not in answers]
    if remainder:
        yield f"# Not used yet: {', '.join(remainder)}"


def _joins(roles: _Roles, main: _Roles) -> bool:
    """Return whether every row of a table is about an item of the main table."""
    if roles is main:
        return True
    item_id, other = roles.columns.get("item_id"), main.columns.get("item_id")
    if item_id is None or other is None or (roles.item_id, main.item_id) != (_sql(item_id), _sql(other)):
        return False
    return roles.table.columns[item_id].texts <= main.table.columns[other].texts


def _items(main: _Roles) -> Iterator[str]:
    prompt_role = next((role for role in _PROMPTS if role in main.columns), "")
    # References of turns are lists of lists, which cannot be guessed from a name.
    extra_roles = (
        ("context", "tags", "lang") if prompt_role == "turns" else ("refs", "context", "tags", "lang")
    )
    roles = [role for role in (prompt_role, *extra_roles) if role in main.columns]
    if not prompt_role:
        yield "# No column looks like a prompt: without one nothing can be generated or judged."
    columns = [_as(main.item_id, "item_id")]
    for role in roles:
        value = _text(main.table.columns[main.columns[role]], main.columns[role], role)
        columns.append(_as(value, role))
    yield "items: |"
    yield from _select(columns, f"{main.table.name}{' GROUP BY ALL' if main.repeated else ''}")


def _responses(tables: list[_Roles]) -> Iterator[str]:
    if any("system" not in roles.columns and not roles.by_file for roles in tables):
        yield "# The data do not name the system that answered: change 'recorded'."
    if missing := sum(map(_missing, tables)):
        yield f"# {missing:,} rows without a text are no responses: coalesce(…, '') makes them empty answers."
    yield "# A family, such as llama or gpt, keeps a judge from judging responses of its own family."
    yield "responses: |"
    for place, roles in enumerate(tables):
        system = _system(roles, is_only_table=len(tables) == 1)
        text = _text(roles.table.columns[roles.columns["text"]], roles.columns["text"], "text")
        columns = [_as(roles.item_id, "item_id"), _as(system, "system"), "'unknown' AS family"]
        columns.append(_as(text, "text"))
        if end := roles.columns.get("finish_reason"):
            columns.append(_as(_sql(end), "finish_reason"))
        if roles.repeated and not roles.by_file:
            rank = f"row_number() OVER (PARTITION BY {roles.item_id}, {system} ORDER BY file, line) - 1"
            columns.append(f"{rank} AS sample")
        where = f" WHERE {text} IS NOT NULL" if _missing(roles) else ""
        yield from _select(columns, roles.table.name + where, "UNION ALL BY NAME " if place else "")


def _missing(roles: _Roles) -> int:
    """Return the number of rows of a table without a text."""
    return roles.table.rows - roles.table.columns[roles.columns["text"]].count


def _select(columns: list[str], source: str, before: str = "") -> Iterator[str]:
    """Yield the lines of a SELECT."""
    line = f"  {before}SELECT {', '.join(columns)}"
    if len(line) <= _WIDE:
        yield line
    else:
        yield f"  {before}SELECT"
        yield from (f"    {column}{',' if column != columns[-1] else ''}" for column in columns)
    yield f"  FROM {source}"


def _as(value: str, name: str) -> str:
    return name if value == name else f"{value} AS {name}"


def _system(roles: _Roles, *, is_only_table: bool) -> str:
    """Return the SQL of the system that answered: a column, the file's name, or a word to change."""
    column = roles.columns.get("system")
    if column:
        return _as_id(roles.table.columns[column], column)
    if roles.by_file:
        return roles.by_file
    return "'recorded'" if is_only_table else f"'recorded-{roles.table.name}'"


def _as_id(values: Values, name: str) -> str:
    if all(map(_IDS.fullmatch, values.texts)) and values.type == "VARCHAR":
        return _sql(name)
    return f"regexp_replace({_sql(name)}::VARCHAR, '[^A-Za-z0-9._/@+-]+', '-', 'g')"


def _text(values: Values, name: str, role: str) -> str:
    """Return the SQL of a column as a text, or as a list of texts if the role allows one."""
    is_list = (values.type or "").endswith("[]")
    if values.type in (None, "VARCHAR", "VARCHAR[]", "JSON"):
        return _sql(name)
    kind = "VARCHAR[]" if is_list and role in ("refs", "context", "tags") else "VARCHAR"
    return f"{_sql(name)}::{kind}"


def _sql(name: str) -> str:
    if _PLAIN.fullmatch(name) and name not in reserved_words():
        return name
    return '"' + name.replace('"', '""') + '"'


def _yaml(text: str) -> str:
    """Return the YAML of a text."""
    return (
        text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and not _is_word(text) else json.dumps(text)
    )


def _is_word(text: str) -> bool:
    return text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
