"""The dashboard in a real browser on folders of every kind: without a run, and with a part of the labels."""

from pathlib import Path
from typing import Any

import pytest

from evalhub.scales import Winner
from evalhub.store import LabelEntry, LabelFile, labels_folder

from .browsing import PATHS, Watch, opening, served, settled


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_without_a_run_each_page_says_the_command(tmp_path: Path, chrome: Any) -> None:
    with served(tmp_path) as address, opening(chrome) as page:
        watch = Watch(page)
        for path in PATHS:
            page.goto(f"{address}/{path}")
            settled(page, "There are no runs yet")
            page.locator("code", has_text="evalhub run").first.wait_for()
        watch.check()


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_pages_with_a_part_of_the_labels(desk: Any, chrome: Any) -> None:
    desk.dataset(items=12)
    desk.suite(judges=[{"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "j",
                        "families": ["beta"], "engine": "scripted"}])  # fmt: skip
    run = desk.run()
    file = LabelFile(labels_folder(desk.runs), "ann")
    for number in range(5):
        file.append(
            LabelEntry(
                queue="q", dataset="tiny", criterion="overall", item_id=f"i{number:03}", annotator="ann",
                system_a="k", system_b="m", winner=Winner.A if number else Winner.TIE,
            )
        )  # fmt: skip
    with served(desk.runs) as address, opening(chrome) as page:
        watch = Watch(page)
        for path in PATHS:
            page.goto(f"{address}/{path}?run={run.id}")
            page.wait_for_selector("h1")
            settled(page, "Copy link")
        page.goto(f"{address}/samples?run={run.id}&people=labelled")
        settled(page, "5 verdicts")
        watch.check()
