"""Recorded runs and all that the commands print of them, so that a change of the code shows as a difference.

The runs need no model: `completions.jsonl` holds what small real models answered to the quickstart suite, and
the scripted engine answers as a function of the messages.

To compare two revisions, write the outputs of each and compare the folders. With labelled sets in
EVALHUB_MIRROR runs on them are compared too:

    python tests/golden/golden.py write BEFORE
    python tests/golden/golden.py write AFTER
    python tests/golden/golden.py compare BEFORE AFTER --names NAMES.json

NAMES.json says which keys and which texts were renamed: {"keys": {"old": "new"}, "values": {"old": "new"}}.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# What differs between two runs of one revision: identity, times and the machine.
VOLATILE = {"computed_in", "created", "environment", "hash", "path", "run", "written"}  # fmt: skip

SCRIPTED = {"model": "toy-judge", "engine": "scripted"}
REPORTS = {
    "report": ["report"],
    "leaderboard": ["leaderboard"],
    "meta": ["meta"],
    "compare": ["compare"],
    "raters": ["compare", "--raters"],
    "sensitivity": ["sensitivity"],
}
MODES = ("direct", "explain", "think")
Command = Callable[..., tuple[int, str]]


def suites(labelled_sets: bool) -> dict[str, dict[str, Any]]:
    """Return the suites by name, with those on labelled sets where these are at hand."""
    by_name = {
        "quickstart": _quickstart(), "crafted": _read_suite("crafted"), "stopping": _read_suite("stopping")
    }  # fmt: skip
    if labelled_sets:
        by_name |= _on_labelled_sets()
    return {name: {"suite": name, **suite} for name, suite in by_name.items()}


def _quickstart() -> dict[str, Any]:
    """Return the shipped quickstart suite with the recorded completions in place of its models."""
    suite = yaml.safe_load((ROOT / "suites" / "quickstart.yaml").read_text(encoding="utf-8"))
    rules: dict[str, list[dict[str, Any]]] = {}
    for line in (HERE / "completions.jsonl").read_text(encoding="utf-8").splitlines():
        completion = json.loads(line)
        prompt, role = completion.pop("prompt"), completion.pop("role")
        rules.setdefault(role, []).append({"match": rf"\A{re.escape(prompt)}\Z", **completion})
    for use in (*suite["candidates"], *suite["judges"]):
        use["engine"] = {"type": "scripted", "script": {"rules": rules[use["id"]]}}
        use["families"] = [use["model"].split("2")[0]]
    return {key: value for key, value in suite.items() if key != "suite"}


def _read_suite(name: str) -> dict[str, Any]:
    suite: dict[str, Any] = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    return suite


def _on_labelled_sets() -> dict[str, dict[str, Any]]:
    def judged(rubric: str, **use: Any) -> list[dict[str, Any]]:
        return [
            {"id": "toy-one", "rubric": rubric, "families": ["beta"], **use, **SCRIPTED},
            {"id": "toy-two", "rubric": rubric, "mode": "explain", "families": ["gamma"], **use, **SCRIPTED},
        ]

    free = {"controls": {"cross_family": "allow", "length_penalty": 0.1}}
    return {
        "summeval": {
            "datasets": [{"id": "summeval", "limit": 40, "seed": 7}],
            "judges": judged("summary-quality", criteria=["coherence", "relevance"]),
            "metrics": [{"rouge": {"references": "mean", "tokenizer": "rouge-score"}}, "length"],
            **free,
        },
        "llmbar": {
            "datasets": ["llmbar"],
            "judges": judged("instruction-following"),
            "juries": [{"id": "panel", "members": ["toy-one", "toy-two"], "combine": "vote"}],
            "metrics": ["length"],
            **free,
        },
        "pandalm": {
            "datasets": [{"id": "pandalm", "limit": 120, "seed": 1}],
            "judges": judged("instruction-following"),
            "metrics": ["rouge", "length"],
            **free,
        },
        "alpaca_eval": {
            "datasets": ["alpaca_eval"],
            "metrics": ["length"],
            **free,
        },
        "topical_chat": {
            "datasets": [{"id": "topical_chat_usr", "limit": 40, "seed": 1}],
            "judges": judged("dialogue-quality"),
            "metrics": ["rouge", "length"],
            **free,
        },
    }


def write_desk(folder: Path) -> None:
    """Write the crafted dataset: two annotators, four systems, some equal, missing and failing answers."""
    draw = random.Random(12)
    systems = {"short": "alpha", "medium": "beta", "long": "gamma", "mixed": "alpha"}
    items, responses, labels = [], [], []
    for number in range(20):
        item = f"i{number:02}"
        items.append({
            "item_id": item, "prompt": f"Say what {number} plus {number} is.",
            "refs": [f"It is {2 * number}."],
            "tags": ["easy" if number % 3 else "hard", f"size:{number // 10}"], "cluster": f"c{number // 2}",
            "lang": "en" if number % 4 else "de",
        })  # fmt: skip
        for rank, system in enumerate(systems):
            words = " ".join(draw.choice(("it", "is", "plain", str(2 * number))) for _ in range(3 * rank + 2))
            text = "short answer" if system == "short" else f"It is {2 * number}. {words}"
            if (number + rank) % 17 == 0:
                continue
            responses.append({"item_id": item, "system": system, "family": systems[system], "text": text})
            for annotator in ("ann", "ben"):
                value = min(3, max(1, round(draw.gauss(1.5 + 0.4 * rank, 0.8))))
                labels.append({"item_id": item, "criterion": "quality", "system": system, "value": value,
                               "annotator": annotator})  # fmt: skip
        answered = {response["system"] for response in responses if response["item_id"] == item}
        for first, second in (("long", "short"), ("medium", "mixed"), ("medium", "short"), ("long", "mixed")):
            if not {first, second} <= answered:
                continue
            for annotator in ("ann", "ben"):
                labels.append({"item_id": item, "criterion": "overall", "system_a": first, "system_b": second,
                               "winner": draw.choice(["a", "a", "a", "b", "tie"]),
                               "annotator": annotator})  # fmt: skip
    text, number = "VARCHAR", "DOUBLE"
    names = ("item_id", "criterion", "system", "system_a", "system_b", "annotator", "winner")
    tables: dict[str, tuple[list[dict[str, Any]], dict[str, str]]] = {
        "items": (items, {"item_id": text, "prompt": text, "refs": "VARCHAR[]", "tags": "VARCHAR[]",
                          "cluster": text, "lang": text}),
        "responses": (responses, dict.fromkeys(("item_id", "system", "family", "text"), text)),
        "labels": (labels, {**dict.fromkeys(names, text), "value": number}),
    }  # fmt: skip
    card: dict[str, Any] = {
        "id": "crafted", "version": 1, "title": "Crafted", "licence": "none", "source": "written for tests",
        "files": {},
        "criteria": {
            "overall": {"kind": "pairwise", "levels": ["a", "tie", "b"],
                        "consensus": {"annotators": "*", "by": "majority"}},
            "quality": {"kind": "pointwise", "range": [1, 3],
                        "consensus": {"annotators": "*", "by": "mean"}},
        },
        "items": "SELECT * EXCLUDE (file, line) FROM items",
        "responses": "SELECT * EXCLUDE (file, line) FROM responses",
        "labels": "SELECT * EXCLUDE (file, line), 'human' AS annotator_kind FROM labels",
    }  # fmt: skip
    samples = folder / "datasets" / "samples" / "crafted"
    samples.mkdir(parents=True)
    for name, (rows, columns) in tables.items():
        path = samples / f"{name}.jsonl"
        path.write_text(
            "".join(json.dumps({**dict.fromkeys(columns), **row}) + "\n" for row in rows), encoding="utf-8"
        )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        card["files"][name] = {"path": path.name, "format": "jsonl", "columns": columns, "sha256": digest}
    (folder / "datasets" / "crafted.yaml").write_text(yaml.safe_dump(card, sort_keys=False), encoding="utf-8")


def as_rows(value: Any) -> Any:
    """Return a table as its rows, each by its columns, and any other value as it is."""
    if isinstance(value, dict) and [*value] == ["columns", "rows"]:
        return [dict(zip(value["columns"], row, strict=True)) for row in value["rows"]]
    return value


def outputs(name: str, suite: Mapping[str, Any], folder: Path, command: Command) -> dict[str, Any]:
    """Run one suite in a folder and return what each command prints of it, without what is volatile."""
    path = folder / "suites" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(dict(suite), sort_keys=False), encoding="utf-8")
    code, _ = command("run", str(path), "--json")
    assert code in (0, 3), f"the suite {name} ends with exit code {code}"
    answers: dict[str, Any] = {"exit": code}
    for title, words in REPORTS.items():
        answers[title] = _answer(command, *words, name)
    tags = {"crafted": "size", "llmbar": "*"}
    if name in tags:
        answers["by_tag"] = _answer(command, "leaderboard", "--by", tags[name], name)
    if name == "crafted":
        answers["needed"] = _answer(command, "labels", "needed", "--width", "0.3", name)
    return answers


def previews(command: Command) -> dict[str, Any]:
    """Return the prompts of every shipped rubric in every mode, as they are sent."""
    return {
        f"{path.stem} {mode}": _answer(command, "judges", "preview", path.stem, "--mode", mode)
        for path in sorted((ROOT / "judges").glob("*.md"))
        for mode in MODES
    }


def _answer(command: Command, *words: str) -> Any:
    code, printed = command(*words, "--json")
    return as_tables(without_volatile(json.loads(printed))) if code == 0 else {"exit": code}


def as_tables(value: Any) -> Any:
    """Return a value with each list of alike rows as its columns and their values, which takes less room."""
    if isinstance(value, dict):
        return {key: as_tables(part) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    rows = [row for row in value if isinstance(row, dict)]
    if len(rows) < 2 or len(rows) < len(value) or len({tuple(row) for row in rows}) > 1:
        return [as_tables(part) for part in value]
    return {"columns": [*rows[0]], "rows": [[as_tables(part) for part in row.values()] for row in rows]}


def without_volatile(value: Any) -> Any:
    """Return a value without the keys that differ between two runs of one revision."""
    if isinstance(value, dict):
        return {key: without_volatile(part) for key, part in value.items() if not _is_volatile(key)}
    if isinstance(value, list):
        return [without_volatile(part) for part in value if not _is_of_time(part)]
    return re.sub(r"-\d{8}T\d{6}-[0-9a-f]{6}", "-ID", value) if isinstance(value, str) else value


def _is_volatile(key: str) -> bool:
    return key in VOLATILE or "seconds" in key


def _is_of_time(row: Any) -> bool:
    return isinstance(row, dict) and row.get("statistic") == "judgments a second"


def differences(
    before: Any, after: Any, *, exact: bool = True, names: Mapping[str, Mapping[str, str]] | None = None,
    path: str = "",
) -> Iterator[str]:  # fmt: skip
    """Yield each place in which two outputs differ.

    Args:
        before: The earlier output.
        after: The later output.
        exact: Whether numbers are compared to the last bit, or to nine digits.
        names: Renamed `keys` and texts (`values`), by their earlier names. A key may follow the new name of
            the table that has it, as in `coverage/kind`.
        path: Where the two stand.
    """
    keys, values = ((names or {}).get(part, {}) for part in ("keys", "values"))
    before, after = as_rows(before), as_rows(after)
    if isinstance(before, dict) and isinstance(after, dict):
        parent = path.rstrip("/0123456789").rpartition("/")[2]
        renamed = {
            keys.get(f"{parent}/{key}", keys.get(key, values.get(key, key))): value
            for key, value in before.items()
        }
        for key in sorted(renamed.keys() | after.keys()):
            if key in renamed and key in after:
                yield from differences(
                    renamed[key], after[key], exact=exact, names=names, path=f"{path}/{key}"
                )
            else:
                yield f"{path}/{key}: only {'before' if key in renamed else 'after'}"
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path}: {len(before)} entries before, {len(after)} after"
        for index, (left, right) in enumerate(zip(before, after, strict=False)):
            yield from differences(left, right, exact=exact, names=names, path=f"{path}/{index}")
    elif isinstance(before, str):
        if values.get(before, before) != after:
            yield f"{path}: {before!r} before, {after!r} after"
    elif not _equal(before, after, exact):
        yield f"{path}: {before!r} before, {after!r} after"


def _equal(before: Any, after: Any, exact: bool) -> bool:
    if isinstance(before, float) and isinstance(after, float) and not exact:
        return math.isclose(before, after, rel_tol=1e-9, abs_tol=1e-12)
    return type(before) is type(after) and bool(before == after)


def _main() -> int:
    parser = argparse.ArgumentParser(description="Write or compare the outputs of recorded runs.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    writer = verbs.add_parser("write")
    writer.add_argument("folder", type=Path)
    writer.add_argument("--only", dest="suites", nargs="*", help="Names of suites, or `previews`.")
    comparison = verbs.add_parser("compare")
    comparison.add_argument("before", type=Path)
    comparison.add_argument("after", type=Path)
    comparison.add_argument("--names", type=Path)
    arguments = parser.parse_args()
    if arguments.verb == "write":
        _write(arguments.folder, arguments.suites)
        return 0
    names = json.loads(arguments.names.read_text(encoding="utf-8")) if arguments.names else None
    count = 0
    for path in sorted(arguments.before.glob("*.json")):
        before = json.loads(path.read_text(encoding="utf-8"))
        after = json.loads((arguments.after / path.name).read_text(encoding="utf-8"))
        for difference in differences(before, after, names=names):
            print(f"{path.stem}{difference}")
            count += 1
    print(f"{count} differences")
    return 1 if count else 0


def _write(target: Path, names: list[str] | None) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_desk(folder)
        environment = {
            **os.environ, "EVALHUB_CACHE": str(folder / "cache"), "EVALHUB_RUNS": str(folder / "runs"),
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip

        def command(*words: str) -> tuple[int, str]:
            ended = subprocess.run(
                [sys.executable, "-m", "evalhub", *words], cwd=folder, env=environment, text=True,
                capture_output=True, check=False,
            )  # fmt: skip
            if ended.returncode:
                print(f"{' '.join(words)}: exit {ended.returncode}: {ended.stderr.strip()[-300:]}")
            return ended.returncode, ended.stdout

        for suite, fields in suites("EVALHUB_MIRROR" in os.environ).items():
            if not names or suite in names:
                _dump(target / f"{suite}.json", outputs(suite, fields, folder, command))
        if not names or "previews" in names:
            _dump(target / "previews.json", previews(command))


def _dump(path: Path, value: Any) -> None:
    path.write_text(json_text(value) + "\n", encoding="utf-8")


def json_text(value: Any, indent: str = "") -> str:
    """Return a value as JSON with each row of a table on a line of its own."""
    deeper = indent + " "
    if isinstance(value, dict) and any(isinstance(part, dict | list) for part in value.values()):
        lines = (f"{deeper}{json.dumps(key)}: {json_text(part, deeper)}" for key, part in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        return "[\n" + ",\n".join(deeper + json.dumps(part, ensure_ascii=False) for part in value) + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(_main())
