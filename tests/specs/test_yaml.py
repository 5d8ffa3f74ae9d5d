"""YAML without its surprises.

Row 10: no tag makes an object, and no bomb of aliases or brackets unfolds.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import SpecError, UnknownNameError
from evalhub.specs import available, data_root, load_rubric, load_suite, locate, parse_rubric
from evalhub.specs.base import MAX_BYTES, parse_yaml, read_text


def test_words_stay_words() -> None:
    text = "a: no\nb: on\nc: off\nd: y\ne: yes\nf: 2024-01-02\ng: true\nh: 1\ni: null\nno: x\n"
    assert parse_yaml(text, "f") == {
        "a": "no", "b": "on", "c": "off", "d": "y", "e": "yes", "f": "2024-01-02", "g": True, "h": 1,
        "i": None, "no": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", "f:2: the key 'a' appears twice."),
        ("a: {b: 1, c: 2, b: 3}", "f:1: the key 'b' appears twice."),
        ("1: a\n1.0: b", "f:2: the key 1.0 appears twice."),
        ("x: !!python/object/apply:os.system [ls]", "f:1: could not determine a constructor for the tag"),
        ("x: !!python/name:os.system", "f:1: could not determine"),
        ("x: !thing 3", "f:1: could not determine"),
        ("? {a: 1}\n: 2", "f:1: a key must be a text or a number."),
        ("a: b: c", "f:1: mapping values are not allowed here."),
        ("a: *b", "f:1: found undefined alias"),
        ("\tx: 1", "f:1: found character"),
        ("a: \x00", "f"),
        ("text", "f: the file must hold keys with values, got 'text'."),
        ("[1, 2]", "f: the file must hold keys with values, got [1, 2]."),
        ("---\na: 1\n---\nb: 2", "f"),
        ("x: 0x", ""),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    if not problem:
        assert parse_yaml(text, "f") == {"x": "0x"}
        return
    with pytest.raises(SpecError) as error:
        parse_yaml(text, "f")
    assert str(error.value).startswith(problem)
    assert "\n" not in str(error.value)


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(SpecError, match="aliases"):
        parse_yaml("\n".join(lines), "f")


def test_a_deep_nesting_is_refused() -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        parse_yaml("a: " + "[" * 20_000 + "]" * 20_000, "f")


def test_merge_keys_do_not_hide_a_key() -> None:
    assert parse_yaml("a: &x {k: 1}\nb: {<<: *x, l: 2}", "f")["b"] == {"k": 1, "l": 2}
    assert parse_yaml("a: &x {k: 1}\nb: {<<: *x, k: 2}", "f")["b"] == {"k": 2}


def test_a_file_is_small_text(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a" * MAX_BYTES)
    assert len(read_text(path)) == MAX_BYTES == 1 << 20
    path.write_bytes(b"a" * (MAX_BYTES + 1))
    with pytest.raises(SpecError, match="too large; allowed: 1048576 bytes"):
        read_text(path)
    path.write_bytes(b"ab\xff")
    with pytest.raises(SpecError, match=r"f\.yaml:byte 2: the file is not UTF-8"):
        read_text(path)
    with pytest.raises(SpecError, match="cannot be read"):
        read_text(tmp_path / "nothing")
    with pytest.raises(SpecError, match="cannot be read"):
        read_text(tmp_path)


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_and_a_byte_order_mark_do_not_matter(desk: Any, ending: str) -> None:
    text = (desk.folder / "judges" / "rate.md").read_text()
    path = desk.folder / "judges" / "other.md"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", ending).encode())
    assert load_rubric("other").hash == load_rubric("rate").hash


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("suite: s\ndatasets: [{id: tiny}]\njudges: [{id: j, rubrik: rate, model: m}]",
         ("judges.0.rubrik: unknown key", "did you mean 'rubric'?")),
        ("siute: s\ndatasets: [{id: tiny}]", ("s.yaml:siute: unknown key", "did you mean 'suite'?")),
        ("suite: s\ndatasets: [{id: tiny}]\njudges: [{id: j, model: m}]\nx: 1",
         ("judges.0.rubric: this key is required",)),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_told_before_the_one_it_stands_for(
    desk: Any, text: str, parts: tuple[str, ...]
) -> None:
    desk.suite(text)
    with pytest.raises(SpecError) as error:
        load_suite("s")
    assert all(part in str(error.value) for part in parts), error.value


def test_levels_stay_what_they_are() -> None:
    rubric = parse_rubric(
        "---\nid: r\nversion: 1\nprotocol: pointwise\ninputs: [response]\ncriteria: {c: x}\n"
        "scale: {no: absent, yes: present}\n---\n## User\n{{scale}}\n{{response}}\n",
        "r.md",
    )
    scale = rubric.scale_for("c")
    assert scale is not None
    assert scale.names == ("no", "yes")
    assert scale.values == (0.0, 1.0)


def test_one_criterion_may_have_its_own_scale() -> None:
    rubric = parse_rubric(
        "---\nid: r\nversion: 1\nprotocol: pointwise\ninputs: [response]\ncriteria: {c: x}\n"
        "scale: {c: {1: bad, 2: good}}\n---\n## User\n{{scale}}\n{{response}}\n",
        "r.md",
    )
    scale = rubric.scale_for("c")
    assert scale is not None
    assert scale.describe() == "1: bad\n2: good"


class TestFolders:
    @pytest.fixture
    def homes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        homes = [tmp_path / name for name in ("here", "first", "second")]
        for home in homes:
            (home / "suites").mkdir(parents=True)
        monkeypatch.chdir(homes[0])
        monkeypatch.setenv("EVALHUB_PATH", os.pathsep.join(map(str, homes[1:])))
        return homes

    def write(self, home: Path, name: str) -> Path:
        path = home / "suites" / f"{name}.yaml"
        path.write_text(f"suite: {home.name}\ndatasets: [{{id: x}}]\n")
        return path

    def test_the_nearest_folder_wins(self, homes: list[Path]) -> None:
        for home in reversed(homes):
            path = self.write(home, "quickstart")
            suite, suite_path = load_suite("quickstart")
            assert (suite.suite, suite_path) == (home.name, path)
            assert available("suites")["quickstart"] == path

    def test_the_packaged_ones_come_last(self, homes: list[Path]) -> None:
        assert locate("suites", "quickstart").parent == data_root() / "suites"
        self.write(homes[1], "mine")
        assert {"mine", "quickstart", "llmbar", "summeval"} <= set(available("suites"))

    def test_a_path_is_a_path(self, homes: list[Path], tmp_path: Path) -> None:
        path = self.write(homes[2], "other")
        assert locate("suites", str(path)) == path
        referrer = homes[2] / "suites" / "x.yaml"
        assert locate("suites", "other.yaml", referrer=referrer) == path
        with pytest.raises(SpecError, match=r"no suite file at that path, got 'other\.yaml'"):
            locate("suites", "other.yaml")
        with pytest.raises(UnknownNameError, match="unknown suite"):
            locate("suites", "other/")

    def test_an_id_does_not_leave_the_folder(self, homes: list[Path]) -> None:
        (homes[0] / "x.yaml").write_text("suite: x\ndatasets: [{id: x}]\n")
        with pytest.raises(UnknownNameError):
            locate("suites", "../x")
