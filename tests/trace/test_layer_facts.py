"""What a layer says of itself beside its arrays."""

from __future__ import annotations

import numpy
import pytest
from traces_of_all_kinds import normal

from attnviz.attention.rule import Rule
from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.text.message import told
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import layer_words, layers_words, with_facts
from attnviz.trace.rotation import Rotation


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"rule": Rule(query_offset=2**53)}, "the last query stands at"),
        ({"rotation": Rotation(normal(5), halves=True)}, "the rotation turns 5 pairs, but d_k is 4"),
        ({"slopes": (1.0,)}, "1 slopes for 2 heads"),
        ({"slopes": (1.0, float("nan"))}, "they must be finite numbers"),
        ({"index": "1"}, "a layer needs a number and a name"),
        ({"name": 3}, "a layer needs a number and a name"),
        ({"kind": "other"}, "expected self or cross"),
        ({"index": -1}, "expected a whole number from 0"),
    ],
)
def test_what_cannot_be_is_refused(facts, words):
    with pytest.raises(AttnvizError, match=words):
        Layer(normal(2, 3, 4), normal(2, 3, 4), normal(2, 3, 4), **facts)


def test_other_facts_stand_beside_the_same_arrays():
    query = numpy.ones((2, 3, 4))
    layer = Layer(query, query, query, index=1, tokens=("a", "b", "c"))
    other = with_facts(layer, tokens=None, index=2)
    assert (layer.tokens, layer.index) == (("a", "b", "c"), 1)
    assert (other.tokens, other.index, other.scale) == (None, 2, layer.scale)
    assert other.query is layer.query
    with pytest.raises(AttnvizError, match="a layer's kind is"):
        with_facts(layer, kind="both")


@pytest.mark.parametrize(
    ("title", "english", "vietnamese"),
    [("layer 3", "layer 3", "lớp 3"), ("cross 3", "cross 3", "cross 3"), ("decoder 12", "decoder 12", "decoder 12")],
)
def test_our_own_word_is_told_in_the_language_of_the_reader(title, english, vietnamese):
    assert layer_words(title) == english
    assert told(layer_words(title), Language.VI) == vietnamese


def test_of_many_the_first_are_named():
    assert layers_words(["layer 0"]) == "layer 0"
    assert told(layers_words(["layer 0", "cross 1"]), Language.VI) == "lớp 0, cross 1"
    many = layers_words([f"layer {number}" for number in range(30)])
    assert many == "layer 0, layer 1, layer 2, layer 3, layer 4, layer 5, …"
    assert told(many, Language.VI).startswith("lớp 0, lớp 1, ")
