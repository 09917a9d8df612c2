"""The queries that look at a key most."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Trace
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.shared.matrix import Looks
from attnviz.renderers.shared.numbers import share
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select
from tests.support.explained import LANGUAGES, attended, say
from tests.support.top_tables import places, sections, written


@LANGUAGES
def test_a_key_gets_the_queries_that_look_at_it_most(trace, told, lang):
    steps = attended(trace)
    told_of = sections(told(trace, lang, top=2, key="@0", precision=12))
    assert len(told_of) == trace.layers[0].heads
    name = trace.key_tokens(trace.layers[0])[0]
    for head, section in enumerate(told_of):
        assert section.title == say("title.top_queries", lang, key=name, position="0")
        seeing = numpy.flatnonzero(~steps.hidden[head, :, 0])
        if not len(seeing):
            assert (section.sentences, section.matrices) == ([say("top.unseen", lang)], [])
            continue
        weights = steps.weights[head, seeing, 0]
        order = numpy.argsort(-weights, kind="stable")[:2]
        [matrix] = section.matrices
        assert places(matrix) == seeing[order].tolist()
        shown, others = weights[order], numpy.delete(weights, order)
        numpy.testing.assert_allclose(
            written(matrix), [*shown, *([others.sum()] if len(others) else [])], rtol=0.1, atol=1e-12
        )
        values = {"queries": f"{len(seeing):,}"} | ({"count": len(order)} if len(order) > 1 else {})
        values |= {"mass": share(weights.sum()), "mean": share(weights.mean()), "share": share(shown.sum())}
        message = "top.received" if len(order) > 1 else "top.received_one"
        assert section.sentences == [say(message, lang, **values)]


def test_each_step_of_these_queries_is_that_of_attend(make, told):
    trace = make(30, heads=2, causal=True, softcap=2.0)
    steps = attended(trace)
    for head, section in enumerate(sections(told(trace, top=5, key="@4", precision=9))):
        [matrix] = section.matrices
        for column, step in enumerate(("scores", "scaled", "masked", "weights")):
            assert matrix.columns[column] == say(f"title.{step}")
            cells = [float(row[column]) for row in matrix.cells[:5]]
            numpy.testing.assert_allclose(cells, getattr(steps, step)[head, places(matrix), 4], atol=1e-9)


def test_a_query_that_a_key_is_hidden_from_is_not_among_the_largest(make, told):
    trace = make(6, causal=True)
    [section] = sections(told(trace, top=5, key="@4"))
    [matrix] = section.matrices
    assert sorted(places(matrix)) == [4, 5]
    assert len(matrix.rows) == 2
    lowered = make(6, bias=numpy.triu(numpy.full((6, 6), -1e9), 1))
    assert sorted(places(sections(told(lowered, top=5, key="@4"))[0].matrices[0])) == [4, 5]


def test_special_tokens_are_no_queries_of_a_key(make, told):
    trace = make(6)
    special = Trace(trace.tokens, trace.layers, {"ids": list(range(6)), "special": [0, 5]})
    weights = attended(trace).weights[0]
    for key in (0, 2):  # a special token that is named is shown
        [section] = sections(told(special, top=9, key=f"@{key}", skip_special=True))
        assert sorted(places(section.matrices[0])) == [1, 2, 3, 4]
        assert f"on average {share(weights[1:5, key].mean())};" in section.sentences[0]


def test_steps_that_no_table_has_are_refused_for_a_key_too(make, told):
    with pytest.raises(AttnvizError, match="top queries of a key"):
        told(make(6), top=2, key="@0", step=["value"])


def test_how_far_a_key_of_a_long_text_is_is_told():
    array = numpy.random.default_rng(0).normal(size=(2, 1200, 4))
    trace = Trace(("word",) * 1200, (Layer(array, array, array),))
    heard = []
    list(explain(trace, select(trace, key="@7"), Looks(lessons()), lambda done, of: heard.append(done / of)))
    assert heard == sorted(heard)
    assert heard[-1] == 1


def test_several_keys_are_told_one_after_the_other(make, told):
    titles = [section.title for section in sections(told(make(30), top=2, key="3:5"))]
    assert titles == [say("title.top_queries", key=f"word{place}", position=str(place)) for place in (3, 4)]


@pytest.mark.parametrize(
    ("words", "message"),
    [({"key": "0:20"}, "20 keys are too many"), ({"key": "3:5", "query": "2:4"}, "not both sides at once")],
)
def test_keys_that_are_too_many_are_refused(make, told, words, message):
    with pytest.raises(AttnvizError, match=message):
        told(make(30), top=2, **words)


def test_a_key_that_no_query_sees_says_so(make, told):
    mask = numpy.ones((4, 4), bool)
    mask[:, 1] = False
    [section] = sections(told(make(4, mask=mask), top=2, key="@1"))
    assert (section.sentences, section.matrices) == ([say("top.unseen")], [])
