"""Weights between words in place of tokens (Clark et al. 2019, "What Does BERT Look At?", 1906.04341, section 4.1).

To a word that is split into several tokens goes the sum of the weights to them; from it, the mean of theirs. So every row
still adds up to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy

from attnviz.analysis.blocks import CELLS, row_block
from attnviz.analysis.word_groups import Groups, groups_of, joined_facts, names
from attnviz.attention.arrays import to_numpy
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import Rule
from attnviz.choices import MapStep
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.message import OR, Message, joined
from attnviz.trace.layer import TOWERS, Layer
from attnviz.trace.origin import Origin
from attnviz.trace.selectors import layers_meant
from attnviz.trace.token_facts import NO_FACTS, TokenFacts
from attnviz.trace.trace import Trace

BYTES_A_WEIGHT = 5  # and whether it may be seen
MOST_TOKENS = 4096  # whole maps of which are held
OF_TOKENS = ("ids", "special", "target_ids", "target_special")  # of a source: they hold for tokens, not for words


def merged(weights: numpy.ndarray, queries: Groups, keys: Groups) -> numpy.ndarray:
    """Weights between tokens as weights between words: to a word the sum, from a word the mean.

    (…, query tokens, key tokens) → (…, query words, key words), summed in float64.
    """
    to = numpy.add.reduceat(weights, keys.starts, axis=-1, dtype=numpy.float64)
    from_all = numpy.add.reduceat(to, queries.starts, axis=-2)
    return numpy.asarray(from_all / queries.sizes[:, None])


def by_words(trace: Trace, layer: Sequence[str] = ()) -> Trace:
    """``trace`` with words in place of tokens: layers of weights alone, by which each word looks at each.

    ``layer`` are the layers that are kept, as selectors read them; nothing is all. A word may look at another where one of its
    tokens may look at one of the other's. AttnvizError where the text is too long for whole maps.
    """
    meant = layers_meant(layer, [(one.stack, one.index) for one in trace.layers], Message("the trace"))
    chosen = [trace.layers[place] for place in sorted(meant)]
    _require_room(chosen)
    made = [_merged_layer(trace, one) for one in chosen]
    first = next((place for place, one in enumerate(chosen) if one.tokens is None), 0)
    source = {name: said for name, said in trace.source.items() if name not in OF_TOKENS}
    words, tokens = _groups(trace, chosen[first])[0], made[first].tokens or ()
    made = [replace(one, tokens=None if one.tokens == tokens else one.tokens) for one in made]
    return Trace(
        tokens,
        tuple(made),
        Origin(source | {"merged": "words"}),
        tuple(trace.predictions[own[-1]] for own in words.ranges) if len(trace.predictions) == words.tokens else (),
        roles=trace.roles,
        facts=_facts_of_words(trace, chosen, target=False),
        target_facts=_facts_of_words(trace, chosen, target=True),
    )


def require_merging(steps: Iterable[str], **others: object) -> None:
    """Refuse all ``steps`` but the weights, and what ``others`` are given, by their options: of words nothing else is known."""
    refused = [step for step in steps if step != MapStep.WEIGHTS]
    if refused:
        raise UsageError(
            "--words merges weights: {refused} cannot be shown of words",
            "leave out --words, or --step",
            refused=joined(refused, OR),
        )
    for name in (name for name, given in others.items() if given is not None):
        raise UsageError(
            "--words merges the weights of a layer, and --{name} shows something else",
            "leave out one of the two",
            name=name.replace("_", "-"),
        )


def _require_room(layers: Sequence[Layer]) -> None:
    """Refuse maps that are too large to be held whole."""
    longest = max(max(layer.queries, layer.keys) for layer in layers)
    if longest > MOST_TOKENS:
        raise AttnvizError(
            "{tokens:,} tokens are too many to be merged to words: at most {most:,}",
            "give a shorter text",
            tokens=longest,
            most=MOST_TOKENS,
        )
    cells = sum(layer.heads * layer.queries * layer.keys for layer in layers)
    require_memory(
        cells * BYTES_A_WEIGHT,
        Message("weights between the words of {layers} layers", layers=len(layers)),
        "choose fewer layers with --layer, or give a shorter text",
    )


def _groups(trace: Trace, layer: Layer) -> tuple[Groups, Groups]:
    """The words of the queries of ``layer``, and those of its keys."""
    queries, keys = trace.query_facts(layer).words, trace.key_facts(layer).words
    return groups_of(queries, layer.queries), groups_of(keys, layer.keys)


def _facts_of_words(trace: Trace, layers: Sequence[Layer], target: bool) -> TokenFacts:
    """What is known of the words of the text, or of those of a decoder's ``target``, that ``layers`` read."""
    for layer in layers:
        if layer.stack not in TOWERS and trace.source.has_target(layer) == target:
            return joined_facts(trace.query_facts(layer), trace.special_queries(layer))
        if layer.kind == "cross" and not target:
            return joined_facts(trace.key_facts(layer), trace.special_keys(layer))
    return NO_FACTS


def _merged_layer(trace: Trace, layer: Layer) -> Layer:
    queries, keys = _groups(trace, layer)
    kind = numpy.float64 if "64" in str(layer.queried.dtype) else numpy.float32
    weights = numpy.empty((layer.heads, len(queries.starts), len(keys.starts)), kind)
    visible = numpy.empty(weights.shape, bool)
    for rows, words in _cuts(layer, queries):
        some = Groups(queries.starts[words] - rows.start, len(rows))
        block = row_block(layer, slice(0, layer.heads), slice(rows.start, rows.stop))
        whole = numpy.zeros((layer.heads, len(rows), layer.keys), kind)
        whole[..., block.keys] = to_numpy(block.steps.weights)
        weights[:, words] = merged(whole, some, keys)
        seen = numpy.zeros(whole.shape, bool)
        seen[..., block.keys] = ~to_numpy(block.steps.hidden)
        visible[:, words] = _any(_any(seen, keys, -1), some, -2)
    own = names(trace.query_tokens(layer), trace.query_facts(layer), queries, _texts(trace, layer))
    others = None
    if layer.key_tokens is not None:
        given = _texts(trace, layer) if layer.kind == "self" else (trace.source.original, trace.source.pair)
        others = names(layer.key_tokens, trace.key_facts(layer), keys, given)
    return Layer(
        weights=weights,
        rule=_rule(layer, visible),
        index=layer.index,
        name=layer.name,
        kind=layer.kind,
        tokens=own,
        key_tokens=others,
    )


def _cuts(layer: Layer, queries: Groups) -> Iterator[tuple[range, slice]]:
    """Query tokens, and their words, so many at a time as make a block; no word is cut."""
    most = max(CELLS // (layer.heads * layer.keys), 1)
    words = queries.ranges
    begin = 0
    for place, own in enumerate(words):
        if place + 1 == len(words) or words[place + 1].stop - words[begin].start > most:
            yield range(words[begin].start, own.stop), slice(begin, place + 1)
            begin = place + 1


def _any(seen: numpy.ndarray, groups: Groups, axis: int) -> numpy.ndarray:
    """Whether any token of each group is ``seen``."""
    return numpy.asarray(numpy.logical_or.reduceat(seen, groups.starts, axis=axis))


def _rule(layer: Layer, visible: numpy.ndarray) -> Rule:
    """Which keys each word may look at, as simply as it can be said.  ``visible`` (heads, queries, keys)"""
    if visible.all():
        return Rule()
    queries, keys = visible.shape[1:]
    if layer.rule.causal and queries == keys and bool((visible == numpy.tri(queries, dtype=bool)).all()):
        return Rule(causal=True)
    same = bool((visible == visible[:1]).all())
    return Rule(mask=visible[0] if same else visible)


def _texts(trace: Trace, layer: Layer) -> tuple[str, ...]:
    """The texts that the spans of the queries of ``layer`` count in, where they are known."""
    return () if trace.source.has_target(layer) else (trace.source.original, trace.source.pair)
