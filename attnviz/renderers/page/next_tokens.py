"""What comes after each position of a text that a model reads word by word: what it thought likely, and what came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.trace.generation import Predictions
from attnviz.trace.layer import WRITING, Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

MOST = 5  # likely tokens of a position
DECIMALS = 4  # of the probability that a bar shows


def next_tokens(trace: Trace) -> list[dict[str, Any]]:
    """For each position of the layers that read what comes word by word, nothing where neither predictions nor a
    generation is known:

    likely   tokens that may come next, each with its probability as a number and in words
    next     the token that came; None after the last, unless the model chose one that it did not read
    written  whether the model chose it itself
    place    where it stands among the likely ones; None where it does not
    share    its probability in words, where it is known but among none of them; else None
    """
    writing = [layer for layer in trace.layers if reads_word_by_word(layer)]
    if not writing or not (trace.predictions or trace.generation):
        return []
    tokens = max((trace.query_tokens(layer) for layer in writing), key=len)
    return [_after(position, came, trace) for position, came in enumerate(_came(trace, tokens))]


def reads_word_by_word(layer: Layer) -> bool:
    """Whether the queries of ``layer`` are the text that a model writes, and look at that text."""
    return layer.stack in WRITING and layer.kind == "self"


def predicts(trace: Trace, selected: LayerSelection, positions: int) -> bool:
    """Whether these ``positions`` are the queries of a layer."""
    return reads_word_by_word(selected.layer) and len(trace.query_tokens(selected.layer)) == positions


def _came(trace: Trace, tokens: tuple[str, ...]) -> Iterator[tuple[str | None, int | None]]:
    """After each token the next one, and which of the chosen ones it is."""
    chosen = trace.generation.chosen if trace.generation else ()
    first = len(tokens) - len(chosen)  # the position that chose the first token
    for position in range(len(tokens)):
        if position >= first:
            yield chosen[position - first], position - first
        else:
            yield (tokens[position + 1] if position + 1 < len(tokens) else None), None


def _after(position: int, came: tuple[str | None, int | None], trace: Trace) -> dict[str, Any]:
    token, step = came
    likely: Predictions = trace.predictions[position][:MOST] if position < len(trace.predictions) else ()
    names = [one for one, _ in likely]
    known = trace.generation.probabilities if trace.generation and step is not None else ()
    return {
        "likely": [[name(one), round(share, DECIMALS), brief_percent(share)] for one, share in likely],
        "next": None if token is None else name(token),
        "written": step is not None,
        "place": names.index(token) if token in names else None,
        "share": brief_percent(known[step]) if known and step is not None and token not in names else None,
    }
