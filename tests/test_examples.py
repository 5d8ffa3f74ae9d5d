"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import evalhub

MODULES = [
    module.name
    for module in pkgutil.walk_packages(evalhub.__path__, "evalhub.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
