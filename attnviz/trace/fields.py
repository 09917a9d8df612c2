"""The arrays of a layer by their names, and what else there is of it: how it is moved, saved and read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from attnviz.attention.arrays import Array, as_floating
from attnviz.attention.checks import finite_in
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.attention.toeplitz import gathered, is_spread, spread
from attnviz.errors import AttnvizError
from attnviz.text.display import listed_tokens
from attnviz.text.message import AND, joined
from attnviz.trace.layer import VECTORS, WEIGHTS, Layer
from attnviz.trace.projection import Projection

if TYPE_CHECKING:
    from attnviz.trace.direction import Direction

LAYER_ARRAYS = (*VECTORS, WEIGHTS, "embeddings", "positions")
BOXES = ("boxes", "query_boxes")  # pixels of a picture: NumPy's, and never moved, for half precision would shift them
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
        **{name: move(getattr(layer, name)) for name in LAYER_ARRAYS},
        rule=rule,
        toward=None if layer.toward is None else _moved(layer.toward, move),
        projections={name: Projection(move(p.weight), move(p.bias)) for name, p in layer.projections.items()},
    )


def _moved(direction: Direction, move: Any) -> Direction:
    from attnviz.trace.direction import Direction

    return Direction(direction.token, move(direction.vector), move(direction.divisors))


def pack_layer(layer: Layer, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """What of ``layer`` is not an array; its arrays are put into ``arrays``."""
    named = {name: getattr(layer, name) for name in LAYER_ARRAYS}
    named |= {name: getattr(layer, name) for name in BOXES}
    named |= {f"rule.{name}": getattr(layer.rule, name) for name in RULE_ARRAYS}
    if is_spread(layer.rule.bias):
        named |= {"rule.bias": None, "rule.bias_by_distance": gathered(layer.rule.bias)}
    for name, projection in layer.projections.items():
        named |= {f"projections.{name}.weight": projection.weight, f"projections.{name}.bias": projection.bias}
    if (rotation := layer.rotation) is not None:
        named |= {"rotation.frequencies": rotation.frequencies}
    if (toward := layer.toward) is not None:
        named |= {"toward.vector": toward.vector, "toward.divisors": toward.divisors}
    arrays |= {prefix + name: array for name, array in named.items() if array is not None}
    rule = {name: value for name, value in vars(layer.rule).items() if name not in RULE_ARRAYS}
    turned = {} if rotation is None else {"rotation": {"halves": rotation.halves, "gain": rotation.gain}}
    directed = {} if toward is None else {"toward": toward.token}
    return {name: getattr(layer, name) for name in LAYER_FACTS} | turned | directed | {"rule": rule}


def unpacked_layers(records: Sequence[Mapping[str, Any]], arrays: Mapping[str, Array]) -> Iterator[Layer]:
    """The layers that ``pack_layer`` took apart, their ``records`` of the kinds that trace.schema asks for.

    AttnvizError names the layer that lacks an array, or does not fit together.
    """
    parts: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        owner, _, part = name.removeprefix("layers.").partition(".")
        parts.setdefault(owner, {})[part] = array
    for number, record in enumerate(records):
        try:
            yield _unpacked_layer(record, parts.get(str(number), {}))
        except AttnvizError as error:
            raise AttnvizError("layers[{number}]: {reason}", error.hint, number=number, reason=error.message) from None


def _unpacked_layer(record: Mapping[str, Any], own: dict[str, Array]) -> Layer:
    if WEIGHTS not in own and (missing := [name for name in VECTORS if name not in own]):
        raise AttnvizError("it lacks {missing}", missing=joined(missing, AND))
    facts: dict[str, Any] = {name: record[name] for name in LAYER_FACTS if name in record}
    facts |= {name: own.get(name) for name in (*LAYER_ARRAYS, *BOXES)}
    projections = {
        name: Projection(own[f"projections.{name}.weight"], own.get(f"projections.{name}.bias"))
        for name in ("query", "key", "value", "output")
        if f"projections.{name}.weight" in own
    }
    if (frequencies := own.get("rotation.frequencies")) is not None:
        from attnviz.trace.rotation import Rotation

        said = record.get("rotation", {})
        facts["rotation"] = Rotation(frequencies, said.get("halves", False), said.get("gain", 1.0))
    if (vector := own.get("toward.vector")) is not None:
        from attnviz.trace.direction import Direction

        facts["toward"] = Direction(record.get("toward", ""), vector, own.get("toward.divisors"))
    return Layer(**facts, rule=_unpacked_rule(record["rule"], own), projections=projections)


def _unpacked_rule(record: Mapping[str, Any], own: dict[str, Array]) -> Rule:
    """The rule of a layer; one that says more than this attnviz knows would give other weights, and is refused."""
    facts = {name: value for name, value in record.items() if value is not None}
    arrays = {name.removeprefix("rule."): array for name, array in own.items() if name.startswith("rule.")}
    if (by_distance := arrays.pop("bias_by_distance", None)) is not None:
        arrays["bias"] = _spread(by_distance, own.get("query", own.get(WEIGHTS)))
    known = {one.name for one in dataclass_fields(Rule)}.difference(RULE_ARRAYS)
    if unknown := sorted((facts.keys() - known) | (arrays.keys() - set(RULE_ARRAYS))):
        raise AttnvizError(
            "its rule has {unknown}, which this attnviz does not know", "update attnviz", unknown=listed_tokens(unknown)
        )
    return Rule(**facts, **arrays)


def _spread(by_distance: Array, query: Array) -> Array:
    """The bias that is held as one number for each distance, (…, queries + keys − 1)."""
    if by_distance.ndim not in (1, 2) or query.ndim != 3 or by_distance.shape[-1] < query.shape[-2]:
        raise AttnvizError("its bias by distance has the shape {shape}", shape=tuple(by_distance.shape))
    return spread(as_floating(by_distance, "bias"), query.shape[-2])
