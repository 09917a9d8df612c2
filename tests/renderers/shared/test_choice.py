"""The last choice of a model, as looks tell of it that show rows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy
import pytest

from attnviz import Layer, Trace
from attnviz.renderers.shared.choice import last_choice
from attnviz.trace.generation import Generation
from attnviz.trace.selection import select


def written(name="", **options):
    numbers = numpy.zeros((1, 3, 2))
    options = {"chosen": ("b", "c d"), "probabilities": (0.5, 0.412)} | options
    return Trace(("a", "a", "b"), (Layer(numbers, numbers, numbers, name=name),), generation=Generation(**options))


def choice_of(trace, **chosen):
    [selected] = select(trace, **chosen).layers
    return last_choice(trace, selected)


@pytest.mark.parametrize("name", ["", "decoder 0"])
def test_the_last_token_is_told_with_its_probability(name):
    assert choice_of(written(name)) == ("c·d", " (41 %)")


def test_without_a_probability_none_is_told():
    assert choice_of(written(probabilities=())) == ("c·d", "")


def test_a_region_before_the_last_row_and_an_encoder_do_not_lead_to_it():
    assert choice_of(written(), query=range(2)) is None
    assert choice_of(written(), query=range(1, 3)) is not None
    assert choice_of(written("encoder 0")) is None


def test_where_nothing_was_written_nothing_was_chosen():
    assert last_choice(SimpleNamespace(generation=None), SimpleNamespace()) is None
