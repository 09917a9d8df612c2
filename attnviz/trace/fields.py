"""The arrays of a layer by their names, and what else there is of it: how it is moved, saved and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from attnviz.attention.arrays import Array, as_floating
from attnviz.attention.checks import finite_in
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.attention.toeplitz import gathered, is_spread, spread
from attnviz.trace.layer import Layer, Projection

LAYER_ARRAYS = ("query", "key", "value", "embeddings", "positions")
LAYER_FACTS = ("index", "name", "kind", "tokens", "key_tokens", "rotary", "slopes")


def with_arrays(layer: Layer, move: Any) -> Layer:
    """``layer`` with each of its arrays as ``move`` returns it (None stays None)."""
    bias = layer.rule.bias  # one by distance stays NumPy's: torch would hold queries × keys
    if bias is not None and not is_spread(bias):
        moved = move(bias)
        finite = finite_in(bias, moved)
        bias = moved if finite is bias else move(finite)
    rule = replace(layer.rule, mask=move(layer.rule.mask), bias=bias, sinks=move(layer.rule.sinks))
    return replace(
        layer,
        query=move(layer.query),
        key=move(layer.key),
        value=move(layer.value),
        rule=rule,
        embeddings=move(layer.embeddings),
        positions=move(layer.positions),
        projections={name: Projection(move(p.weight), move(p.bias)) for name, p in layer.projections.items()},
    )


def pack_layer(layer: Layer, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """What of ``layer`` is not an array; its arrays are put into ``arrays``."""
    named = {name: getattr(layer, name) for name in LAYER_ARRAYS}
    named |= {f"rule.{name}": getattr(layer.rule, name) for name in RULE_ARRAYS}
    if is_spread(layer.rule.bias):
        named |= {"rule.bias": None, "rule.bias_by_distance": gathered(layer.rule.bias)}
    for name, projection in layer.projections.items():
        named |= {f"projections.{name}.weight": projection.weight, f"projections.{name}.bias": projection.bias}
    arrays |= {prefix + name: array for name, array in named.items() if array is not None}
    rule = {name: value for name, value in vars(layer.rule).items() if name not in RULE_ARRAYS}
    return {name: getattr(layer, name) for name in LAYER_FACTS} | {"rule": rule}


def unpack_layer(record: dict[str, Any], prefix: str, arrays: Mapping[str, Array]) -> Layer:
    """The layer that ``pack_layer`` took apart; an error of any kind where ``record`` and ``arrays`` hold no layer."""
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if (by_distance := own.get("rule.bias_by_distance")) is not None:
        if by_distance.ndim not in (1, 2) or own["query"].ndim != 3 or by_distance.shape[-1] < own["query"].shape[-2]:
            raise ValueError(f"a bias by distance of the shape {tuple(by_distance.shape)}")
        own["rule.bias"] = spread(as_floating(by_distance, "bias"), own["query"].shape[-2])
    rule = Rule(**(record["rule"] | {name: own.get(f"rule.{name}") for name in RULE_ARRAYS}))
    facts: dict[str, Any] = {name: own[name] for name in ("query", "key", "value")}
    facts |= {name: own.get(name) for name in ("embeddings", "positions")}
    facts |= {name: record[name] for name in LAYER_FACTS if name in record}
    for name in ("tokens", "key_tokens"):
        facts[name] = None if facts.get(name) is None else tuple(facts[name])
    projections = {
        name: Projection(own[f"projections.{name}.weight"], own.get(f"projections.{name}.bias"))
        for name in ("query", "key", "value", "output")
        if f"projections.{name}.weight" in own
    }
    return Layer(**facts, rule=rule, projections=projections)
