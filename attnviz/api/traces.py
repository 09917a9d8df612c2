"""The public calls that make a trace without a model."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.arguments import member, path_of, text_of, whole_number
from attnviz.choices import DIMENSION_LIMITS, HEADS_LIMITS, Position, Tokenizer
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.trace.trace import Trace


def trace_text(
    text: str,
    heads: int = 1,
    causal: bool = False,
    *,
    dim: int | None = None,
    tokenizer: str = "word",
    seed: int = 0,
    project: bool = False,
    position: str = "none",
    embeddings: Any = None,
    weights: Any = None,
    scale: float | None = None,
    window: int | None = None,
    softcap: float | None = None,
    query_offset: int | None = None,
) -> Trace:
    """Toy attention of ``text`` to itself: what ``attnviz explain`` shows.

    The default, one head without projections (Q = K = V = X), is the textbook's simple self-attention.

    heads       attention heads; several come with projections
    dim         numbers in an embedding; None: 3, or 4 for each of several heads
    tokenizer   how the text is cut: "word", "char", "byte" or "whitespace"
    seed        of the drawn vectors and matrices; another gives others
    project     draw W_Q, W_K, W_V and W_O for one head, too
    position    "none", "sinusoidal", "rope" or "alibi"
    embeddings  your own vectors: a mapping {word: vector}, an array (tokens, d), or a file (.json, .csv, .npy)
    weights     your own W_Q, W_K, W_V and, if there is one, W_O, each (d_in, d_out), with biases b_Q, … (d_out,): a mapping of
                arrays, the state_dict of a torch.nn.MultiheadAttention, or a file (.npz, .safetensors, .json)
    causal, scale, window, softcap, query_offset   the rule (``Rule``)

    AttnvizError when the text is empty, the heads do not divide the dimensions, or what is given does not fit.
    """
    from attnviz.attention.rule import Rule
    from attnviz.sources.toy.toy import Toy

    heads, seed = whole_number("heads", heads), whole_number("seed", seed)
    if heads < HEADS_LIMITS.min:
        raise AttnvizError("{heads} heads: there must be at least {least}", heads=heads, least=HEADS_LIMITS.min)
    dim = None if dim is None else whole_number("dim", dim, DIMENSION_LIMITS)
    cut, encoding = member(Tokenizer, tokenizer, "tokenizer"), member(Position, position, "position")
    own = _own_parts(embeddings, weights, dim, project)
    toy = Toy(heads, dim, cut, seed, project, encoding, **own)
    rule = Rule(scale=scale, causal=causal, window=window, softcap=softcap, query_offset=query_offset)
    return toy.trace(text_of("text", text), rule)


def _own_parts(embeddings: Any, weights: Any, dim: int | None, project: bool) -> dict[str, Any]:
    """A person's own vectors and matrices, as ``Toy`` takes them."""
    if embeddings is None and weights is None:
        return {}
    if embeddings is not None and dim is not None:
        raise AttnvizError("dim and embeddings: your own vectors have their own size", "leave out dim")
    if weights is not None and project:
        raise AttnvizError("project draws matrices, weights brings them", "leave out one of the two")
    from attnviz.sources.files.toy_parts import given_embeddings, given_weights

    return {
        "embedder": None if embeddings is None else given_embeddings(embeddings),
        "weights": None if weights is None else given_weights(weights),
    }


def trace_arrays(
    query: Any,
    key: Any,
    value: Any,
    tokens: str | Iterable[str] | None = None,
    *,
    key_tokens: str | Iterable[str] | None = None,
    kind: str = "self",
    item: int | None = None,
    scale: float | None = None,
    causal: bool = False,
    query_offset: int | None = None,
    window: int | None = None,
    softcap: float | None = None,
    mask: Any = None,
    bias: Any = None,
    sinks: Any = None,
) -> Trace:
    """The trace of your own query, key and value, as ``--from`` reads them from a file.

    query       (tokens, d_k) or (heads, tokens, d_k); of a batch, (batch, heads, tokens, d_k), say which ``item`` is meant
    key, value  (kv_heads, keys, d_k) and (kv_heads, keys, d_v), fewer heads where they are grouped
    tokens      of the queries, a list or a text that is split at its spaces; None: positions
    key_tokens  of the keys, where they are others; kind is "cross" where they are of another text
    item        which text of a batch, from 0
    scale, causal, query_offset, window, softcap   the rule (``Rule``)
    mask        bool, (queries, keys) or (heads, queries, keys), with a batch before them or not: True = may attend
    bias        float, the same shapes: added to the scaled scores; −∞ hides
    sinks       (heads,): one logit a head, which takes a share of the weights and has no value

    Arrays of NumPy and tensors of torch stay what they are; others become NumPy's, as in ``attend``. AttnvizError where they do
    not fit together, hold what is not finite, or are a batch of which no item is named.
    """
    from attnviz.attention.rule import Rule
    from attnviz.sources.arrays.trace_arrays import trace_arrays as traced
    from attnviz.sources.weights.trace_weights import split_tokens

    rule = Rule(scale, causal, query_offset, window, softcap, mask, bias, sinks)
    place = None if item is None else whole_number("item", item)
    named = split_tokens(tokens), split_tokens(key_tokens)
    return traced(query, key, value, rule, *named, kind=text_of("kind", kind), item=place)


def load(
    path: str | os.PathLike[str],
    text: str | None = None,
    *,
    causal: bool | None = None,
    scale: float | None = None,
    window: int | None = None,
    softcap: float | None = None,
    query_offset: int | None = None,
) -> Trace:
    """A trace from a file, as ``--from`` reads it: a saved trace, or Q, K and V, or weights, as .npz, .npy, .safetensors or .json.

    text  whose words, split at spaces, are the tokens of arrays that come without
    causal, scale, window, softcap, query_offset   replace what the file says of the rule (``Rule``); None: as it is

    AttnvizError where the file cannot be read, or holds something else.
    """
    from pathlib import Path

    from attnviz.sources.files.qkv import read_trace

    rule = {"causal": causal, "scale": scale, "window": window, "softcap": softcap, "query_offset": query_offset}
    given = {name: value for name, value in rule.items() if value is not None}
    return read_trace(Path(path_of("path", path)), given, text=None if text is None else text_of("text", text))
