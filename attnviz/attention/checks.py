"""What attention asks of its arrays: shapes that fit, numbers that are finite."""

from __future__ import annotations

import math
from typing import Any

from attnviz.attention.arrays import (
    Array,
    as_array,
    as_floating,
    cast,
    is_torch,
    like,
    namespace,
    overflow_unspoken,
    to_numpy,
)
from attnviz.attention.toeplitz import gathered, is_spread, spread
from attnviz.errors import AttnvizError
from attnviz.text.message import COMMA, Message, joined

# What is said of each of the five steps whose numbers a type cannot hold.
TOO_LARGE = {
    "scores": "the scores are too large for {dtype}",
    "scaled": "the scaled scores are too large for {dtype}",
    "masked": "the masked scores are too large for {dtype}",
    "weights": "the weights are too large for {dtype}",
    "output": "the output is too large for {dtype}",
}

# How the place of a number along each axis is told.
AXES = {
    "batch": "batch {index}",
    "head": "head {index}",
    "token": "token {index}",
    "dimension": "dimension {index}",
}

FEW = 4096  # numbers of an array


def checked_inputs(xp: Any, query: Any, key: Any, value: Any) -> tuple[Array, Array, Array]:
    """The three as arrays of one floating dtype, (…, heads, tokens, d) or (tokens, d).

    AttnvizError where they mix NumPy and torch, are empty, not finite, or do not fit together.
    """
    named = {"query": query, "key": key, "value": value}
    arrays = {name: as_floating(array, name) for name, array in named.items()}
    require_one_kind(**arrays)
    dtype = xp.result_type(*arrays.values())
    for name, array in arrays.items():
        if array.ndim < 2:
            raise AttnvizError(
                "{name} has the shape {shape}: expected (tokens, d) or (heads, tokens, d)",
                name=name,
                shape=tuple(array.shape),
            )
        require_some(array, name)
        require_finite(array, name)
        arrays[name] = cast(array, dtype)
    query, key, value = arrays.values()
    require_fitting(query, key, value)
    return query, key, value


def require_one_kind(**arrays: Array) -> None:
    """Raise AttnvizError where some of ``arrays``, which stand under their names, are NumPy's and others torch's."""
    if len({namespace(array) for array in arrays.values()}) > 1:
        *names, last = arrays
        every = Message("both") if len(arrays) == 2 else Message("all three")
        raise AttnvizError(
            "{names} and {last} mix NumPy and torch: give {every} in one kind",
            names=", ".join(names),
            last=last,
            every=every,
        )


def require_softcap_in(dtype: Any, xp: Any, softcap: float | None) -> None:
    """Raise AttnvizError where ``dtype`` has no such number as ``softcap``: it would become 0 or ∞."""
    if softcap is None:
        return
    limits = xp.finfo(dtype)
    if not float(limits.smallest_normal) <= softcap <= float(limits.max):  # as a float32, 1e39 would be a warning
        raise AttnvizError(
            "softcap is {softcap}: {dtype} cannot hold that number", _wider(dtype), softcap=softcap, dtype=dtype
        )


def of_heads(value: Any, name: str, axes: str = "(heads, tokens, d)") -> Array:
    """``value`` as these ``axes``, where one head may come without its axis; AttnvizError where it is not, or is empty."""
    array = as_array(value, name)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        raise AttnvizError(
            "{name} has the shape {shape}: expected {axes}", name=name, shape=tuple(array.shape), axes=axes
        )
    require_some(array, name)
    return array


def too_large(step: str, dtype: Any) -> AttnvizError:
    """What to raise where the numbers of ``step``, a field of ``Steps``, leave the range of ``dtype``."""
    return AttnvizError(TOO_LARGE[step], smaller_or_wider(dtype), dtype=dtype)


def smaller_or_wider(dtype: Any) -> str:
    """What to do about numbers that leave the range of ``dtype``."""
    return "scale the inputs down" if not _wider(dtype) else "scale the inputs down, or use float64"


def _wider(dtype: Any) -> str:
    return "" if str(dtype).endswith("float64") else "use float64"


def require_some(array: Array, name: str) -> None:
    """Raise AttnvizError where ``array`` holds no number."""
    if 0 in array.shape:
        raise AttnvizError("{name} is empty: its shape is {shape}", name=name, shape=tuple(array.shape))


def require_fitting(query: Array, key: Array, value: Array) -> None:
    """Raise AttnvizError where the three, (…, heads, tokens, d) or (tokens, d), do not fit together."""
    if not query.ndim == key.ndim == value.ndim:
        raise AttnvizError(
            "query, key and value have {query}, {key} and {value} axes: give all three the same number",
            query=query.ndim,
            key=key.ndim,
            value=value.ndim,
        )
    if query.shape[-1] != key.shape[-1]:
        raise AttnvizError(
            "query has {query} dimensions but key has {key}: a dot product needs the same number of both",
            query=query.shape[-1],
            key=key.shape[-1],
        )
    if key.shape[-2] != value.shape[-2]:
        raise AttnvizError(
            "key has {key} tokens but value has {value}: they come in pairs", key=key.shape[-2], value=value.shape[-2]
        )
    if query.ndim == 2:
        return
    heads, key_heads, value_heads = query.shape[-3], key.shape[-3], value.shape[-3]
    if key_heads != value_heads:
        raise AttnvizError(
            "key has {key_heads} heads but value has {value_heads}: they come in pairs",
            key_heads=key_heads,
            value_heads=value_heads,
        )
    if heads % key_heads:
        raise AttnvizError(
            "{heads} query heads cannot be shared evenly among {key_heads} key heads", heads=heads, key_heads=key_heads
        )
    if not query.shape[:-3] == key.shape[:-3] == value.shape[:-3]:
        raise AttnvizError(
            "query, key and value have different leading axes: {query}, {key}, {value}",
            query=tuple(query.shape),
            key=tuple(key.shape),
            value=tuple(value.shape),
        )


def require_finite(array: Array, name: str) -> None:
    """Raise the AttnvizError that says where ``array``, (…, tokens, d), holds a value that is not finite."""
    xp = namespace(array)
    if not all_finite(xp, array):
        import numpy

        place = numpy.argwhere(~to_numpy(xp.isfinite(array)))[0].tolist()
        axes = ("batch",) * (array.ndim - 3) + ("head", "token", "dimension")[-min(array.ndim, 3) :]
        where = joined((Message(AXES[axis], index=index) for axis, index in zip(axes, place, strict=True)), COMMA)
        raise AttnvizError(
            "{name} is not finite: {number} at {where}",
            "find where it comes from: no weight can be computed from it",
            name=name,
            number=float(array[tuple(place)]),
            where=where,
        )


def all_finite(xp: Any, array: Array, hidden: bool = False) -> bool:
    """Whether all of ``array`` is finite, or −∞ where cells may be ``hidden``.

    A finite sum tells that at once, and so does the largest value (NaN is larger than all): looking at each number takes
    torch ten times as long. Of few numbers in NumPy it takes a quarter of the time.
    """
    if not hidden and not is_torch(array) and array.size <= FEW:
        return bool(xp.isfinite(array).all())
    with overflow_unspoken():
        if hidden:
            return bool(xp.max(array) < math.inf)
        return bool(xp.isfinite(xp.sum(array))) or bool(xp.all(xp.isfinite(array)))


def boolean_mask(mask: Any) -> Array:
    """``mask`` as booleans; whole numbers that are all 0 or 1 mean the same."""
    mask = as_array(mask, "mask")
    xp = namespace(mask)
    kind = str(mask.dtype).rpartition(".")[2]
    if "int" in kind and bool(xp.all((mask == 0) | (mask == 1))):
        return mask == 1
    if kind != "bool":
        raise AttnvizError(
            "mask holds {dtype} values: it must be boolean, True = may attend",
            "numbers to be added go into bias",
            dtype=mask.dtype,
        )
    return mask


def bias_array(bias: Any) -> Array:
    """``bias``, of any shape, as floating numbers; AttnvizError where one is NaN or +∞."""
    bias = as_array(bias, "bias")
    numbers = gathered(bias) if is_spread(bias) else bias  # of queries × keys, no more than there are distances
    if 0 not in bias.shape and not bool(namespace(bias).max(numbers) < math.inf):  # NaN is larger than all
        raise AttnvizError("bias holds NaN or +∞: only finite numbers, and −∞ to hide a cell, can be added")
    return as_floating(bias, "bias")


def bias_beside(query: Array, bias: Any) -> Array:
    """``bias`` in the library, on the device and in the type of ``query``; AttnvizError where it can be no bias.

    What depends on the distance alone stays so beside an array of NumPy.
    """
    array = finite_in(bias_array(bias), query)
    if is_spread(array) and namespace(query) is namespace(array):
        return spread(cast(gathered(array), query.dtype), array.shape[-2])
    return like(query, array)


def finite_in(bias: Array, other: Array) -> Array:
    """``bias`` with its finite numbers no lower than the lowest of the type of ``other``: as −∞ they would hide a cell."""
    lowest = float(namespace(other).finfo(other.dtype).min)
    if not namespace(bias).isdtype(bias.dtype, "real floating"):
        return bias
    if float(namespace(bias).finfo(bias.dtype).min) >= lowest:
        return bias
    if is_spread(bias):
        return spread(finite_in(gathered(bias), other), bias.shape[-2])
    return namespace(bias).where((bias < lowest) & (bias > -math.inf), lowest, bias)


def of_scores(array: Array, name: str, scores: tuple[int, ...]) -> Array:
    """``array`` if it broadcasts to the shape of the scores and no further."""
    fits = array.ndim <= len(scores) and all(
        size in (1, target) for size, target in zip(array.shape[::-1], scores[::-1], strict=False)
    )
    if not fits:
        raise AttnvizError(
            "{name} has the shape {shape}, which does not fit the scores' {scores}",
            name=name,
            shape=tuple(array.shape),
            scores=scores,
        )
    return array


def sink_logits(xp: Any, sinks: Array, query: Array) -> Array:
    """``sinks``, (heads,), as one logit for each query of a head, (heads, 1, 1) or (1, 1)."""
    require_one_a_head(sinks, query.shape[-3] if query.ndim > 2 else 1)
    if not bool(xp.all(xp.isfinite(sinks))):
        raise AttnvizError("sinks holds a value that is not finite")
    return sinks[:, None, None] if query.ndim > 2 else sinks[:, None]  # (heads, 1, 1)


def require_one_a_head(sinks: Array, heads: int) -> None:
    """Raise AttnvizError where ``sinks`` is not (heads,)."""
    if tuple(sinks.shape) != (heads,):
        raise AttnvizError(
            "sinks has the shape {shape}: expected one logit per head, ({heads},)",
            shape=tuple(sinks.shape),
            heads=heads,
        )
