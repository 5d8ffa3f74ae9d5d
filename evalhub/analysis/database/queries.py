"""Which tables a user's query needs, and that it only reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.cells import CELL_KEY
from evalhub.analysis.database.pairs import PAIR_KEY
from evalhub.analysis.database.ratings import CRITERION_KEY, RATING_KEY
from evalhub.errors import InputError
from evalhub.records import KINDS

if TYPE_CHECKING:
    import duckdb

TABLES: Mapping[str, tuple[str, ...]] = {
    **{kind: record.KEY for kind, record in KINDS.items()},
    "pair_facts": PAIR_KEY,
    "rating_facts": RATING_KEY,
    "criterion_facts": CRITERION_KEY,
    "cells": CELL_KEY,
}
"""The key of each table of a run."""

_CATALOG = re.compile(r"information_schema|duckdb_|pg_|\bshow\b", re.IGNORECASE)


def tables_of(query: str) -> Iterable[str]:
    """Return the tables that a query may need: those that it names, or all where it asks for the catalog."""
    names = [name for name in TABLES if re.search(rf"\b{name}\b", query, re.IGNORECASE)]
    return names if names and not _CATALOG.search(query) else TABLES


def check_query(cursor: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any]) -> None:
    """Raise InputError unless a query is one statement that reads."""
    import duckdb

    statements = cursor.extract_statements(query)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise _not_a_query(", ".join(statement.type.name for statement in statements) or "nothing")
    try:
        # Only a WITH can hide a COPY or an INSERT, which DuckDB refuses inside a subquery. Other queries are
        # not planned twice, because that takes as long as their answer.
        if "WITH" in query.upper():
            cursor.execute(f"EXPLAIN SELECT * FROM ({_without_semicolon(query)}\n)", parameters)
    except duckdb.BinderException as error:
        if "must be at the top level" in str(error):
            raise _not_a_query("a WITH that writes") from error
        raise


def _not_a_query(value: str) -> InputError:
    return InputError(
        "a query reads and never writes", value=value, allowed="one SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW"
    )


def _without_semicolon(query: str) -> str:
    """Return one statement up to the semicolon that ends it."""
    import duckdb

    encoded = query.encode()
    ends = (offset for offset, _ in duckdb.tokenize(query) if encoded[offset : offset + 1] == b";")
    return encoded[: next(ends, len(encoded))].decode()
