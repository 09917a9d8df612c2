"""What each key brings to each query's output, head by head, row block by row block (trace/contribution.py says what it is)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy

from attnviz.analysis.blocks import WORKERS, RowBlock
from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.formula import Steps
from attnviz.attention.threads import side_by_side
from attnviz.choices import MeasuredStep
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed
from attnviz.trace.summed import SummedContribution

Sharing = Callable[[RowBlock], RowBlock]


def contribution_norms(layer: Layer, head: int, rows: slice | None = None) -> Array:
    """‖α_ij v_j W_O^h‖ of the queries ``rows`` (None: all) of one head, (rows, keys); 0 where a key is hidden.

    AttnvizError where W_O of ``layer`` is not known. Kobayashi et al. 2020, 2004.10102, section 3.
    """
    contribution = HeadContribution(layer, head)
    start, stop, _ = (rows or slice(None)).indices(layer.queries)
    weights = weighed(some_queries(layer, start, stop), head).weights
    return contribution(weights, slice(start, stop))


def shares(contributions: numpy.ndarray) -> numpy.ndarray:
    """What each key has of the sizes of a query's contributions, (…, rows, keys): a row adds up to 1, or is 0 as they are."""
    sizes = abs(contributions)
    total = sizes.sum(axis=-1, keepdims=True)
    return numpy.asarray(sizes / numpy.where(total == 0, 1, total))


def shares_of_block(block: RowBlock, carries: Mapping[int, HeadContribution]) -> numpy.ndarray:
    """The shares of a block's heads, (heads, rows, keys); ``carries`` are those of the layer's heads, by their numbers."""
    weights = to_numpy(block.steps.weights)
    found = [
        of_head * to_numpy(carries[head].factors(block.rows, block.keys))
        for head, of_head in enumerate(weights, start=block.heads.start)
    ]
    return shares(numpy.stack(found))


def carried(layers: Sequence[Layer], heads: Iterable[int]) -> dict[int, HeadContribution]:
    """What becomes of the values of these ``heads``, counted through ``layers`` that have as many each: by their numbers, and
    computed side by side."""
    each = layers[0].heads
    carries = {head: HeadContribution(layers[head // each], head % each) for head in heads}
    _ = [layer.toward and layer.toward.vector for layer in layers]  # which all heads of a layer share

    def prepared(one: HeadContribution) -> Iterator[None]:
        one.prepare()
        yield

    with side_by_side(layers[0].queried, prepared, list(carries.values()), WORKERS) as done:
        deque(done, maxlen=0)
    return carries


def sharing(layers: Sequence[Layer], step: MeasuredStep, heads: Iterable[int]) -> Sharing | None:
    """What puts, for the weights of a block, the shares of the contributions that ``step`` says: of each head, or of all heads of
    a layer as one. None where the weights themselves are meant.

    The block is of some of these ``heads``, counted through ``layers`` that have as many each; or of all.
    """
    if step is MeasuredStep.WEIGHTS:
        return None
    if step is MeasuredStep.SUMMED:
        summed = [SummedContribution(layer) for layer in layers]
        return lambda block: _as_one(block, summed)
    carries = carried(layers, heads)
    return lambda block: block._replace(steps=block.steps._replace(weights=shares_of_block(block, carries)))


def _as_one(block: RowBlock, layers: Sequence[SummedContribution]) -> RowBlock:
    """``block``, of all heads of these ``layers``, as one head of each, which sees what any of the layer's heads sees."""
    assert isinstance(block.steps, Steps)  # W_O is not known of weights alone
    weights, masked = (numpy.split(to_numpy(array), len(layers)) for array in (block.steps.weights, block.steps.masked))
    shared = [shares(one(of, block.rows, block.keys)) for one, of in zip(layers, weights, strict=True)]
    steps = Steps(*(array[: len(layers)] for array in block.steps))
    steps = steps._replace(masked=numpy.stack([of.max(axis=0) for of in masked]), weights=numpy.stack(shared))
    return block._replace(heads=slice(0, len(layers)), steps=steps)
