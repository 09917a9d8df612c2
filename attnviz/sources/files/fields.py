"""The fields of a file by the names that people give them, each in the shape that it has to have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy

from attnviz.attention.arrays import Array, as_array
from attnviz.errors import AttnvizError
from attnviz.text.display import listed_tokens
from attnviz.text.message import AND, Message, joined


def array_of_heads(path: Path, name: str, value: Any) -> Array:
    """``value`` as (heads, tokens, d)."""
    array = as_array(value, f"{path}: {name}")
    shape = array.shape
    if array.ndim == 4 and shape[0] == 1:
        array = array[0]
    if array.ndim == 1:
        array = array[None]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        expected = "(tokens, d), (heads, tokens, d) or (1, heads, tokens, d)"
        raise AttnvizError(
            "{path}: {name} has the shape {shape}, expected {expected}",
            path=path,
            name=name,
            shape=shape,
            expected=expected,
        )
    return array


def optional_array(path: Path, name: str, named: Mapping[str, Any]) -> Array | None:
    """The array of that name, if there is one, without a batch of one: (queries, keys), (heads, queries, keys), …"""
    if name not in named:
        return None
    array = as_array(named[name], f"{path}: {name}")
    return array[0] if array.ndim == 4 and array.shape[0] == 1 else array


def number_of(path: Path, name: str, named: Mapping[str, Any], kind: type) -> Any:
    """The number of that name as a ``kind`` (int, float or bool), if there is one; AttnvizError where it is another."""
    value = named.get(name)
    if value is None:
        return None
    array = as_array(value, f"{path}: {name}").reshape(-1)
    if (
        array.size != 1
        or (kind is int and not float(array[0]).is_integer())
        or (kind is bool and array[0] not in (0, 1))
    ):
        expected = {int: Message("one whole number"), float: Message("one number"), bool: Message("true or false")}
        raise AttnvizError("{path}: {name} must be {expected}", path=path, name=name, expected=expected[kind])
    return kind(array[0])


def tokens_of(path: Path, name: str, named: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The tokens of that name, if there are any; AttnvizError where they are no list of strings."""
    value = named.get(name)
    if value is None:
        return None
    if isinstance(value, numpy.ndarray):
        value = value.tolist()
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        raise AttnvizError("{path}: {name} must be a list of strings", path=path, name=name)
    return tuple(value)


def named_fields(path: Path | str, content: Mapping[str, Any], names: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """What ``content`` holds under each of ``names``, in any case."""
    found: dict[str, Any] = {}
    for name, aliases in names.items():
        keys = [key for key in content if key.lower() in aliases and content[key] is not None]
        if len(keys) > 1:
            raise AttnvizError(
                "{path} holds {keys}, which both mean {name}: keep one", path=path, keys=joined(keys, AND), name=name
            )
        if keys:
            found[name] = content[keys[0]]
    return found


def listed_names(content: Mapping[str, Any]) -> str:
    """What a file holds, as an error lists it; what is null is as good as missing."""
    return listed_tokens([name for name, value in content.items() if value is not None]) or "nothing"
