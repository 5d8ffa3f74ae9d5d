"""Row 15 and Row 16: a name is a plain word, and no name leads out of the folder that it belongs to.

Row 15: no markup, icon or hidden character stands in an id. Row 16: 100 names, of which none makes or reads a
file outside of the folder that it belongs to.
"""

import itertools
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.errors import EvalhubError
from evalhub.files import file_sha256
from evalhub.runner import Options, prepare
from evalhub.sources import load
from evalhub.specs import load_card
from evalhub.specs.base import ID
from evalhub.store import RunWriter

from ..conftest import RATE_JUDGE
from ..manifests import complete

MARKUP = (
    ":material/home:", ":red[x]", "[x](http://evil.example)", "![x](y)", "<b>x</b>", "`x`", "*x*", "a|b",
    "$x$",
    "x\u202ey", "x\u200by", "x y", "x\ty", "x\ny", "x\n", "\ufeffx", "é", "答", "x\x00", "x\x1b[31m",
    "{{x}}", "x;y",
    "x'y", 'x"y', "x:y", "=x", "x,y", "#x", "~x", "^x", "x?", "x*", "x\\y", "\uff41", "", "x" * 201,
)  # fmt: skip
PATHS = (
    "..", "../x", "../../x", "a/../../x", "./../x", "/etc/x", "//etc/x", "/", ".", "...", "x/..",
    "x/../../..",
    "%2e%2e/x", "..%2fx", "%2e%2e%2fx", "..%00/x", "..\\x", "..\\..\\x", "C:\\x", "C:x", "\\\\host\\x",
    "~/x",
    "~root/x", "$HOME/x", "${HOME}/x", "`id`/x", "file:///etc/x", "CON", "NUL", "nul", "AUX", "COM1",
    "LPT1.md",
    "con.yaml", ".hidden", "-x", "--help", "x/", "x//y", "..;/x", "..\u2215x", "\u2025/x", "．．/x",
    "..\x00/x",
    "x\x00/../y", "x.md/../../y", "link/x", "link/../x", ".git/x", "proc/self/environ", "x" * 300 + "/../y",
)  # fmt: skip
NAMES = (
    *MARKUP,
    *PATHS,
    *(f"{up}{name}" for up, name in itertools.product(("../", "../../a/", "/tmp/"), "abcde")),
)


@pytest.fixture
def home(desk: Any, tmp_path: Path) -> Path:
    """The outside of the working directory: a folder with secrets, to which a link leads."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "x").write_text("secret")
    (desk.folder / "judges" / "link").symlink_to(outside)
    return outside


def contents(folder: Path) -> dict[str, str]:
    return {str(path): file_sha256(path) for path in folder.rglob("*") if path.is_file()}


def test_a_name_makes_no_file_outside_of_its_folder(home: Path, desk: Any, cli: Any) -> None:
    assert len(NAMES) >= 100
    before, beside = contents(home), set(home.parent.iterdir())
    for name in NAMES:
        files = contents(desk.folder)
        for words in (
            ["judges", "new", "--", name],
            ["runs", "remove", "--", name],
            ["runs", "show", "--", name],
        ):
            result = cli(*words)
            assert result.code in (0, 2, 4), (words, result)
            assert "Traceback" not in result.err
        made = [Path(path).relative_to(desk.folder) for path in contents(desk.folder).keys() - files.keys()]
        assert all(path.parts[0] == "judges" and len(path.parts) == 2 for path in made), (name, made)
    assert contents(home) == before
    assert set(home.parent.iterdir()) == beside
    assert not Path("/tmp/a.md").exists()


def test_a_suite_and_its_run_stay_in_their_folders(desk: Any) -> None:
    names = []
    for name in NAMES:
        desk.suite(suite=name, judges=[RATE_JUDGE])
        with suppress(EvalhubError):
            prepare("s", Options(runs=desk.runs))
            names.append(name)
    assert set(names) == {name for name in NAMES if re.fullmatch(r"\w[\w.@+-]{0,199}", name, re.ASCII)}
    for name in names:
        writer = RunWriter.create(desk.runs, name, complete({}))
        writer.close()
        assert writer.path.resolve().parent == desk.runs.resolve()


@pytest.mark.parametrize("key", ["id", "folder", "path", "paths"])
def test_a_dataset_reads_no_file_outside_of_its_folder(home: Path, desk: Any, key: str) -> None:
    path = desk.folder / "datasets" / "tiny.yaml"
    sha256, read = file_sha256(home / "x"), 0
    for name in NAMES:
        card = yaml.safe_load(desk.dataset().read_text())
        file = card["files"]["items"]
        if key in ("id", "folder"):
            card[key] = name
        elif key == "path":
            file |= {"path": name, "sha256": sha256}
        else:
            del file["path"], file["sha256"]
            file["paths"] = {name: sha256}
        path.write_text(yaml.safe_dump(card))
        with suppress(EvalhubError):
            loaded, _ = load_card("tiny")
            read += 1
            names = [
                loaded.id,
                loaded.folder or "",
                *(name for spec in loaded.files.values() for name in spec.hashes),
            ]
            assert not [place for place in map(Path, names) if ".." in place.parts or place.is_absolute()]
            with pytest.raises(EvalhubError) if key in ("path", "paths") else suppress(EvalhubError):
                load(loaded, path)
    assert read


@pytest.mark.parametrize("name", MARKUP)
def test_an_id_has_no_markup(name: str) -> None:
    assert re.fullmatch(ID, name) is None
