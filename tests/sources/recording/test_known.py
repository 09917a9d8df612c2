"""A bias is told from what depends on the text, in every layer of a model."""

from __future__ import annotations

import torch

import attnviz
from attnviz.sources.recording.known import Known, tensors_in
from attnviz.trace.recorded import Kept


class Attention(torch.nn.Module):
    """Attention by hand, with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (torch.nn.Linear(8, 8) for _ in range(4))

    def forward(self, given, bias):
        query, key, value = (
            made(given).unflatten(-1, (2, 4)).transpose(1, 2) for made in (self.query, self.key, self.value)
        )
        weights = (query @ key.mT / 2 + bias).softmax(-1)  # (batch, heads, queries, keys)
        return given + self.out((weights @ value).transpose(1, 2).flatten(2))


class Stack(torch.nn.Module):
    """Layers that share a bias: of the positions (T5's, MPNet's), of the distance of what the tokens are, or given."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.layers = kind, torch.nn.ModuleList(Attention() for _ in range(3))
        self.tokens, self.distances = torch.nn.Embedding(20, 8), torch.nn.Embedding(9, 2)

    def forward(self, ids, bias=None):
        given = self.tokens(ids)
        if self.kind == "positions":
            places = torch.arange(ids.shape[1])
            bias = self.distances((places - places[:, None]).clamp(-4, 4) + 4).permute(2, 0, 1)[None]
        if self.kind == "tokens":
            bias = -(given[:, :, None] - given[:, None]).abs().sum(-1)[:, None]
        for layer in self.layers:
            given = layer(given, bias)
        return given


def kept(kind, *given):
    torch.manual_seed(0)
    module, ids = Stack(kind).eval(), torch.arange(6)[None]
    with torch.no_grad(), attnviz.record(module) as recording:
        module(ids, *given)
    return [layer.kept for layer in recording.layers]


def test_a_bias_that_all_layers_share_is_one_in_each():
    assert kept("positions") == [Kept.WHOLE] * 3
    assert kept("given", torch.randn(1, 2, 6, 6)) == [Kept.WHOLE] * 3


def test_what_depends_on_the_text_is_none_in_any():
    assert kept("tokens") == [Kept.WEIGHTS] * 3


def test_an_input_has_a_label_and_what_is_made_of_it_has_the_same():
    known, given, other, made = Known(), torch.ones(2), torch.ones(2), torch.ones(2)
    known.made("add", [given, other], [made])
    assert known.labels(made) == known.labels(given) | known.labels(other)
    assert len(known.labels(made)) == 2


def test_parameters_buffers_numbers_and_new_tensors_have_none():
    known, buffer, given, made = Known(), torch.ones(2), torch.ones(2), torch.ones(2)
    known.is_constant([buffer])
    known.made("zeros_like", [given], made)
    for tensor in (torch.nn.Parameter(torch.ones(2)), buffer, torch.arange(3), made):
        assert known.labels(tensor) == frozenset()
    known.written(made, [given])
    assert known.labels(made) == known.labels(given)


def test_what_is_looked_up_by_an_input_has_a_label_of_its_own():
    known, table, ids = Known(), torch.nn.Parameter(torch.ones(3, 2)), torch.arange(3)
    rows = [torch.ones(3, 2), torch.ones(3, 2)]
    for one in rows:
        known.made("embedding", [ids, table], one)
    assert len(known.labels(rows[0]) | known.labels(rows[1])) == 2
    assert known.labels(rows[0]).isdisjoint(known.labels(rows[1]))
    truth = torch.ones(2) > 0
    known.made("gt", [rows[0]], truth)
    assert known.labels(truth) == frozenset()


def test_what_is_forgotten_is_no_longer_followed_and_what_dies_is_let_go():
    from attnviz.sources.recording.chain import Chain

    known, tensor = Known(), torch.ones(2)
    chain = Chain(None)
    known.follow(tensor, chain)
    assert known.chain(tensor) is chain
    assert known.chain("no tensor") is None
    known.forget(tensor)
    assert known.chain(tensor) is None
    known.follow(tensor, chain)
    del tensor
    assert len(known._chains) == 0


def test_tensors_are_found_in_lists_and_mappings():
    one, two, three = torch.ones(1), torch.ones(2), torch.ones(3)
    assert [len(found) for found in tensors_in([one, {"a": (two, 5)}, "b", [[three]]])] == [1, 2, 3]
