"""What a user installs carries its licence and its types."""

from importlib import metadata, resources
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_type_checkers_read_the_package() -> None:
    assert resources.files("evalhub").joinpath("py.typed").is_file()


def test_the_licence_is_the_one_that_the_metadata_name() -> None:
    assert metadata.metadata("evalhub-laaj")["License-Expression"] == "Apache-2.0"
    lines = (ROOT / "LICENSE").read_text(encoding="utf-8").split("\n")
    assert lines[1].strip() == "Apache License"
    assert lines[2].strip() == "Version 2.0, January 2004"
