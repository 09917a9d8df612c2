"""What texts are called, in the language of whoever reads it."""

from __future__ import annotations

import pytest

from attnviz.choices import Language
from attnviz.text.message import told
from attnviz.text.text_names import text_name


@pytest.mark.parametrize(
    ("name", "vietnamese"),
    [("line 12", "dòng 12"), ("row 3", "hàng 3"), ("data.txt:12", "data.txt:12"), ("7", "7"), ("line x", "line x")],
)
def test_our_own_words_are_translated_and_a_file_is_not(name, vietnamese):
    assert text_name(name) == name
    assert told(text_name(name), Language.VI) == vietnamese
