"""What ran, on what, and what it cost, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalhub.report.format import Row, visible
from evalhub.scales import Kind
from evalhub.texts import count, number


def summary(data: dict[str, Any]) -> str:
    """Return one line: the run, when, how long, and whether it is whole."""
    seconds = "" if data["seconds"] is None else f" · {count(data['seconds'])} s"
    return visible(f"{data['run']} · {data['created']:.19} UTC · {data['state']}{seconds}")


def model_lines(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each candidate's and judge's id with its model, family and rubric."""
    for row in data["models"]:
        parts = [row["model"], f"family {', '.join(row['families'] or ('unknown',))}"]
        if row["role"] == "judge":
            parts += [f"rubric {row['rubric']}", f"{row['protocol']}, {row['mode']}"]
            if row["verdict_kind"] == Kind.PAIRWISE:
                parts.append(f"positions {row['positions']}" if row["positions"] else "no order")
        yield f"{row['role']} {visible(row['id'])}", visible(" · ".join(parts))


def engine_lines(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each started engine's model, and whom it served, with what it really used and did."""
    for row in data["engines"]:
        facts = " · ".join([*_used(row), *_sent(row), *_did(row)])
        yield visible(f"{row['model']} for {row['serves']}"), visible(facts)
    if not data["engines"] and data["reused_completions"]:
        yield "no engine started", "every completion was reused from earlier runs"


def _used(row: Row) -> Iterator[str]:
    yield f"{row['engine']} {row.get('version') or ''}".strip()
    if row.get("platform"):
        yield str(row["platform"])
    if row.get("attention_backend"):
        yield f"attention {row['attention_backend']}"
    if row.get("kv_block_size"):
        yield f"KV block {count(row['kv_block_size'])}"
    if row.get("dtype"):
        yield str(row["dtype"])
    if row.get("quantization"):
        yield f"quantization {row['quantization']}"
    if row.get("preload"):
        yield str(row["preload"])


def _sent(row: Row) -> Iterator[str]:
    """Yield what a server was sent, where that may differ from server to server."""
    if row.get("logprobs"):
        yield f"{row['logprobs']} log-probabilities asked for"
    elif row.get("logprobs") == 0:
        yield "hard verdicts"
    if row.get("structured"):
        yield f"{row['structured']} asked for"
    if row.get("token_limit"):
        yield str(row["token_limit"])
    if row.get("unsent"):
        yield f"without {row['unsent']}"


def _did(row: Row) -> Iterator[str]:
    if row.get("hit_rate") is not None:
        yield f"prefix cache {row['hit_rate']:.0%}"
    yield f"{count(row['prompt_tokens'])} tokens in, {count(row['completion_tokens'])} out"
    yield f"{count(row['requests'])} requests"
    if row.get("batches"):
        yield f"{count(row['batches'])} batches"
    busy, start = (number(row[name], 0) for name in ("seconds_busy", "seconds_start"))
    yield f"{busy} s busy{_tail(row)}, {start} s to start"
    if row.get("restarts"):
        yield f"restarted {count(row['restarts'])} times"


def _tail(row: Row) -> str:
    """Return the share of an engine's time that its last requests took, if it is twice theirs or more."""
    tail, busy = row.get("seconds_tail"), row["seconds_busy"]
    share = min(tail / busy, 1.0) if tail and busy else 0.0
    return f" ({share:.0%} of it for the last 5% of requests)" if share >= 0.1 else ""
