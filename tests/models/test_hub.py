"""The hub client against a hub of our own that serves one tiny repository."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from evalhub.errors import ModelError
from evalhub.models.hub import HubModel, fetch_snapshot, parse_hub_id, snapshot_arguments

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"pickle",
    "modeling.py": b"code",
    "onnx/model.json": b"{}",
    "README.md": b"words",
}


class _Hub(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        listing = {"id": "org/tiny", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
        tree = [{"type": "file", "path": name, "size": len(data), "oid": "0"} for name, data in FILES.items()]
        if path.startswith("/api/models/org/tiny/tree/"):
            content, kind = json.dumps(tree).encode(), "application/json"
        elif path.startswith("/api/models/org/tiny"):
            content, kind = json.dumps(listing).encode(), "application/json"
        else:
            name = path.partition(f"/org/tiny/resolve/{COMMIT}/")[2]
            content, kind = FILES.get(name), "application/octet-stream"
        self.send_response(404 if content is None else 200)
        content = content or b"{}"
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", kind)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_only_data_is_fetched(hub: str, cache: Path) -> None:
    model = HubModel("org/tiny", COMMIT)
    folder = fetch_snapshot(model, endpoint=hub)
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert cache in folder.parents
    assert fetch_snapshot(model, download=False) == folder
    trusted = fetch_snapshot(model, endpoint=hub, trust_remote_code=True, allow_pickle=True)
    assert {path.name for path in trusted.iterdir()} == {
        "config.json", "model.safetensors", "modeling.py", "pytorch_model.bin",
    }  # fmt: skip


def test_what_cannot_be_fetched_is_one_sentence(hub: str) -> None:
    with pytest.raises(ModelError, match="org/absent@main: the hub model cannot be fetched"):
        fetch_snapshot(HubModel("org/absent", "main"), endpoint=hub)
    with pytest.raises(ModelError, match=r"not in the cache.*evalhub models fetch org/tiny@main"):
        fetch_snapshot(HubModel("org/tiny", "main"), download=False)


def test_the_arguments(cache: Path) -> None:
    plain = snapshot_arguments(HubModel("a/b", "c"), trust_remote_code=False, allow_pickle=False)
    assert (plain["repo_id"], plain["revision"], plain["cache_dir"]) == ("a/b", "c", str(cache / "hub"))
    assert not {"*.py", "*.bin"} & set(plain["allow_patterns"])
    trusted = snapshot_arguments(HubModel("a/b", "c"), trust_remote_code=True, allow_pickle=True)
    assert {"*.py", "*.bin"} <= set(trusted["allow_patterns"])


def test_ids() -> None:
    assert parse_hub_id("a/b@refs/pr/1") == HubModel("a/b", "refs/pr/1")
    assert parse_hub_id("../b@c") is None
    assert parse_hub_id("a/b/c@d") is None
    with pytest.raises(ModelError, match="needs a revision"):
        parse_hub_id("a/b")
