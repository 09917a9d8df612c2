"""The text of a row of JSON, or what it holds instead."""

from __future__ import annotations

import pytest

from attnviz.errors import AttnvizError
from attnviz.sources.texts.json_lines import text_of


@pytest.mark.parametrize("text", ["one", "", " two \n three", "é\u2028"])
def test_the_text_of_a_field(text):
    import json

    assert text_of(json.dumps({"id": 1, "text": text}), "text") == text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "it has no field text"),
        ('{"a": 1, "b": 2}', "it has no field text, but a, b"),
        ('{"text": null}', "its field text holds null, and not a text"),
        ('{"text": true}', "its field text holds true or false, and not a text"),
        ('{"text": 1.5}', "its field text holds a number, and not a text"),
        ('{"text": ["a"]}', "its field text holds an array, and not a text"),
        ('{"text": {}}', "its field text holds an object, and not a text"),
        ('"text"', "it holds a string, and not an object"),
        ('{"text": "a"', "it is not JSON: unexpected end of data: line 1 column 13 (char 12)"),
    ],
)
def test_a_row_without_a_text_is_told(line, message):
    with pytest.raises(AttnvizError) as caught:
        text_of(line, "text")
    assert str(caught.value) == message


@pytest.mark.parametrize("line", ["[" * 100_000, '{"text": "\\ud800"}', '{"\x1b[31m": 1}', "NaN"])
def test_hostile_rows_are_told_in_one_line(line):
    with pytest.raises(AttnvizError) as caught:
        text_of(line, "text")
    assert str(caught.value).isprintable()
