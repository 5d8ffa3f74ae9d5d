"""How the code reads: variables are nouns of the domain, and prose has one idea per sentence."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for folder in ("evalhub", "dashboards") for path in (ROOT / folder).rglob("*.py"))

# Pronouns, participles, adverbs and verbs: none of them names a thing.
NO_NOUNS = frozenset(
    """
    one ones it they them this that these those what who whom whose which when why how
    some any none many few each every all both either neither whole own others
    something anything everything nothing someone whoever whatever thing things
    mine ours theirs yours such same more most less least so there here
    about alone beside behind beneath beyond together alike else enough just later now once only then too
    said told found known named held made given kept taken asked drawn seen wanted needed done gone meant
    heard put written spelled counted sent got brought chosen spoken spent used tried stood fallen risen
    lost won caught dealt hidden felt forgotten shaken spoke struck taught thrown understood worn bought
    say says tell tells hold holds keep keeps give gives take takes get gets let lets
    was were been being had has have does did do would should could might must will shall may
    """.split()  # noqa: SIM905
)
# Python's own names, and words that are nouns of the domain in spite of the list.
ALLOWED = frozenset({"__all__"})
MOST_SEMICOLONS = 4.0


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that is bound to a value, with its line: variables, parameters, aliases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node.lineno


def is_no_noun(name: str) -> bool:
    """Return whether a name is a word of the list, or a compound that ends in `one`."""
    word = name.strip("_")
    return name not in ALLOWED and (word in NO_NOUNS or word.startswith("one_") or word.endswith("_one"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_are_nouns(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [f"{name} in line {line}" for name, line in bound_names(tree) if is_no_noun(name)] == []


def test_the_list_sees_what_it_must() -> None:
    source = (
        "import a as said\n"
        "def f(told, *, about):\n    for one in told:\n        found = [mine for mine in one]\n"
    )
    names = Counter(name for name, _ in bound_names(ast.parse(source)) if is_no_noun(name))
    assert names == {"told": 1, "about": 1, "one": 1, "found": 1, "mine": 1, "said": 1}


def prose(source: str) -> Iterator[str]:
    """Yield the docstrings and comments of a file, without examples and code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=False) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_sentences_hold_one_idea() -> None:
    texts = [text for path in FILES for text in prose(path.read_text(encoding="utf-8"))]
    plain = re.sub(r"(?m)^\s*(>>>|\.\.\.).*$|`[^`]*`", "", "\n".join(texts))
    per_thousand = 1000 * plain.count(";") / len(plain.split())
    assert per_thousand < MOST_SEMICOLONS, f"{per_thousand:.1f} semicolons per 1,000 words"
