"""Which module runs, and what it says of items and heads."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attnviz
from attnviz.sources.recording.running import Running


class Attend(nn.Module):
    """Attention of (lead, tokens, d) to itself."""

    def __init__(self, **names) -> None:
        super().__init__()
        vars(self).update(names)

    def forward(self, given, lead=None):
        given = given if lead is None else given.view(*lead, *given.shape[-2:])
        return (given @ given.mT).softmax(-1) @ given


def shape(module, *given):
    with attnviz.record(module) as recording:
        module(*given)
    (layer,) = recording.layers
    return layer.items, layer.heads


@pytest.mark.parametrize(
    ("module", "given", "expected"),
    [
        (Attend(), (torch.randn(6, 5, 4),), (6, 1)),
        (Attend(num_heads=3), (torch.randn(6, 5, 4),), (2, 3)),
        (Attend(num_heads=4), (torch.randn(6, 5, 4),), (6, 1)),
        (Attend(), (torch.randn(2, 15, 4), (6,)), (2, 3)),
        (Attend(), (torch.randn(5, 4),), (1, 1)),
        (Attend(), (torch.randn(2, 3, 5, 4),), (2, 3)),
        (Attend(), (torch.randn(2, 3, 2, 5, 4),), (2, 6)),
        (Attend(heads=2), (torch.randn(2, 3, 2, 5, 4),), (6, 2)),
        (Attend(heads=3), (torch.randn(2, 3, 7, 5, 4),), (14, 3)),
    ],
)
def test_items_and_heads_of_the_axes_before_the_tokens(module, given, expected):
    if len(given) == 2:
        given = (given[0], (*given[1],)) if given[0].numel() == 6 * 5 * 4 else (torch.randn(2, 15, 4), (6,))
        module.forward = lambda x, lead: Attend.forward(module, x.reshape(*lead, 5, 4))
    assert shape(module, *given) == expected


def test_paths_are_those_of_the_module_and_calls_are_counted():
    inner = Attend()
    module = nn.Sequential(inner, nn.ModuleDict({"deep": inner})["deep"], Attend())
    with attnviz.record(module) as recording:
        module(torch.randn(2, 5, 4))
    assert [(layer.path, layer.call) for layer in recording.layers] == [("0", 0), ("0", 1), ("2", 0)]
    with attnviz.record() as whatever:
        module(torch.randn(2, 5, 4))
    assert [layer.path for layer in whatever.layers] == ["0", "0", "2"]


def test_a_module_of_elsewhere_is_named_by_its_class():
    with attnviz.record(nn.Linear(2, 2)) as recording:
        Attend()(torch.randn(2, 5, 4))
    assert [layer.path for layer in recording.layers] == ["Attend"]


class Windows(nn.Module):
    """Attention inside of windows of 4 tokens, as Swin's."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = Attend(num_heads=1)

    def forward(self, given):
        return self.attend(given.view(-1, 4, given.shape[-1])).view_as(given)


@pytest.mark.parametrize("fused", [False, True])
def test_windows_that_stand_behind_the_heads(fused):
    given = torch.randn(2, 3, 7, 5, 4)  # (items, heads, windows, tokens, d), as Hiera has it

    class Behind(Attend):
        def forward(self, given, _=None):
            if not fused:
                return super().forward(given)
            return nn.functional.scaled_dot_product_attention(given, given, given, scale=1.0)

    module = Behind(num_heads=3)
    with attnviz.record(module) as recording:
        result = module(given)
    (layer,) = recording.layers
    assert (layer.items, layer.windows, layer.heads) == (14, 7, 3)
    found = recording.trace(item=1, window=4).layers[0].steps().output
    assert torch.allclose(found, result[1, :, 4], atol=1e-5)


def test_windows_of_an_item():
    given = torch.randn(2, 12, 3)
    with attnviz.record(Windows()) as recording:
        result = Windows()(given)
    (layer,) = recording.layers
    assert (layer.items, layer.windows) == (6, 3)
    found = recording.trace(item=1, window=2).layers[0].steps().output[0]
    assert torch.allclose(found, result[1, 8:], atol=1e-6)
    assert "2 × 3" in repr(recording.layers)
    with pytest.raises(attnviz.AttnvizError, match="window 3 does not exist: layer 0 has windows 0 to 2"):
        recording.trace(window=3)


def test_tokens_before_items_are_no_windows():
    module = nn.MultiheadAttention(4, 2)
    given = torch.randn(2, 6, 4)  # 2 tokens of 6 items
    with attnviz.record(module) as recording:
        module(given, given, given)
    assert (recording.layers[0].items, recording.layers[0].windows) == (6, 1)


def test_what_cannot_be_seen_is_said():
    running = Running(None)

    class OptimizedModule(nn.Module):
        """As torch.compile calls its own."""

        def forward(self, given):
            return given

    with running.following():
        OptimizedModule()(torch.ones(2))
        nn.MultiheadAttention(4, 2).eval().requires_grad_(False)(*[torch.ones(1, 2, 4)] * 3)
    assert [note.template.partition(",")[0] for note in running.notes] == [
        "{path} is compiled: what its compiler fuses cannot be seen",
        "torch's fast path of nn.MultiheadAttention",
    ]
    assert running.split((4,)) == (4, 1)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_torchscript_is_said():
    scripted = torch.jit.script(nn.Linear(3, 3))
    with attnviz.record(nn.Sequential(scripted)) as recording:
        scripted(torch.ones(2, 3))
    assert "TorchScript, whose attention cannot be seen" in repr(recording.layers)
    with pytest.raises(attnviz.AttnvizError, match="Linear is TorchScript, which runs outside of Python"):
        attnviz.record(scripted)
