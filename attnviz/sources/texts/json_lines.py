"""A text out of a line of JSON."""

from __future__ import annotations

from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown_line
from attnviz.text.message import Message


def text_of(line: str, field: str) -> str:
    """The text in ``field`` of the object that ``line`` holds; AttnvizError where there is none."""
    import orjson

    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise AttnvizError("it is not JSON: {error}", "each line holds one object", error=error) from None
    if not isinstance(row, dict):
        raise AttnvizError("it holds {kind}, and not an object", "each line holds one object", kind=_kind(row))
    if field not in row:
        known = shorten(shown_line(", ".join(row)), 80)
        raise AttnvizError(
            "it has no field {field}, but {known}" if row else "it has no field {field}",
            "name it with --field",
            field=field,
            known=known,
        )
    text = row[field]
    if not isinstance(text, str):
        raise AttnvizError(
            "its field {field} holds {kind}, and not a text", "name another with --field", field=field, kind=_kind(text)
        )
    return text


def _kind(value: object) -> str:
    """What JSON has there."""
    number = Message("a number")
    kinds = {
        dict: Message("an object"),
        list: Message("an array"),
        str: Message("a string"),
        bool: Message("true or false"),
        int: number,
        float: number,
    }
    return kinds.get(type(value), "null")
