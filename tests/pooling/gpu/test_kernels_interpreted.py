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

from attnviz.pooling.array_engine import pool_blocks  # noqa: E402
from attnviz.pooling.gpu import engine, pool_kernel  # noqa: E402
from attnviz.pooling.gpu.launches import Launch  # noqa: E402
from attnviz.progress import no_progress  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the interpreter: what NumPy says of 0 / 0 in rows that are thrown away
    pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="Triton was imported without its interpreter"),
]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """What a launch asks of a GPU, answered; and in memory that nobody has written, NaN."""

    @triton.jit
    def store_pair(place, first, second):
        low = first.to(tl.int32, bitcast=True).to(tl.int64) & 0xFFFFFFFF
        tl.store(place, second.to(tl.int32, bitcast=True).to(tl.int64) << 32 | low)

    monkeypatch.setattr(pool_kernel, "_store_pair", store_pair)
    monkeypatch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
    card = types.SimpleNamespace(multi_processor_count=2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(torch, "empty", lambda *given, **options: poisoned(empty(*given, **options)))


empty = torch.empty


def poisoned(array):
    array.view(torch.int32).fill_(0x7FC00000)  # NaN in float32, and twice in the int64 of the scratch
    return array


def test_tanh_is_exact_to_some_units_of_the_last_place():
    @triton.jit
    def apply(place, into):
        inside = tl.arange(0, 4096)
        tl.store(into + inside, pool_kernel.tanh(tl.load(place + inside)))

    sizes = torch.logspace(-37, 2, 2048)
    given = torch.cat([sizes, -sizes])
    got = torch.empty_like(given)
    apply[(1,)](given, got)
    numpy.testing.assert_allclose(got, numpy.tanh(given.double()), rtol=4 * numpy.finfo(numpy.float32).eps)


@pytest.mark.parametrize("rule", KERNEL_RULES)
@pytest.mark.parametrize(
    ("tokens", "cells", "dimension", "launch"),
    [
        ((90, 60), (20, 7), 24, (16, 32)),  # several blocks a cell, several cells a tile
        ((60, 90), (7, 20), 32, (16, 32)),  # several cells of queries a block, one cell of keys a tile
        ((50, 80), (16, 40), 16, (16, 16)),  # a block a cell, several tiles a cell
    ],
    ids=str,
)
def test_the_kernels_agree_with_the_blocks(rule, tokens, cells, dimension, launch):
    agree(KERNEL_RULES[rule](min(tokens)), tokens, cells, dimension, launch)


@pytest.mark.parametrize("rule", ["full", "window"])
@pytest.mark.parametrize(
    ("tokens", "cells", "launch"),
    [
        ((40, 70), (1, 1), (32, 32)),  # a cell a number
        ((64, 96), (16, 8), (32, 32)),  # powers of two alone, and nothing left over
        ((40, 70), (8, 32), (32, 16)),  # nor in the tiles of a cell
    ],
    ids=str,
)
def test_cells_that_fit_the_tiles(rule, tokens, cells, launch):
    agree(KERNEL_RULES[rule](min(tokens)), tokens, cells, 16, launch)


def agree(rule, tokens, cells, dimension, launch):
    """Whether the kernels give what pool_blocks gives in float64: tokens and cells are of (queries, keys)."""
    torch.manual_seed(7)
    query, key = (torch.randn(heads, count, dimension) for heads, count in zip((4, 2), tokens, strict=True))
    heads = 3, 0
    measures = engine.run(query, key, rule, heads, *cells, Launch(*launch))
    shown = range(0, tokens[1], cells[1])
    wanted = pool_blocks(query.double(), key.double(), rule, heads, cells[0], shown, 1e9, no_progress)
    for name in ("mean", "maximum", "entropy", "largest", "first_key", "normaliser"):
        numpy.testing.assert_allclose(
            getattr(measures, name), getattr(wanted, name), rtol=2e-5, atol=2e-5, err_msg=name
        )
    numpy.testing.assert_array_equal(measures.largest_key, wanted.largest_key)
