"""The tables of long texts: the keys that a query looks at most, and the queries that look at a key most."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace, attend
from attnviz.choices import TOP, Language
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.explain.tables import to_renderable
from attnviz.renderers.explain.top_table import largest
from attnviz.renderers.shared.matrix import Looks
from attnviz.renderers.shared.numbers import share
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select

LANGUAGES = pytest.mark.parametrize("lang", ["en", "vi"])


def say(name, lang="en", **values):
    return lessons(Language(lang)).say(name, **values)


def attended(trace):
    layer = trace.layers[0]
    return attend(layer.query, layer.key, layer.value, **vars(layer.rule))


def sections(parts):
    return [part for part in parts if isinstance(part, Section)]


def places(matrix):
    """The positions that a table's labels name, without the row of all others."""
    return [int(label.split("@")[1]) for label in matrix.rows if "@" in label]


def written(matrix, column=-1):
    return numpy.array([float(row[column]) for row in matrix.cells])


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


def test_special_tokens_are_no_queries_of_a_key(make, told):
    trace = make(6)
    special = Trace(trace.tokens, trace.layers, {"ids": list(range(6)), "special": [0, 5]})
    weights = attended(trace).weights[0]
    for key in (0, 2):  # a special token that is named is shown
        [section] = sections(told(special, top=9, key=f"@{key}", skip_special=True))
        assert sorted(places(section.matrices[0])) == [1, 2, 3, 4]
        assert f"on average {share(weights[1:5, key].mean())};" in section.sentences[0]


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


@pytest.mark.parametrize("words", [{"query": "@5"}, {"key": "@5"}])
def test_no_weight_that_is_not_0_is_written_as_0(make, told, words):
    trace = make(40, size=4.0)
    matrix = sections(told(trace, top=39, step=["weights"], **words))[0].matrices[0]
    weights = attended(trace).weights[0]
    row = weights[5] if "query" in words else weights[:, 5]
    assert (row < 1e-8).any()
    numpy.testing.assert_allclose(written(matrix)[:39], row[places(matrix)], rtol=0.05, atol=0.5e-4)
    assert (written(matrix)[:39] > 0).all()


def test_steps_that_no_table_has_are_refused_for_a_key_too(make, told):
    with pytest.raises(AttnvizError, match="top queries of a key"):
        told(make(6), top=2, key="@0", step=["value"])


def test_one_weight_is_no_several(make, told):
    trace = make(6)
    weights = attended(trace).weights[0]
    [section] = sections(told(trace, top=1, key="@4"))
    assert section.sentences[0].endswith(f"; the largest of these weights is {share(weights[:, 4].max())}.")
    [section] = sections(told(trace, top=1, query="@4"))
    assert section.sentences[0].startswith(f"Its largest weight takes {share(weights[4].max())}; ")


@pytest.mark.parametrize("words", [{"query": "@39"}, {"key": "@3"}])
def test_of_equal_weights_the_first_positions_are_shown(told, words):
    query = numpy.ones((1, 40, 4))
    trace = Trace(tuple(map(str, range(40))), (Layer(query, query, query),))
    [section] = sections(told(trace, top=5, **words))
    assert places(section.matrices[0]) == [0, 1, 2, 3, 4]


def test_the_largest_are_those_of_a_stable_sort():
    random = numpy.random.default_rng(0)
    for size in range(60):
        values = random.integers(0, 5, size=size).astype(float)
        for count in (1, 2, 7, 59, None):
            expected = numpy.argsort(-values, kind="stable")[: count or TOP]
            assert largest(values, count).tolist() == expected.tolist()


def test_quiet_leaves_the_numbers(make, told):
    [section] = sections(told(make(6), top=2, key="@0", quiet=True))
    assert section.sentences == []
    assert len(places(section.matrices[0])) == 2


def test_how_far_a_key_of_a_long_text_is_is_told():
    array = numpy.random.default_rng(0).normal(size=(2, 1200, 4))
    trace = Trace(("word",) * 1200, (Layer(array, array, array),))
    heard = []
    list(explain(trace, select(trace, key="@7"), Looks(lessons()), lambda done, of: heard.append(done / of)))
    assert heard == sorted(heard)
    assert heard[-1] == 1
