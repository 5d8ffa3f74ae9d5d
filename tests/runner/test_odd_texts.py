"""Row 7: odd texts come back as valid text wherever they are kept, and a long one costs little memory.

A half of a character becomes U+FFFD and NUL is left out, before anything is stored. The bytes of such an
answer are stored beside it.
"""

import base64
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from evalhub.analysis import Results
from evalhub.engines.base import Outcome, completion
from evalhub.records import Completion, Judgment, Message, Request
from evalhub.store import Run
from evalhub.texts import clean

from ..by_hand import HandWriter
from ..conftest import RATE_JUDGE, ROOT

MIB = 1 << 20
PIECES = (
    "\ud800", "\udfff", "\ud83d\ude00", "\ud83d", "\ude00", "\x00", "\ufeff", "\ufffe", "\uffff",
    "\u202e", "\u2066",
    "\u200b", "\u2028", "\u2029", "\x85", "\r", "\n", "\r\n", "\x1a", "\x1b[0m", "\x7f", "\u0301",
    "e\u0301", "👨‍👩‍👧", "א", "ا", "答",
    "\U0010ffff", "\\u0000", "\\", '"', "'", "NaN", "Infinity", "null", "\t", " ", "x",
)  # fmt: skip


def odd_texts(count: int) -> list[str]:
    """Return texts of odd characters, and of any others."""
    rng = random.Random(7)
    return [
        "".join(
            rng.choice(PIECES) if rng.random() < 0.8 else chr(rng.randrange(0x110000))
            for _ in range(rng.randrange(12))
        )
        for _ in range(count)
    ]


def by_key(run: Run) -> dict[str, str | None]:
    return {
        record.key: record.text for record in run.records("completions") if isinstance(record, Completion)
    }


def test_a_thousand_texts_come_back(tmp_path: Path) -> None:
    texts = {f"k{number:04}": text for number, text in enumerate(odd_texts(1_000))}
    assert sum(text != clean(text) for text in texts.values()) > 300
    expected = {key: clean(text) for key, text in texts.items()}
    assert all(text.encode("utf-8").decode("utf-8") == text for text in expected.values())
    writer = HandWriter.create(tmp_path)
    for key, text in texts.items():
        request = Request((Message("user", text),))
        writer.append(
            completion(key, "m", request, Outcome(text, reasoning=text, detail=text, top_token=text))
        )
    assert by_key(Run(writer.path)) == expected  # from the journal
    writer.seal()
    writer.close()
    run = Run(writer.path)
    assert by_key(run) == expected  # from Parquet
    originals = {record.key: record.original for record in run.records("completions")}
    for key, text in texts.items():
        stored = originals[key]
        came = expected[key] if stored is None else base64.b64decode(stored).decode("utf-8", "surrogatepass")
        assert came == text
    rows = Results(run).sql("SELECT key, text, reasoning, detail, top_token FROM completions")
    for name in ("text", "reasoning", "detail", "top_token"):
        assert dict(zip(rows["key"], rows[name], strict=True)) == expected


MEASURE = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "evalhub", *sys.argv[1:]], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def most_memory(desk: Any, *words: str) -> int:
    """Return the most memory that any process of a command takes, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *words],
        cwd=desk.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * 1024


def test_an_answer_of_ten_megabytes_costs_little_memory(desk: Any) -> None:
    """It is judged where it fits, and a failure with its length where it does not."""
    small = {"type": "scripted", "script": {"max_length": 1000}}
    desk.suite(
        judges=[RATE_JUDGE, {**RATE_JUDGE, "id": "short", "model": "small", "engine": small}],
        controls={"min_coverage": 0},
    )
    sizes = []
    for number, text in enumerate(("short", "x " * 5_000_000)):
        texts = {"i000": text, "i001": "short"}
        responses = [
            {"item_id": item_id, "system": "k", "family": "alpha", "text": answer}
            for item_id, answer in texts.items()
        ]
        desk.dataset(items=2, responses=responses)
        sizes.append(most_memory(desk, "run", "s", "--runs", f"runs{number}"))
    assert sizes[1] - sizes[0] < 200 * MIB
    (folder,) = (desk.folder / "runs1").glob("s-*")
    judgments = [one for one in Run(folder).records("judgments") if isinstance(one, Judgment)]
    assert {(one.judge, one.item_id): one.failure for one in judgments} == {
        ("pt", "i000"): None, ("pt", "i001"): None, ("short", "i000"): "too_long", ("short", "i001"): None,
    }  # fmt: skip
