"""The arrays of the selected heads alone, grouped or not."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Projection, Rule, Trace
from attnviz.renderers.page.selected import (
    MATRIX,
    computed_type,
    held_projection,
    kv_heads,
    kv_indices,
    selected_rule,
    selected_vectors,
    vectors_by_head,
)
from attnviz.trace.selection import select


def grouped(**rule):
    """Six heads, of which two share a key/value head, over four tokens."""
    draw = numpy.random.default_rng(0)
    layer = Layer(*(draw.standard_normal((heads, 4, 2)) for heads in (6, 3, 3)), Rule(**rule))
    return Trace(tuple("abcd"), (layer,))


@pytest.mark.parametrize(
    ("heads", "kept", "places"),
    [([], [0, 1, 2], [0, 0, 1, 1, 2, 2]), (["5", "0", "4"], [2, 0], [0, 1, 0]), (["3"], [1], [0])],
)
def test_a_key_that_several_heads_read_is_there_once(heads, kept, places):
    trace = grouped()
    [selected] = select(trace, head=heads).layers
    assert (kv_heads(selected), kv_indices(selected)) == (kept, places)
    vectors, layer = selected_vectors(selected), trace.layers[0]
    for place, head in enumerate(selected.heads):
        assert (vectors["query"][place] == layer.query[head]).all()
        for name in ("key", "value"):
            assert (vectors[name][places[place]] == getattr(layer, name)[layer.kv_head(head)]).all()


def test_the_rule_is_that_of_the_selected_heads():
    mask = numpy.arange(6 * 16).reshape(6, 4, 4) % 5 > 0
    trace = grouped(causal=True, mask=mask, bias=numpy.full((4, 4), 2.0), sinks=numpy.arange(6.0))
    [selected] = select(trace, head=["5", "1"]).layers
    rule = selected_rule(selected)
    assert rule.causal
    assert (rule.mask == mask[[5, 1]]).all()
    assert rule.bias.shape == (4, 4)
    assert rule.sinks.tolist() == [5.0, 1.0]


def test_tensors_become_arrays():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    [selected] = select(grouped(bias=numpy.full((4, 4), 2.0)).to("torch")).layers
    assert torch.is_tensor(selected.layer.query)
    arrays = [*selected_vectors(selected).values(), selected_rule(selected).bias]
    assert {type(array) for array in arrays} == {numpy.ndarray}


@pytest.mark.parametrize(
    ("types", "computed"),
    [(("float16",) * 3, "float32"), (("float32",) * 3, "float32"), (("float32", "float64", "float16"), "float64")],
)
def test_each_head_has_keys_of_its_own_in_the_type_that_is_computed_with(types, computed):
    layer = grouped().layers[0]
    arrays = (getattr(layer, name).astype(kind) for name, kind in zip(("query", "key", "value"), types, strict=True))
    [selected] = select(Trace(tuple("abcd"), (Layer(*arrays),)), head=["5", "1"]).layers
    assert computed_type(selected) == computed
    query, key, value = vectors_by_head(selected)
    assert [str(array.dtype) for array in (query, key, value)] == [computed] * 3
    for place, head in enumerate((5, 1)):
        assert (query[place] == selected.layer.query[head]).all()
        assert (key[place] == selected.layer.key[head // 2]).all()
        assert (value[place] == selected.layer.value[head // 2]).all()


def test_other_vectors_take_the_place_of_its_own():
    [selected] = select(grouped(), head=["2"]).layers
    doubled = {name: 2 * array for name, array in selected_vectors(selected).items()}
    for own, other in zip(vectors_by_head(selected), vectors_by_head(selected, doubled), strict=True):
        assert (other == 2 * own).all()


def test_a_matrix_of_outputs_is_held_where_it_is_small():
    known = {"output": Projection(numpy.ones((12, 4))), "query": Projection(numpy.ones((4, 12)))}
    [layer] = grouped().layers
    for projections, held in (({}, None), (known, known["output"])):
        [selected] = select(Trace(tuple("abcd"), (replace(layer, projections=projections),))).layers
        assert held_projection(selected) is held
    large = Projection(numpy.ones((12, MATRIX)))
    [selected] = select(Trace(tuple("abcd"), (replace(layer, projections={"output": large}),))).layers
    assert held_projection(selected) is None
