"""Whether attention recomputed from what was captured is what the model itself computed."""

from __future__ import annotations

from typing import Any

from attnviz.attention.arrays import Array, namespace
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.slices import seen_keys, some_queries

ALL_QUERIES = 512  # up to here every query is compared
CACHED_CELLS = 1 << 18
BLOCKS, BLOCK_QUERIES = 4, 16  # beyond it these, spread over the text, the last query among them

# How far the largest error may reach, in parts of the head's largest output: some ten times what trained models show.
# torch's kernels hold the scores in float32; a model's own plain code rounds scores and weights to its dtype as well,
# and a score of 30 in bfloat16 may be off by 0.06. A wrong mask is off by far more than either.
TOLERANCES = {"float64": 1e-6, "float32": 1e-4, "float16": 4e-3, "bfloat16": 2e-2}
PLAIN_TOLERANCES = {"float64": 1e-6, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}


def largest_error(layer: Layer, output: Array) -> tuple[float, int]:
    """The largest difference between the recomputed outputs of ``layer`` and the model's own, and the head it is in.

    output  (queries, heads, d_v), as the model's kernel left it

    The error of a head is its largest difference in parts of its largest output. A query that sees no key at all is
    left out: its output means nothing, and kernels differ on it. AttnvizError where numbers are not finite.
    """
    xp = namespace(output)
    worst = largest = 0.0
    for start, stop in checked_blocks(output.shape[0], _rows_at_a_time(layer)):
        _, seen = seen_keys(some_queries(layer, start, stop))
        steps = seen.steps()
        theirs = xp.permute_dims(xp.asarray(output[start:stop], dtype=steps.output.dtype), (1, 0, 2))
        difference = xp.max(xp.abs(steps.output - theirs), axis=-1)  # (heads, rows)
        difference = xp.max(xp.where(steps.blind, 0.0, difference), axis=-1)  # (heads,)
        largest = xp.maximum(xp.max(xp.abs(theirs), axis=(1, 2)), xp.asarray(largest, dtype=theirs.dtype))
        worst = xp.maximum(difference, xp.asarray(worst, dtype=difference.dtype))
    relative = worst / xp.where(largest == 0, 1.0, largest)  # (heads,)
    return float(xp.max(relative)), int(xp.argmax(relative))


def require_agreement(layer: Layer, output: Array, *, plain: bool = False) -> float:
    """The largest error of ``layer``; AttnvizError, naming the layer, above what the dtype explains.

    ``plain`` says that the output comes from code that rounds every step to its dtype.
    """
    try:
        error, head = largest_error(layer, output)
    except AttnvizError as problem:
        raise AttnvizError("{title}: {reason}", problem.hint, title=layer.title, reason=problem.message) from None
    tolerance = (PLAIN_TOLERANCES if plain else TOLERANCES)[dtype_name(output)]
    if not error <= tolerance:
        raise AttnvizError(
            "{title}: attention recomputed from its query, key and value is not what the model computed: head {head} differs by {error:.2g} of its largest output (at most {tolerance:g} is expected)",
            "this model does something to its scores that attnviz does not know about, so nothing is shown",
            title=layer.title,
            head=head,
            error=error,
            tolerance=tolerance,
        )
    return error


def require_same_weights(layer: Layer, weights: Array, *, plain: bool = False) -> float:
    """The largest difference between the recomputed weights of ``layer`` and the module's own, (heads, queries, keys).

    A query that sees no key is left out. AttnvizError, naming the layer, above what the dtype explains.
    """
    xp = namespace(weights)
    worst = 0.0
    for start, stop in checked_blocks(weights.shape[1], _rows_at_a_time(layer)):
        steps = some_queries(layer, start, stop).steps()
        theirs = xp.asarray(weights[:, start:stop], dtype=steps.weights.dtype)
        difference = xp.max(xp.abs(steps.weights - theirs), axis=-1)  # (heads, rows)
        worst = max(worst, float(xp.max(xp.where(steps.blind, 0.0, difference))))
    tolerance = (PLAIN_TOLERANCES if plain else TOLERANCES)[dtype_name(weights)]
    if not worst <= tolerance:
        raise AttnvizError(
            "weights recomputed from its query and key differ by {error:.2g} from those of its softmax (at most {tolerance:g} is expected)",
            error=worst,
            tolerance=tolerance,
        )
    return worst


def checked_blocks(queries: int, rows: int = ALL_QUERIES) -> list[tuple[int, int]]:
    """The first query of each block of at most ``rows`` that is compared, and the one after its last."""
    if queries <= ALL_QUERIES:
        return [(start, min(start + rows, queries)) for start in range(0, queries, rows)]
    last = queries - BLOCK_QUERIES
    starts = [last * number // (BLOCKS - 1) for number in range(BLOCKS)]
    return [(start, start + BLOCK_QUERIES) for start in starts]


def checked_queries(queries: int) -> int:
    """How many queries are compared."""
    return sum(stop - start for start, stop in checked_blocks(queries))


def _rows_at_a_time(layer: Layer) -> int:
    """As many as a processor keeps in its cache, which is twice as fast; elsewhere all, since there calls are dear."""
    if "cpu" not in str(layer.query.device):
        return ALL_QUERIES
    return max(1, CACHED_CELLS // (layer.heads * layer.keys))


def dtype_name(array: Any) -> str:
    """float32, bfloat16, …, in every library's words."""
    return str(array.dtype).rpartition(".")[2]
