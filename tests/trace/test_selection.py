"""Which layers, heads, tokens and steps are shown."""

from __future__ import annotations

import numpy
import pytest

from attnviz.attention.rule import Rule
from attnviz.choices import USUAL_STEPS, Step
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.selection import Selection, first_layer, is_long, select
from attnviz.trace.trace import Trace

TOKENS = ("The", "cat", "saw", "the", "dog", "\n", "2")


def layer(index: int, heads: int = 4, **facts: object) -> Layer:
    query = numpy.ones((heads, len(TOKENS), 2))
    return Layer(query, query, query, Rule(), index=index, name=f"layer {index}", **facts)


def trace(*layers: Layer) -> Trace:
    return Trace(TOKENS, layers)


def chosen(selection: Selection) -> list[tuple[int, list[int]]]:
    return [(layer.index, list(heads)) for layer, heads, *_ in selection.layers]


def test_self_and_cross_attention_of_one_layer_come_together():
    selection = select(trace(layer(0), layer(0, 2, kind="cross"), layer(1)), layer=["0"])
    assert chosen(selection) == [(0, [0, 1, 2, 3]), (0, [0, 1])]


def test_steps_come_in_the_order_in_which_they_are_computed():
    assert select(trace(layer(0)), step=[Step.OUTPUT, Step.SCORES]).steps == (Step.SCORES, Step.OUTPUT)
    assert select(trace(layer(0))).steps == USUAL_STEPS


def test_a_query_and_a_key_are_a_pair():
    assert select(trace(layer(0)), query="dog", key="The").layers[0].pair == (4, 0)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ({"query": "1:3"}, ((1, 2), tuple(range(7)))),
        ({"query": "5:", "key": ":2"}, ((5, 6), (0, 1))),
        ({"query": "cat", "key": "1:3"}, ((1,), (1, 2))),
        ({"query": "0:7"}, (tuple(range(7)), tuple(range(7)))),
    ],
)
def test_a_range_is_of_queries_or_of_keys(words, shown):
    [part] = select(trace(layer(0)), **words).layers
    assert (tuple(part.shown_queries), tuple(part.shown_keys)) == shown
    assert part.narrows_queries == (len(shown[0]) < 7)
    assert part.narrows_keys == (len(shown[1]) < 7)
    assert tuple(part.all_queries) == tuple(part.all_keys) == tuple(range(7))
    assert part.pair is None


def test_a_token_is_a_region_for_what_draws_or_measures():
    [part] = select(trace(layer(0)), query="cat", key="2:4").as_region().layers
    assert (part.query, part.key, part.region) == (None, None, (range(1, 2), range(2, 4)))
    assert part.query_positions == range(1, 2)
    [part] = select(trace(layer(0)), key="@6").as_region().layers
    assert part.region == (range(7), range(6, 7))
    [part] = select(trace(layer(0))).as_region().layers
    assert part.whole


def test_a_step_that_no_layer_has_is_missing():
    selection = select(trace(layer(0, 1)), step=[Step.WEIGHTS, Step.CONCAT])
    assert selection.missing == [Step.CONCAT]
    assert select(trace(layer(0, 1), layer(1, 2)), step=[Step.WEIGHTS, Step.CONCAT]).missing == []
    with pytest.raises(AttnvizError, match="there is nothing to show for concat or projected"):
        select(trace(layer(0, 1)), step=[Step.PROJECTED, Step.CONCAT])


def with_special(special, target_special=(), kind="self", queries=6, keys=6):
    array = numpy.ones((2, queries, 3)), numpy.ones((2, keys, 3))
    source = {"ids": list(range(keys)), "special": list(special)}
    source |= {"target_ids": list(range(queries)), "target_special": list(target_special)} if kind == "cross" else {}
    tokens = tuple(f"w{place}" for place in range(queries))
    key_tokens = tuple(f"k{place}" for place in range(keys)) if kind == "cross" else None
    name = "cross 0" if kind == "cross" else ""
    return Trace(tokens, (Layer(array[0], array[1], array[1], name=name, kind=kind, key_tokens=key_tokens),), source)


def test_special_tokens_are_left_out_and_the_layer_stays_whole():
    whole = with_special([0, 3])
    [part] = select(whole, skip_special=True).layers
    assert part.layer is whole.layers[0]
    assert part.queries == part.keys == part.shown_queries == part.shown_keys == (1, 2, 4, 5)
    [part] = select(whole).layers
    assert (part.queries, part.keys, list(part.shown_keys)) == (None, None, [0, 1, 2, 3, 4, 5])
    assert not part.skips_tokens
    assert not select(with_special([]), skip_special=True).layers[0].skips_tokens


def test_each_side_of_cross_attention_loses_its_own():
    [part] = select(with_special([0, 3], [1], "cross", queries=5, keys=4), skip_special=True).layers
    assert (part.queries, part.keys) == ((0, 2, 3, 4), (1, 2))


def test_a_special_token_that_is_named_is_not_left_out():
    [part] = select(with_special([0, 3]), skip_special=True, query="w3", key="@0").layers
    assert (part.queries, part.keys) == ((1, 2, 3, 4, 5), (0, 1, 2, 4, 5))
    assert (part.shown_queries, part.shown_keys, part.pair) == ((3,), (0,), (3, 0))


def test_special_tokens_alone_leave_nothing():
    with pytest.raises(AttnvizError, match="only special tokens"):
        select(with_special(range(6)), skip_special=True)


def test_tokens_of_another_kind_have_no_special_ones():
    patches = with_special([0], keys=6)
    other = Trace(patches.tokens, patches.layers, {"ids": [1, 2], "special": [0]})
    assert not select(other, skip_special=True).layers[0].skips_tokens


def test_keys_of_another_text_are_chosen_among_its_tokens():
    query, key = numpy.ones((1, 2, 2)), numpy.ones((1, 3, 2))
    cross = Trace(("le", "chat"), (Layer(query, key, key, kind="cross", key_tokens=("the", "black", "cat")),))
    assert select(cross, query="chat", key="cat").layers[0].pair == (1, 2)
    with pytest.raises(AttnvizError, match=r"no query token cat: there are le \(0\), chat \(1\)"):
        select(cross, query="cat")


def test_how_much_there_is_to_show_is_counted():
    vectors = numpy.ones((2, 3, 2))
    trace = Trace(tuple("abc"), tuple(Layer(vectors, vectors, vectors, index=number) for number in range(2)))
    assert (select(trace).heads, select(trace).pairs) == (4, 36)
    assert select(trace, head=["1"], query="0:1").pairs < 36
    assert first_layer(trace) == "0"


def test_contributions_need_w_o_and_words_have_weights_alone():
    vectors = numpy.ones((2, 3, 2))
    trace = Trace(tuple("abc"), (Layer(vectors, vectors, vectors),))
    with pytest.raises(AttnvizError, match="W_O of layer 0 is not known"):
        select(trace, step=[Step.CONTRIBUTION])
    alone = Trace(tuple("abc"), (Layer(weights=numpy.full((1, 3, 3), 1 / 3)),))
    with pytest.raises(AttnvizError) as refused:
        select(alone, step=[Step.SCORES])
    assert "save query, key and value as well" in refused.value.hint
    merged = Trace(alone.tokens, alone.layers, Origin(merged="words"))
    with pytest.raises(AttnvizError) as refused:
        select(merged, step=[Step.SCORES])
    assert "leave out --words" in refused.value.hint


def test_a_long_map_is_known():
    vectors = numpy.ones((1, 4000, 1))
    assert is_long(Layer(vectors, vectors, vectors))
    assert not is_long(Layer(vectors[:, :3], vectors[:, :3], vectors[:, :3]))
