import dataclasses
import subprocess
import sys

import pytest

from evalhub.engines import ENGINES, EngineIdentity, completion_key, identify, vllm
from evalhub.errors import EngineError, ModelError, SpecError, UnknownNameError
from evalhub.records import Message, Question, QuestionKind, Request, RequestKind, Sampling
from evalhub.specs import EngineSpec

IDENTITY = EngineIdentity("vllm", "m", "hash", "template", {"dtype": "bfloat16"}, "0.32.0", "cpu")
REQUEST = Request((Message("system", "s"), Message("user", "u")), Sampling(), ("A", "B"), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "openai"},
        {"model_hash": "other"},
        {"chat_template_hash": None},
        {"settings": {"dtype": "float16"}},
        {"settings": {}},
        {"version": "0.33.0"},
        {"device": "gpu"},
    ],
)
def test_the_key_changes_with_each_field_of_the_identity(change):
    assert completion_key(dataclasses.replace(IDENTITY, **change), REQUEST) != completion_key(
        IDENTITY, REQUEST
    )


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("user", "su"),)},
        {"messages": (Message("system", "su"), Message("user", ""))},
        {"messages": (Message("user", "s"), Message("user", "u"))},
        {"sampling": Sampling(temperature=0.5)},
        {"sampling": Sampling(top_p=0.5)},
        {"sampling": Sampling(top_k=5)},
        {"sampling": Sampling(max_tokens=5)},
        {"sampling": Sampling(seed=5)},
        {"sampling": Sampling(stop=("x",))},
        {"choices": ("B", "A")},
        {"choices": ()},
        {"sample": 1},
        {"kind": RequestKind.EMBED},
        {"kind": RequestKind.REWARD},
        {"question": Question(QuestionKind.CHOICE, "Which?", (("A", ""), ("B", "")))},
    ],
)
def test_the_key_changes_with_each_field_of_the_request(change):
    assert completion_key(IDENTITY, dataclasses.replace(REQUEST, **change)) != completion_key(
        IDENTITY, REQUEST
    )


def test_every_field_of_a_request_is_in_the_key():
    assert {field.name for field in dataclasses.fields(Request)} == {
        "messages",
        "sampling",
        "choices",
        "sample",
        "think",
        "kind",
        "question",
    }
    assert {field.name for field in dataclasses.fields(Sampling)} == {
        "temperature", "top_p", "top_k", "max_tokens", "seed", "stop",
    }  # fmt: skip


def test_the_key_leaves_out_the_display_id_and_reads_equal_numbers_as_equal():
    assert completion_key(dataclasses.replace(IDENTITY, model="x"), REQUEST) == completion_key(
        IDENTITY, REQUEST
    )
    integers = dataclasses.replace(REQUEST, sampling=Sampling(temperature=0, top_p=1))
    assert completion_key(IDENTITY, integers) == completion_key(IDENTITY, REQUEST)


def test_a_hostile_text_has_a_key():
    assert len(completion_key(IDENTITY, Request((Message("user", "a\ud800\x00"),)))) == 32


def test_vllm_is_identified_with_every_setting_resolved(model, monkeypatch):
    monkeypatch.setattr(vllm, "installed_vllm", lambda: ("0.32.0", "cpu"))
    identity = identify(EngineSpec(), model)
    assert (identity.engine, identity.model, identity.model_hash) == ("vllm", "small", "c" * 64)
    assert (identity.version, identity.device) == ("0.32.0", "cpu")
    assert identity.settings["eager"] is True
    assert identity.settings["kv_cache_gib"] == 2.0
    assert identity.settings["dtype"] in {"bfloat16", "float32"}
    assert identity.settings["max_length"] == 2048
    monkeypatch.setattr(vllm, "installed_vllm", lambda: ("0.32.0", "gpu"))
    on_gpu = identify(EngineSpec(), model)
    assert on_gpu.settings["eager"] is False
    assert on_gpu.settings["kv_cache_gib"] is None


def test_a_length_above_the_model_is_refused(model):
    with pytest.raises(ModelError, match="at most 2048"):
        identify(EngineSpec(max_length=4096), model)


def test_without_vllm_only_opening_fails(model, monkeypatch):
    monkeypatch.setattr(vllm, "installed_vllm", lambda: (None, "none"))
    assert identify(EngineSpec(), model).device == "none"
    from evalhub.engines import open_engine

    with pytest.raises(EngineError, match=r"evalhub-laaj\[cpu\]"):
        open_engine(EngineSpec(), model)


def test_no_room_is_said_before_the_start(model, monkeypatch):
    from evalhub.engines import open_engine

    monkeypatch.setattr(vllm, "installed_vllm", lambda: ("0.32.0", "cpu"))
    monkeypatch.setattr(vllm, "available_bytes", lambda: 10**9)
    with pytest.raises(ModelError, match=r"no room for the model.*0.9 GiB free.*3.5 GiB or more"):
        open_engine(EngineSpec(), model)


def test_vllm_needs_a_model():
    with pytest.raises(ModelError, match="lies on this machine"):
        identify(EngineSpec(), name="gone")


def test_a_servers_address_is_part_of_the_identity_and_its_key_is_not(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    identity = identify(EngineSpec(type="openai", base_url="http://localhost:1/v1"), name="served")
    assert identity.settings == {"base_url": "http://localhost:1/v1", "keeps": 2}
    assert "sk-secret" not in repr(identity)


@pytest.mark.parametrize("address", [None, "localhost:1", "http://user:pass@host/v1", "http://host/v1?key=1"])
def test_a_servers_address_is_checked(address):
    with pytest.raises(SpecError):
        identify(EngineSpec(type="openai", base_url=address), name="served")


def test_an_unknown_engine_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'vllm'"):
        identify(EngineSpec(type="vlm"), name="m")
    assert set(ENGINES) == {
        "vllm", "pooling", "openai", "anthropic", "systemone", "decisions", "scripted",
    }  # fmt: skip


def test_importing_the_engines_imports_nothing_heavy():
    code = (
        "import sys, evalhub.engines;"
        "heavy = {'torch', 'vllm', 'transformers', 'openai', 'anthropic', 'pandas', 'scipy', 'numpy'};"
        "heavy |= {'duckdb'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
