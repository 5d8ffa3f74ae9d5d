from evalhub.engines.memory import available_bytes
from evalhub.engines.preload import find_tcmalloc, preload


def test_tcmalloc_is_preloaded_before_what_was_there():
    assert preload({}, "/l/tc.so") == {"LD_PRELOAD": "/l/tc.so"}
    assert preload({"LD_PRELOAD": "/l/x.so"}, "/l/tc.so") == {"LD_PRELOAD": "/l/tc.so:/l/x.so"}


def test_an_allocator_that_was_chosen_stays():
    assert preload({"LD_PRELOAD": "/l/libjemalloc.so"}, "/l/tc.so") == {}


def test_without_tcmalloc_glibc_is_told_to_keep_its_buffers():
    assert set(preload({}, None)) == {"MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"}
    assert "MALLOC_MMAP_MAX_" not in preload({"MALLOC_MMAP_MAX_": "7"}, None)


def test_looking_for_it_never_fails():
    assert find_tcmalloc() is None or "tcmalloc" in find_tcmalloc()


def test_free_memory_is_known():
    assert available_bytes() > 10**8
