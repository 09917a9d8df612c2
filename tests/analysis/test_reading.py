"""What a step read, in the heads that move most."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace
from attnviz.analysis.reading import HeadReading, Reader, ReadWord, head_moves
from attnviz.trace.generation import Generation
from attnviz.trace.roles import HeadRole, Share, Verdict
from attnviz.trace.written import Written, written_steps

TOKENS = ("a", "b", "c", "d")


def pointing(places, index=0):
    """A layer whose head h looks, as its query i, only at the key places[h][i]."""
    heads, count = len(places), len(TOKENS)
    query = numpy.zeros((heads, count, count))
    for head, keys in enumerate(places):
        query[head, range(count), keys] = 4000.0
    key = numpy.broadcast_to(numpy.eye(count), (heads, count, count))
    return Layer(query, key, key, Rule(causal=True), index)


STILL, MOVING, ONCE = (0, 0, 0, 0), (0, 1, 0, 3), (0, 0, 2, 2)
LAYERS = (pointing([STILL, ONCE]), pointing([MOVING, STILL], index=1))


def steps(layers=LAYERS, chosen=3):
    return list(written_steps(Trace(TOKENS, layers, generation=Generation(("x",) * chosen))))


def test_how_far_a_head_moves_is_the_share_of_weight_that_moves():
    assert head_moves(LAYERS[0]).tolist() == [0, pytest.approx(1 / 3)]
    assert head_moves(LAYERS[1]).tolist() == [1, 0]
    assert head_moves(pointing([MOVING])._of_queries(range(1))).tolist() == [0]


def test_the_three_that_move_most_are_shown_and_stay():
    reader = Reader()
    readings = [reader.of(step) for step in steps()]
    places = [[(reading.layer, reading.head) for reading in of_step] for of_step in readings]
    assert places[0] == places[2] == [("layer 1", 0), ("layer 0", 0), ("layer 0", 1)]
    assert [reading.words for reading in readings[2]] == [(ReadWord(token, 1.0),) for token in "dac"]


def test_one_position_alone_shows_no_move():
    reader = Reader()
    first, second, *_ = steps(chosen=4)
    assert reader.of(first) == []
    assert len(reader.of(second)) == 3


def test_those_that_are_named_are_shown_from_the_first_step_on():
    assert Reader(["1"], ["1", "0"]).of(steps(chosen=4)[0]) == [
        HeadReading("layer 1", 1, (ReadWord("a", 1.0),)),
        HeadReading("layer 1", 0, (ReadWord("a", 1.0),)),
    ]


SHARE = Share(0.99, (0.98, 1.0))


def role(name, layer, head, verdict=Verdict.PROVED):
    return HeadRole(name, verdict, layer, head, SHARE, (2, SHARE))


def test_heads_that_wear_a_role_are_shown_where_none_are_named():
    roles = (role("syntax", 1, 1), role("meaning", 0, 1, Verdict.PARTLY), role("copying", 1, 1))
    roles += (role("position", 0, 0, Verdict.NONE), role("position", 7, 0), role("position", 0, 9))
    [first, *_] = written_steps(Trace(TOKENS, LAYERS, generation=Generation(("x",) * 4), roles=roles))
    readings = Reader().of(first)
    assert [(reading.layer, reading.head) for reading in readings] == [("layer 1", 1), ("layer 0", 1)]
    assert [[one.role for one in reading.roles] for reading in readings] == [["syntax", "copying"], ["meaning"]]
    assert [reading.roles for reading in Reader(["0"], ["0", "1"]).of(first)] == [(), (roles[1],)]
    assert Reader(["0"]).of(first) == []  # one position shows no move


def test_where_no_head_wears_one_those_are_shown_that_move_most():
    trace = Trace(TOKENS, LAYERS, generation=Generation(("x",)), roles=(role("syntax", 1, 1, Verdict.NONE),))
    assert len(Reader().of(next(written_steps(trace)))) == 3


def test_a_layer_or_a_head_alone_narrows_them_down():
    assert [one.head for one in Reader(["0"]).of(steps()[2])] == [1, 0]
    assert {one.head for one in Reader(head=["1"]).of(steps()[2])} == {1}


@pytest.mark.parametrize(("layer", "head", "message"), [(["7"], [], "layer 7 does not exist"), ([], ["9"], "head 9")])
def test_what_is_not_there_is_refused(layer, head, message):
    with pytest.raises(AttnvizError, match=message):
        Reader(layer, head).of(steps()[2])


def test_the_words_are_sorted_by_weight_and_few():
    query = numpy.log([[[0.1, 0.4, 0.3, 0.2]]])
    layer = Layer(query, numpy.eye(4)[None], numpy.eye(4)[None], Rule(scale=1.0), key_tokens=TOKENS)
    [reading] = Reader(["0"], ["0"], words=2).of(Written(1, "y", 0.5, (), lambda _: (layer,)))
    assert reading.words == (ReadWord("b", pytest.approx(0.4)), ReadWord("c", pytest.approx(0.3)))


def test_a_word_that_stands_twice_has_its_position_and_small_weights_are_left_out():
    query = numpy.log([[[0.0998, 0.0002, 0.4, 0.5]]])
    layer = Layer(query, numpy.eye(4)[None], numpy.eye(4)[None], Rule(scale=1.0), key_tokens=("a", "b", "c", "a"))
    [reading] = Reader(["0"], ["0"], words=4).of(Written(1, "y", 0.5, (), lambda _: (layer,)))
    assert [(word.token, word.position) for word in reading.words] == [("a", 3), ("c", None), ("a", 0)]


def test_of_weights_that_are_all_small_the_largest_is_told():
    layer = Layer(numpy.zeros((1, 1, 1)), *[numpy.zeros((1, 2000, 1))] * 2, key_tokens=("a",) * 2000)
    [reading] = Reader(["0"], ["0"]).of(Written(1, "y", 0.5, (), lambda _: (layer,)))
    assert reading.words == (ReadWord("a", pytest.approx(1 / 2000), 0),)
