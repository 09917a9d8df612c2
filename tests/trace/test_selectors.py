import pytest

from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.trace.selectors import all_meant, layer_filter, layers_meant, numbers_meant, positions_meant

FIFTY = tuple(f"q{position}" for position in range(50))


@pytest.mark.parametrize(
    ("words", "meant"), [((), False), (("0-3",), False), (("all",), True), (("2,all",), True), (("0", " all"), True)]
)
def test_all_is_meant_where_it_is_said(words, meant):
    assert all_meant(words) is meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("3:9", range(3, 9)),
        (":9", range(9)),
        ("40:", range(40, 50)),
        (":", range(50)),
        ("@3", 3),
        ("@0", 0),
        ("3", 3),
        ("49", 49),
        ("q7", 7),
        ("Q7", 7),
        ("003:0009", range(3, 9)),
    ],
)
def test_a_token_a_position_or_a_range(words, meant):
    assert positions_meant("query", words, FIFTY) == meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [("1,000:1,060", range(1000, 1060)), ("@2,999", 2999), ("999:1,001", range(999, 1001)), ("2,999", 2999)],
)
def test_positions_may_have_the_commas_of_a_title(words, meant):
    assert positions_meant("key", words, ("word",) * 3000) == meant


@pytest.mark.parametrize(("word", "position"), [("1:2", 2), (":", 3), ("7", 1)])
def test_what_is_a_token_means_the_token(word, position):
    assert positions_meant("query", word, ("a", "7", "1:2", ":")) == position


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("the", AttnvizError, r"no query token the: there are q0 \(0\), q1 \(1\)"),
        ("-1:3", AttnvizError, "no query token -1:3: there are"),
        ("1,0:20", AttnvizError, "no query token 1,0:20"),
        ("1,0000:", AttnvizError, "no query token 1,0000:"),
        ("@", AttnvizError, "no query token @:"),
        ("@1:3", AttnvizError, "no query token @1:3"),
        ("²:3", AttnvizError, "no query token ²:3"),
        ("9:9", UsageError, "--query 9:9: the range is empty"),
        ("60:40", UsageError, "empty"),
        (":0", UsageError, "empty"),
        ("0:51", AttnvizError, "there are 50 queries, at the positions 0 to 49"),
        ("60:", AttnvizError, "--query 60:: there are 50 queries, at the positions 0 to 49"),
        ("50:", AttnvizError, "there are 50 queries"),
        ("50", AttnvizError, "no query 50: there are 50 queries"),
        ("@50", AttnvizError, "no query @50: there are 50 queries"),
        ("9" * 20 + ":", AttnvizError, r"--query 9{20}:: there are 50 queries"),
        ("9" * 5000 + ":", AttnvizError, "there are 50 queries"),
        ("3:" + "9" * 5000, AttnvizError, "there are 50 queries"),
    ],
)
def test_what_means_nothing_is_said(words, error, message):
    with pytest.raises(AttnvizError, match=message) as raised:
        positions_meant("query", words, FIFTY)
    assert type(raised.value) is error  # what no text has is wrong usage, what this one has not is not
    assert len(raised.value.message) < 200


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("10-19", "a range is A:B, without B: --query 10:20"),
        ("1,000–1,059", "a range is A:B, without B: --query 1,000:1060"),
        ("@3:5", "a range has no @: --query 3:5"),
        ("the", ""),
    ],
)
def test_how_a_range_is_written_is_hinted(words, hint):
    with pytest.raises(AttnvizError) as raised:
        positions_meant("query", words, FIFTY)
    assert raised.value.hint == hint


def test_a_token_that_stands_several_times_is_to_be_named_by_a_position():
    with pytest.raises(AttnvizError, match="key token THE stands at the positions 0, 2") as raised:
        positions_meant("key", "THE", ("The", "cat", "the"))
    assert raised.value.hint == "name one of them: --key @0"


def test_the_position_in_the_hint_is_that_position_even_where_it_is_a_token():
    tokens = ("the", "@0", "the")
    with pytest.raises(AttnvizError) as raised:
        positions_meant("query", "the", tokens)
    assert raised.value.hint == "name one of them: --query @0"
    assert positions_meant("query", "@0", tokens) == 0


@pytest.mark.parametrize("words", [["0,2-3"], ["0", "2-3"], [" 0 , 2-3 ", "2"]])
def test_lists_are_taken_apart_here_alone(words):
    assert numbers_meant("head", words, range(5), "layer 0") == (0, 2, 3)
    assert layers_meant(words, [("", number) for number in range(5)], "the trace") == (0, 2, 3)
    assert [number for number in range(5) if layer_filter(words)("", number)] == [0, 2, 3]


def test_a_stack_holds_for_the_numbers_that_follow_it():
    known = [("encoder", 0), ("encoder", 1), ("cross", 0), ("cross", 1)]
    assert layers_meant(["cross 1,0"], known, "the trace") == (3, 2)
    assert layers_meant(["cross"], known, "the trace") == (2, 3)
    assert layers_meant(["1"], known, "the trace") == (1, 3)
    assert layer_filter(["cross 1"])("cross", 1)
    assert not layer_filter(["cross 1"])("encoder", 1)
    with pytest.raises(ChoiceError, match="there are no decoder layers: the trace has encoder, cross"):
        layers_meant(["decoder 0"], known, "the trace")
    for selectors in ((), ["0"], ["decoder"]):
        with pytest.raises(ChoiceError, match=r"^the model has no layers$"):
            layers_meant(selectors, [], "the model")


@pytest.mark.parametrize(
    ("words", "meant"),
    [("A:", range(1, 3)), ("B:", range(4, 6)), ("B:cat", 5), ("dog", 2), ("sep", 3)],
)
def test_a_text_of_a_pair_is_a_range(words, meant):
    assert positions_meant("query", words, ("[CLS]", "A:a", "A:dog", "[SEP]", "B:a", "B:cat", "[END]")) == meant


def test_a_mark_that_is_a_token_itself_is_the_token():
    assert positions_meant("query", "B:", ("A:a", "B:", "B:a")) == 1
