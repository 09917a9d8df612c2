"""A text out of a line of JSON."""

from __future__ import annotations

from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown_line


def text_of(line: str, field: str) -> str:
    """The text in ``field`` of the object that ``line`` holds; AttnvizError where there is none."""
    import orjson

    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise AttnvizError("it is not JSON: {error}", "each line holds one object", error=error) from None
    if not isinstance(row, dict):
        raise AttnvizError(
            "it is JSON of type {kind}, and not an object", "each line holds one object", kind=_kind(row)
        )
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
    """How JSON calls a value."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")
