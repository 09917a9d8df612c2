"""What Python code gives for options is taken in every form that it has there, or refused in one line."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import AttnvizError, Trace, trace_text
from attnviz.arguments import (
    as_asked,
    chosen,
    drawing,
    hash_of_array,
    member,
    members,
    numbers_of,
    quantiles_of,
    real_number,
    text_of,
    where,
    whole_number,
)
from attnviz.choices import Limits, Pool, Step
from attnviz.trace.written import Sampling

TEXT = "Your journey starts"
TRACE = trace_text(TEXT, heads=2, causal=True)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"query": numpy.int64(1)}, {"query": "@1"}),
        ({"key": numpy.uint8(2)}, {"key": "@2"}),
        ({"layer": numpy.int64(1)}, {"layer": "1"}),
        ({"head": numpy.int32(1)}, {"head": "1"}),
        ({"head": numpy.array([1])}, {"head": "1"}),
        ({"head": range(1, 2)}, {"head": "1"}),
        ({"query": range(2)}, {"query": "0:2"}),
        ({"key": range(1, 3)}, {"key": "1:3"}),
        ({"top": numpy.int64(2)}, {"top": 2}),
        ({"precision": numpy.int64(2)}, {"precision": 2}),
        ({"step": "weights,scores"}, {"step": ["weights", "scores"]}),
        ({"step": ("weights,scores", "output")}, {"step": ["weights", "scores", "output"]}),
    ],
    ids=str,
)
def test_numbers_of_numpy_ranges_and_lists_mean_what_the_command_line_says(given, plain):
    layer = replace(TRACE.layers[0], embeddings=None, projections={})
    trace = Trace(TRACE.tokens, (layer, replace(layer, index=1)))
    assert str(trace.explain(**given)) == str(trace.explain(**plain)) != str(trace.explain())


def test_a_range_is_never_the_token_that_is_written_so():
    trace = trace_text("0:2 a b", tokenizer="whitespace")
    assert str(trace.explain(query=range(2))) == str(trace.explain(query=":2")) != str(trace.explain(query="0:2"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": -3}, "top is -3: expected a whole number, 1 or more"),
        ({"top": 0}, "top is 0: expected a whole number, 1 or more"),
        ({"top": "3"}, "top is '3': expected a whole number, 1 or more"),
        ({"precision": -1}, "precision is -1: expected a whole number from 0 to 17"),
        ({"precision": 40}, "precision is 40: expected a whole number from 0 to 17"),
        ({"precision": "a"}, "precision is 'a': expected a whole number from 0 to 17"),
        ({"precision": 2.0}, "precision is 2.0: expected a whole number from 0 to 17"),
        ({"max_tokens": 0}, "max_tokens is 0: expected a whole number, 2 or more"),
        ({"max_tokens": 1}, "max_tokens is 1: expected a whole number, 2 or more"),
        ({"query": (1, 3)}, "query is (1, 3): expected a token, a position"),
        ({"query": 1.5}, "query is 1.5: expected a token, a position"),
        ({"query": True}, "query is True: expected a token, a position"),
        ({"key": -1}, "key is -1: expected a token, a position counted from 0"),
        ({"query": range(0, 3, 2)}, "query is range(0, 3, 2): expected a token"),
        ({"query": range(-1, 2)}, "query is range(-1, 2): expected a token"),
        ({"query": range(-1)}, "query is range(0, -1): expected a token"),
        ({"query": range(4)}, "--query 0:4: there are 3 queries"),
        ({"query": range(0)}, "--query 0:0: the range is empty"),
        ({"key": numpy.eye(2)}, "key is array([[1., 0.], [0., 1.]]): expected"),
        ({"layer": 1.5}, "layer is 1.5: expected numbers and ranges"),
        ({"head": None}, "head is None: expected numbers and ranges"),
        ({"head": True}, "head is True: expected numbers and ranges"),
        ({"layer": "x"}, "layer is 'x': expected numbers and ranges"),
        ({"head": ["0", "1-"]}, "head is ['0', '1-']: expected numbers and ranges"),
        ({"step": 5}, "step is 5: expected some of embeddings, "),
        ({"step": [5]}, "step is 5: expected one of embeddings, "),
        ({"step": "weights,"}, "step is '': expected one of embeddings, "),
        ({"language": None}, "language is None: expected one of en, vi"),
    ],
    ids=str,
)
def test_what_explain_cannot_take_is_told_in_one_line(options, message):
    refused(lambda: TRACE.explain(**options), message)


@pytest.mark.parametrize("dpi", [0, 1, 19, 1201, 9999, "100", True])
def test_heatmap_takes_the_resolutions_of_the_command_line(dpi):
    refused(lambda: TRACE.heatmap(dpi=dpi), f"dpi is {dpi!r}: expected a whole number from 20 to 1200")


@pytest.mark.parametrize("name", ["title", "cmap"])
def test_heatmap_takes_texts(name):
    refused(lambda: TRACE.heatmap(**{name: 5}), f"{name} is 5: expected a text")


@pytest.mark.parametrize("size", [float("nan"), -1, 0.09, "50", True, None, 10**400])
def test_html_takes_the_sizes_of_the_command_line(size):
    refused(lambda: TRACE.to_html(max_size=size), f"max_size is {size!r:.40}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": 5}, "text is 5: expected a text"),
        ({"text": b"a"}, "text is b'a': expected a text"),
        ({"heads": "2"}, "heads is '2': expected a whole number"),
        ({"heads": 1.0}, "heads is 1.0: expected a whole number"),
        ({"seed": "a"}, "seed is 'a': expected a whole number"),
        ({"dim": 0}, "dim is 0: expected a whole number, 1 or more"),
        ({"dim": 1.5}, "dim is 1.5: expected a whole number, 1 or more"),
    ],
    ids=str,
)
def test_what_trace_text_cannot_take_is_told_in_one_line(options, message):
    refused(lambda: trace_text(**{"text": TEXT} | options), message)


def refused(call, message):
    with pytest.raises(AttnvizError) as raised:
        call()
    assert raised.value.message.startswith(message)
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 250


def test_limits_belong_to_what_they_limit():
    limits = Limits(2, 5)
    assert [whole_number("n", number, limits) for number in (2, 5)] == [2, 5]
    assert [real_number("x", number, limits) for number in (2, 5.0, numpy.float32(2.5))] == [2.0, 5.0, 2.5]
    assert real_number("x", float("inf"), Limits(2)) == float("inf")
    for number in (1, 6):
        refused(lambda number=number: whole_number("n", number, limits), f"n is {number}")
        refused(lambda number=number: real_number("n", number, limits), f"n is {number}")


def test_words_come_back_as_what_they_name():
    assert member(Pool, "max", "pool") is Pool.MAX
    assert members(Step, "scores,weights", "step") == [Step.SCORES, Step.WEIGHTS]
    assert members(Step, [Step.SCORES], "step") == [Step.SCORES]
    assert (chosen("head", "0,2"), chosen("head", 3), chosen("head", [0, "2-3"])) == (["0,2"], ["3"], ["0", "2-3"])
    assert (where("key", None), where("key", "cat"), where("key", 3)) == (None, "cat", "@3")
    assert text_of("title", "a") == "a"


def test_numbers_come_by_the_names_of_what_they_are_for():
    assert numbers_of(Pool, None, "share", Limits(0, 1)) == {}
    assert numbers_of(Pool, {"max": 1, Pool.MEAN: 0.5}, "share", Limits(0, 1)) == {Pool.MAX: 1.0, Pool.MEAN: 0.5}
    for given, message in (
        ({"least": 1}, "share is 'least': expected one of mean, max"),
        ({"max": 2}, "share is 2: expected a number from 0 to 1"),
        ("max=1", "share is 'max=1': expected a number by the name of each"),
    ):
        with pytest.raises(AttnvizError, match=message):
            numbers_of(Pool, given, "share", Limits(0, 1))


def test_a_draw_is_checked_by_the_limits_of_its_options():
    assert drawing(None, None, None, 0) == Sampling()
    assert drawing(1, 2, 0.5, 3) == Sampling(1.0, 2, 0.5, 3)
    refused(lambda: drawing(0, None, None, 0), "temperature is 0")
    refused(lambda: drawing(None, None, 1.5, 0), "top_p is 1.5")
    refused(lambda: drawing(None, None, None, 2**63), "seed is 9223372036854775808")


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        ((), ()),
        ("0.9,0.05", (0.05, 0.9)),
        ([0.5, numpy.float32(0.5), 1], (0.5, 1.0)),
        (["0.25,0.75", "0"], (0.0, 0.25, 0.75)),
    ],
)
def test_shares_are_taken_in_every_form(given, shares):
    assert quantiles_of(given) == shares


@pytest.mark.parametrize("given", [0.5, "x", [2], ["-0.1"], [float("nan")], [None], [True], "", "0.5;0.9"])
def test_what_is_no_share_is_refused(given):
    with pytest.raises(AttnvizError, match=r"quantiles is .*: expected numbers from 0 to 1, such as 0\.05,0\.5,0\.95"):
        quantiles_of(given)


def test_what_was_asked_is_told_alike_by_a_shell_and_by_python():
    given = {"layer": ["0-1"], "query": 3, "causal": True}
    unset = {"key": None, "words": False, "head": (), "pair": "", "chat": []}
    assert as_asked(**given, **unset) == {"layer": ["0-1"], "query": "3", "causal": "True"}
    assert as_asked(seed=0, layer=(1,)) == {"seed": "0", "layer": ["1"]}


def test_what_is_as_usual_was_not_asked_for():
    usual = {"heads": 1, "seed": 0, "tokenizer": "word", "scale": None}
    assert as_asked(usual, heads=1, seed=0, tokenizer="word", scale=1.0) == {"scale": "1"}
    assert as_asked(usual, heads=2, seed=numpy.int64(0), tokenizer="char") == {"heads": "2", "tokenizer": "char"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, numpy.int32(1)),
        (0.5, numpy.float64(0.5)),
        (range(2, 4), "2:4"),
        ((1, "2"), ["1", 2]),
        (7, numpy.array(7)),
    ],
)
def test_the_same_is_told_alike_of_whatever_library_it_is(one, other):
    assert as_asked(option=one) == as_asked(option=other)


def test_arrays_are_told_by_all_their_numbers():
    """str() of a large array has but its corners, and of no array all digits."""
    import torch

    large = numpy.zeros((100, 100))
    other = large.copy()
    other[50, 50] = 1e-12
    assert str(large) == str(other)
    assert as_asked(embeddings=large) == as_asked(embeddings=large.copy(order="F"))
    assert as_asked(embeddings=large) != as_asked(embeddings=other)
    assert as_asked(weights={"W_Q": large}) != as_asked(weights={"W_Q": other})
    assert as_asked(weights={"W_Q": large}) == as_asked(weights={"W_Q": torch.from_numpy(large.copy())})
    assert hash_of_array(large) != hash_of_array(large.astype("f4"))
    assert hash_of_array(large) != hash_of_array(large.reshape(50, 200))
    assert hash_of_array(torch.ones(2, dtype=torch.bfloat16)).startswith("bfloat16 (2,) ")
    assert hash_of_array([1.0]).startswith("float64 (1,) ")
