"""A trace of weights alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.weights.handed_out import is_steps, layers_of
from attnviz.sources.weights.joined_steps import joined, prompt_length
from attnviz.text.message import Message
from attnviz.trace.generation import Generation
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import layer_words
from attnviz.trace.origin import Origin
from attnviz.trace.row_sums import row_sums
from attnviz.trace.trace import Trace, numbered

Tokens = str | Iterable[str] | None  # a text is split at its spaces


def trace_weights(
    attentions: Any,
    tokens: Tokens = None,
    *,
    key_tokens: Tokens = None,
    kind: str = "self",
    item: int | None = None,
    rule: Rule | None = None,
) -> Trace:
    """The trace of weights as another program hands them out; see ``attnviz.trace_weights``."""
    words, keys = split_tokens(tokens), split_tokens(key_tokens)
    rule = rule or Rule()
    if not is_steps(attentions):
        layers = [
            Layer(weights=one.weights, rule=rule, index=one.number, kind=kind) for one in layers_of(attentions, item)
        ]
        return of_layers(layers, words, keys)
    layers = []
    for one in joined(attentions, item, crossed=kind == "cross"):
        known = replace(rule, mask=one.mask) if rule.mask is None and not (rule.causal or rule.window) else rule
        layers.append(Layer(weights=one.weights, rule=known, index=one.number, kind=kind))
    chosen = None
    if words is not None and len(words) == layers[0].queries + 1:  # the last was chosen, and never read
        words, chosen = words[:-1], words[prompt_length(attentions) :]
    trace = of_layers(layers, words, keys)
    return trace if chosen is None else replace(trace, generation=Generation(chosen))


def split_tokens(tokens: Tokens) -> tuple[str, ...] | None:
    """``tokens`` one by one; a text is split at its spaces."""
    if tokens is None:
        return None
    if not isinstance(tokens, Iterable):
        raise AttnvizError("tokens are {kind}: expected a text, or a list of tokens", kind=type(tokens).__name__)
    return tuple(tokens.split() if isinstance(tokens, str) else tokens)


def of_layers(
    layers: Sequence[Layer],
    tokens: Sequence[str] | None = None,
    key_tokens: Sequence[str] | None = None,
    source: Origin | None = None,
) -> Trace:
    """The trace of ``layers`` of weights alone, checked, with what is to be told of their rows.

    ``tokens`` are those of the queries; of the keys, too, where there are as many, or of these alone, where only they fit.
    What has no tokens gets its positions. AttnvizError where weights are none, or tokens do not fit.
    """
    for layer in layers:
        try:
            layer.check()
        except AttnvizError as error:
            raise AttnvizError(
                "{layer}: {reason}", error.hint, layer=layer_words(layer.title), reason=error.message
            ) from None
    first = layers[0]
    if tokens is not None and key_tokens is None and first.keys == len(tokens) != first.queries:
        tokens, key_tokens = None, tokens
    named = tuple(_with_tokens(layer, tokens, key_tokens) for layer in layers)
    own = named[0].tokens or ()
    source = source or Origin(kind="arrays")
    found = row_sums(layers)
    told = source if found is None else Origin(source | {"row_sums": found._asdict()})
    return Trace(own, tuple(replace(one, tokens=None if one.tokens == own else one.tokens) for one in named), told)


def _with_tokens(layer: Layer, tokens: Sequence[str] | None, key_tokens: Sequence[str] | None) -> Layer:
    """``layer`` with tokens for its queries and, where these are others, for its keys."""
    square = layer.queries == layer.keys and layer.kind == "self"
    tokens = numbered(layer.queries, "" if square else "q") if tokens is None else tokens
    if key_tokens is None and not square:
        key_tokens = numbered(layer.keys, "k")
    for side, words, count in ((Message("queries"), tokens, layer.queries), (Message("keys"), key_tokens, layer.keys)):
        if words is not None and len(words) != count:
            raise AttnvizError(
                "{words} tokens, but {layer} has {count} {side}: give one for each",
                "tokens are those of the queries; those of the keys, where they differ, are key_tokens",
                words=len(words),
                layer=layer_words(layer.title),
                count=count,
                side=side,
            )
    return replace(layer, tokens=tuple(tokens), key_tokens=None if key_tokens is None else tuple(key_tokens))
