"""The type of numbers that a model is computed in, where nobody asks for one."""

import dataclasses

import pytest

from evalhub.engines import arithmetic, identify, vllm
from evalhub.engines.arithmetic import expand_weights, has_bfloat16
from evalhub.engines.vllm_backend import engine_arguments
from evalhub.errors import ModelError
from evalhub.models import check_room
from evalhub.specs import EngineSpec


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Return what gives this machine a processor with other flags."""

    def describe(line):
        file = tmp_path / "cpuinfo"
        file.write_text(f"processor\t: 0\nmodel name\t: Some CPU\n{line}\nbogomips\t: 1\n")
        monkeypatch.setattr(arithmetic, "_CPUINFO", file)
        monkeypatch.setattr(vllm, "installed_vllm", lambda: ("0.32.0", "cpu"))

    return describe


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu sse4_2 avx512f avx512_vnni", False),
        ("flags\t\t: fpu avx512f avx512_bf16", True),
        ("flags\t\t: fpu amx_bf16 amx_tile", True),
        ("flags\t\t: fpu avx2 avx512_bf16x", False),
        ("Features\t: fp asimd bf16", True),
        ("Features\t: fp asimd", False),
        ("cpu\t\t: POWER9", True),
    ],
)
def test_the_flags_say_whether_a_processor_has_bfloat16(processor, line, expected):
    processor(line)
    assert has_bfloat16() is expected


def test_a_system_that_does_not_say_is_taken_for_a_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(arithmetic, "_CPUINFO", tmp_path / "absent")
    assert has_bfloat16()


def test_a_processor_that_emulates_bfloat16_computes_in_float32(processor, model):
    processor("flags : avx512f")
    assert identify(EngineSpec(), model).settings["dtype"] == "float32"
    assert identify(EngineSpec(dtype="bfloat16"), model).settings["dtype"] == "bfloat16"
    assert identify(EngineSpec(quantization="awq"), model).settings["dtype"] == "auto"
    quantized = dataclasses.replace(model, quantized=True)
    assert identify(EngineSpec(), quantized).settings["dtype"] == "bfloat16"


def test_on_a_gpu_vllm_chooses(processor, model, monkeypatch):
    processor("flags : avx512f avx512_bf16")
    assert identify(EngineSpec(), model).settings["dtype"] == "bfloat16"
    processor("flags : avx512f")
    on_cpu = identify(EngineSpec(), model).settings
    assert (on_cpu["max_num_seqs"], on_cpu["max_batched_tokens"], on_cpu["eager"]) == (256, 4096, True)
    monkeypatch.setattr(vllm, "installed_vllm", lambda: ("0.32.0", "gpu"))
    on_gpu = identify(EngineSpec(), model).settings
    assert (on_gpu["dtype"], on_gpu["max_num_seqs"], on_gpu["max_batched_tokens"]) == ("auto", None, None)
    assert not on_gpu["eager"]
    arguments = engine_arguments("folder", on_gpu)
    assert not {"max_num_seqs", "max_num_batched_tokens"} & {*arguments}
    chosen = identify(EngineSpec(dtype="float16", max_num_seqs=64, max_batched_tokens=512), model).settings
    arguments = engine_arguments("folder", chosen)
    assert (arguments["dtype"], arguments["max_num_seqs"], arguments["max_num_batched_tokens"]) == (
        "float16",
        64,
        512,
    )


def test_half_precision_weights_take_twice_their_size_in_float32(model):
    assert expand_weights(model, "float32") == 2.0
    assert expand_weights(model, "bfloat16") == 1.0
    assert expand_weights(dataclasses.replace(model, dtype="float32"), "float32") == 1.0
    with pytest.raises(ModelError, match="dtype: bfloat16 halves the weights"):
        check_room(model, model.weight_bytes, expansion=2.0)
