import numpy
import pytest

from attnviz.attention.rule import Rule
from attnviz.choices import Step
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


def test_self_and_cross_attention_of_one_layer_come_together():
    selection = select(trace(layer(0), layer(0, 2, kind="cross"), layer(1)), layer=["0"])
    assert chosen(selection) == [(0, [0, 1, 2, 3]), (0, [0, 1])]


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


def test_steps_come_in_the_order_in_which_they_are_computed():
    assert select(trace(layer(0)), step=[Step.OUTPUT, Step.SCORES]).steps == (Step.SCORES, Step.OUTPUT)
    assert select(trace(layer(0))).steps == tuple(Step)


@pytest.mark.parametrize(
    ("wanted", "position"),
    [("cat", 1), ("CAT", 1), ("The", 0), ("the", 3), ("4", 4), ("2", 6), (r"\n", 5), ("\n", 5), ("0", 0)],
)
@pytest.mark.parametrize("side", ["query", "key"])
def test_a_token_is_chosen_by_text_case_or_position(side, wanted, position):
    [part] = select(trace(layer(0)), **{side: wanted}).layers
    assert getattr(part, side) == position
    assert part.pair is None


def test_a_query_and_a_key_are_a_pair():
    assert select(trace(layer(0)), query="dog", key="The").layers[0].pair == (4, 0)


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
    with pytest.raises(AttnvizError, match="there is no concat and no projected to show here"):
        select(trace(layer(0, 1)), step=[Step.PROJECTED, Step.CONCAT])


def test_a_position_may_have_the_commas_of_a_title():
    array = numpy.ones((1, 2000, 2))
    [part] = select(Trace(("word",) * 2000, (Layer(array, array, array),)), query="@1,999", key="1,000").layers
    assert part.pair == (1999, 1000)


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


def test_a_position_can_be_told_from_a_token_that_is_a_number():
    array = numpy.ones((1, 4, 2))
    numbers = Trace(("1", "0", "1", "1"), (Layer(array, array, array),))
    assert [select(numbers, query=f"@{place}").layers[0].query for place in range(4)] == [0, 1, 2, 3]
    assert select(numbers, query="0").layers[0].query == 1
