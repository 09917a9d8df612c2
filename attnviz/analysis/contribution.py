"""What each key brings to each query's output, head by head, row block by row block (trace/contribution.py says what it is)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy

from attnviz.analysis.blocks import WORKERS, RowBlock
from attnviz.attention.arrays import Array, namespace, to_numpy
from attnviz.attention.formula import Steps
from attnviz.attention.threads import side_by_side
from attnviz.choices import MeasuredStep
from attnviz.trace.contribution import Form, HeadContribution, form_of_heads
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
    sizes /= numpy.where(total == 0, 1, total)
    return numpy.asarray(sizes)


class Carried:
    """What the weights of heads are multiplied with to be contributions: heads that are counted through ``layers``, which have as
    many each. Computed side by side."""

    def __init__(self, layers: Sequence[Layer], heads: Iterable[int]) -> None:
        self._each = layers[0].heads
        own: dict[int, list[int]] = {}
        for head in sorted(heads):
            own.setdefault(head // self._each, []).append(head % self._each)
        if len(own) == 1:  # whose heads share its direction, which is computed once
            toward = layers[next(iter(own))].toward
            _ = toward and toward.vector
        size = self._each if len(own) > 1 else math.ceil(self._each / 2)  # so that there is something beside it
        parts = [(place, some[at : at + size]) for place, some in own.items() for at in range(0, len(some), size)]

        def work(part: tuple[int, list[int]]) -> Iterator[Form]:
            yield form_of_heads(layers[part[0]], part[1])

        self._own, forms = own, dict[int, list[Form]]()
        with side_by_side(layers[0].queried, work, parts, WORKERS) as done:
            for (place, _), form in zip(parts, done, strict=True):
                forms.setdefault(place, []).append(form)
        self._forms = {
            place: Form(*(namespace(sides[0]).concat(sides) for sides in zip(*some, strict=True)))
            for place, some in forms.items()
        }

    def head(self, number: int) -> Form:
        """The form of one head."""
        ((_, form),) = self.of(slice(number, number + 1))
        return Form(form.left[0], form.right[0])

    def of(self, heads: slice) -> Iterator[tuple[slice, Form]]:
        """The form of some heads that follow each other, (heads, …), for each layer of which they are; and which of them."""
        start = heads.start
        while start < heads.stop:
            place, first = divmod(start, self._each)
            stop = min(heads.stop, (place + 1) * self._each)
            at = self._own[place].index(first)
            some = slice(at, at + stop - start)
            yield slice(start - heads.start, stop - heads.start), Form(*(side[some] for side in self._forms[place]))
            start = stop


def shares_of_block(block: RowBlock, carried: Carried) -> numpy.ndarray:
    """The shares of a block's heads, (heads, rows, keys); ``carried`` are those of the layer's heads, by their numbers."""
    weights = to_numpy(block.steps.weights)
    found = numpy.empty_like(weights)
    for some, form in carried.of(block.heads):
        numpy.multiply(weights[some], to_numpy(form(block.rows, block.keys)), out=found[some], casting="same_kind")
    return shares(found)


def sharing(layers: Sequence[Layer], step: MeasuredStep, heads: Iterable[int]) -> Sharing | None:
    """What puts, for the weights of a block, the shares of the contributions that ``step`` says: of each head, or of all heads of
    a layer as one. None where the weights themselves are meant.

    The block is of some of these ``heads``, counted through ``layers`` that have as many each; or of all.
    """
    if step is MeasuredStep.WEIGHTS:
        return None
    if step is MeasuredStep.SUMMED:
        with side_by_side(layers[0].queried, lambda layer: iter((SummedContribution(layer),)), layers, WORKERS) as done:
            summed = list(done)
        return lambda block: _as_one(block, summed)
    carried = Carried(layers, heads)
    return lambda block: block._replace(steps=block.steps._replace(weights=shares_of_block(block, carried)))


def _as_one(block: RowBlock, layers: Sequence[SummedContribution]) -> RowBlock:
    """``block``, of all heads of these ``layers``, as one head of each, which sees what any of the layer's heads sees."""
    assert isinstance(block.steps, Steps)  # W_O is not known of weights alone
    weights, masked = (numpy.split(to_numpy(array), len(layers)) for array in (block.steps.weights, block.steps.masked))
    shared = [shares(one(of, block.rows, block.keys)) for one, of in zip(layers, weights, strict=True)]
    steps = Steps(*(array[: len(layers)] for array in block.steps))
    steps = steps._replace(masked=numpy.stack([of.max(axis=0) for of in masked]), weights=numpy.stack(shared))
    return block._replace(heads=slice(0, len(layers)), steps=steps)
