"""What comes after each position, as the page of a text that a model wrote tells it."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Rule, Trace, generate
from attnviz.renderers.page.next_tokens import next_tokens, predicts
from attnviz.trace.generation import Generation
from attnviz.trace.selection import select


def made(tokens="abc", name="", kind="self", **known):
    vectors = numpy.zeros((1, len(tokens), 2))
    return Trace(tuple(tokens), (Layer(vectors, vectors, vectors, Rule(causal=True), name=name, kind=kind),), **known)


PREDICTIONS = [[("b", 0.75), ("x", 0.25)], [("y", 0.9)], [("d", 0.5)]]


def test_of_a_text_alone_what_comes_is_the_next_token():
    first, second, last = next_tokens(made(predictions=PREDICTIONS))
    assert first == {
        "likely": [["b", 0.75, "75 %"], ["x", 0.25, "25 %"]],
        "next": "b",
        "written": False,
        "place": 0,
        "share": None,
    }
    assert (second["next"], second["place"], second["share"]) == ("c", None, None)
    assert (last["next"], last["written"]) == (None, False)


def test_what_a_model_chose_is_told_with_its_probability_where_it_was_not_among_the_likely():
    trace = made(predictions=PREDICTIONS, generation=Generation(("c", "e"), (0.02, 0.003)))
    first, second, last = next_tokens(trace)
    assert (first["next"], first["written"]) == ("b", False)
    assert (second["next"], second["written"], second["place"], second["share"]) == ("c", True, None, "2 %")
    assert (last["next"], last["written"], last["share"]) == ("e", True, "0.3 %")


def test_a_generation_without_probabilities_or_predictions_still_says_what_came():
    *_, last = next_tokens(made(generation=Generation(("e",))))
    assert last == {"likely": [], "next": "e", "written": True, "place": None, "share": None}


@pytest.mark.parametrize("options", [{}, {"name": "encoder 0", "predictions": PREDICTIONS}])
def test_where_nothing_is_known_nothing_is_told(options):
    assert next_tokens(made(**options)) == []


def test_only_layers_that_read_the_text_tell_of_it():
    vectors = numpy.zeros((1, 2, 2))
    trace = made(predictions=PREDICTIONS)
    cross = Layer(vectors, vectors, vectors, name="cross 0", kind="cross", tokens=("p", "q"), key_tokens=("r", "s"))
    trace = replace(trace, layers=(*trace.layers, cross))
    own, other = select(trace).layers
    assert (predicts(trace, own, 3), predicts(trace, other, 3), predicts(trace, own, 2)) == (True, False, False)


def test_every_token_of_a_generation_is_the_next_of_the_one_before():
    trace = generate("tiny", "the queen met the actor . she", 6)
    told = next_tokens(trace)
    assert len(told) == len(trace.tokens)
    assert [one["next"] for one in told[:-1]] == list(trace.tokens[1:])
    assert told[-1]["next"] == trace.generation.chosen[-1]
    assert [one["written"] for one in told] == [place >= len(trace.tokens) - 6 for place in range(len(told))]
    assert all(one["place"] == 0 for one in told if one["written"])  # the likeliest was taken, each time
