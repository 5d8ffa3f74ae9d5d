"""The SQL page: ready questions answer on every run, nothing runs unasked, and files do no harm.

Row 13: the page exists for readers on this machine alone. Row 20: a saved CSV runs nothing in a spreadsheet.
"""

import ast
import csv
import io
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import altair as alt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.analysis import Results
from evalhub.analysis.database.cells import UNITS
from evalhub.analysis.database.queries import TABLES
from evalhub.analysis.run import query as queries
from evalhub.analysis.run.query import QueryResult, run_query
from evalhub.analysis.run.query_child import Cut
from evalhub.store import Run
from tests.conftest import PAIR_JUDGE, RATE_JUDGE

DASHBOARDS = Path(__file__).resolve().parents[2] / "dashboards"
READY = sorted((DASHBOARDS / "queries").glob("*.sql"))
HOSTILE = "<script>alert(1)</script> [link](http://evil.example) `x`"


@pytest.fixture(scope="module", autouse=True)
def _modules_of_the_app() -> Iterator[None]:
    """Let tests import the app's modules by the names that the app uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DASHBOARDS))
        yield


@pytest.fixture(scope="module")
def runs(shared_desk: Any) -> Mapping[str, Run]:
    """A run of pairs, with two judges and failures, and a run of ratings."""
    sealed = {}
    for protocol, rubric in (("pairs", PAIR_JUDGE), ("ratings", RATE_JUDGE)):
        with shared_desk() as desk:
            label = {"item_id": "i000", "annotator": "someone"}
            desk.dataset(
                labels=[
                    {**label, "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "a"},
                    {**label, "criterion": "quality", "system": "k", "value": 2.0},
                ]
            )
            failing = {"type": "scripted", "script": {"rules": [{"match": "plus 1", "text": "?"}]}}
            judges = [rubric, {**rubric, "id": "other", "mode": "explain", "engine": failing}]
            desk.suite(judges=judges, metrics=["length"])
            sealed[protocol] = desk.run()
    return sealed


@pytest.mark.parametrize("protocol", ["pairs", "ratings"])
@pytest.mark.parametrize("file", READY, ids=lambda file: file.stem)
def test_a_ready_question_runs(file: Path, protocol: str, runs: Mapping[str, Run]) -> None:
    result = run_query(runs[protocol].path, file.read_text(encoding="utf-8"))
    assert result.table.num_columns > 3
    if file.stem != "failures_by_kind" and (file.stem, protocol) != ("order_changes", "ratings"):
        assert result.table.num_rows


def test_ready_questions_are_described() -> None:
    from parts.sql import read_questions

    questions = read_questions()
    assert len(questions) == len(READY) >= 8
    for question in questions.values():
        assert question.title.endswith("?")
        assert question.note.endswith(".")
        assert not question.query.startswith("--")
        assert len(question.title) <= 60


def test_a_team_adds_a_file(tmp_path: Path) -> None:
    from parts.sql import read_questions

    (tmp_path / "plain_file.sql").write_text("SELECT 1")
    (tmp_path / "a.sql").write_text("-- Title?\nSELECT 1\n-- end")
    (tmp_path / "b.sql").write_text("-- Title?\n-- Meaning.\n-- More.\nSELECT 2")
    (tmp_path / "c.sql").write_bytes(b"")
    questions = read_questions(tmp_path)
    assert list(questions) == ["Title?", "Title? (b.sql)", "c", "plain file"]
    assert questions["Title?"].query == "SELECT 1\n-- end"
    assert (questions["Title? (b.sql)"].note, questions["Title? (b.sql)"].query) == (
        "Meaning.", "-- More.\nSELECT 2",
    )  # fmt: skip
    assert read_questions(tmp_path / "nowhere") == {}


def test_the_win_rate_by_tag_is_that_of_the_leaderboard(runs: Mapping[str, Run]) -> None:
    query = (DASHBOARDS / "queries" / "scores_by_tag.sql").read_text(encoding="utf-8")
    cells = Results(runs["pairs"]).sql("FROM cells WHERE measure = 'win rate' AND tag = ''")
    totals = cells.groupby(["judge", "system"])[["n", "total"]].sum()
    for row in run_query(runs["pairs"].path, query).table.to_pylist():
        if row["tag"] == "" and row["measure"] == "win rate":
            n, total = totals.loc[(row["judge"], row["system"])]
            assert row["n"] == n
            assert row["estimate"] == pytest.approx(total * UNITS["win rate"] / n, abs=5e-5)
    assert UNITS["mean score"] == 2.0**-32


def test_every_table_has_a_meaning() -> None:
    from parts.sql import MEANINGS

    assert set(MEANINGS) == set(TABLES)


class Page:
    """The page in a test: opened on the runs of a folder, as a server on this machine shows it."""

    def __init__(self, run: Run, patch: pytest.MonkeyPatch, address: str | None = "127.0.0.1") -> None:
        from streamlit import config
        from streamlit.testing.v1 import AppTest

        get_option = config.get_option
        patch.setattr(
            config, "get_option", lambda name: address if name == "server.address" else get_option(name)
        )
        patch.setenv("EVALHUB_RUNS", str(DASHBOARDS / "nowhere"))
        self.app = AppTest.from_file(str(DASHBOARDS / "app.py"), default_timeout=60).run()
        patch.setenv("EVALHUB_RUNS", str(run.path.parent))

    def open(self, **parameters: str) -> Any:
        for name, value in parameters.items():
            self.app.query_params[name] = value
        return self.checked(self.app.switch_page("views/sql.py").run())

    def ask(self, query: str) -> Any:
        self.app.text_area(key="query").set_value(query)
        (button,) = [button for button in self.app.button if button.label == "Run"]
        return self.checked(button.click().run())

    @staticmethod
    def checked(app: Any) -> Any:
        assert not app.exception, app.exception[0].message
        return app


def test_the_page_runs_what_is_asked_and_nothing_else(
    runs: Mapping[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[str] = []
    start = queries._SERVER.start

    def watch(job: Any, *arguments: Any) -> Any:
        jobs.append(job["query"])
        return start(job, *arguments)

    monkeypatch.setattr(queries._SERVER, "start", watch)
    page = Page(runs["pairs"], monkeypatch)
    title = "How does each system do by tag?"
    app = page.open(question=title, query="SELECT 1", q="SELECT 1")
    editor = app.text_area(key="query").value
    assert editor.startswith("SELECT dataset")
    assert jobs == []
    assert not app.dataframe
    app = page.ask(editor)
    assert jobs == [editor]
    assert "**4 rows**" in app.markdown[-1].value
    (frame,) = app.dataframe
    assert frame.value["judge"].tolist() == ["other", "other", "pw", "pw"]
    assert [button.label for button in app.get("download_button")] == ["CSV", "Parquet"]
    app = page.checked(app.run())
    assert len(app.dataframe) == 1
    assert jobs == [editor]
    app = page.checked(app.selectbox(key="question").select("Why did judgments fail?").run())
    assert "QUALIFY" in app.text_area(key="query").value
    assert not app.dataframe
    assert jobs == [editor]


def test_an_error_is_one_sentence_with_its_place(
    runs: Mapping[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(runs["ratings"], monkeypatch)
    page.open()
    app = page.ask(f"SELECT error('{HOSTILE}')")
    assert "The query fails" in app.error[0].value
    assert "<script>" not in app.error[0].value.replace("\\<", "")
    app = page.ask("SELECT 1 FROM items WHERE")
    assert "Parser Error" in app.error[0].value.replace("\\", "")
    assert "SELECT 1 FROM items WHERE" in app.code[0].value
    app = page.ask("COPY items TO '/tmp/stolen'")
    assert "reads and never writes" in app.error[0].value
    app = page.ask("FROM range(20000)")
    assert not app.error
    assert "10,000 rows" in app.markdown[-1].value
    assert "There are more" in "".join(caption.value for caption in app.caption)


@pytest.mark.parametrize("address", [None, "0.0.0.0", "10.1.2.3", ""])
def test_others_cannot_ask(
    address: str | None, runs: Mapping[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Page(runs["pairs"], monkeypatch, address).open()
    assert "other machines cannot reach" in app.info[0].value
    assert not app.text_area


def test_columns_are_read_from_the_run(runs: Mapping[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    from parts.sql import MEANINGS
    from streamlit.testing.v1 import AppTest

    def script(path: str) -> None:
        from pathlib import Path

        from context import Context
        from parts.sql import MEANINGS, _show_columns

        from evalhub.store import Run

        run = Run(Path(path))
        for name in MEANINGS:
            _show_columns(Context(run, "tiny", "1"), name)

    app = AppTest.from_function(script, kwargs={"path": str(runs["pairs"].path)}, default_timeout=60).run()
    assert not app.exception
    for name, table in zip(MEANINGS, app.table, strict=True):
        columns = [text.replace("\\", "") for text in table.value["column"]]
        assert columns == list(Results(runs["pairs"]).sql(f"FROM {name} LIMIT 0").columns)


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def test_a_spreadsheet_runs_nothing() -> None:
    from parts.sql_files import csv_bytes, parquet_bytes

    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "1", "a=1", "", 'q"x', None]
    table = pa.table(
        {
            "=name": texts,
            "number": pa.array([-1.5, *[0.1] * 11, None], pa.float64()),
            "whole": pa.array([-(2**60)] * 13),
            "exact": pa.array([Decimal("-1.50")] * 13),
            "flag": pa.array([True, False, None] * 4 + [True]),
            "list": pa.array([["=1", "b"]] * 12 + [None]),
            "day": pa.array([-2147483646] * 13, pa.date32()),
        }
    )
    head, first, *others = cells(csv_bytes(table))
    assert head == ["'=name", "number", "whole", "exact", "flag", "list", "day"]
    assert first[:6] == ["'=1+1", "-1.5", str(-(2**60)), "-1.50", "true", '["=1", "b"]']
    assert "-2147483646" in first[6]
    lines = [first, *others]
    assert [line[0] for line in lines] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "'\nx", "'＝1", "1", "a=1", "", 'q"x', "",
    ]  # fmt: skip
    assert lines[-1][1] == lines[-1][5] == ""
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for line in lines for cell in line)
    assert pq.read_table(io.BytesIO(parquet_bytes(table))).equals(table)


def test_every_type_is_saved_and_drawn(runs: Mapping[str, Run]) -> None:
    from parts.sql_chart import column_kinds, draw, first_axes
    from parts.sql_files import csv_bytes, parquet_bytes

    table = run_query(runs["pairs"].path, "FROM test_all_types()").table
    assert len(cells(csv_bytes(table))) == 4
    assert pq.read_table(io.BytesIO(parquet_bytes(table))).num_rows == 3
    kinds = column_kinds(table)
    assert set(kinds.values()) == {"Q", "T", "N"}
    for name in kinds:
        draw(table, kinds, {"x": name, "y": first_axes(table, kinds)[1], "colour": name}).to_dict()


@pytest.mark.parametrize(
    "query",
    ["SELECT 1", 'SELECT "a\nb"', "SELECT '\\n'", 'SELECT """a"""', "SELECT '\u202e'", "-- é ☃\nSELECT 1"],
)
def test_the_python_asks_the_same(query: str) -> None:
    from parts.sql_files import python_code

    tree = ast.parse(python_code(Path("/a b/'run'"), f"\n{query}\n"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert "/a b/'run'" in texts
    assert query in [str(text).strip() for text in texts]


def test_the_python_runs(runs: Mapping[str, Run]) -> None:
    from parts.sql_files import python_code

    names: dict[str, Any] = {}
    exec(python_code(runs["pairs"].path, "SELECT count(*) AS n FROM items"), names)
    assert names["frame"]["n"].tolist() == [4]


def drawn(columns: Mapping[str, list[Any]], **picked: str) -> dict[str, Any]:
    from parts.sql_chart import column_kinds, draw

    table = pa.table(columns)
    with alt.data_transformers.enable("default", max_rows=None):
        specification: dict[str, Any] = draw(table, column_kinds(table), picked).to_dict()
    return specification


def test_a_chart_fits_its_columns() -> None:
    from parts.sql_chart import MARKS, column_kinds, first_axes

    once = drawn({"system.a": ["k", "m"], "rate": [0.5, 0.6]}, x="system.a", y="rate")
    assert once["mark"]["type"] == "bar"
    assert once["encoding"]["x"]["title"] == "system.a"
    often = drawn({"system": ["k", "k"], "rate": [0.5, 0.6]}, x="system", y="rate")
    assert often["mark"]["type"] == "point"
    grouped = drawn({"s": ["k", "k"], "j": ["p", "q"], "r": [1, 2]}, x="r", y="s", colour="j")
    assert (grouped["mark"]["type"], "yOffset" in grouped["encoding"]) == ("bar", True)
    pairs = drawn({"a": ["k", "k"], "b": ["p", "p"]}, x="a", y="b")
    assert pairs["mark"]["type"] == "circle"
    many = drawn({"x": list(range(MARKS + 10)), "y": [1.0] * (MARKS + 10)}, x="x", y="y")
    (rows,) = many["datasets"].values()
    assert len(rows) == MARKS
    table = pa.table(
        {"dataset": ["d", "d"], "system": ["k", "m"], "n": [1, 2], "rate": [0.5, 0.6], "l": [[1], [2]]}
    )
    assert first_axes(table, column_kinds(table)) == ("system", "rate")
    assert first_axes(table.select(["n"]), {"n": "Q"}) == ("n", "n")


def test_an_answer_of_another_run_is_not_shown(
    runs: Mapping[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from parts.sql import Answer

    page = Page(runs["pairs"], monkeypatch)
    page.open()
    result = QueryResult(pa.table({"x": [1]}), Cut.NOTHING, 0.1)
    page.app.session_state["answer"] = Answer(runs["ratings"].path, "SELECT 1", result)
    assert not page.checked(page.app.run()).dataframe
    page.app.session_state["answer"] = Answer(runs["pairs"].path, "SELECT 1", result)
    assert len(page.checked(page.app.run()).dataframe) == 1


@pytest.mark.parametrize("protocol", ["pairs", "ratings"])
def test_an_answer_is_that_of_the_command(
    runs: Mapping[str, Run], cli: Any, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    value = "p_ab" if protocol == "pairs" else "value"
    facts = "pair_facts" if protocol == "pairs" else "rating_facts"
    query = f"SELECT judge, criterion, avg({value}) AS p FROM {facts} GROUP BY ALL ORDER BY ALL"
    run = runs[protocol]
    page = Page(run, monkeypatch)
    page.open()
    frame = next(element.value for element in page.ask(query).dataframe if "p" in element.value)
    rows = json.loads(cli("sql", query, run.id, "--runs", str(run.path.parent), "--json").out)
    assert frame.to_dict("records") == rows
