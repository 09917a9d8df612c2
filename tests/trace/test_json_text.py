"""JSON is read within bounds, and what is wrong with it is one line."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from strategies import json_values

from attnviz.errors import AttnvizError
from attnviz.trace import json_text
from attnviz.trace.json_text import memory_needed, parsed_json

COUNT = 4_000
LARGE = {
    "small numbers": "0,",
    "whole numbers": "257,",
    "numbers": "1e1,",
    "long numbers": "0.12345678901234567,",
    "digits": "9" * 4000 + ",",
    "empty lists": "[],",
    "lists of one": "[1],",
    "pairs": "[1.5,2.5],",
    "deep lists": "[[[[[[1]]]]]],",
    "empty objects": "{},",
    "objects of one": '{"":1},',
    "objects": '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1},',
    "short texts": '"ab",',
    "wide texts": '"😀",',
    "escapes": r'"\ud83d\ude00",',
}


@pytest.mark.parametrize("name", [*LARGE, "one long text", "one wide text", "one large object"])
def test_what_json_takes_is_reckoned_before_and_not_ten_times_too_high(name):
    text = f"[{LARGE.get(name, '') * (COUNT if name != 'digits' else 30)}0]"
    if name.endswith("text"):
        text = json.dumps(["a" * 10 * COUNT + ("😀" if "wide" in name else "")], ensure_ascii=False)
    if name == "one large object":
        text = json.dumps({f"{number:x}": 1 for number in range(COUNT)}, separators=(",", ":"))
    content = text.encode()
    tracemalloc.start()
    try:
        value = parsed_json(content, "it")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value is not None
    assert peak <= memory_needed(content) <= 10 * peak


def test_json_that_would_not_fit_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was read"))
    monkeypatch.setattr(json_text, "BYTES_OF", {b"[": 1 << 50})
    with pytest.raises(AttnvizError, match=r"own\.json as JSON needs .* of memory") as error:
        parsed_json(b"[[0]]", "own.json")
    assert error.value.hint == "save it as .npz or .safetensors, which take far less"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"1" * 5000, "it holds a number of thousands of digits"),
        (b'[{"b": 1, "a": 1, "c": 2, "a": 3}]', "it says a twice"),
        (b'{"a\\n\\u001b": 1, "a\\n\\u001b": 3}', r"it says a\n\x1b twice"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
    ids=range(6),
)
def test_what_is_no_json_says_why(content, reason):
    with pytest.raises(AttnvizError) as error:
        parsed_json(content, "own.json")
    assert error.value.message == f"own.json is not readable JSON: {reason}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_json_in_any_encoding_of_unicode_is_read(encoding):
    assert parsed_json('{"ế": [1e400, NaN]}'.encode(encoding), "it")["ế"][0] == float("inf")


@settings(max_examples=40)
@given(value=json_values())
def test_what_python_writes_is_read_as_it_was(value):
    content = json.dumps(value).encode()
    assert json.dumps(parsed_json(content, "it")).encode() == content
