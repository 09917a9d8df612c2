"""JSON that somebody else wrote, read within bounds."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from attnviz.attention.memory import require_memory
from attnviz.errors import AttnvizError
from attnviz.text.display import listed_tokens
from attnviz.text.message import Message, said_by

# Bytes that Python takes for each of these in the text, at the most, measured (tests/trace/test_json_text.py): a value
# and its place in a list, a list, an object, the name and the place of one of its values, half a string.
BYTES_OF = {b",": 40, b"[": 112, b"{": 304, b":": 96, b'"': 40}
BYTES_A_BYTE = 3  # the text as it came, as characters, and once more as strings
BYTES_A_WIDE_BYTE = 9  # where a character beyond the basic plane may make all of them four bytes wide


def parsed_json(content: bytes, what: str) -> Any:
    """What ``content`` says; AttnvizError, which calls it ``what``, where it is no JSON or would not fit into memory."""
    require_memory(
        memory_needed(content),
        Message("{what} as JSON", what=what),
        "save it as .npz or .safetensors, which take far less",
    )
    try:
        # The standard library's reader, since it takes NaN and Infinity: they are then refused by name and place.
        return json.loads(content, object_pairs_hook=_each_once)
    except RecursionError:
        raise AttnvizError("{what} is not readable JSON: it is nested too deeply", what=what) from None
    except ValueError as error:
        raise AttnvizError("{what} is not readable JSON: {reason}", what=what, reason=_reason(error)) from None


def memory_needed(content: bytes) -> int:
    """How many bytes ``content`` takes at the most while it is read, itself included."""
    wide = not content.isascii() or b"\\u" in content
    whole = len(content) * (BYTES_A_WIDE_BYTE if wide else BYTES_A_BYTE)
    return whole + sum(content.count(mark) * size for mark, size in BYTES_OF.items())


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, which says nothing twice: the last would count, and the first be lost without a word."""
    names = dict(pairs)
    if len(names) < len(pairs):
        said = Counter(name for name, _ in pairs)
        raise ValueError(
            Message("it says {names} twice", names=listed_tokens([name for name in names if said[name] > 1]))
        )
    return names


def _reason(error: ValueError) -> str:
    return (
        Message("it holds a number of thousands of digits")
        if "integer string conversion" in str(error)
        else said_by(error)
    )
