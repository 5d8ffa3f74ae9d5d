"""The house as DESIGN draws it: imports run one way, rooms are small, data is data."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "evalhub"

LAYERS = (
    "errors", "scales", "texts", "words", "files", "forks", "records", "sandbox", "specs", "stats", "judging",
    "metrics", "models", "sources", "engines", "store", "analysis", "gates", "training", "runner",
    "serving", "report", "night", "testing", "cli",
)  # fmt: skip
EXEMPT = ("evalhub", "evalhub.__main__")

HEAVY = {
    "altair", "anthropic", "duckdb", "gguf", "huggingface_hub", "jinja2", "nltk", "openai", "pandas",
    "pyarrow", "rapidfuzz", "regex", "rouge_score", "safetensors", "scipy", "streamlit", "tokenizers",
    "torch", "transformers", "vllm",
}  # fmt: skip
NEVER_FOR_HELP = ("torch", "vllm", "transformers", "pandas", "scipy", "duckdb", "streamlit")


def modules() -> dict[str, Path]:
    """Return each module's name with its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[tuple[str, bool, bool], ...]:
    """Return what a file imports: the name, whether a function defers it, whether it is for types alone."""

    def walk(node: ast.AST, deferred: bool, types: bool) -> Iterator[tuple[str, bool, bool]]:
        for child in ast.iter_child_nodes(node):
            inside = deferred or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.Import):
                yield from ((one.name, deferred, types) for one in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: a relative import"
                for one in child.names:
                    whole = f"{child.module}.{one.name}"
                    yield (whole if whole in MODULES else str(child.module), deferred, types)
            else:
                yield from walk(child, inside, types or _is_type_checking(child))

    return tuple(walk(tree_of(path), False, False))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", [name for name in MODULES if name not in EXEMPT])
def test_imports_run_one_way(module: str) -> None:
    mine = LAYERS.index(layer(module))
    for name, deferred, types in imports(MODULES[module]):
        if name.split(".")[0] != "evalhub":
            continue
        assert name in MODULES, f"{module} imports {name}, which is no module"
        assert not deferred, f"{module} imports {name} inside a function"
        if name == "evalhub":  # the lazy front room, which hands all layers on
            assert layer(module) == LAYERS[-1], f"{module} imports the front room"
            continue
        if layer(name) != layer(module):
            assert LAYERS.index(layer(name)) < mine or types, (
                f"{module} imports {name}, which stands right of it"
            )


def test_every_room_is_a_layer() -> None:
    rooms = {layer(name) for name in MODULES} - {"", "__main__"}
    assert rooms == set(LAYERS)


def test_no_cycles_between_modules() -> None:
    graph = {
        name: {one for one, _, types in imports(path) if one in MODULES and not types and one not in EXEMPT}
        for name, path in MODULES.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for following in sorted(graph[name]):
                # A module that imports from its own package's front room is a cycle too.
                visit(following, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def arrows(room: str) -> set[tuple[str, str]]:
    """Return which part of a room imports from which other: its folders and the modules beside them."""
    edges = set()
    for name, path in MODULES.items():
        source = name.split(".")[2:3]
        if layer(name) != room or not source:
            continue
        for target, _, types in imports(path):
            parts = target.split(".")
            if parts[:2] == ["evalhub", room] and parts[2:3] not in ([], source) and not types:
                edges.add((source[0], parts[2]))
    return edges


@pytest.mark.parametrize(
    ("room", "limit"), [("analysis", 40), ("judging", 15), ("runner", 15), ("report", 20)]
)
def test_the_folders_of_a_room_import_one_way(room: str, limit: int) -> None:
    edges = arrows(room)
    assert len(edges) <= limit
    left = {name for edge in edges for name in edge}
    while left:
        # Whatever nobody needs can be set aside. A cycle leaves some that are always needed.
        free = {
            name for name in left if not any(target == name and source in left for source, target in edges)
        }
        assert free, f"a cycle among {sorted(left)}"
        left -= free


def test_a_newcomer_sees_ten_parts_of_analysis() -> None:
    assert len({name.split(".")[2] for name in MODULES if name.startswith("evalhub.analysis.")}) <= 10


def test_plans_need_no_analysis() -> None:
    for module, path in MODULES.items():
        if module.startswith("evalhub.runner.plan.plan"):
            assert not [name for name, _, _ in imports(path) if layer(name) == "analysis"], module


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_are_imported_late(module: str) -> None:
    for name, deferred, types in imports(MODULES[module]):
        top = name.split(".")[0]
        assert top not in HEAVY or deferred or types, f"{module} imports {name} at the top"
        if top == "numpy":
            assert layer(module) == "stats" or deferred or types, f"{module} imports numpy at the top"


@pytest.mark.parametrize("module", MODULES)
def test_only_heavy_packages_are_imported_late(module: str) -> None:
    light = {name.split(".")[0] for name in sys.stdlib_module_names} | {"pydantic", "yaml", "typer", "rich"}
    for name, deferred, _ in imports(MODULES[module]):
        assert not deferred or name.split(".")[0] not in light, f"{module} defers {name} without need"


@pytest.mark.parametrize("folder", ["judges", "datasets", "suites"])
def test_data_folders_hold_data(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert not list((ROOT / folder).rglob("*.py"))


def test_no_folder_beside_the_package_is_a_package() -> None:
    for folder in ("datasets", "judges", "suites", "dashboards", "tests", "benchmarks"):
        assert not list((ROOT / folder).rglob("__init__.py"))


def test_no_card_s_id_in_the_code() -> None:
    ids = {
        yaml.safe_load(path.read_text(encoding="utf-8"))["id"] for path in (ROOT / "datasets").glob("*.yaml")
    }
    assert len(ids) >= 10
    any_id = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in ids))
    for module, path in MODULES.items():
        tree = tree_of(path)
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if id(node) not in documents and any_id.search(node.value):
                named = {one for one in ids if re.search(rf"\b{re.escape(one)}\b", node.value)}
                assert not named - {"quickstart"}, f"{module}:{node.lineno} names {named}"


def test_files_are_short() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert {module: length for module, length in lengths.items() if length > 400} == {}
    ordered = sorted(lengths.values())
    assert ordered[len(ordered) // 2] < 150


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['evalhub', '--help']\n"
        "from evalhub.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        f"found = [name for name in {NEVER_FOR_HELP!r} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ended.returncode == 0, ended.stderr
