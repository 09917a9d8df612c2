from enum import StrEnum

import pytest

from attnviz.choices import Backend, Language
from attnviz.cli.options.listed import listed


class One(StrEnum):
    ONLY = "only"


@pytest.mark.parametrize(
    ("choices", "default", "words"),
    [
        (Backend, Backend.NUMPY, "numpy (the default) or torch"),
        (Language, None, "en or vi"),
        (One, None, "only"),
        ([Backend.TORCH, *Language], Language.VI, "torch, en or vi (the default)"),
    ],
)
def test_choices_are_listed_as_a_sentence_lists_them(choices, default, words):
    assert listed(choices, default) == words
