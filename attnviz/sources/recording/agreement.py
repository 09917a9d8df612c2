"""Whether attention recomputed from what was captured is what the model itself computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from attnviz.attention.arrays import Array, is_torch, namespace, to_numpy
from attnviz.attention.formula import outputs_alone
from attnviz.attention.visibility import Visibility
from attnviz.errors import AttnvizError
from attnviz.sources.recording.sampled import OF_UNKNOWN_CODE, SAMPLED, Comparison, compared_queries
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import layer_words
from attnviz.trace.slices import queries_at, seen_keys

CACHED_CELLS = 1 << 19  # of scores
ALL_AT_ONCE = 1 << 9  # queries that a card is given together

# How far the largest error may reach, in parts of the head's largest output: some ten times what trained models show.
# torch's kernels hold the scores in float32; a model's own plain code rounds scores and weights to its dtype as well,
# and a score of 30 in bfloat16 may be off by 0.06. A wrong mask is off by far more than either.
TOLERANCES = {"float64": 1e-6, "float32": 1e-4, "float16": 4e-3, "bfloat16": 2e-2}
PLAIN_TOLERANCES = {"float64": 1e-6, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}


def largest_error(layer: Layer, output: Array, queries: numpy.ndarray | None = None) -> tuple[float, int]:
    """The largest difference between the recomputed outputs of ``layer`` and the model's own, and the head it is in.

    output   (queries, heads, d_v), as the model's kernel left it, of those that are compared
    queries  their positions, in ascending order; None: each

    The error of a head is its largest difference in parts of its largest output. A query that sees no key at all is
    left out: its output means nothing, and kernels differ on it. AttnvizError where numbers are not finite.
    """
    return _compared(layer, output, None, numpy.arange(layer.queries) if queries is None else queries)[0]


def _compared(
    layer: Layer, output: Array, weights: Array | None, queries: numpy.ndarray
) -> tuple[tuple[float, int], float]:
    """The largest error of the outputs of some ``queries``, and its head; and that of their weights, (heads, queries, keys), where these
    are given."""
    xp = namespace(output)
    differences, sizes = [], []  # of each head, (heads,), of each block
    alone, apart = weights is None and _is_plain(layer), 0.0
    for block in _blocks(len(queries), _rows_at_a_time(layer)):
        some = queries[block]
        keys, seen = seen_keys(layer, (int(some[0]), int(some[-1]) + 1))
        steps, ours = _computed(seen, some, alone)
        theirs = xp.permute_dims(xp.asarray(output[block], dtype=ours.dtype), (1, 0, 2))
        if steps is not None and xp.any(blind := steps.blind):
            theirs = xp.where(blind[..., None], 0.0, theirs)
        differences.append(to_numpy(_largest(xp, ours - theirs)))
        sizes.append(to_numpy(_largest(xp, theirs)))
        if steps is not None and weights is not None:
            apart = max(apart, _weights_apart(steps, weights[:, block], keys))
    worst, largest = (numpy.stack(some).max(axis=0) for some in (differences, sizes))
    relative = worst / numpy.where(largest == 0, 1.0, largest)  # (heads,)
    return (float(relative.max()), int(relative.argmax())), apart


def _largest(xp: Any, array: Array) -> Array:
    """The largest number of each head, whatever its sign, (heads,): without another array of that size, which takes the most time."""
    return xp.maximum(xp.max(array, axis=(1, 2)), -xp.min(array, axis=(1, 2)))


def _computed(layer: Layer, queries: numpy.ndarray, alone: bool) -> tuple[Any, Array]:
    """The steps of these ``queries`` of ``layer``, None where their outputs can be computed ``alone`` and all see a key; and the
    outputs."""
    output = _outputs_at(layer, queries) if alone else None
    steps = queries_at(layer, queries).steps() if output is None else None
    return steps, output if steps is None else steps.output


def _outputs_at(layer: Layer, queries: numpy.ndarray) -> Array | None:
    """The outputs of some queries, without a layer of them: of a text of 512 tokens that would take a third as long as computing them."""
    rule, query = layer.rule, layer.query
    rows = namespace(query).asarray(queries, device=query.device)
    every = namespace(query).arange(layer.keys, device=query.device)
    visible = Visibility.of(rule, layer.queries, layer.keys, rule.mask).cells(rows[:, None], every)
    return outputs_alone(at(query, queries, axis=1), layer.key, layer.value, rule, visible)


def _is_plain(layer: Layer) -> bool:
    """Whether the outputs of ``layer`` can be computed without its steps."""
    arrays = (layer.query, layer.key, layer.value)
    alike = all(is_torch(one) and one.dtype == layer.query.dtype and not one.requires_grad for one in arrays)
    return alike and layer.rule.bias is None and layer.rule.sinks is None


def _weights_apart(steps: Any, weights: Array, keys: slice) -> float:
    """How far the weights of some queries are from those of ``steps``, which sees only these ``keys``: of all others the weight is 0."""
    xp = namespace(weights)
    theirs = xp.asarray(weights, dtype=steps.weights.dtype)
    others = [part for part in (theirs[..., : keys.start], theirs[..., keys.stop :]) if part.shape[-1]]
    differences = [xp.abs(steps.weights - theirs[..., keys]), *map(xp.abs, others)]
    return max(float(xp.max(xp.where(steps.blind, 0.0, xp.max(one, axis=-1)))) for one in differences)


def require_agreement(layer: Layer, output: Array, *, plain: bool = False, comparison: Comparison = SAMPLED) -> float:
    """The largest error of ``layer``; AttnvizError, naming the layer, above what the dtype explains.

    output      (queries, heads, d_v), the model's own
    plain       says that it comes from code that rounds every step to its dtype
    comparison  which queries are compared
    """
    queries = compared_queries(layer, comparison)
    return require_agreement_at(queries, layer, at(output, queries), plain=plain)


def require_agreement_at(queries: numpy.ndarray, layer: Layer, output: Array, *, plain: bool = False) -> float:
    """The same where ``output`` is that of these ``queries`` alone, which are positions in ascending order."""
    try:
        error, head = largest_error(layer, output, queries)
    except AttnvizError as problem:
        raise AttnvizError(
            "{title}: {reason}", problem.hint, title=layer_words(layer.title), reason=problem.message
        ) from None
    _require_small(layer.title, error, head, (PLAIN_TOLERANCES if plain else TOLERANCES)[dtype_name(output)])
    return error


def require_same_outputs(title: str, ours: Array, theirs: Array, there: Array | None, *, plain: bool = False) -> float:
    """The same of the outputs of several texts, ``ours`` recomputed and ``theirs`` the model's own, (texts, heads, queries, d_v).

    there  whether each query is one of its text, (texts, 1, queries); None: all are. The others are padding, and not compared
    """
    xp = namespace(ours)
    kind, theirs = dtype_name(theirs), xp.asarray(theirs, dtype=ours.dtype)
    worst, largest = (_largest_of_rows(xp, array, there) for array in (ours - theirs, theirs))  # (texts, heads)
    relative = worst / xp.where(largest == 0, 1.0, largest)
    error, head = float(xp.max(relative)), int(xp.argmax(relative)) % relative.shape[1]
    _require_small(title, error, head, (PLAIN_TOLERANCES if plain else TOLERANCES)[kind])
    return error


def _largest_of_rows(xp: Any, array: Array, there: Array | None) -> Array:
    """The largest number of each head, whatever its sign, in the rows that are ``there``, (texts, heads)."""
    largest, least = xp.max(array, axis=-1), xp.min(array, axis=-1)  # a norm takes ten times as long
    rows = xp.maximum(largest, -least)  # (texts, heads, queries)
    return xp.max(rows if there is None else xp.where(there, rows, 0.0), axis=-1)


def _require_small(title: str, error: float, head: int, tolerance: float) -> None:
    if not error <= tolerance:
        raise AttnvizError(
            "{title}: attention recomputed from its query, key and value is not what the model computed: head {head} differs by {error:.2g} of its largest output (at most {tolerance:g} is expected)",
            "this model does something to its scores that attnviz does not know about, so nothing is shown",
            title=layer_words(title),
            head=head,
            error=error,
            tolerance=tolerance,
        )


def require_all_agrees(
    layer: Layer, output: Array, weights: Array, *, dropped: bool = False, plain: bool = False
) -> float:
    """The largest error of ``layer``, of its outputs and of its weights; AttnvizError above what the dtype explains.

    output   (queries, heads, d_v), the module's own; ``dropped`` says that dropout changed it
    weights  (heads, queries, keys), the module's own, before any dropout. They are compared as they are: none is above 1
    """
    queries = compared_queries(layer, OF_UNKNOWN_CODE)
    (error, head), apart = _compared(layer, at(output, queries), at(weights, queries, axis=1), queries)
    tolerance = (PLAIN_TOLERANCES if plain else TOLERANCES)[dtype_name(output)]
    if not apart <= tolerance:
        raise AttnvizError(
            "weights recomputed from its query and key differ by {error:.2g} from those of its softmax (at most {tolerance:g} is expected)",
            error=apart,
            tolerance=tolerance,
        )
    if dropped:
        return apart
    _require_small(layer.title, error, head, tolerance)
    return max(error, apart)


def _blocks(queries: int, rows: int) -> Iterator[slice]:
    """So many ``queries``, some at a time."""
    return (slice(start, start + rows) for start in range(0, queries, rows))


def at(array: Array, positions: numpy.ndarray, axis: int = 0) -> Array:
    """``array`` at these positions of ``axis``: a view, where they follow each other."""
    start, stop = int(positions[0]), int(positions[-1]) + 1
    if stop - start == len(positions):
        return array[(slice(None),) * axis + (slice(start, stop),)]
    xp = namespace(array)
    return xp.take(array, xp.asarray(positions, device=array.device), axis=axis)


def _rows_at_a_time(layer: Layer) -> int:
    """As many as a processor keeps in its cache, which is twice as fast; elsewhere all, since there calls are dear."""
    if "cpu" not in str(layer.query.device):
        return ALL_AT_ONCE
    return max(1, CACHED_CELLS // (layer.heads * layer.keys))


def dtype_name(array: Any) -> str:
    """float32, bfloat16, …, in every library's words."""
    return str(array.dtype).rpartition(".")[2]
