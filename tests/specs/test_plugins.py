"""Protocols, metrics and engines of other packages, and bad ones, each refused in one sentence."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import engine_kind
from evalhub.errors import SpecError, UnknownNameError
from evalhub.judging import PROTOCOLS, find_protocol, find_reply_format
from evalhub.metrics import METRICS, build

CODE = """
from evalhub.judging import PROTOCOLS, REPLY_FORMATS
from evalhub.metrics import METRICS
from evalhub.engines import ENGINES

protocol, metric, engine = PROTOCOLS["pairwise"], METRICS["length"], ENGINES["scripted"]
reply_format = REPLY_FORMATS["score"]
nothing = 3
"""

Ask = Callable[[str], Any]
ASK: dict[str, Ask] = {
    "protocol": lambda name: find_protocol(name, where="here"),
    "metric": lambda name: build(name, where="here"),
    "engine": engine_kind,
    "reply format": lambda name: find_reply_format(name, where="here"),
}


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with entry points, good and bad, of each kind."""
    (tmp_path / "other_judges.py").write_text(CODE)
    (tmp_path / "broken_judges.py").write_text("raise RuntimeError('no such GPU')")
    facts = tmp_path / "other_judges-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: other-judges\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "".join(
            f"[evalhub.{kind}s]\ngood = other_judges:{kind}\nbroken = broken_judges:{kind}\n"
            f"missing = other_judges:absent\nwrong = other_judges:nothing\npairwise = other_judges:nothing\n"
            for kind in (kind.replace(" ", "_") for kind in ASK)
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("other_judges", "broken_judges"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize("kind", ASK)
class TestEveryKind:
    def test_one_of_another_package_is_found(self, kind: str) -> None:
        assert ASK[kind]("good") is not None

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("broken", "cannot be loaded (RuntimeError: no such GPU), got 'broken_judges:"),
            ("missing", "cannot be loaded (AttributeError: "),
            ("wrong", "is not a valid KIND, got 'other_judges:nothing'"),
        ],
    )
    def test_a_bad_one_is_one_sentence(self, kind: str, name: str, reason: str) -> None:
        with pytest.raises(SpecError) as excinfo:
            ASK[kind](name)
        sentence = excinfo.value.sentence()
        assert f"the entry point {name} of other-judges {reason.replace('KIND', kind)}" in sentence
        assert sentence.endswith("fix other-judges, or uninstall it.")
        assert kind == "engine" or sentence.startswith("here: ")

    def test_an_unknown_one_names_the_others_too(self, kind: str) -> None:
        with pytest.raises(UnknownNameError, match=f"unknown {kind}.*did you mean 'good'"):
            ASK[kind]("goood")


def test_our_own_are_not_replaced() -> None:
    assert find_protocol("pairwise") is PROTOCOLS["pairwise"]


def test_a_metric_that_builds_nothing_of_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "odd", lambda options, *, where: None)  # type: ignore[arg-type]
    with pytest.raises(
        SpecError, match=r"here\.odd: the builder returns no metric, it lacks .*got 'NoneType'"
    ):
        build("odd", where="here")


def test_a_rubric_of_another_package_s_protocol_runs(desk: Any) -> None:
    path = desk.folder / "judges" / "pair.md"
    path.write_text(path.read_text().replace("protocol: pairwise", "protocol: good"))
    assert desk.run().manifest.judges["pw"].protocol == "good"
