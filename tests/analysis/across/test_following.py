"""The map and the shares: the right rows, keys and cells of rollout and flow, and what is left out."""

from dataclasses import replace

import numpy
import pytest
from followed_traces import layered

from attnviz.analysis.across import following as module
from attnviz.analysis.across.flow import flow
from attnviz.analysis.across.following import Following, followed, shares
from attnviz.analysis.across.rollout import rollout
from attnviz.analysis.across.way import way_through
from attnviz.choices import Across, Pool
from attnviz.trace.selection import select

TOKENS = 7
ROLLOUT, FLOW = Following(Across.ROLLOUT), Following(Across.FLOW)
EVERY = pytest.mark.parametrize("following", [ROLLOUT, FLOW], ids=["rollout", "flow"])


@pytest.fixture(scope="module")
def trace():
    """Three causal layers, of whose tokens the first is special."""
    made = layered(3, TOKENS, "causal")
    return replace(made, source={"kind": "model", "ids": list(range(TOKENS)), "special": [0]})


def whole(trace, following, **chosen):
    """All values, (tokens, tokens)."""
    way = way_through(trace, select(trace, **chosen), following.heads_as, following.residual)
    return flow(way, range(TOKENS)).values if following is FLOW else rollout(way, range(TOKENS))


def there(values):
    return numpy.where(values == -numpy.inf, 0, values)


def of(trace, following, cells=100, pool=Pool.MEAN, **chosen):
    return followed(trace, select(trace, **chosen).as_region(), following, cells, pool)


@EVERY
def test_the_map_of_all_queries_is_the_whole(trace, following):
    found = of(trace, following)
    assert (found.values == whole(trace, following)).all()
    assert (found.layers, found.left_out) == ((), None)


@EVERY
def test_a_region_is_cut_out_of_it(trace, following):
    found = of(trace, following, query="2:5", key="1:3")
    assert (found.values == whole(trace, following)[2:5, 1:3]).all()


@EVERY
def test_one_query_goes_down_layer_by_layer(trace, following):
    found = of(trace, following, query="@4")
    assert [layer.index for layer in found.layers] == [2, 1, 0]
    for row, layer in zip(found.values, found.layers, strict=True):
        expected = whole(trace, following, layer=[f"{layer.index}-2"])[4]
        assert numpy.allclose(there(row), there(expected), rtol=0, atol=1e-12)
        assert ((row == -numpy.inf) == (expected == -numpy.inf)).all()


def test_the_flow_of_one_query_of_many_tokens_goes_through_all_layers_at_once(trace, monkeypatch):
    monkeypatch.setattr(module, "MOST_TOKENS", TOKENS - 1)
    found = of(trace, FLOW, query="@4")
    assert [layer.index for layer in found.layers] == [0]
    assert (found.values == whole(trace, FLOW)[4:5]).all()


@EVERY
def test_what_is_left_out_is_said(trace, following):
    found = of(trace, following, skip_special=True)
    values = whole(trace, following)
    assert (found.values == values[1:, 1:]).all()
    parts = there(values) / there(values).sum(axis=1, keepdims=True)
    assert found.left_out == pytest.approx(parts[1:, 0].mean(), abs=1e-12)


@EVERY
@pytest.mark.parametrize(("pool", "reduce"), [(Pool.MEAN, numpy.mean), (Pool.MAX, numpy.max)])
def test_a_long_map_is_pooled(trace, following, pool, reduce):
    values = whole(trace, following)
    found = of(trace, following, cells=3, pool=pool)
    for row, queries in enumerate((slice(0, 3), slice(3, 6), slice(6, 9))):
        for column, keys in enumerate((slice(0, 3), slice(3, 6), slice(6, 9))):
            some = values[queries, keys]
            some = some[some > -numpy.inf]
            assert found.values[row, column] == pytest.approx(reduce(some) if len(some) else -numpy.inf)


def test_pooled_cells_are_without_what_is_left_out(trace):
    values = whole(trace, ROLLOUT)
    found = of(trace, ROLLOUT, cells=3, skip_special=True)
    assert found.values[1, 0] == pytest.approx(values[3:6, 1:3].mean())


def test_only_the_keys_of_one_query_are_pooled(trace):
    found = of(trace, ROLLOUT, cells=3, query="@6")
    rows = of(trace, ROLLOUT, query="@6").values
    assert found.frame.cell == (1, 3)
    assert numpy.allclose(found.values[:, 0], rows[:, :3].mean(axis=1))


@EVERY
@pytest.mark.parametrize("chosen", [{}, {"query": "@4"}, {"query": "2:6"}])
def test_the_shares_are_the_means_of_the_rows(trace, following, chosen):
    found = shares(trace, select(trace, **chosen).as_region(), following)
    values = whole(trace, following)[list(found.part.query_positions)]
    rows = there(values) / there(values).sum(axis=1, keepdims=True)
    assert numpy.allclose(there(found.values), rows.mean(axis=0), rtol=0, atol=1e-12)
    assert there(found.values).sum() == pytest.approx(1)
    assert ((found.values == -numpy.inf) == (values == -numpy.inf).all(axis=0)).all()
    assert found.left_out is None


@EVERY
@pytest.mark.parametrize(("chosen", "kept"), [({"key": "1:3"}, [1, 2]), ({"skip_special": True}, range(1, 7))])
def test_the_shares_of_some_tokens_say_what_the_others_have(trace, following, chosen, kept):
    found = shares(trace, select(trace, **chosen).as_region(), following)
    assert list(found.part.key_positions) == list(kept)
    assert there(found.values).sum() + found.left_out == pytest.approx(1)


def test_the_error_of_flows_goes_along(trace):
    assert 0 < of(trace, FLOW).error < 1e-6
    assert 0 < shares(trace, select(trace), FLOW).error < 1e-6
    assert of(trace, ROLLOUT).error == 0


@EVERY
@pytest.mark.parametrize("chosen", [{}, {"query": "@4"}])
def test_progress_grows_to_its_end(trace, following, chosen):
    told = []
    followed(trace, select(trace, **chosen).as_region(), following, 9, report=lambda done, of: told.append(done / of))
    assert told[-1] == 1
