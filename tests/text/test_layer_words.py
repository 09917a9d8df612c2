"""Layers as errors name them."""

from __future__ import annotations

import pytest

from attnviz.choices import Language
from attnviz.text.layer_words import layer_words, layers_words
from attnviz.text.message import told


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
