"""What is asked: arrays that fit together, as a recipe of what was meant beside what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Band, Recipe
from attnviz.analysis.diagnosis.turn import Turn
from attnviz.attention.arrays import as_array, to_numpy
from attnviz.attention.checks import (
    bias_array,
    boolean_mask,
    of_scores,
    require_finite,
    require_fitting,
    require_one_a_head,
    require_some,
)
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import reach
from attnviz.errors import AttnvizError


class Asked(NamedTuple):
    """What was meant, what came out, (items, heads, queries, d_v), and the type in which it came."""

    meant: Recipe
    output: Array
    dtype: str


def asked(
    query: Any,
    key: Any,
    value: Any,
    output: Any,
    weights: Any,
    rule: Mapping[str, Any],
    rotation: Mapping[str, Any],
) -> Asked:
    """AttnvizError where shapes do not fit, or numbers that go in are not finite."""
    given = {"query": query, "key": key, "value": value}
    arrays = {name: _finite(array, name) for name, array in given.items()}
    require_fitting(**arrays)
    four = {name: _of_four(array, name) for name, array in arrays.items()}
    came, dtype, name = _came(output, weights)
    items, heads, queries = four["query"].shape[:3]
    width = four["key"].shape[2] if name == "weights" else four["value"].shape[3]
    came = fitting(came, name, (items, heads, queries, width), arrays["query"].ndim)
    meant = _meant(four, Rule(**rule))
    if name == "weights":
        keys = numpy.broadcast_to(numpy.eye(width), (items, meant.key_heads, width, width))
        meant = meant.but(value=keys, only_weights=True)
    return Asked(_with_turns(meant, rotation, rule["query_offset"]), came, dtype)


def _finite(array: Any, name: str) -> Array:
    array = to_numpy(as_array(array, name))
    if array.ndim < 2:
        raise AttnvizError(
            "{name} has the shape {shape}: expected (tokens, d) or (heads, tokens, d)", name=name, shape=array.shape
        )
    require_some(array, name)
    require_finite(array, name)
    return array


def _of_four(array: Array, name: str) -> Array:
    """(items, heads, tokens, d), in the type in which it came, as it may be large; what is read of it becomes float64."""
    if array.ndim > 4:
        raise AttnvizError(
            "{name} has the shape {shape}: expected (heads, tokens, d) or (items, heads, tokens, d)",
            name=name,
            shape=array.shape,
        )
    return array.reshape((1,) * (4 - array.ndim) + array.shape)


def _came(output: Any, weights: Any) -> tuple[Array, str, str]:
    """What came out, its type and what it is."""
    if (output is None) == (weights is None):
        raise AttnvizError(
            "there is neither an output nor weights to diagnose"
            if output is None
            else "there are an output and weights: give one of the two"
        )
    name = "output" if weights is None else "weights"
    array = as_array(output if weights is None else weights, name)
    kind = str(array.dtype).rpartition(".")[2]
    return to_numpy(array).astype(numpy.float64), kind, name


AXES = ("item", "head", "query", "number")


def fitting(array: Array, name: str, expected: tuple[int, ...], axes: int) -> Array:
    """``array`` as (items, heads, queries, width); AttnvizError where it has another shape, with the exchange that would fit."""
    wanted = expected[4 - axes :]
    if array.shape == wanted:
        return array.reshape(expected)
    hint = ""
    for one in range(axes):
        for other in range(one + 1, axes):
            if array.ndim == axes and array.swapaxes(one, other).shape == wanted:
                hint = "exchange its axes {one} and {other}, and it fits"
                raise AttnvizError(OTHER, hint, name=name, shape=array.shape, wanted=wanted, one=one, other=other)
    joined = (*wanted[:-3], expected[2], expected[1] * expected[3])
    if array.shape == joined:
        hint = "its heads are joined: .reshape{split}.swapaxes(-3, -2) splits them"
        raise AttnvizError(
            OTHER, hint, name=name, shape=array.shape, wanted=wanted, split=(*joined[:-1], expected[1], expected[3])
        )
    if array.size == math.prod(wanted):
        hint = "it holds as many numbers: give it this shape"
    raise AttnvizError(OTHER, hint, name=name, shape=array.shape, wanted=wanted)


OTHER = "{name} has the shape {shape}, but query, key and value make one of {wanted}"


def _meant(four: Mapping[str, Array], rule: Rule) -> Recipe:
    """The rule as a recipe."""
    query, key, value = four["query"], four["key"], four["value"]
    scores = (*query.shape[:3], key.shape[2])
    before, after = reach(rule)
    mask = None if rule.mask is None else _four_axes(to_numpy(boolean_mask(rule.mask)), "mask", scores)
    bias = None if rule.bias is None else _four_axes(to_numpy(bias_array(rule.bias)), "bias", scores)
    if bias is not None:  # as rows of their own length: a bias of one key for all would change nothing
        bias = numpy.broadcast_to(bias, (*bias.shape[:3], scores[3])).astype(numpy.float64)
    sinks = None
    if rule.sinks is not None:
        sinks = numpy.atleast_1d(to_numpy(as_array(rule.sinks, "sinks"))).astype(numpy.float64)
        require_one_a_head(sinks, query.shape[1])
    return Recipe(
        query,
        key,
        value,
        rule.scale_for(query.shape[-1]),
        numpy.arange(query.shape[1]) // (query.shape[1] // key.shape[1]),
        Band(before, after, rule.offset_for(query.shape[2], key.shape[2])),
        softcap=rule.softcap,
        mask=None if mask is None else numpy.broadcast_to(mask, (*mask.shape[:3], scores[3])),
        bias=bias,
        sinks=sinks,
    )


def _four_axes(array: Array, name: str, scores: tuple[int, ...]) -> Array:
    """(items or 1, heads or 1, queries or 1, keys or 1)"""
    of_scores(array, name, scores)
    return array.reshape((1,) * (4 - array.ndim) + array.shape)


def _with_turns(meant: Recipe, rotation: Mapping[str, Any], query_offset: int | None) -> Recipe:
    """The recipe with the rotation that was meant, if one was."""
    if rotation["theta"] is None:
        _require_no_rest(rotation)
        return meant
    theta, dims = float(rotation["theta"]), rotation["dims"]
    dims = meant.dimension if dims is None else int(dims)
    if not theta > 0 or not math.isfinite(theta):
        raise AttnvizError("rope_theta is {theta}: it must be a finite number above 0", theta=theta)
    if dims % 2 or not 2 <= dims <= meant.dimension:
        raise AttnvizError(
            "rope_dims is {dims}: it must be an even number from 2 to {dimension}", dims=dims, dimension=meant.dimension
        )
    turn = Turn(theta, dims, dims, bool(rotation["interleaved"]), ())
    query, key = _positions(meant, rotation["positions"], query_offset)  # (items or 1, tokens)
    return meant.but(turn_query=(_standing(turn, query),), turn_key=(_standing(turn, key),))


def _standing(turn: Turn, places: Array) -> Turn:
    """The rotation of tokens at ``places``, (items or 1, tokens)."""
    further = tuple(map(tuple, (places - places[0]).tolist())) if len(places) > 1 else ()
    return turn.but(positions=tuple(map(float, places[0])), of_items=further)


def _require_no_rest(rotation: Mapping[str, Any]) -> None:
    """Without a base nothing is turned: what else is said of a rotation would be passed over."""
    for name, given in (
        ("rope_dims", rotation["dims"] is not None),
        ("rope_interleaved", bool(rotation["interleaved"])),
        ("positions", rotation["positions"] is not None),
    ):
        if given:
            raise AttnvizError(
                "{name} says how RoPE turns, but there is no rope_theta: nothing is turned without it",
                "add rope_theta, and query and key from before RoPE; or leave {name} out",
                name=name,
            )


def _positions(meant: Recipe, positions: Any, query_offset: int | None) -> tuple[Array, Array]:
    """Those of the queries and those of the keys, of which the queries' are a part."""
    keys = numpy.arange(meant.keys) if positions is None else to_numpy(as_array(positions, "positions"))
    if keys.shape not in ((meant.keys,), (meant.items, meant.keys)):
        raise AttnvizError(
            "positions has the shape {shape}: expected one for each key, ({keys},), or of each item ({items}, {keys})",
            shape=keys.shape,
            keys=meant.keys,
            items=meant.items,
        )
    keys = keys.reshape(-1, meant.keys).astype(numpy.float64)
    offset = Rule(causal=True, query_offset=query_offset).offset_for(meant.queries, meant.keys)
    if not 0 <= offset <= meant.keys - meant.queries:
        if positions is not None:
            raise AttnvizError(
                "the queries from {offset} on reach beyond the {keys} keys, whose positions are given",
                offset=offset,
                keys=meant.keys,
            )
        return numpy.arange(offset, offset + meant.queries)[None], keys
    return keys[:, offset : offset + meant.queries], keys
