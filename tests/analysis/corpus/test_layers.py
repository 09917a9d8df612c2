"""Layers by their titles: those of both, and as a file names them."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from attnviz.analysis.corpus.layers import LAYERS, both_of, layers_record
from attnviz.errors import AttnvizError
from attnviz.trace.schema import require_kind


class Counted(NamedTuple):
    number: int
    heads: tuple[int, ...]
    texts: int

    def merged(self, other):
        return self._replace(texts=self.texts + other.texts)


ONE = {"layer 0": Counted(0, (0, 2), 3), "layer 1": Counted(1, (0,), 3)}
OTHER = {"layer 1": Counted(1, (0,), 4)}


def test_those_of_both_are_there_in_the_order_of_the_one_that_has_more():
    for found in (both_of(ONE, OTHER), both_of(OTHER, ONE)):
        assert {title: layer.texts for title, layer in found.items()} == {"layer 0": 3, "layer 1": 7}
        assert list(found) == ["layer 0", "layer 1"]
    assert both_of(ONE, {}) == ONE == both_of({}, ONE)


def test_a_file_names_each_layer_and_its_heads():
    record = layers_record(ONE)
    assert record[0] == {"title": "layer 0", "number": 0, "heads": [0, 2]}
    require_kind(record, LAYERS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": "layer 1"}, "a list of layers, each once"),
        ({"title": 5}, r"\[0\]\.title is 5, expected a text"),
        ({"number": -1}, r"\[0\]\.number is -1, expected a whole number, 0 or more"),
        ({"heads": [1, 1]}, "a list of heads, each once"),
        ({"heads": ["a"]}, r"\[0\]\.heads\[0\] is"),
    ],
)
def test_a_record_that_cannot_be_is_told(change, message):
    record = layers_record(ONE)
    record[0] |= change
    with pytest.raises(AttnvizError, match=message):
        require_kind(record, LAYERS)
