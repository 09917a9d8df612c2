"""Followed from token to token, told from word to word: sums to a word, means from it, by plain loops over the tokens' own map."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.figure
import numpy
import pytest
from followed_traces import layered

import attnviz
from attnviz.analysis.across.flow import flow
from attnviz.analysis.across.in_words import in_words
from attnviz.analysis.across.rollout import rollout
from attnviz.analysis.across.way import way_through
from attnviz.errors import AttnvizError
from attnviz.trace.selection import select
from attnviz.trace.token_facts import TokenFacts

WORDS = (0, 0, 1, 2, 2, 2, 3)
OWN = [[place for place, word in enumerate(WORDS) if word == own] for own in range(4)]


@pytest.fixture(params=["plain", "causal", "mask", "sinks"])
def trace(request):
    """Three layers of seven tokens, which are four words."""
    return replace(layered(3, len(WORDS), request.param), facts=TokenFacts(words=WORDS))


def merged(values):
    """(tokens, tokens) → (words, words); −∞ where no way leads from any token of the one to any of the other."""
    rows = []
    for queries in OWN:
        row = []
        for keys in OWN:
            some = values[numpy.ix_(queries, keys)]
            there = some[some > -numpy.inf]
            row.append(there.sum() / len(queries) if there.size else -numpy.inf)
        rows.append(row)
    return numpy.array(rows)


def of_tokens(trace, across):
    way = way_through(trace, select(trace))
    return rollout(way, range(7)) if across == "rollout" else flow(way, range(7)).values


@pytest.mark.parametrize("across", ["rollout", "flow"])
@pytest.mark.some(3)
def test_the_map_is_that_of_the_tokens_merged(trace, across):
    found = attnviz.across(trace, across, words=True)
    expected = merged(of_tokens(trace, across))
    assert found.values.shape == (4, 4)
    assert (found.values == -numpy.inf).tolist() == (expected == -numpy.inf).tolist()
    numpy.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
    numpy.testing.assert_allclose(
        attnviz.across(trace, across, words=True, query="1:3", key="@2").values, expected[1:3, 2:3]
    )


@pytest.mark.parametrize("across", ["rollout", "flow"])
def test_shares_are_the_mean_over_words_and_add_up_to_one(trace, across):
    found = attnviz.across(trace, across, words=True)
    rows = of_tokens(trace, across)
    shares = numpy.where(rows > -numpy.inf, rows, 0.0)
    shares /= shares.sum(axis=1, keepdims=True)
    there = numpy.where(found.shares > -numpy.inf, found.shares, 0.0)
    numpy.testing.assert_allclose(there, merged(shares).mean(axis=0), rtol=0, atol=1e-12)
    assert there.sum() == pytest.approx(1)
    assert [one["position"] for one in found.records] == [0, 1, 2, 3]


@pytest.mark.parametrize("across", ["rollout", "flow"])
@pytest.mark.some(3)
def test_of_one_word_the_map_goes_layer_by_layer(trace, across):
    found = attnviz.across(trace, across, words=True, query="@2", heads_as="max", residual=0.3)
    for row, first in zip(found.values, (2, 1, 0), strict=True):
        part = attnviz.across(
            trace, across, words=True, heads_as="max", residual=0.3, layer=range(first, 3), head=(), query="1:4"
        )
        numpy.testing.assert_allclose(row, part.values[1], rtol=0, atol=1e-12)


def test_layers_and_heads_are_chosen_of_the_tokens(trace):
    found = attnviz.across(trace, "rollout", words=True, layer="1-2", head=3)
    way = way_through(trace, select(trace, layer=["1-2"], head=["3"]))
    numpy.testing.assert_allclose(found.values, merged(rollout(way, range(7))), rtol=0, atol=1e-12)
    assert repr(found).startswith("AcrossLayers(rollout through 2 layers")


def test_the_words_are_named_and_their_layer_is_the_last(trace):
    words, merging = in_words(trace, way_through(trace, select(trace)))
    assert ([layer.index for layer in words.layers], merging.tokens([1, 2])) == ([2], [[2], [3, 4, 5]])
    assert len(words.tokens) == 4
    assert words.source["merged"] == "words"


def test_tokens_that_are_words_change_nothing():
    plain = layered(2, 5)
    alone = attnviz.across(plain, "rollout")
    numpy.testing.assert_allclose(attnviz.across(plain, "rollout", words=True).values, alone.values, rtol=0, atol=1e-15)


def test_one_word_of_many_tokens_is_one_query_of_flow(monkeypatch):
    from attnviz.analysis.across import flow as module

    monkeypatch.setattr(module, "MOST_TOKENS", 4)
    trace = replace(layered(2, len(WORDS), "causal"), facts=TokenFacts(words=WORDS))
    shares = attnviz.across(trace, "flow", words=True, query="@2").shares
    assert shares[shares > -numpy.inf].sum() == pytest.approx(1)
    with pytest.raises(AttnvizError, match="query"):
        _ = attnviz.across(trace, "flow", words=True).shares


def test_a_picture_of_it_is_of_words():
    trace = replace(layered(2, len(WORDS)), facts=TokenFacts(words=WORDS))
    axes = matplotlib.figure.Figure().subplots()
    trace.heatmap(across="rollout", words=True, axes=axes)
    assert axes.images[0].get_array().shape == (4, 4)
    with pytest.raises(AttnvizError, match="merges the weights of a layer, and"):
        trace.heatmap(across="rollout", words=True, on_image="x.png")
