"""The table of a long text: the largest weights, and what the others add up to."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Trace
from attnviz.choices import TOP
from attnviz.renderers.explain.top_table import largest
from attnviz.renderers.shared.numbers import share
from tests.support.explained import LANGUAGES, attended, say
from tests.support.top_tables import places, sections, written


@pytest.mark.parametrize("words", [{"query": "@5"}, {"key": "@5"}])
def test_no_weight_that_is_not_0_is_written_as_0(make, told, words):
    trace = make(40, size=4.0)
    matrix = sections(told(trace, top=39, step=["weights"], **words))[0].matrices[0]
    weights = attended(trace).weights[0]
    row = weights[5] if "query" in words else weights[:, 5]
    assert (row < 1e-8).any()
    numpy.testing.assert_allclose(written(matrix)[:39], row[places(matrix)], rtol=0.05, atol=0.5e-4)
    assert (written(matrix)[:39] > 0).all()


def test_one_weight_is_no_several(make, told):
    trace = make(6)
    weights = attended(trace).weights[0]
    [section] = sections(told(trace, top=1, key="@4"))
    assert section.sentences[0].endswith(f"; the largest of these weights is {share(weights[:, 4].max())}.")
    [section] = sections(told(trace, top=1, query="@4"))
    assert section.sentences[0].startswith(f"Its largest weight takes {share(weights[4].max())}; ")


@LANGUAGES
@pytest.mark.parametrize("words", [{"query": "@5"}, {"key": "@3"}])
@pytest.mark.parametrize("top", [4, 5])
def test_the_row_of_the_others_counts_them(make, told, lang, words, top):
    matrix = sections(told(make(6), lang, top=top, **words))[0].matrices[0]
    assert matrix.rows[-1] == (say("label.rest_one", lang) if top == 5 else say("label.rest", lang, count=2))


def test_one_other_key_is_no_others(make, told):
    assert sections(told(make(6), top=5, query="@5"))[0].matrices[0].rows[-1] == "1 other"


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


@pytest.mark.parametrize(
    ("words", "others"), [({"query": "@5"}, 0), ({"key": "@5"}, 0), ({"query": "@5"}, 1), ({"key": "@5"}, 3)]
)
def test_others_have_a_row_where_there_are_any(make, told, words, others):
    [section] = sections(told(make(6), top=6 - others, step=["scores", "weights"], **words))
    matrix = section.matrices[0]
    rest = {0: [], 1: [say("label.rest_one")], 3: [say("label.rest", count="3")]}[others]
    assert (len(places(matrix)), matrix.rows[6 - others :]) == (6 - others, rest)
    assert len(matrix.cells) == len(matrix.tints) == len(matrix.rows)


def test_quiet_leaves_the_numbers(make, told):
    [section] = sections(told(make(6), top=2, key="@0", quiet=True))
    assert section.sentences == []
    assert len(places(section.matrices[0])) == 2


@pytest.mark.parametrize("words", [{"query": "@1"}, {"key": "@1"}])
def test_only_steps_that_are_maps_are_columns(make, told, words):
    [section] = sections(told(make(6), top=2, step=["scores", "weights", "value"], **words))
    assert section.matrices[0].columns == [say("title.scores"), say("title.weights")]
    with pytest.raises(AttnvizError, match="the top keys of single queries"):
        told(make(6), top=2, step=["output"], **words)
