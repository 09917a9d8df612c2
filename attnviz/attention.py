"""The formula of attention, step by step, written once for NumPy and torch.

    output = softmax(QKᵀ · scale + bias) V        Vaswani et al. 2017, "Attention Is All You Need", equation 1

with what later models added to it: causal masks and key/value caches (query_offset), sliding windows (Mistral),
capped scores (Gemma 2, 2408.00118), grouped key/value heads (Ainslie et al. 2023, 2305.13245) and sinks
(Xiao et al. 2023, 2309.17453, as gpt-oss learns them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from attnviz.arrays import Array, as_array, as_floating, cast, like, namespace, overflow_unspoken, to_numpy
from attnviz.distances import gathered, is_spread, of_heads
from attnviz.errors import AttnvizError

AS_GOOD_AS_HIDDEN = 9000.0  # below the cell's own score: e^x is 0 in every type
LARGEST_POSITION = 2**53  # beyond it, positions would no longer be exact


@dataclass(frozen=True, eq=False)
class Rule:
    """What turns scores into weights, beside Q and K themselves.

    scale         factor of the scores; None is 1/√d_k
    causal        a query sees only keys at its own position or before
    query_offset  the position of the first query among the keys; None is 0, and only where there are as many
                  queries as keys
    window        a query sees only keys at a distance below this (causal: itself and window − 1 before it)
    softcap       scores become softcap · tanh(scores / softcap), which keeps them below softcap
    mask          bool, (queries, keys) or (heads, queries, keys): True = may attend
    bias          float, the same shapes: added to the scaled scores; −∞ hides
    sinks         float, (heads,): one logit a head that takes a share of the weights and has no value
    """

    scale: float | None = None
    causal: bool = False
    query_offset: int | None = None
    window: int | None = None
    softcap: float | None = None
    mask: Array | None = None
    bias: Array | None = None
    sinks: Array | None = None

    def __post_init__(self) -> None:
        # A NumPy number would widen the arrays that it meets, and cannot be saved.
        for name, kind in (("scale", float), ("query_offset", int), ("window", int), ("softcap", float)):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, _plain(name, value, kind))
        if self.causal not in (True, False):
            raise AttnvizError(f"causal is {self.causal!r}: it must be true or false")
        object.__setattr__(self, "causal", bool(self.causal))
        if self.scale is not None and not math.isfinite(self.scale):
            raise AttnvizError(f"scale is {self.scale}: it must be a finite number")
        if self.window is not None and self.window < 1:
            raise AttnvizError(f"window is {self.window}: a query must see at least 1 key")
        if self.softcap is not None and not (math.isfinite(self.softcap) and self.softcap > 0):
            raise AttnvizError(f"softcap is {self.softcap}: it must be above 0")

    def scale_for(self, dimension: int) -> float:
        """The factor of the scores of queries with ``dimension`` numbers each."""
        return 1 / math.sqrt(dimension) if self.scale is None else self.scale

    def offset_for(self, queries: int, keys: int) -> int:
        """The position of the first query among the keys; AttnvizError where that is anybody's guess."""
        if self.query_offset is not None:
            return self.query_offset
        if queries != keys and (self.causal or self.window is not None):
            raise AttnvizError(
                f"{queries} queries and {keys} keys: which key does the first query stand at?",
                f"query_offset=0 (--query-offset 0) aligns the first query with the first key, as torch's is_causal; "
                f"query_offset={keys - queries} the last query with the last key, as a key/value cache",
            )
        return 0

    def of_queries(self, start: int, stop: int, queries: int, keys: int) -> Rule:
        """The rule of the queries ``start`` … ``stop`` − 1 alone, over the same keys; ``queries`` and ``keys`` say how many
        there are."""

        def rows(array: Array | None) -> Array | None:
            """(…, queries, keys) → (…, some queries, keys); what all queries share stays."""
            return array if array is None or array.ndim < 2 or array.shape[-2] == 1 else array[..., start:stop, :]

        offset = self.offset_for(queries, keys) + start
        return replace(self, query_offset=offset, mask=rows(self.mask), bias=rows(self.bias))

    def of_keys(self, start: int, stop: int, queries: int, keys: int) -> Rule:
        """The rule over the keys ``start`` … ``stop`` − 1 alone, hidden where they were; ``queries`` and ``keys`` say how
        many there are."""

        def columns(array: Array | None) -> Array | None:
            """(…, queries, keys) → (…, queries, some keys); what all keys share stays."""
            return array if array is None or array.shape[-1] == 1 else array[..., start:stop]

        offset = self.offset_for(queries, keys) - start
        return replace(self, query_offset=offset, mask=columns(self.mask), bias=columns(self.bias))

    def of_heads(self, heads: slice | list[int]) -> Rule:
        """The rule of these heads alone."""
        sinks = None if self.sinks is None else self.sinks[heads]
        return replace(self, mask=of_heads(self.mask, heads), bias=of_heads(self.bias, heads), sinks=sinks)

    def of_head(self, head: int) -> Rule:
        """The rule of one head, its mask and its bias without an axis of heads."""
        if self.mask is None and self.bias is None and self.sinks is None:
            return self

        def one(array: Array | None) -> Array | None:
            """(heads, queries, keys) → (queries, keys)"""
            return array if array is None or array.ndim < 3 else array[head if array.shape[0] > 1 else 0]

        sinks = None if self.sinks is None else self.sinks[head : head + 1]
        return replace(self, mask=one(self.mask), bias=one(self.bias), sinks=sinks)


class Steps(NamedTuple):
    """The five steps of one or more heads, each an array of the kind that came in.

    scores    QKᵀ                                              (…, heads, queries, keys)
    scaled    scores × scale, then softcap                     (…, heads, queries, keys)
    masked    scaled + bias, hidden cells −∞                   (…, heads, queries, keys)
    weights   softmax of masked; sinks take their share        (…, heads, queries, keys)
    output    weights V                                        (…, heads, queries, d_v)
    """

    scores: Array
    scaled: Array
    masked: Array
    weights: Array
    output: Array

    @property
    def hidden(self) -> Array:
        """True for each cell that softmax gives nothing: −∞, or lowered so far that e^x is 0 (a mask of −10⁴ or
        finfo.min, as many implementations add it).  (…, heads, queries, keys)"""
        lowered = self.scaled - namespace(self.masked).where(self.masked == -math.inf, self.scaled, self.masked)
        return (self.masked == -math.inf) | (lowered >= AS_GOOD_AS_HIDDEN)

    @property
    def blind(self) -> Array:
        """True for each query whose keys are all hidden: its weights and output are 0.  (…, heads, queries)"""
        return namespace(self.masked).max(self.masked, axis=-1) == -math.inf


def attend(
    query: Any,
    key: Any,
    value: Any,
    *,
    scale: float | None = None,
    causal: bool = False,
    query_offset: int | None = None,
    window: int | None = None,
    softcap: float | None = None,
    mask: Any = None,
    bias: Any = None,
    sinks: Any = None,
) -> Steps:
    """Compute attention and return all five steps of it.

    query  (…, heads, queries, d_k)      or (queries, d_k) for one head
    key    (…, kv_heads, keys, d_k)      head h reads kv head h // (heads / kv_heads)
    value  (…, kv_heads, keys, d_v)

    NumPy arrays (or nested lists) in, NumPy arrays out; torch tensors in, torch tensors out, on their device and
    differentiable. The options are those of ``Rule``. Half precision is computed in float32.

    A query whose keys are all hidden gets weights and output 0, never NaN. AttnvizError when shapes do not fit, when
    an input is not finite, or when causal or window would have to guess the query_offset.
    """
    rule = Rule(scale, causal, query_offset, window, softcap, mask, bias, sinks)
    xp = namespace(query, key, value)
    query, key, value = _inputs(xp, query, key, value)
    with overflow_unspoken():
        steps = _steps(xp, query, key, value, rule)
    _require_no_overflow(xp, steps, rule)
    return steps


def _steps(xp: Any, query: Array, key: Array, value: Array, rule: Rule) -> Steps:
    """The formula itself."""
    scores = _grouped(xp, query, xp.matrix_transpose(key))  # (…, heads, queries, keys)

    scaled = scores * rule.scale_for(query.shape[-1])
    if rule.softcap is not None:
        limits = xp.finfo(scaled.dtype)
        if not limits.smallest_normal <= rule.softcap <= limits.max:
            raise AttnvizError(f"softcap is {rule.softcap}: {scaled.dtype} has no such number", "use float64")
        scaled = rule.softcap * xp.tanh(scaled / rule.softcap)

    masked = scaled
    if rule.bias is not None:
        masked = masked + of_scores(like(query, bias_array(rule.bias)), "bias", tuple(scores.shape))
    visible = _visible(xp, rule, query, scores)
    if visible is not None:
        masked = xp.where(visible, masked, -math.inf)

    sinks = None if rule.sinks is None else sink_logits(xp, like(query, as_floating(rule.sinks, "sinks")), query)
    weights = _softmax(xp, masked, sinks)
    return Steps(scores, scaled, masked, weights, _grouped(xp, weights, value))


def _plain(name: str, value: Any, kind: type) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or (kind is int and number != value):
        raise AttnvizError(f"{name} is {value!r}: it must be {'a whole' if kind is int else 'a'} number")
    if kind is int and abs(number) > LARGEST_POSITION:
        raise AttnvizError(f"{name} is {number}: it must be at most 2⁵³")
    return number


def split_heads(array: Array, heads: int) -> Array:
    """(tokens, heads · d) → (heads, tokens, d): each head takes its slice of every row."""
    tokens, width = array.shape
    if heads < 1 or width % heads:
        raise AttnvizError(f"{width} dimensions do not divide into {heads} heads", f"take a multiple of {heads}")
    xp = namespace(array)
    return xp.permute_dims(xp.reshape(array, (tokens, heads, width // heads)), (1, 0, 2))


def concat_heads(array: Array) -> Array:
    """(heads, tokens, d) → (tokens, heads · d): the outputs of all heads side by side, as the paper's Concat."""
    heads, tokens, width = array.shape
    xp = namespace(array)
    return xp.reshape(xp.permute_dims(array, (1, 0, 2)), (tokens, heads * width))


def _inputs(xp: Any, query: Any, key: Any, value: Any) -> tuple[Array, Array, Array]:
    named = {"query": query, "key": key, "value": value}
    arrays = {name: as_floating(array, name) for name, array in named.items()}
    if len({namespace(array) for array in arrays.values()}) > 1:
        raise AttnvizError("query, key and value mix NumPy and torch: give all three in one kind")
    dtype = xp.result_type(*arrays.values())
    for name, array in arrays.items():
        if array.ndim < 2:
            raise AttnvizError(f"{name} has the shape {tuple(array.shape)}: expected (tokens, d) or (heads, tokens, d)")
        if 0 in array.shape:
            raise AttnvizError(f"{name} is empty: its shape is {tuple(array.shape)}")
        require_finite(array, name)
        arrays[name] = cast(array, dtype)
    query, key, value = arrays.values()
    require_fitting(query, key, value)
    return query, key, value


def require_fitting(query: Array, key: Array, value: Array) -> None:
    if not query.ndim == key.ndim == value.ndim:
        raise AttnvizError(
            f"query, key and value have {query.ndim}, {key.ndim} and {value.ndim} axes: give all the same"
        )
    if query.shape[-1] != key.shape[-1]:
        raise AttnvizError(
            f"query has {query.shape[-1]} dimensions but key has {key.shape[-1]}: their dot product needs as many"
        )
    if key.shape[-2] != value.shape[-2]:
        raise AttnvizError(f"key has {key.shape[-2]} tokens but value has {value.shape[-2]}: they come in pairs")
    if query.ndim == 2:
        return
    heads, key_heads, value_heads = query.shape[-3], key.shape[-3], value.shape[-3]
    if key_heads != value_heads:
        raise AttnvizError(f"key has {key_heads} heads but value has {value_heads}: they come in pairs")
    if heads % key_heads:
        raise AttnvizError(
            f"{heads} query heads do not divide over {key_heads} key heads: each key head serves as many"
        )
    if not query.shape[:-3] == key.shape[:-3] == value.shape[:-3]:
        raise AttnvizError(
            f"query, key and value differ before the heads: {tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}"
        )


def require_finite(array: Array, name: str) -> None:
    """Raise the AttnvizError that says where ``array``, (…, tokens, d), holds a value that is not finite."""
    xp = namespace(array)
    if not _all_finite(xp, array):
        import numpy

        place = numpy.argwhere(~to_numpy(xp.isfinite(array)))[0].tolist()
        axes = ("batch",) * (array.ndim - 3) + ("head", "token", "dimension")[-min(array.ndim, 3) :]
        where = ", ".join(f"{axis} {index}" for axis, index in zip(axes, place, strict=True))
        raise AttnvizError(
            f"{name} is not finite: {float(array[tuple(place)])} at {where}",
            "find where it comes from: no weight can be computed from it",
        )


def _require_no_overflow(xp: Any, steps: Steps, rule: Rule) -> None:
    """Raise the AttnvizError that names the first step with numbers too large for its dtype."""
    # Scores are finite where the scaled are, unless a cap hides them; masked too, unless a bias is added; and so are the
    # weights of finite logits. Each look is one more pass over queries × keys.
    fine = _all_finite(xp, steps.scaled) and _all_finite(xp, steps.output)
    fine = fine and (rule.softcap is None or _all_finite(xp, steps.scores))
    if fine and (rule.bias is None or _all_finite(xp, steps.masked, hidden=True)):
        return
    for name, array in zip(Steps._fields, steps, strict=True):
        if not _all_finite(xp, array, hidden=name == "masked"):
            raise AttnvizError(f"{name} are too large for {array.dtype}", "scale the inputs down, or use float64")


def _all_finite(xp: Any, array: Array, hidden: bool = False) -> bool:
    """Whether all of ``array`` is finite, or −∞ where cells may be ``hidden``.

    A finite sum tells that at once, and so does the largest value (NaN is larger than all): looking at each number takes
    torch ten times as long.
    """
    with overflow_unspoken():
        if hidden:
            return bool(xp.max(array) < math.inf)
        return bool(xp.isfinite(xp.sum(array))) or bool(xp.all(xp.isfinite(array)))


def _grouped(xp: Any, left: Array, right: Array) -> Array:
    """left @ right, where each head on the right serves a whole group of heads on the left, without copying it."""
    if left.ndim == 2 or left.shape[-3] == right.shape[-3]:
        return left @ right
    *batch, heads, rows, inner = left.shape
    groups = right.shape[-3]
    left = xp.reshape(left, (*batch, groups, heads // groups, rows, inner))
    result = left @ xp.expand_dims(right, axis=-3)  # (…, kv_heads, group, rows, columns)
    return xp.reshape(result, (*batch, heads, rows, right.shape[-1]))


def _visible(xp: Any, rule: Rule, query: Array, scores: Array) -> Array | None:
    """Which cells a query may attend to, or None where nothing is hidden."""
    visible = None
    queries, keys = scores.shape[-2:]
    if rule.causal or rule.window is not None:
        offset = rule.offset_for(queries, keys)
        positions = xp.expand_dims(xp.arange(queries, device=query.device), axis=1) + offset  # (queries, 1)
        distance = positions - xp.arange(keys, device=query.device)  # (queries, keys)
        if rule.causal:
            visible = distance >= 0
        if rule.window is not None:
            inside = xp.abs(distance) < rule.window
            visible = inside if visible is None else visible & inside
    if rule.mask is not None:
        mask = like(query, boolean_mask(rule.mask), dtype=xp.bool)
        mask = of_scores(mask, "mask", tuple(scores.shape))
        visible = mask if visible is None else visible & mask
    return visible


def boolean_mask(mask: Any) -> Array:
    """``mask`` as booleans; whole numbers that are all 0 or 1 mean the same."""
    mask = as_array(mask, "mask")
    xp = namespace(mask)
    kind = str(mask.dtype).rpartition(".")[2]
    if "int" in kind and bool(xp.all((mask == 0) | (mask == 1))):
        return mask == 1
    if kind != "bool":
        raise AttnvizError(
            f"mask holds {mask.dtype} values: it must be boolean, True = may attend",
            "give numbers to add as bias instead",
        )
    return mask


def bias_array(bias: Any) -> Array:
    bias = as_array(bias, "bias")
    numbers = gathered(bias) if is_spread(bias) else bias  # of queries × keys, no more than there are distances
    if 0 not in bias.shape and not bool(namespace(bias).max(numbers) < math.inf):  # NaN is larger than all
        raise AttnvizError("bias holds NaN or +∞: only finite numbers, and −∞ to hide a cell, can be added")
    return as_floating(bias, "bias")


def of_scores(array: Array, name: str, scores: tuple[int, ...]) -> Array:
    """``array`` if it broadcasts to the shape of the scores and no further."""
    fits = array.ndim <= len(scores) and all(
        size in (1, target) for size, target in zip(array.shape[::-1], scores[::-1], strict=False)
    )
    if not fits:
        raise AttnvizError(f"{name} has the shape {tuple(array.shape)}, which does not fit the scores' {scores}")
    return array


def sink_logits(xp: Any, sinks: Array, query: Array) -> Array:
    heads = query.shape[-3] if query.ndim > 2 else 1
    if tuple(sinks.shape) != (heads,):
        raise AttnvizError(f"sinks has the shape {tuple(sinks.shape)}: expected one logit a head, ({heads},)")
    if not bool(xp.all(xp.isfinite(sinks))):
        raise AttnvizError("sinks holds a value that is not finite")
    return sinks[:, None, None] if query.ndim > 2 else sinks[:, None]  # (heads, 1, 1)


def _softmax(xp: Any, masked: Array, sink: Array | None) -> Array:
    """softmax over the keys, shifted by the row's maximum so that no exponential overflows."""
    largest = xp.max(masked, axis=-1, keepdims=True)  # (…, heads, queries, 1)
    if sink is not None:
        largest = xp.maximum(largest, sink)
    largest = xp.where(largest == -math.inf, 0.0, largest)  # a row that sees nothing: exp(−∞ − 0) = 0
    exponentials = xp.exp(masked - largest)
    total = xp.sum(exponentials, axis=-1, keepdims=True)
    if sink is not None:
        total = total + xp.exp(sink - largest)
    return exponentials / xp.where(total == 0, 1.0, total)
