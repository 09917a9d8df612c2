"""What a chapter asks for is what is brought to it."""

from __future__ import annotations

import inspect

import pytest

from attnviz.api.learn import ComputedMaterial
from attnviz.renderers.course.material import Material
from attnviz.text.lessons import lessons


@pytest.mark.parametrize("name", [name for name in vars(Material) if name in ("toy", "read", "written", "roles")])
def test_what_is_asked_for_is_brought_with_the_same_arguments(name):
    asked, brought = (inspect.signature(getattr(one, name)) for one in (Material, ComputedMaterial))
    assert list(asked.parameters) == list(brought.parameters)
    assert [one.default for one in asked.parameters.values()] == [one.default for one in brought.parameters.values()]


def test_the_sentence_and_the_words_are_brought():
    made = ComputedMaterial("a b", lessons())
    assert set(Material.__annotations__) == {"text", "lessons"} <= set(vars(made))
