"""Files are found in the mirrors, beside the card or in the cache, fetched from home, and always verified.

Row 18: a file with another sha256 is refused with both hashes, and nothing is fetched unasked.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import InputError, IntegrityError
from evalhub.sources import fetch, files_of, load, locate_files
from evalhub.specs import load_card

FILES = {"q": {"path": "a b/q.jsonl", "format": "jsonl", "columns": {"id": "INTEGER", "prompt": "VARCHAR"}}}
CONTENT = b'{"id": 1, "prompt": "One?"}\n'
OTHER = b'{"id": 1, "prompt": "Another?"}\n'


@pytest.fixture
def moved(mini: Any, tmp_path: Path) -> tuple[Any, Path, Path]:
    """A card whose only file lies nowhere yet. The file's content waits in a folder of its own."""
    mini.write({"a b/q.jsonl": CONTENT}, files=FILES, responses=None, url="http://127.0.0.1:1/none/")
    home = tmp_path / "home"
    home.mkdir()
    (mini.data / "a b").rename(home / "a b")
    card, path = load_card(str(mini.path))
    return card, path, home


def put(root: Path, content: bytes = CONTENT) -> Path:
    target = root / "mini" / "a b" / "q.jsonl"
    target.parent.mkdir(parents=True)
    target.write_bytes(content)
    return target


def test_an_absent_file_says_where_it_was_looked_for(moved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    card, path, _ = moved
    monkeypatch.setenv("EVALHUB_MIRROR", os.pathsep.join(["/m1", "/m2"]))
    with pytest.raises(InputError) as excinfo:
        load(card, path)
    for part in (
        "/m1/mini/a b/q.jsonl",
        "/m2/mini/a b/q.jsonl",
        "samples/mini",
        "cache/datasets/mini",
        "files.q",
    ):
        assert part in str(excinfo.value)
    assert str(excinfo.value).endswith("run `evalhub datasets fetch mini`.")


def test_the_first_place_wins(moved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, path, _ = moved
    cached = put(tmp_path / "cache" / "datasets")
    assert locate_files(card, path) == {"a b/q.jsonl": cached}
    sample = put(path.parent / "samples")
    assert locate_files(card, path) == {"a b/q.jsonl": sample}
    second = put(tmp_path / "m2")
    monkeypatch.setenv("EVALHUB_MIRROR", os.pathsep.join(["", str(tmp_path / "m1"), str(tmp_path / "m2")]))
    assert locate_files(card, path) == {"a b/q.jsonl": second}
    first = put(tmp_path / "m1")
    assert locate_files(card, path) == {"a b/q.jsonl": first}
    assert len(load(card, path).items) == 1


def test_two_cards_may_share_a_folder(moved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, path, _ = moved
    second = card.model_copy(update={"id": "second", "folder": "mini"})
    cached = put(tmp_path / "cache" / "datasets")
    assert locate_files(second, path) == {"a b/q.jsonl": cached}
    assert fetch(second, path) == (cached,)
    mirrored = put(tmp_path / "m")
    monkeypatch.setenv("EVALHUB_MIRROR", str(tmp_path / "m"))
    assert locate_files(second, path) == {"a b/q.jsonl": mirrored}
    assert {item.dataset for item in load(second, path).items} == {"second"}
    assert second.hash == second.model_copy(update={"folder": None}).hash != card.hash


@pytest.mark.parametrize("other", [OTHER, CONTENT.replace(b"One", b"Ons"), CONTENT + b"\n", CONTENT[:-1]])
def test_a_wrong_file_is_refused_and_not_passed_over(
    moved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bytes
) -> None:
    card, path, _ = moved
    put(tmp_path / "cache" / "datasets")
    put(tmp_path / "m", other)
    monkeypatch.setenv("EVALHUB_MIRROR", str(tmp_path / "m"))
    with pytest.raises(IntegrityError) as excinfo:
        load(card, path)
    for content in (CONTENT, other):
        assert hashlib.sha256(content).hexdigest() in str(excinfo.value)
    with pytest.raises(IntegrityError):
        fetch(card, path)


def test_urls(moved: Any) -> None:
    card, path, _ = moved
    assert files_of(card, path)[0].url == "http://127.0.0.1:1/none/a%20b/q.jsonl"
    changed_card = card.model_copy(
        update={"files": {"q": card.files["q"].model_copy(update={"url": "https://example.org/f"})}}
    )
    assert files_of(changed_card, path)[0].url == "https://example.org/f"


@pytest.fixture
def served(moved: Any) -> Iterator[tuple[Any, Path, Path]]:
    card, path, home = moved

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield card.model_copy(update={"url": f"http://127.0.0.1:{server.server_port}"}), path, home
    server.shutdown()
    server.server_close()


def test_fetch(served: Any, tmp_path: Path) -> None:
    card, path, home = served
    steps: list[tuple[str, int, int | None]] = []
    (file,) = fetch(card, path, progress=lambda *step: steps.append(step))
    assert file == tmp_path / "cache/datasets/mini/a b/q.jsonl"
    assert file.read_bytes() == CONTENT
    assert steps == [("a b/q.jsonl", len(CONTENT), len(CONTENT))]
    (home / "a b" / "q.jsonl").unlink()
    assert fetch(card, path) == (file,)
    assert len(load(card, path).items) == 1


@pytest.mark.parametrize("broken", ["changed", "gone", "large", "none", "scheme"])
def test_a_failed_fetch_leaves_nothing(served: Any, tmp_path: Path, broken: str) -> None:
    card, path, home = served
    file = home / "a b" / "q.jsonl"
    if broken == "changed":
        file.write_bytes(OTHER)
    if broken == "gone":
        file.unlink()
    if broken in ("none", "scheme"):
        card = card.model_copy(update={"url": None if broken == "none" else home.as_uri()})
    sentences = {
        "changed": hashlib.sha256(OTHER).hexdigest(),
        "gone": "cannot be downloaded",
        "large": "allowed: 10 bytes",
        "none": "names no public home",
        "scheme": "names no public home",
    }[broken]
    with pytest.raises(InputError, match=sentences):
        fetch(card, path, max_bytes=10 if broken == "large" else 1000)
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]


def test_no_network(moved: Any) -> None:
    card, path, _ = moved
    with pytest.raises(InputError, match="cannot be downloaded"):
        fetch(card, path)
