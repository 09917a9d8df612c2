"""A dump of somebody's attention: query, key and value, the rule that was meant, and what their code made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, as_array
from attnviz.errors import AttnvizError
from attnviz.sources.files.fields import listed_names, named_fields, number_of
from attnviz.sources.files.qkv import NAMES as ARRAYS
from attnviz.sources.files.readers import read_fields
from attnviz.text.message import Message

GIVEN = ("output", "weights")  # what the code made: one of the two
MEANT = ("mask", "attn_mask", "bias", "sinks", "scale", "causal", "query_offset", "window", "softcap")
NUMBERS = {
    "scale": float,
    "causal": bool,
    "query_offset": int,
    "window": int,
    "softcap": float,
    "rope_theta": float,
    "rope_dims": int,
    "rope_interleaved": bool,
}
# The names under which each may be found, in any case: those of arrays elsewhere, and what only a dump holds.
NAMES: dict[str, Iterable[str]] = {
    **{name: ARRAYS[name] for name in ("query", "key", "value", *MEANT)},
    "rope_theta": ("rope_theta",),
    "rope_dims": ("rope_dims",),
    "rope_interleaved": ("rope_interleaved",),
    "positions": ("positions",),
    "output": ("output", "out", "o"),
    "weights": ("weights", "attentions"),
}
ALIASES = {alias for aliases in NAMES.values() for alias in aliases}


class Dump(NamedTuple):
    """What a dump holds.

    query, key, value  (tokens, d), (heads, tokens, d) or (batch, heads, tokens, d), as they stand in the file
    given   "output" or "weights" by name, what the code made of them
    meant   the rule, by the names of ``attnviz.diagnose``
    unread  the names of what else the file holds
    """

    query: Array
    key: Array
    value: Array
    given: Mapping[str, Array]
    meant: Mapping[str, Any]
    unread: tuple[str, ...]


def read_dump(path: Path, content: bytes | None = None) -> Dump:
    """The dump in ``path`` (.npz, .safetensors, .json); ``content`` are its bytes, where they have been read already.

    AttnvizError where it cannot be read, lacks query, key, value or what the code made of them, or holds both an output
    and weights.
    """
    fields, _ = read_fields(path, lambda name: name.lower() in ALIASES, content)
    named = named_fields(path, fields, NAMES)
    _require(path, named, fields)
    query, key, value = (_array(path, name, named) for name in ("query", "key", "value"))
    return Dump(
        query,
        key,
        value,
        {name: _array(path, name, named) for name in GIVEN if name in named},
        _meant(path, named),
        tuple(name for name in fields if name.lower() not in ALIASES),
    )


def _require(path: Path, named: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    missing = [name for name in ("query", "key", "value") if name not in named]
    if missing:
        raise AttnvizError(
            "{path} lacks {missing}: it holds {content}",
            "name the arrays query, key, value or q, k, v",
            path=path,
            missing=", ".join(missing),
            content=listed_names(content),
        )
    if not any(name in named for name in GIVEN):
        raise AttnvizError(
            "{path} does not hold what your code computed: it holds {content}",
            "save it beside query, key and value, as output (or as weights)",
            path=path,
            content=listed_names(content),
        )
    if all(name in named for name in GIVEN):
        raise AttnvizError(
            "{path} holds an output and weights: which of them is to be diagnosed?", "keep one of the two", path=path
        )


def _meant(path: Path, named: Mapping[str, Any]) -> dict[str, Any]:
    """What was meant, without what the file leaves open."""
    meant = {name: number_of(path, name, named, kind) for name, kind in NUMBERS.items()}
    arrays = {name: _array(path, name, named) for name in ("mask", "bias", "sinks", "positions") if name in named}
    if "attn_mask" in named:  # torch's name for both
        array = _array(path, "attn_mask", named)
        arrays.setdefault("mask" if array.dtype.kind == "b" else "bias", array)
    return {name: value for name, value in {**meant, **arrays}.items() if value is not None}


def _array(path: Path, name: str, named: Mapping[str, Any]) -> Array:
    return as_array(named[name], Message("{path}: {name}", path=path, name=name))
