"""What a person writes for layers, heads and positions."""

from __future__ import annotations

import numpy
import pytest

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError, UsageError
from attnviz.trace.layer import Layer
from attnviz.trace.selection import Selection, select
from attnviz.trace.trace import Trace

TOKENS = ("The", "cat", "saw", "the", "dog", "\n", "2")


def layer(index: int, heads: int = 4, **facts: object) -> Layer:
    query = numpy.ones((heads, len(TOKENS), 2))
    return Layer(query, query, query, Rule(), index=index, name=f"layer {index}", **facts)


def trace(*layers: Layer) -> Trace:
    return Trace(TOKENS, layers)


def chosen(selection: Selection) -> list[tuple[int, list[int]]]:
    return [(layer.index, list(heads)) for layer, heads, *_ in selection.layers]


@pytest.mark.parametrize(
    ("words", "heads"),
    [
        ((), [0, 1, 2, 3]),
        (("all",), [0, 1, 2, 3]),
        (("2",), [2]),
        (("1-3",), [1, 2, 3]),
        (("2-2",), [2]),
        (("3,0-1",), [3, 0, 1]),
        (("3", "0"), [3, 0]),
        ((" 1 , 2 ",), [1, 2]),
        (("1,1,0-1",), [1, 0]),
        (("2,all",), [2, 0, 1, 3]),
    ],
)
def test_heads_are_numbers_ranges_and_lists(words, heads):
    assert chosen(select(trace(layer(0)), head=words)) == [(0, heads)]


@pytest.mark.parametrize(
    ("words", "layers"), [((), [0, 5, 6]), (("5-6",), [5, 6]), (("6,0",), [6, 0]), (("all",), [0, 5, 6])]
)
def test_layers_are_chosen_by_their_own_numbers(words, layers):
    selection = select(trace(layer(0), layer(5), layer(6)), layer=words)
    assert [number for number, _ in chosen(selection)] == layers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": ["4"]}, "head 4 does not exist: layer 0 has heads 0 to 3"),
        ({"head": ["2-9"]}, "head 4 does not exist: layer 0 has heads 0 to 3"),
        ({"head": ["0-99999999999"]}, "head 4 does not exist: layer 0 has heads 0 to 3"),
        ({"head": ["3"], "layer": ["9"]}, "head 3 does not exist: layer 9 has only head 0"),
        ({"layer": ["1"]}, "layer 1 does not exist: the trace has layers 0, 9"),
        ({"layer": ["0-9"]}, "layer 1 does not exist: the trace has layers 0, 9"),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(options, message):
    with pytest.raises(AttnvizError) as error:
        select(trace(layer(0), layer(9, heads=1)), **options)
    assert error.value.message == message


def test_the_only_layer_and_many_layers_are_listed_as_such():
    with pytest.raises(AttnvizError, match=r"layer 1 does not exist: the trace has only layer 0$"):
        select(trace(layer(0)), layer=["1"])
    with pytest.raises(AttnvizError, match=r"layers 0, 2, 4, 6, 8, 10, 12, 14, …, 28, 30$"):
        select(trace(*(layer(2 * number, heads=1) for number in range(16))), layer=["1"])


@pytest.mark.parametrize("what", ["layer", "head"])
@pytest.mark.parametrize("word", ["", "x", "-1", "1-", "1-x", "1.5", "1,,2", "²", "1--2", "\x1b[31m", "9" * 5000])
def test_words_that_are_no_numbers_are_wrong_usage(what, word):
    with pytest.raises(UsageError, match=f"--{what} .*: expected numbers and ranges such as 0,4-7") as error:
        select(trace(layer(0), layer(1), layer(2)), **{what: [word]})
    assert "\x1b" not in error.value.message
    assert len(error.value.message) < 200


@pytest.mark.parametrize("what", ["layer", "head"])
def test_a_range_that_runs_backwards_is_wrong_usage(what):
    with pytest.raises(UsageError, match=f"--{what} 3-1: the range runs backwards"):
        select(trace(layer(0)), **{what: ["3-1"]})


@pytest.mark.parametrize(
    ("wanted", "position"),
    [("cat", 1), ("CAT", 1), ("The", 0), ("the", 3), ("4", 4), ("2", 6), (r"\n", 5), ("\n", 5), ("0", 0)],
)
@pytest.mark.parametrize("side", ["query", "key"])
def test_a_token_is_chosen_by_text_case_or_position(side, wanted, position):
    [part] = select(trace(layer(0)), **{side: wanted}).layers
    assert getattr(part, side) == position
    assert part.pair is None


def test_an_ambiguous_token_names_its_positions():
    with pytest.raises(AttnvizError, match="query token THE stands at the positions 0, 3") as error:
        select(trace(layer(0)), query="THE")
    assert error.value.hint == "name one of them: --query @0"


@pytest.mark.parametrize("wanted", ["mouse", "-1", "", "@", "@cat"])
def test_a_token_that_is_not_there_is_told_with_those_that_are(wanted):
    with pytest.raises(AttnvizError, match=r"no key token .*: there are The \(0\), cat \(1\), .*\\n \(5\)"):
        select(trace(layer(0)), key=wanted)


@pytest.mark.parametrize("wanted", ["7000", "@7000", "9" * 5000], ids=lambda wanted: wanted[:5])
@pytest.mark.parametrize("side", ["query", "key"])
@pytest.mark.parametrize(
    ("count", "there"),
    [
        (1, "there is one {one}, at position 0"),
        (3, "there are 3 {several}, at the positions 0 to 2"),
        (7000, "there are 7,000 {several}, at the positions 0 to 6,999"),
    ],
)
def test_a_position_that_is_not_there_is_told_with_those_that_are(side, wanted, count, there):
    array = numpy.ones((1, count, 2))
    with pytest.raises(AttnvizError) as error:
        select(Trace(("word",) * count, (Layer(array, array, array),)), **{side: wanted})
    said, _, range_told = error.value.message.partition(": ")
    assert said.startswith(f"no {side} {wanted[:30]}")
    assert len(said) < 60
    assert range_told == there.format(one=side, several={"query": "queries", "key": "keys"}[side])


def test_a_position_may_have_the_commas_of_a_title():
    array = numpy.ones((1, 2000, 2))
    [part] = select(Trace(("word",) * 2000, (Layer(array, array, array),)), query="@1,999", key="1,000").layers
    assert part.pair == (1999, 1000)


def test_a_position_can_be_told_from_a_token_that_is_a_number():
    array = numpy.ones((1, 4, 2))
    numbers = Trace(("1", "0", "1", "1"), (Layer(array, array, array),))
    assert [select(numbers, query=f"@{place}").layers[0].query for place in range(4)] == [0, 1, 2, 3]
    assert select(numbers, query="0").layers[0].query == 1
