"""Two traces made a difference: what is compared, in which order, and what is refused in one line."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from scipy.spatial.distance import jensenshannon

from attnviz import AttnvizError, Layer, Rule, Trace, trace_text
from attnviz.analysis.difference.compare import compare
from attnviz.analysis.difference.result import Source
from attnviz.choices import Pool
from attnviz.errors import UsageError

TEXT = "the cat sat on the mat"
CAUSAL, PLAIN = (trace_text(TEXT, heads=4, causal=causal) for causal in (True, False))


def between(left, right, heads=None, **options):
    return compare(Source(left), Source(right), heads, **options)


def places(found):
    return [(one.left[1:], one.right[1:]) for one in found.heads]


def test_the_heads_come_with_the_furthest_apart_first_and_as_scipy_has_them():
    found = between(CAUSAL, PLAIN)
    assert [one.divergence for one in found.heads] == sorted((one.divergence for one in found.heads), reverse=True)
    for one in found.heads:
        left, right = (trace.layers[0].steps(one.left.head).weights for trace in (CAUSAL, PLAIN))
        rows = [jensenshannon(*both, base=2) ** 2 for both in zip(left, right, strict=True)]
        assert one.divergence == pytest.approx(numpy.mean(rows), abs=1e-6)
        assert one.apart.rows == pytest.approx(rows, abs=1e-6)
        gaps = abs(left - right)
        most = one.apart.largest
        assert gaps[most.query, most.key] == gaps.max()


def test_the_largest_of_the_rows_in_place_of_their_mean():
    for one in between(CAUSAL, PLAIN, pool=Pool.MAX).heads:
        assert one.divergence == one.apart.rows.max() == one.apart.rows[one.furthest]


def test_identical_traces_differ_by_exactly_nothing():
    found = between(CAUSAL, trace_text(TEXT, heads=4, causal=True))
    assert found.equal
    assert all(one.divergence == 0 and one.apart.largest is None for one in found.heads)
    assert found.tokens.whole
    assert not between(CAUSAL, PLAIN).equal


def test_the_same_numbers_of_two_libraries_differ_by_nothing():
    torch_one = CAUSAL.to("torch")
    assert between(CAUSAL, torch_one).equal
    assert between(torch_one, CAUSAL).equal
    assert between(torch_one, torch_one).equal


def test_left_and_right_change_places():
    one, other = between(CAUSAL, PLAIN), between(PLAIN, CAUSAL)
    assert [head.divergence for head in one.heads] == [head.divergence for head in other.heads]
    first, second = one.heads[0].apart.largest, other.heads[0].apart.largest
    assert (first.left, first.right) == (second.right, second.left)


def test_two_heads_of_one_trace():
    [head] = between(CAUSAL, CAUSAL, ("0.0", "0.3")).heads
    assert (head.left[1:], head.right[1:]) == ((0, 0), (0, 3))
    left, right = (CAUSAL.layers[0].steps(one).weights for one in (0, 3))
    rows = [jensenshannon(*both, base=2) ** 2 for both in zip(left, right, strict=True)]
    assert head.divergence == pytest.approx(numpy.mean(rows), abs=1e-6)


def test_only_the_layers_and_heads_that_are_asked_for():
    found = between(CAUSAL, PLAIN, head=["1,3"])
    assert sorted(places(found)) == [((0, 1), (0, 1)), ((0, 3), (0, 3))]
    with pytest.raises(UsageError, match="--left and --right name two heads"):
        between(CAUSAL, PLAIN, ("0.0", "0.1"), layer=["0"])


def test_heads_without_a_partner_are_told():
    found = between(CAUSAL, trace_text(TEXT, heads=2))
    assert len(found.heads) == 2
    assert [[one.head for one in side] for side in found.only] == [[2, 3], []]
    assert found.only[0][0].title == "layer 0"
    assert between(trace_text(TEXT, heads=2), CAUSAL).only[1] == found.only[0]
    assert between(trace_text(TEXT, heads=2), CAUSAL, head=["0"]).only == ((), ())


def test_a_query_or_keys_of_the_left_text():
    whole = between(CAUSAL, PLAIN)
    [row] = between(CAUSAL, PLAIN, query="@2", head=["1"]).heads
    [same] = [one for one in whole.heads if one.left.head == 1]
    assert row.divergence == same.apart.rows[2]
    [some] = between(CAUSAL, PLAIN, key="0:2", head=["1"]).heads
    left, right = (trace.layers[0].steps(1).weights for trace in (CAUSAL, PLAIN))
    rows = [
        jensenshannon([*one[:2], one[2:].sum()], [*other[:2], other[2:].sum()], base=2) ** 2
        for one, other in zip(left, right, strict=True)
    ]
    assert some.apart.rows == pytest.approx(rows, abs=1e-6)


def test_special_tokens_are_left_out_on_both_sides():
    draw = numpy.random.default_rng(0)

    def a_trace(*tokens):
        vectors = draw.standard_normal((1, len(tokens), 4))
        return Trace(tokens, (Layer(vectors, vectors, vectors),), {"ids": [*range(len(tokens))], "special": [0]})

    found = between(a_trace("[CLS]", "a", "b"), a_trace("[CLS]", "a", "b", "c"), skip_special=True)
    shared = found.heads[0].places
    assert [side.tolist() for side in shared] == [[1, 2]] * 4


def test_texts_that_share_nothing_are_told():
    with pytest.raises(AttnvizError, match="the two texts have no token in common"):
        between(trace_text("a b"), trace_text("c d"))
    with pytest.raises(AttnvizError, match="none of these queries and keys is in both texts"):
        between(trace_text("a b c"), trace_text("a x c"), query="b")
    layer = replace(CAUSAL.layers[0], index=7)
    with pytest.raises(AttnvizError, match="the two have no layer and head of the same number"):
        between(CAUSAL, Trace(CAUSAL.tokens, (layer,)))


def crossed(queries, keys, seed=0):
    draw = numpy.random.default_rng(seed)
    query, key = (draw.standard_normal((2, len(one), 4)) for one in (queries, keys))
    own = Layer(key, key, key, name="encoder 0")
    cross = Layer(query, key, key, name="cross 0", kind="cross", tokens=queries, key_tokens=keys)
    return Trace(keys, (own, cross))


def test_the_queries_and_the_keys_of_a_cross_layer_have_their_own_partners():
    left = crossed(("ein", "haus"), ("a", "house", "!"))
    right = crossed(("das", "ein", "haus"), ("house", "!"), seed=1)
    found = between(left, right)
    assert found.tokens.pairs == [(1, 0), (2, 1)]
    by_title = {one.left.title: one for one in found.heads}
    assert found.texts[by_title["cross 0"].text].queries.pairs == [(0, 1), (1, 2)]
    assert found.texts[by_title["cross 0"].text].keys.pairs == [(1, 0), (2, 1)]
    assert found.texts[by_title["encoder 0"].text].queries.pairs == [(1, 0), (2, 1)]
    assert len(found.heads) == 4


def test_a_layer_that_shares_no_query_is_left_to_the_others():
    left, right = crossed(("ein",), ("a", "house")), crossed(("un",), ("a", "house"), seed=1)
    assert {one.left.title for one in between(left, right).heads} == {"encoder 0"}


def test_weights_alone_and_vectors_may_be_compared():
    weights = Layer(weights=CAUSAL.layers[0].steps().weights, rule=Rule(causal=True))
    found = between(CAUSAL, Trace(CAUSAL.tokens, (weights,)))
    assert all(one.divergence < 1e-12 for one in found.heads)


def test_progress_is_told_over_all_layers():
    told = []
    two = Trace(CAUSAL.tokens, (CAUSAL.layers[0], replace(CAUSAL.layers[0], index=1)))
    between(two, two, report=lambda *done: told.append(done))
    assert told == [(done, 8) for done in range(1, 9)]
