"""Row 8 and Row 10: rubrics, cards and suites that try to run something, to grow or to leave their folder.

Row 8: nothing in a rubric is executed. Row 10: YAML makes plain values and is quick.
"""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalhub.errors import EvalhubError
from evalhub.judging import preview
from evalhub.records import Item, Response
from evalhub.specs import load_card, load_rubric, load_suite, parse_rubric
from evalhub.specs.rubric import MAX_BYTES

from ..conftest import RATE

MIB = 1 << 20
DO = "open('MARKER','w')"
TEMPLATES = (
    "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{{7*'7'}}", "{{config}}", "{{self}}", "${{7*7}}",
    "{{''.__class__.__mro__[1].__subclasses__()}}", f"{{{{cycler.__init__.__globals__.os.{DO}}}}}",
    f"{{{{lipsum.__globals__['os'].{DO}}}}}", "{{request.application.__globals__}}", "{{dump(app)}}",
    f"{{% for x in ().__class__.__base__.__subclasses__() %}}{DO}{{% endfor %}}", "{%import os%}{{os.name}}",
    f"{{% if {DO} %}}x{{% endif %}}", "{% include '/etc/passwd' %}", "{% extends '/etc/passwd' %}",
    "{{ '/etc/passwd'|file_excerpt(1,30) }}", f"<% {DO} %>", "<%= File.open('/etc/passwd').read %>",
    '<#assign ex="freemarker.template.utility.Execute"?new()> ${ex("touch MARKER")}',
    "#set($x='')#set($rt=$x.class.forName('java.lang.Runtime'))$rt.getRuntime().exec('touch MARKER')",
    "${T(java.lang.Runtime).getRuntime().exec('touch MARKER')}", "*{T(java.lang.Runtime)}", "@(7*7)",
    "{{constructor.constructor('return process')()}}", "{{#with 's' as |string|}}{{/with}}", "{php}x{/php}",
    "{{range.constructor(\"return global.process.mainModule.require('child_process')\")()}}", "[[${7*7}]]",
    "{system('touch MARKER')}", "{{_self.env.registerUndefinedFilterCallback('exec')}}", "`touch MARKER`",
    "$(touch MARKER)", f"f\"{{{DO}}}\"", f"%s % {DO}", "{0.__class__}", "{response.__class__.__init__}",
    "${jndi:ldap://127.0.0.1/a}", "!!python/object/apply:os.system ['touch MARKER']", "=cmd|'/C calc'!A0",
    "{{question}}{{question}}", "%%{{response}}%%", "{{ 'a' * 10**9 }}", "{{" + " " * 60_000,
    "{{" + "a " * 30_000, "{%" * 30_000, "{#" * 30_000, "<%" * 30_000, "{{" * 30_000, "{ " * 30_000,
    "{question" * 7_000,
)  # fmt: skip


def measured(act: Callable[[], Any]) -> EvalhubError | None:
    """Return the error of an act that takes neither long nor much memory, and at most one sentence."""
    start, size, refusal = time.monotonic(), largest_size(), None
    try:
        act()
    except EvalhubError as error:
        refusal = error
    assert len(str(refusal)) < 1500
    assert "\n" not in str(refusal)
    assert time.monotonic() - start < 3  # 1 s on a quiet machine
    assert largest_size() - size < 50 * MIB
    return refusal


def largest_size() -> int:
    """Return the largest memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("place", ["You rate one answer.", "Levels:", "The answer is right.", "wrong"])
def test_nothing_in_a_rubric_is_executed(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload is refused, or it reaches the judge letter by letter."""
    monkeypatch.chdir(tmp_path)
    item, response = Item("d", "i", turns=("What?",)), Response("d", "i", "s", text="So.")
    is_key = place in ("The answer is right.", "wrong")
    assert len(TEMPLATES) >= 40
    refused = 0
    for payload in TEMPLATES:
        rubric_text = RATE.replace("Levels:", "Levels:\n{{criterion}}") if place.startswith("The") else RATE
        text = rubric_text.replace(place, yaml.dump(payload, width=10**6).strip() if is_key else payload)
        sent: list[str] = []

        def show(text: str = text, sent: list[str] = sent) -> None:
            rubric = parse_rubric(text, "r.md")
            for request in preview(rubric, item, "quality", (response,)):
                sent.extend(message.content for message in request.messages)

        refused += measured(show) is not None
        assert not sent or payload in "\n".join(sent), payload
    assert refused > 20
    assert list(tmp_path.iterdir()) == []


OTHER_RUBRICS: dict[str, tuple[str, str]] = {
    "a tag that makes an object": ("version: 1", "version: !!python/object/apply:os.getpid []"),
    "a tag of a name": ("id: rate", "id: !!python/name:os.system"),
    "a bomb of aliases": (
        "criteria:",
        "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]\ncriteria:",
    ),
    "a deep list": ("version: 1", "version: " + "[" * 5000),
    "a deep mapping": ("version: 1", "version: " + "{a: " * 5000),
    "a key that stands twice": ("version: 1", "version: 1\nversion: 1"),
    "a long number": ("version: 1", "version: " + "9" * 10_000),
    "a negative version": ("version: 1", "version: -1"),
    "true as a version": ("version: 1", "version: true"),
    "an infinite version": ("version: 1", "version: .inf"),
    "no number as a weight": ("scale:", "weights: {quality: .nan}\nscale:"),
    "an infinite weight": ("scale:", "weights: {quality: .inf}\nscale:"),
    "an id that leaves its folder by a control character": ("id: rate", 'id: "ra\\0te"'),
    "an id with an icon": ("id: rate", 'id: ":material/home:"'),
    "an id with Markdown": ("id: rate", 'id: "[x](http://evil.example)"'),
    "an id with markup": ("id: rate", 'id: "<b>x</b>"'),
    "an empty id": ("id: rate", 'id: ""'),
    "a long id": ("id: rate", "id: " + "x" * 201),
    "an id of two lines": ("id: rate", 'id: "a\\nb"'),
    "an id that ends a line": ("id: rate", 'id: "rate\\n"'),
    "an id with a right-to-left mark": ("id: rate", 'id: "rate\\u202e"'),
    "an id in look-alike letters": ("id: rate", "id: r\u0430te"),
    "a criterion with a slash at its start and a space": ("quality", '"/etc /passwd"'),
    "a criterion that is a list": ("{quality: The answer is right.}", "[quality]"),
    "a protocol that is a path": ("pointwise", "../../pointwise"),
    "a protocol that is a module": ("protocol: pointwise", "protocol: os:system"),
    "another input": ("[question, response]", "[question, response, environ]"),
    "an input with a dot": ("[question, response]", "[question, response.text]"),
    "an input that is built in": ("[question, response]", "[question, response, scale]"),
    "a slot in the system message": ("You rate one answer.", "{{response}}"),
    "a slot beside other text": ("{{response}}", "x {{response}}"),
    "a slot that stands twice": ("{{response}}", "{{response}}\n{{response}}"),
    "a slot without a name": ("{{response}}", "{{response}}\n{{ }}"),
    "a second User section": ("## User", "## User\nx\n## User"),
    "another section": ("## System", "## Tool"),
    "text before the sections": ("## System", "Obey.\n## System"),
    "levels without end": (
        "{1: wrong, 2: fair, 3: right}",
        "{" + ", ".join(f"{n}: x" for n in range(200)) + "}",
    ),
    "a level that is not a number": ("1: wrong", ".nan: wrong"),
    "a level without end": ("1: wrong", ".inf: wrong"),
    "two levels of one value": ("1: wrong", "1: wrong, 1.0: wrong"),
    "no front matter": ("---\nid", "id"),
    "an unknown key": ("version: 1", "version: 1\n__class__: x"),
    "the text in a key": ("version: 1", "version: 1\nuser: x"),
}  # fmt: skip


@pytest.mark.parametrize("attack", OTHER_RUBRICS)
def test_a_hostile_rubric_is_refused_in_one_sentence(attack: str, desk: Any, cli: Any) -> None:
    assert len(OTHER_RUBRICS) >= 40
    old, new = OTHER_RUBRICS[attack]
    assert old in RATE
    desk.rubric("rate", RATE.replace(old, new, 1))
    result = cli("judges", "check", "rate")
    assert result.code == 2, result
    assert "Traceback" not in result.err
    assert len(result.sentence) < 1500


def test_a_rubric_is_small(desk: Any) -> None:
    desk.rubric("rate", RATE + "x" * MAX_BYTES)
    refusal = measured(lambda: load_rubric("rate"))
    assert refusal is not None
    assert f"the file is too large; allowed: {MAX_BYTES} bytes" in str(refusal)


BOMBS = {
    "aliases": "\n".join(
        ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    ),
    "merges": "\n".join(
        ["a0: &a0 {k: 1}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 30)]
    ),
    "merges of long mappings": "a0: &a0 {"
    + ", ".join(f"k{n}: 1" for n in range(5000))
    + "}\n"
    + "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 7)),
    "lists": "a: " + "[" * 100_000,
    "mappings": "a: " + "{b: " * 50_000,
    "a number": "a: " + "9" * 500_000,
    "an octal number": "a: 0" + "7" * 500_000,
    "sixties": "a: 1" + ":59" * 100_000,
    "itself": "a: &a [*a]",
    "documents": "---\na: 1\n" * 50_000,
    "a large file": "a: " + "x" * (2 * MIB),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("load", [load_suite, load_card], ids=["suite", "card"])
def test_a_bomb_is_refused_at_once(bomb: str, load: Callable[[str], Any], desk: Any) -> None:
    for folder in ("suites", "datasets"):
        (desk.folder / folder / "s.yaml").write_text(BOMBS[bomb])
    assert measured(lambda: load("s")) is not None
