"""What several tests of engines share: a model that is described alone, and one real engine."""

import pytest

from evalhub.engines import open_engine
from evalhub.models import ModelSource, ResolvedModel, resolve
from evalhub.specs import EngineSpec


@pytest.fixture
def model(tmp_path):
    return ResolvedModel(
        id="small",
        source=ModelSource.FOLDER,
        path=tmp_path,
        families=("unknown",),
        content_hash="c" * 64,
        chat_template_hash=None,
        context_length=2048,
        max_length=None,
        weight_bytes=10**6,
        licence="not stated",
    )


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """One for all tests that need none of their own: a start costs more than most of its answers."""
    spec = EngineSpec(max_length=1024, kv_cache_gib=0.5)
    folder = tmp_path_factory.mktemp("logs")
    with open_engine(spec, resolve("smollm2-135m-instruct"), log_folder=folder) as opened:
        yield opened
