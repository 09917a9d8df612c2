"""The GPU's kernels in Triton's interpreter, on the CPU: what they compute, not how fast.

The one thing that it cannot run is the assembly of ``_store_pair``, which is said here in Triton's own words.
"""

import contextlib
import os
import sys
import types

import numpy
import pytest

if "triton" not in sys.modules:
    os.environ["TRITON_INTERPRET"] = "1"  # read when it is imported
torch = pytest.importorskip("torch")
triton = pytest.importorskip("triton", reason="Triton comes with torch where there is CUDA", exc_type=ImportError)
import triton.language as tl  # noqa: E402
from kernel_rules import KERNEL_RULES  # noqa: E402

from attnviz.pooling import cuda, kernels  # noqa: E402
from attnviz.pooling.blocks import pool_blocks  # noqa: E402
from attnviz.pooling.cells import cell_size  # noqa: E402
from attnviz.progress import unheard  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the interpreter: what NumPy says of 0 / 0 in rows that are thrown away
    pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="Triton was imported without its interpreter"),
]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """What a launch asks of a GPU, answered."""

    @triton.jit
    def store_pair(place, first, second):
        low = first.to(tl.int32, bitcast=True).to(tl.int64) & 0xFFFFFFFF
        tl.store(place, second.to(tl.int32, bitcast=True).to(tl.int64) << 32 | low)

    monkeypatch.setattr(kernels, "_store_pair", store_pair)
    monkeypatch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
    card = types.SimpleNamespace(multi_processor_count=2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)


def test_tanh_is_exact_to_some_units_of_the_last_place():
    @triton.jit
    def apply(place, into):
        inside = tl.arange(0, 4096)
        tl.store(into + inside, kernels.tanh(tl.load(place + inside)))

    sizes = torch.logspace(-37, 2, 2048)
    given = torch.cat([sizes, -sizes])
    got = torch.empty_like(given)
    apply[(1,)](given, got)
    numpy.testing.assert_allclose(got, numpy.tanh(given.double()), rtol=4 * numpy.finfo(numpy.float32).eps)


@pytest.mark.parametrize("rule", KERNEL_RULES)
@pytest.mark.parametrize(
    ("tokens", "dimension", "cells", "launch"),
    [
        (230, 64, 6, (32, 32)),
        (230, 80, 230, (32, 32)),
        (230, 32, 2, (16, 32)),
        (257, 32, 43, (64, 16)),
        (256, 64, 64, (32, 32)),
    ],
)
def test_the_kernels_agree_with_the_blocks(rule, tokens, dimension, cells, launch):
    rule = KERNEL_RULES[rule](tokens)
    query, key = (torch.randn(heads, tokens, dimension) for heads in (4, 2))
    cell = cell_size(tokens, cells)
    heads = 3, 0
    measures = cuda.run(query, key, rule, heads, cell, cell, cuda.Launch(*launch))
    wanted = pool_blocks(query.double(), key.double(), rule, heads, cell, range(0, key.shape[1], cell), 1e9, unheard)
    for name in ("mean", "maximum", "entropy", "largest", "first_key", "normaliser"):
        numpy.testing.assert_allclose(
            getattr(measures, name), getattr(wanted, name), rtol=2e-5, atol=2e-5, err_msg=name
        )
    numpy.testing.assert_array_equal(measures.largest_key, wanted.largest_key)
