"""One layer with and without a part of its rule: what the causal rule, the scaling or the positions change."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from attnviz.attention.arrays import Array
from attnviz.attention.heads import split_heads
from attnviz.attention.known_weights import weights_alone
from attnviz.choices import Comparison
from attnviz.errors import AttnvizError
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

TOY = "toy"  # the source whose positions are known apart from its vectors


class Versions(NamedTuple):
    """The same layer twice, of the same queries and keys."""

    having: Layer
    lacking: Layer


def versions(trace: Trace, layer: Layer, comparison: Comparison) -> Versions:
    """``layer`` of ``trace`` with and without what is compared; AttnvizError where it cannot be had both ways."""
    if layer.weights_alone:
        raise weights_alone(Message("the weights with another rule"))
    match comparison:
        case Comparison.CAUSAL:
            return _causal(layer)
        case Comparison.SCALE:
            return _scale(layer)
    return _position(trace, layer)


def _causal(layer: Layer) -> Versions:
    queries, keys = layer.queries, layer.keys
    if layer.kind == "cross" or (queries != keys and layer.rule.query_offset is None):
        raise AttnvizError(
            "there is no causal rule to compare: {queries} queries look at {keys} keys of another text",
            "choose a layer in which a text looks at itself, with --layer",
            queries=queries,
            keys=keys,
        )
    with_rule, without = (replace(layer, rule=replace(layer.rule, causal=causal)) for causal in (True, False))
    return Versions(with_rule, without)


def _scale(layer: Layer) -> Versions:
    """A layer that does not scale is compared with one that does, by 1/√d_k."""
    scaled = layer if layer.scale != 1 else replace(layer, rule=replace(layer.rule, scale=None))
    if scaled.scale == 1:
        raise AttnvizError("d_k is 1, so that scaling changes nothing", "choose vectors of more numbers with --dim")
    return Versions(scaled, replace(layer, rule=replace(layer.rule, scale=1.0)))


def _position(trace: Trace, layer: Layer) -> Versions:
    if trace.source.kind != TOY or layer.embeddings is None:
        raise AttnvizError(
            "only a toy can be had without its positions: those of a model, or of arrays, are in its numbers",
            "give a text without --model and --from, and --position sinusoidal, rope or alibi",
        )
    if layer.positions is None and not layer.rotary and layer.slopes is None:
        raise AttnvizError(
            "this toy has no positions to compare with",
            "add --position sinusoidal, --position rope or --position alibi",
        )
    lacking = replace(
        layer,
        query=_vectors(layer, "query", layer.query),
        key=_vectors(layer, "key", layer.key),
        value=_vectors(layer, "value", layer.value),
        rule=layer.rule if layer.slopes is None else replace(layer.rule, bias=None),
        positions=None,
        rotary=False,
        rotation=None,
        slopes=None,
    )
    return Versions(layer, lacking)


def _vectors(layer: Layer, name: str, placed: Array) -> Array:
    """The queries, keys or values as the embeddings alone give them, in as many heads as ``placed``, (heads, tokens, d)."""
    assert layer.embeddings is not None
    vectors = layer.projections[name](layer.embeddings) if name in layer.projections else layer.embeddings
    return split_heads(vectors, placed.shape[0])
