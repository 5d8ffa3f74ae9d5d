"""One real engine for all tests that need none of their own: a start costs more than most of its answers."""

import pytest

from evalhub.engines import open_engine
from evalhub.models import resolve
from evalhub.specs import EngineSpec


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    spec = EngineSpec(max_length=1024, kv_cache_gib=0.5)
    folder = tmp_path_factory.mktemp("logs")
    with open_engine(spec, resolve("smollm2-135m-instruct"), log_folder=folder) as opened:
        yield opened
