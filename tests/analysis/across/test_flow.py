"""Flow: its identities, the same by another library, the error that is told, and what is refused."""

import builtins

import numpy
import pytest
from followed_by_hand import flow_by_networkx, mixed
from followed_models import own_matrices, self_attending
from followed_traces import layered, weights_of
from random_traces import random_trace
from tiny_models import CONFIGS, inputs, model

from attnviz import AttnvizError, trace_model
from attnviz.analysis.across import flow as module
from attnviz.analysis.across.flow import flow
from attnviz.analysis.across.way import way_through
from attnviz.trace.selection import select


def flows(trace, residual=0.5, queries=None):
    way = way_through(trace, select(trace), residual=residual)
    return flow(way, range(way.tokens) if queries is None else queries)


def there(values):
    return numpy.where(values == -numpy.inf, 0, values)


def within(found, expected):
    """Whether the true flow is no smaller than what was found, nor larger by more than the error that is told."""
    larger = expected - there(found.values)
    return bool((larger > -1e-12).all() and (larger <= found.error + 1e-12).all())


@pytest.mark.parametrize("rule", ["plain", "causal", "window", "sinks"])
def test_flow_through_one_layer_is_its_weights(rule):
    trace = layered(1, 6, rule)
    found = flows(trace, residual=0.0)
    weights = weights_of(trace)[0].mean(axis=0)
    assert within(found, weights / weights.sum(axis=1, keepdims=True))
    assert found.error < 1e-8


@pytest.mark.parametrize("residual", [0.0, 0.5])
def test_flow_through_two_layers_is_the_sum_of_the_narrower_pipes(residual):
    trace = layered(2, 6)
    lower, upper = (mixed(weights, residual) for weights in weights_of(trace))
    found = flows(trace, residual)
    assert within(found, numpy.minimum(upper[:, :, None], lower[None]).sum(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_flow_through_two_layers_of_a_model_is_the_same_sum_of_its_own_attention(name):
    trace, own = trace_model(model(name), inputs(name)), own_matrices(model(name), inputs(name))
    for stack, selection in self_attending(trace).items():
        lower, upper = own[stack][:2]
        way = way_through(trace, selection._replace(layers=selection.layers[:2]))
        found = flow(way, range(way.tokens))
        expected = numpy.minimum(upper[:, :, None], lower[None]).sum(axis=1)
        assert numpy.allclose(there(found.values), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("layers", "tokens"), [(3, 5), (4, 4)])
@pytest.mark.parametrize("rule", ["plain", "causal", "window", "sinks", "mask"])
@pytest.mark.some(3)
def test_flow_is_what_another_library_finds(layers, tokens, rule):
    trace = layered(layers, tokens, rule)
    if rule == "mask":
        matrices = [_with_blind_rows(weights) for weights in weights_of(trace)]
    else:
        matrices = [mixed(weights) for weights in weights_of(trace)]
    expected = flow_by_networkx(matrices)
    found = flows(trace)
    assert within(found, expected)
    assert found.error < 1e-6
    assert ((found.values == -numpy.inf) == (expected == 0)).all()


def _with_blind_rows(weights):
    """The same matrix where some queries see nothing: they keep all of themselves."""
    blind = weights.sum(axis=(0, 2)) == 0
    filled = weights + numpy.eye(weights.shape[1]) * blind[:, None]
    return mixed(filled)


def test_shares_are_flows_divided_by_their_sum():
    found = flows(layered(3, 5, "causal"))
    assert numpy.allclose(there(found.shares).sum(axis=1), 1, rtol=0, atol=1e-12)
    assert numpy.allclose(there(found.shares)[4], found.values[4] / found.values[4].sum(), rtol=0, atol=1e-12)


def test_only_the_queries_that_are_asked_for_are_computed():
    trace = layered(3, 6, "causal")
    assert (flows(trace, queries=[4, 1]).values == flows(trace).values[[4, 1]]).all()


def test_a_cut_that_holds_more_is_told_as_error():
    """What is lost by rounding down is what the pipes of the cut hold beyond whole units."""
    found = flows(layered(3, 5))
    assert 0 < found.error < 5 * 5 * 3 / module.UNITS


def test_of_many_tokens_one_query_is_computed_at_a_time():
    trace = random_trace(1, 1, module.MOST_TOKENS + 1, 2)
    with pytest.raises(AttnvizError, match="the flow of 65 tokens is computed for one query at a time"):
        flows(trace)
    assert flows(trace, queries=[3]).values.shape == (1, 65)


def test_of_very_many_tokens_none_is():
    trace = random_trace(1, 1, module.MOST_TOKENS_OF_ONE + 1, 1)
    with pytest.raises(AttnvizError, match="the flow through 4,097 tokens would need all their pairs"):
        flows(trace, queries=[3])


def test_memory_is_asked_for_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(module, "BYTES_A_PIPE", 1 << 60)
    with pytest.raises(AttnvizError, match="the flow through 6 tokens of 2 layers needs"):
        flows(layered(2, 6))


def test_without_scipy_one_line_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("scipy"):
            raise ModuleNotFoundError(name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AttnvizError, match="the flow needs scipy") as raised:
        flows(layered(1, 2))
    assert raised.value.hint == "install it with: pip install 'attnviz[analysis]'"


def test_progress_grows_to_its_end():
    told = []
    way = way_through(layered(2, 4), select(layered(2, 4)))
    flow(way, range(4), lambda done, of: told.append(done / of))
    assert told == sorted(told)
    assert told[-1] == 1
