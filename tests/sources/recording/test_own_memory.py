"""Copies that lie apart from the heap hold the same numbers, and outlive what they were made of."""

from __future__ import annotations

import gc
import mmap

import pytest
import torch

from attnviz.sources.recording import own_memory
from attnviz.sources.recording.own_memory import ALIGNED, CHUNK, OwnMemory


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_copy_is_equal_contiguous_and_apart(dtype):
    wide = torch.randn(2, 5, 3, 7).to(dtype)
    array = wide.transpose(1, 2)[0]
    copy = OwnMemory().copied(array)
    assert torch.equal(copy, array)
    assert copy.is_contiguous()
    wide.zero_()
    assert copy.any()


def test_copies_follow_each_other_and_each_begins_where_a_processor_reads():
    memory = OwnMemory()
    arrays = [torch.full((size,), float(size)) for size in (1, 17, 33)]
    copies = [memory.copied(array) for array in arrays]
    first = copies[0].data_ptr()
    assert [copy.data_ptr() - first for copy in copies] == [0, ALIGNED, 3 * ALIGNED]
    assert all(map(torch.equal, copies, arrays))


def test_what_does_not_fit_gets_another_map_however_large_and_stays_when_the_rest_is_gone():
    memory = OwnMemory()
    small, large = torch.arange(9.0), torch.arange(CHUNK // 4 + 1, dtype=torch.float32)
    copies = [memory.copied(one) for one in (small, large, small)]
    del memory
    gc.collect()
    assert all(map(torch.equal, copies, (small, large, small)))


def test_a_copy_made_in_inference_mode_may_be_differentiated_and_takes_no_gradient_with_it():
    parameter = torch.nn.Parameter(torch.ones(3))
    memory = OwnMemory()
    assert not memory.copied(parameter).requires_grad
    with torch.inference_mode():
        copy = memory.copied(torch.ones(2))
    copy.requires_grad_()
    (copy * copy).sum().backward()
    assert copy.grad.tolist() == [2, 2]


def test_nothing_is_copied_as_nothing():
    assert OwnMemory().copied(torch.empty(2, 0)).shape == (2, 0)


def test_a_system_that_knows_no_private_maps_gives_one_too(monkeypatch):
    monkeypatch.delattr("mmap.MAP_PRIVATE")
    assert OwnMemory().copied(torch.arange(3)).tolist() == [0, 1, 2]


def test_a_kernel_without_large_pages_gives_small_ones(monkeypatch):
    monkeypatch.setattr("mmap.MADV_HUGEPAGE", 999, raising=False)
    assert OwnMemory().copied(torch.arange(3)).tolist() == [0, 1, 2]


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="a system without large pages")
def test_large_pages_are_asked_for():
    asked = []

    class Map(mmap.mmap):
        def madvise(self, *given):
            asked.append(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_memory, "_waiting", [])  # else one of these
        patch.setattr("attnviz.sources.recording.own_memory.mmap.mmap", Map)
        assert OwnMemory().copied(torch.arange(3)).tolist() == [0, 1, 2]
    assert asked == [(mmap.MADV_HUGEPAGE,)]


def test_a_map_is_used_again_once_nothing_is_left_of_it(monkeypatch):
    monkeypatch.setattr(own_memory, "_waiting", [])
    memory = OwnMemory()
    kept = memory.copied(torch.arange(9.0))
    place, seen = kept.data_ptr(), kept[2:].numpy()
    del memory, kept
    gc.collect()
    other = OwnMemory().copied(torch.zeros(9))
    assert other.data_ptr() != place
    assert seen.tolist() == [2, 3, 4, 5, 6, 7, 8]  # an array of NumPy still lies in the first
    del seen
    gc.collect()
    again = OwnMemory().copied(torch.ones(9))
    assert again.data_ptr() == place
    assert again.tolist() == [1] * 9
    assert other.tolist() == [0] * 9


def test_no_more_maps_wait_than_are_worth_it_and_none_of_another_size(monkeypatch):
    monkeypatch.setattr(own_memory, "_waiting", [])
    monkeypatch.setattr(own_memory, "WAITING", 2 * CHUNK)
    copies = [OwnMemory().copied(torch.arange(3)) for _ in range(3)]
    copies.append(OwnMemory().copied(torch.zeros(CHUNK // 4 + 1)))
    del copies
    gc.collect()
    assert [len(one) for one in own_memory._waiting] == [CHUNK] * 2
