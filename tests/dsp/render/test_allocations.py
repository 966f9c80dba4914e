"""Nothing is allocated while a block is rendered: a counter under malloc."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from project import ROOT

COUNTER = r"""
#include <stddef.h>
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static __thread long counted;
long allocations(void) { return counted; }
void *malloc(size_t n) { counted++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { counted++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { counted++; return __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { counted++; return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) {
  counted++;
  *p = __libc_memalign(a, n);
  return *p ? 0 : 12;
}
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None,
    reason="the malloc counter needs Linux and gcc",
)


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """What tests/helpers/allocations.py counted, run on top of the counter."""
    folder = tmp_path_factory.mktemp("counter")
    source, library = folder / "counter.c", folder / "counter.so"
    source.write_text(COUNTER)
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    script = ROOT / "tests" / "helpers" / "allocations.py"
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    run = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def test_the_counter_counts(counts):
    assert counts["np.empty in a kernel"] >= 100


@pytest.mark.parametrize("rank", ["16", "full"])
def test_kernels_allocate_nothing(counts, rank):
    """All of a block's kernels, a hundred times in a compiled loop, whole steps and parts."""
    assert counts[f"kernels, rank {rank}"] == 0
    assert counts[f"kernels with all, rank {rank}"] == 0


def test_the_cascades_allocate_nothing(counts):
    assert counts["kernels, cascades"] == 0


def test_the_kernels_of_linn_allocate_nothing(counts):
    assert counts["kernels, LINN"] == 0


@pytest.mark.parametrize("rank", ["16", "full"])
def test_the_live_block_allocates_nothing(counts, rank):
    """All that the audio thread does, with new scenes and an exchange of sets under way."""
    assert counts[f"live, rank {rank}"] == 0


@pytest.mark.parametrize("rank", ["16", "full"])
def test_python_around_them_allocates_the_same_whatever_the_number_of_sources(counts, rank):
    """Handing arrays to compiled code costs small objects; their number must not grow."""
    few, many = counts[f"process_into, rank {rank}"]
    assert many <= few + 2
    assert many < 100
