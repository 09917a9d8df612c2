"""Two traces, or two heads of one, made a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy

from attnviz.analysis.difference.alignment import Alignment, Side, align_tokens
from attnviz.analysis.difference.apart import Places, heads_apart
from attnviz.analysis.difference.pairing import HeadPlace, LayerPair, Pairs, head_meant, paired, require_one_way
from attnviz.analysis.difference.result import Difference, HeadDifference, Source, Texts
from attnviz.attention.arrays import is_torch
from attnviz.choices import Backend, Language, Pool
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.trace.selection import LayerSelection, select
from attnviz.trace.trace import Trace

NOTHING_SHARED = "give two runs of the same text, or of texts that share some tokens"


def compare(
    left: Source,
    right: Source,
    heads: tuple[str, str] | None = None,
    *,
    layer: Sequence[str] = (),
    head: Sequence[str] = (),
    query: str | range | None = None,
    key: str | range | None = None,
    skip_special: bool = False,
    pool: Pool = Pool.MEAN,
    top: int | None = None,
    language: Language = Language.EN,
    report: Progress = no_progress,
) -> Difference:
    """How far the heads of two traces are apart, or the two ``heads``, LAYER.HEAD each.

    layer, head   of both traces; as ``select`` takes them
    query, key    of the left text; the keys that are left out count together as one
    skip_special  leaves special tokens out, in the same way

    AttnvizError where nothing can be compared: no token, no head or no query in common.
    """
    left, right = _of_one_library(left, right)
    pairs = _pairs(left.trace, right.trace, heads, layer, head)
    asked = [_asked(left.trace, pair, query, key, skip_special) for pair in pairs.layers]
    others = [_asked(right.trace, pair._replace(left=pair.right), None, None, skip_special) for pair in pairs.layers]
    texts = [_texts(left.trace, right.trace, pair) for pair in pairs.layers]
    _require_shared(texts)
    places = [_places(*sides) for sides in zip(texts, asked, others, strict=True)]
    if not any(map(_comparable, places)):
        raise AttnvizError("none of these queries and keys is in both texts", "choose others with --query and --key")
    known = list(dict.fromkeys(texts))
    found: list[HeadDifference] = []
    for number, (pair, place, text) in enumerate(zip(pairs.layers, places, texts, strict=True)):

        def tell(done: int, of: int, before: int = number) -> None:
            report(before * of + done, len(pairs.layers) * of)

        found += _heads(pair, place, known.index(text), pool, tell)
    found.sort(key=lambda one: math.inf if math.isnan(one.divergence) else -one.divergence)  # stable
    alignment = align_tokens(*(Side(one.trace.tokens, one.trace.texts) for one in (left, right)))
    only = tuple(pairs.only[0]), tuple(pairs.only[1])
    return Difference(left, right, alignment, tuple(known), tuple(found), only, pool, top, language)


def _of_one_library(left: Source, right: Source) -> tuple[Source, Source]:
    """Both as they are or, where only one is of torch, both of NumPy: two libraries round the same numbers in different ways."""
    if len({is_torch(one.trace.layers[0].queried) for one in (left, right)}) == 1:
        return left, right
    first, second = (one._replace(trace=one.trace.to(Backend.NUMPY.value)) for one in (left, right))
    return first, second


def _pairs(
    left: Trace, right: Trace, heads: tuple[str, str] | None, layer: Sequence[str], head: Sequence[str]
) -> Pairs:
    if heads is not None:
        require_one_way(layer, head)
        first, second = head_meant("left", heads[0], left), head_meant("right", heads[1], right)
        return Pairs([LayerPair(first, second, [(first.heads[0], second.heads[0])])])
    chosen = select(left, layer=layer, head=head).layers
    pairs = paired(chosen, select(right).layers)
    if not pairs.layers:
        raise AttnvizError(
            "the two have no layer and head of the same number",
            "name one of each with --left and --right, as LAYER.HEAD",
        )
    return pairs._replace(only=(pairs.only[0], [])) if layer or head else pairs


def _asked(
    trace: Trace, pair: LayerPair, query: str | range | None, key: str | range | None, skip_special: bool
) -> LayerSelection:
    """What is looked at of the left layer of ``pair``."""
    layer = pair.left.layer
    title = [layer.title if layer.stack else str(layer.index)]
    chosen = select(trace, layer=title, query=query, key=key, skip_special=skip_special).as_region().layers
    return next(one for one in chosen if one.layer is layer)


def _texts(left: Trace, right: Trace, pair: LayerPair) -> Texts:
    sides = (left, pair.left.layer), (right, pair.right.layer)
    queries = (Side(trace.query_tokens(layer), trace.query_facts(layer).texts) for trace, layer in sides)
    keys = (Side(trace.key_tokens(layer), trace.key_facts(layer).texts) for trace, layer in sides)
    return Texts(align_tokens(*queries), align_tokens(*keys))


def _require_shared(texts: Sequence[Texts]) -> None:
    if not any(one.queries.left and one.keys.left for one in texts):
        raise AttnvizError("the two texts have no token in common, so nothing can be compared", NOTHING_SHARED)


def _places(texts: Texts, left: LayerSelection, right: LayerSelection) -> Places:
    """What is in both texts and looked at in both."""
    queries = _kept(texts.queries, left.query_positions, right.query_positions)
    keys = _kept(texts.keys, left.key_positions, right.key_positions)
    return Places(*queries, *keys)


def _kept(alignment: Alignment, left: Sequence[int], right: Sequence[int]) -> tuple[numpy.ndarray, numpy.ndarray]:
    both = numpy.array(alignment[:2], dtype=int).reshape(2, -1)
    kept = numpy.isin(both[0], left) & numpy.isin(both[1], right)
    return both[0][kept], both[1][kept]


def _comparable(places: Places) -> bool:
    return bool(len(places.left_queries) and len(places.left_keys))


def _heads(pair: LayerPair, places: Places, text: int, pool: Pool, report: Progress) -> list[HeadDifference]:
    """The pairs of heads of two layers; nothing where these share no query or no key."""
    if not _comparable(places):
        return []
    left, right = pair.left.layer, pair.right.layer
    return [
        HeadDifference(
            HeadPlace(left.title, left.index, heads[0]),
            HeadPlace(right.title, right.index, heads[1]),
            (left, right),
            text,
            places,
            apart,
            apart.divergence(pool),
        )
        for heads, apart in zip(pair.heads, heads_apart(left, right, pair.heads, places, report), strict=True)
    ]
