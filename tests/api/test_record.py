"""attnviz.record: what it takes."""

from __future__ import annotations

import sys

import pytest
import torch

import attnviz
from attnviz import AttnvizError


def test_what_is_no_module_is_told():
    with pytest.raises(AttnvizError, match=r"module is str: expected a torch\.nn\.Module, or nothing"):
        attnviz.record("model")
    with pytest.raises(AttnvizError, match="layers is None"):
        attnviz.record(layers=None)


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AttnvizError, match=r"record\(\) needs torch"):
        attnviz.record()


def test_modules_may_be_one_or_several():
    heads = torch.randn(1, 2, 3, 4)
    for modules in ("a", ["a", "b"]):
        with attnviz.record(modules=modules) as recording:
            torch.nn.functional.scaled_dot_product_attention(heads, heads, heads)
        assert [layer.kept for layer in recording.layers] == ["nothing"]


def test_modules_that_are_not_there_are_told():
    attention = torch.nn.Sequential(torch.nn.MultiheadAttention(4, 2))
    with pytest.raises(AttnvizError, match=r"Sequential has no module encoder\.layers"):
        attnviz.record(attention, modules="encoder.layers")
    with pytest.raises(AttnvizError, match="modules holds int: expected paths of modules"):
        attnviz.record(attention, modules=3)
    assert attnviz.record(attention, modules=["0"]) is not None


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_torchscript_is_refused():
    with pytest.raises(AttnvizError, match="Linear is TorchScript"):
        attnviz.record(torch.jit.script(torch.nn.Linear(1, 1)))
