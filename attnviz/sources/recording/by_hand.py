"""Attention that somebody wrote by hand: from a product, its softmax and the product with the values to what it computed with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from attnviz.sources.recording import words
from attnviz.sources.recording.captured import Captured, Split, shared_keys, split_lead
from attnviz.sources.recording.chain import ITSELF, Call, Chain
from attnviz.sources.recording.contraction import Contraction
from attnviz.sources.recording.layout import Cells, Layout, differs, has_no_query_axis, layout, plain_layout, varies
from attnviz.sources.recording.rule_from_mask import filled_mask
from attnviz.sources.recording.scores import Scores, UnnamedError, reason_of
from attnviz.text.message import Message


@dataclass(frozen=True, eq=False)
class Softmaxed:
    """A softmax: what it was taken of, over which axis, and what came out.

    scores  the chain of its scores; None where they are no product of two tensors
    """

    scores: Chain | None
    dim: int
    result: torch.Tensor


@dataclass(frozen=True, eq=False)
class Met:
    """Weights that met their values: (heads of all items, queries, keys), (…, keys, d_v) and (…, queries, d_v)."""

    layout: Layout
    weights: torch.Tensor
    value: torch.Tensor
    output: torch.Tensor
    dropped: bool = False


def met(chain: Chain, product: Contraction, is_left: bool, result: torch.Tensor, lay: Layout) -> Met:
    """How the weights of ``chain``, one side of ``product``, met their values; ``UnnamedError`` where not all did at once."""
    softmaxed: Softmaxed = chain.root
    cells = lay.cells(softmaxed.result.device)
    dropped = False
    for call in chain.calls:
        dropped = dropped or call.name in words.DROPOUT
        if call.name in words.MOVES:
            cells = Cells(*map(call.on, cells))
    weights, values, output = (
        (product.left_rows, product.right_rows(product.right), product.result_rows(result))
        if is_left
        else (product.right_rows, product.left_rows(product.left), product.result_rows(result).transpose(1, 2))
    )
    heads, queries, keys = (weights(one) for one in cells)  # (batch, rows, inner)
    if varies(heads, 2) or varies(queries, 2) or varies(keys, 1):
        raise UnnamedError(Message("the weights are mixed with each other before they meet the values"))
    value, output = _gathered(lay, heads[:, :, 0].long(), queries[:, :, 0].long(), keys[:, 0].long(), values, output)
    return Met(lay, lay.flat(softmaxed.result), value, output, dropped)


def _gathered(
    lay: Layout,
    heads: torch.Tensor,
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    output: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The values of each head, and its outputs, where ``heads`` and ``queries`` say of each row what it is, (batch, rows), and
    ``keys`` of each number that is summed over, (batch, inner)."""
    target = (heads * lay.queries + queries).flatten()
    rows = lay.heads * lay.queries
    if target.numel() != rows or not torch.equal(target.sort().values, torch.arange(rows, device=target.device)):
        raise UnnamedError(Message("only some of the weights meet a value at a time"))
    order = keys.argsort(dim=1)[:, max(0, keys.shape[1] - lay.keys) :]  # a sink's column is before all
    if order.shape[1] != lay.keys or not bool(
        (keys.gather(1, order) == torch.arange(lay.keys, device=keys.device)).all()
    ):
        raise UnnamedError(Message("only some of the keys have a value"))
    batch = torch.zeros(lay.heads, dtype=torch.long, device=heads.device)
    batch[heads.flatten()] = torch.arange(len(heads), device=heads.device)[:, None].expand_as(heads).flatten()
    values = values.gather(2, order[:, None].expand(-1, values.shape[1], -1))[batch]  # (heads, d_v, keys)
    spread = torch.empty(rows, output.shape[-1], dtype=output.dtype, device=output.device)
    spread[target] = output.reshape(-1, output.shape[-1])
    return values.transpose(1, 2), spread.reshape(lay.heads, lay.queries, -1)


def with_query_axis(chain: Chain) -> Chain:
    """``chain`` of weights, with an axis for its queries where each item has a single one and the code left the axis out."""
    softmaxed: Softmaxed = chain.root
    if softmaxed.scores is None or softmaxed.scores.spoiled or softmaxed.result.ndim != 2:
        return chain
    try:
        if not has_no_query_axis(Scores.of(softmaxed.scores), softmaxed.dim):
            return chain
    except Exception:  # a way that cannot be gone again: layout_of says why
        return chain
    dim = softmaxed.dim % softmaxed.result.ndim
    added = softmaxed.scores.then(Call("unsqueeze", torch.unsqueeze, (ITSELF, dim), {}))
    root = Softmaxed(added, dim + 1, softmaxed.result.unsqueeze(dim))
    return replace(chain, root=root, calls=(Call("squeeze", torch.squeeze, (ITSELF, dim), {}), *chain.calls))


def layout_of(softmaxed: Softmaxed) -> tuple[Layout, Scores | None, str]:
    """How its scores lie, these, and why they have no name where they have none."""
    try:
        if softmaxed.scores is None:
            raise UnnamedError(Message("its scores are no product of two tensors"))
        scores = Scores.of(softmaxed.scores)
        return layout(scores, softmaxed.dim), scores, ""
    except (
        Exception
    ) as problem:  # what was done to the scores, done again to where they came from, may fail in every way
        return plain_layout(softmaxed.result.shape, softmaxed.dim), None, reason_of(problem)


def captured(scores: Scores, found: Met, split: Split) -> Captured:
    """All that the attention computed with; ``UnnamedError`` where a Rule has no word for something."""
    lay = found.layout
    query, key = _operands(scores, lay)
    scale = 1.0 if scores.outer is None else scores.outer
    if isinstance(scores.factor, torch.Tensor):
        query, key = _folded(scores.factor, lay, query, key)
    else:
        scale *= float(scores.factor)
    added, sinks = _added(scores, lay)
    filled = [] if scores.filled is None else [filled_mask(_narrow(scores.filled, lay), scores.lowest)]
    items, heads = split(lay.lead)
    query, key, value, weights, output = (
        one.reshape(items, heads, *one.shape[1:]) for one in (query, key, found.value, found.weights, found.output)
    )
    return Captured(
        query,
        *shared_keys(key, value),
        output=output,
        masks=tuple(split_lead(one, lay.lead, items, heads) for one in (*added, *filled)),
        scale=scale,
        softcap=scores.outer,
        sinks=None if sinks is None else _a_head(sinks, items, heads),
        weights=weights,
        dropped=found.dropped,
        plain=True,
    )


def _operands(scores: Scores, lay: Layout) -> tuple[torch.Tensor, torch.Tensor]:
    """Query and key of each head, (heads of all items, tokens, d_k)."""
    batch, rows, columns = (lay.flat(one) for one in scores.places)
    sides = scores.product.left_rows(scores.product.left), scores.product.right_rows(scores.product.right)
    if lay.swapped:
        rows, columns, sides = columns, rows, sides[::-1]
    if varies(batch, 1) or varies(batch, 2) or varies(rows, 2) or varies(columns, 1):
        raise UnnamedError(Message("every query has keys of its own"))
    own = batch[:, 0, 0].long()[:, None]
    return sides[0][own, rows[:, :, 0].long()], sides[1][own, columns[:, 0].long()]


def _folded(
    factor: torch.Tensor, lay: Layout, query: torch.Tensor, key: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Query and key with the factors of their scores."""
    flat = lay.flat(factor)
    if not differs(flat, 2):
        return query * flat[:, :, :1], key
    if not differs(flat, 1):
        return query, key * flat[:, 0, :, None]
    raise UnnamedError(Message("every score has a factor of its own"))


def _added(scores: Scores, lay: Layout) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """What is added to the scores of the keys, (…, queries, keys) each, and the sinks, (heads of all items, queries).

    What is the same for a whole row changes no weight, and is left out.
    """
    arrays = []
    for one in scores.addends:
        if _same_in_rows(one.array, lay):
            continue
        if one.labels & scores.labels:
            raise UnnamedError(Message("something that depends on the input itself is added to the scores"))
        arrays.append(_narrow(one.array, lay, keep_sinks=True))
    if lay.real is None:
        return arrays, None
    sinks = torch.zeros(
        *lay.lead, 1, int((~lay.real).sum()), device=scores.device
    )  # to which nothing may have been added
    for array in arrays:
        sinks = sinks + array[..., ~lay.real].float()
    keys = [array[..., lay.real] for array in arrays]
    return [one for one in keys if bool(one.any())], sinks.logsumexp(-1).reshape(lay.heads, -1)


def _same_in_rows(array: torch.Tensor, lay: Layout) -> bool:
    """Whether what is added is the same for all columns of a row."""
    laid = lay.laid(array)
    return laid.stride(-1) == 0 or not bool((laid != laid[..., :1]).any())


def _a_head(sinks: torch.Tensor, items: int, heads: int) -> torch.Tensor:
    """The sinks, (heads of all items, queries), as one a head."""
    sinks = sinks.reshape(items, heads, -1)
    if bool((sinks != sinks[:1, :, :1]).any()):
        raise UnnamedError(Message("a sink differs from query to query"))
    return sinks[0, :, 0]


def _narrow(array: torch.Tensor, lay: Layout, keep_sinks: bool = False) -> torch.Tensor:
    """``array`` as (…, queries, keys), an axis along which it is the same only once."""
    laid = lay.laid(array)
    for axis in range(laid.ndim - 1):
        if laid.stride(axis) == 0:
            laid = laid.narrow(axis, 0, 1)
    return laid if keep_sinks or lay.real is None else laid[..., lay.real]
