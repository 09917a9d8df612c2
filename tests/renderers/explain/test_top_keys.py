"""The keys that a query looks at most."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace
from attnviz.renderers.explain.tables import to_renderable
from attnviz.renderers.shared.numbers import share
from attnviz.trace.selection import is_long
from tests.support.explained import attended, say
from tests.support.top_tables import places, sections, written

LOWERED = numpy.triu(numpy.full((6, 6), -1e9), 1)  # causal, as many implementations add it


def test_a_key_that_is_lowered_out_of_sight_is_not_among_those_that_a_query_sees(make, told):
    [section] = sections(told(make(6, bias=LOWERED), top=4, query="@1"))
    assert sorted(places(section.matrices[0])) == [0, 1]
    assert len(section.matrices[0].rows) == 2
    assert section.sentences[0] == say("top.what_all", count=2, share="1.00")


def test_keys_that_are_lowered_alike_share_the_weights_of_a_query(make, told):
    lowered = numpy.where(numpy.arange(6)[:, None] == 2, -1e9, LOWERED)
    trace = make(6, bias=lowered)
    [section] = sections(told(trace, top=6, query="@2", step=["weights"]))
    weights = attended(trace).weights[0, 2]
    assert sorted(places(section.matrices[0])) == list(range(6))
    numpy.testing.assert_allclose(written(section.matrices[0]), weights[places(section.matrices[0])], atol=1e-4)
    sunk = make(6, bias=lowered, sinks=numpy.array([0.5]))
    [section] = sections(told(sunk, top=6, query="@2", step=["weights"]))
    assert written(section.matrices[0]).tolist() == [0.0] * 6  # the sink takes all, and nothing is hidden


def test_a_query_that_sees_but_special_tokens_has_no_table(make, told, rendered):
    """As the first token of a causal text does, which is special itself."""
    trace = make(6, causal=True)
    special = Trace(trace.tokens, trace.layers, {"ids": list(range(6)), "special": [0, 5]})
    [section] = sections(told(special, top=3, query="@0", skip_special=True, step=["weights"]))
    assert section.matrices == []
    assert section.sentences == [say("weights.left_out", query=trace.tokens[0], share="1.00")]
    assert any("1.00" in line for line in rendered(to_renderable(section), 80))


def test_what_the_other_keys_share_is_no_noise_of_a_difference(told):
    """All of the weight is on the two keys that are shown, in single precision; the others are hidden."""
    query = numpy.random.default_rng(0).normal(size=(1, 40, 4)).astype(numpy.float32)
    trace = Trace(tuple(map(str, range(40))), (Layer(query, query, query, Rule(scale=200.0)),))
    weights = attended(trace).weights[0]
    for query in range(0, 40, 7):
        [section] = sections(told(trace, top=2, query=f"@{query}", step=["weights"]))
        left = numpy.sort(weights[query].astype(float))[:-2].sum()
        assert written(section.matrices[0])[-1] == pytest.approx(left, rel=0.1, abs=0)


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_keys_of_a_query_are_its_largest_and_share_what_is_said(make, told, lang):
    trace = make(30, causal=True, sinks=numpy.array([0.5]))
    weights = attended(trace).weights[0, 20]
    [section] = sections(told(trace, lang, top=4, query="@20", step=["weights", "output"]))
    order = numpy.argsort(-weights, kind="stable")[:4]
    assert places(section.matrices[0]) == order.tolist()
    values = {"share": share(weights[order].sum()), "rest": "17", "left": share(numpy.delete(weights, order).sum())}
    assert section.sentences[0] == say("top.what", lang, count=4, **values)
    assert section.sentences[1] == say("weights.sink", lang, query="word20", share=share(1 - weights.sum()))
    assert section.sentences[2].startswith("`word20` ")


def test_without_a_query_a_few_are_chosen_evenly_and_the_last(make, told):
    titles = [section.title for section in sections(told(make(40), top=2))]
    assert titles == [say("title.top_keys", query=f"word{place}", position=str(place)) for place in (9, 19, 29, 39)]


def test_that_a_table_of_all_pairs_would_be_too_long_is_said_only_where_it_is_so(make, told):
    assert is_long(make(1025).layers[0])
    assert [say("top.chosen") in one.sentences for one in sections(told(make(1025), top=2))] == [
        True,
        False,
        False,
        False,
    ]
    assert [say("top.some") in one.sentences for one in sections(told(make(40), top=2))] == [True, False, False, False]
    for trace in (make(1025), make(40), make(6)):
        assert say("top.some") not in sections(told(trace, top=2, query="2:6"))[0].sentences
    assert not any(one.startswith("A table") for one in sections(told(make(6), top=2))[0].sentences)


def test_each_query_of_a_short_range_is_shown(make, told):
    titles = [section.title for section in sections(told(make(40), top=2, query="3:6"))]
    assert titles == [say("title.top_keys", query=f"word{place}", position=str(place)) for place in (3, 4, 5)]
    assert len(sections(told(make(40), top=2, query="3:38"))) == 4


def test_a_query_that_sees_no_key_says_so(make, told):
    mask = numpy.ones((4, 4), bool)
    mask[2] = False
    [section] = sections(told(make(4, mask=mask), top=2, query="@2"))
    assert (section.sentences, section.matrices) == ([say("masked.blind", query="word2")], [])


def test_a_repeated_token_carries_its_position_in_sentences(told):
    array = numpy.eye(3)
    trace = Trace(("go", "on", "go"), (Layer(array, array, array),))
    [section] = sections(told(trace, top=2, query="@2"))
    assert section.title == say("title.top_keys", query="go", position="2")
    assert section.sentences[-1].startswith("`go` @2 becomes ")
