"""What attention that is followed through layers shows: a map, or each token's share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy

from attnviz.analysis.across.flow import MOST_TOKENS, flow
from attnviz.analysis.across.in_words import Merging
from attnviz.analysis.across.rollout import Query, rollout_blocks, rollout_mean
from attnviz.analysis.across.way import Way, way_through
from attnviz.analysis.cells import Cells, reduced
from attnviz.analysis.maps import Frame, framed
from attnviz.choices import RESIDUAL, Across, HeadsAs, Pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace


class Following(NamedTuple):
    """How attention is followed: by rollout or flow, how the heads of a layer become one, and what goes past them.

    merging  of words, whose tokens are followed; None: the tokens are told themselves
    """

    across: Across = Across.ROLLOUT
    heads_as: HeadsAs = HeadsAs.MEAN
    residual: float = RESIDUAL
    merging: Merging | None = None


class Followed(NamedTuple):
    """What some queries of the last layer read of the tokens, through all layers of ``way``.

    part      the last layer, and which of its queries and keys are shown
    frame     the rows and the keys of ``values``, and how many of them a cell covers; the rows are queries, or ``layers``
    layers    down to which layer each row goes, for one query; () where a row is a query
    values    (rows, keys): shares that add up to 1, or flows; −∞ where no way leads to a token
    left_out  the mean share of the tokens that are left out; None: none are
    error     by how much true flows are larger than ``values``, at the most
    """

    following: Following
    way: Way
    part: LayerSelection
    frame: Frame
    layers: tuple[Layer, ...]
    values: numpy.ndarray
    left_out: float | None
    error: float


class Shares(NamedTuple):
    """What some queries of the last layer read of each token, on average, through all layers of ``way``.

    part      the last layer, and which of its queries and keys are asked for
    values    (keys,): the shares of the keys that are shown; −∞ where no way leads to a token
    left_out  the share of all other tokens; None: there are none
    error     as ``Followed`` has it, of the flows that the shares were computed from
    """

    following: Following
    way: Way
    part: LayerSelection
    values: numpy.ndarray
    left_out: float | None
    error: float


def followed(
    trace: Trace,
    selection: Selection,
    following: Following,
    cells: int,
    pool: Pool = Pool.MEAN,
    report: Progress = no_progress,
) -> Followed:
    """The map of the selected queries × keys of ``trace``, in at most ``cells`` × ``cells`` cells; of one query that is asked
    for, what it reads down to each layer.

    AttnvizError where attention cannot be followed through the selected layers, or flow takes too much.
    """
    way, part = _way_and_part(trace, selection, following)
    frame, layers = framed(part, cells, pool), _layers_of_rows(way, part, following)
    if layers:
        frame = frame._replace(queries=range(len(layers)))
        blocks = _by_layer(way, following, part.query_positions[0], len(layers), report)
        kept = numpy.ones(len(layers), dtype=bool)
    else:
        blocks = _by_query(way, following, part.ranges[0], report)
        kept = _chosen(part.ranges[0], part.query_positions)
    shown = _chosen(range(part.layer.keys), part.all_keys)
    values, lost, error = _in_frame(blocks, frame, kept, shown)
    if not frame.pooled:
        values = values[kept][:, shown[frame.keys.start : frame.keys.stop]]
    return Followed(following, way, part, frame, layers, values, None if part.keys is None else lost, error)


def shares(trace: Trace, selection: Selection, following: Following, report: Progress = no_progress) -> Shares:
    """What each token gives to the selected queries of ``trace``, on average; the errors are those of ``followed``."""
    way, part = _way_and_part(trace, selection, following)
    queries, keys = part.query_positions, list(part.key_positions)
    if following.across is Across.ROLLOUT:
        last = rollout_mean(way, _followed_queries(following, queries), report)[-1]
        found, error = _told_keys(following, last.values)[0], 0.0
    else:
        flows = _flows(way, following, queries, report)
        found, error = _mean(flows.shares), flows.error
    others = _sum(found) - _sum(found[keys])
    return Shares(following, way, part, found[keys], others if len(keys) < part.layer.keys else None, error)


def of_one_query(part: LayerSelection) -> bool:
    """Whether one query is asked for, of several: then a map goes layer by layer."""
    return part.narrows_queries and len(part.query_positions) == 1


class _Block(NamedTuple):
    """Some rows of a map: its ``values``, (rows, tokens), the same as ``shares``, and their ``error``."""

    values: numpy.ndarray
    shares: numpy.ndarray
    error: float = 0.0


def _way_and_part(trace: Trace, selection: Selection, following: Following) -> tuple[Way, LayerSelection]:
    if following.merging is not None:
        return following.merging.way, selection.layers[0]
    way = way_through(trace, selection, following.heads_as, following.residual)
    return way, next(part for part in selection.layers if part.layer is way.layers[0])


def _layers_of_rows(way: Way, part: LayerSelection, following: Following) -> tuple[Layer, ...]:
    """Down to which layer each row of a map goes, where one query is asked for; () where all, or some, are."""
    if not of_one_query(part):
        return ()
    few = following.across is Across.ROLLOUT or way.tokens <= MOST_TOKENS
    return way.layers if few else way.layers[-1:]


def _by_query(way: Way, following: Following, queries: range, report: Progress) -> Iterator[_Block]:
    if following.across is Across.FLOW:
        yield _flows(way, following, queries, report)
        return
    for reached in rollout_blocks(way, _followed_queries(following, queries), report):
        values = _told_keys(following, reached.values)
        yield _Block(values, values)


def _by_layer(way: Way, following: Following, query: int, rows: int, report: Progress) -> Iterator[_Block]:
    """What ``query`` reads down to each of the last ``rows`` layers of the way, a row each."""
    if following.across is Across.ROLLOUT:
        down = rollout_mean(way, _followed_queries(following, [query]), report)
        values = _told_keys(following, numpy.concatenate([reached.values for reached in down]))
        yield _Block(values, values)
        return
    for row, depth in enumerate(range(len(way.layers) - rows + 1, len(way.layers) + 1)):

        def tell(done: int, of: int, row: int = row) -> None:
            report(row * of + done, rows * of)

        part = replace(way, layers=way.layers[:depth], heads=way.heads[:depth])
        yield _flows(part, following, [query], tell)


def _followed_queries(following: Following, queries: Sequence[int]) -> Sequence[Query]:
    """What is followed of ``queries``: these themselves or, of words, the tokens of each."""
    return list(queries) if following.merging is None else following.merging.tokens(queries)


def _told_keys(following: Following, values: numpy.ndarray) -> numpy.ndarray:
    """``values`` of the tokens that are followed, (rows, tokens), as they are told: of these or of words."""
    return values if following.merging is None else following.merging.to_words(values)


def _flows(way: Way, following: Following, queries: Sequence[int], report: Progress) -> _Block:
    """The flows of ``queries`` to all keys, as they are told. Of one word each token's are computed alone: it is one query."""
    if (merging := following.merging) is None:
        found = flow(way, queries, report)
        return _Block(found.values, found.shares, found.error)
    tokens = [token for own in merging.tokens(queries) for token in own]
    parts = [[token] for token in tokens] if len(queries) == 1 else [tokens]
    every = [flow(way, part, report) for part in parts]
    values, shares = (
        merging.from_words(merging.to_words(numpy.concatenate(side)), queries)
        for side in ([one.values for one in every], [one.shares for one in every])
    )
    return _Block(values, shares, max(one.error for one in every) * float(merging.words.sizes.max()))


def _in_frame(
    blocks: Iterator[_Block], frame: Frame, rows: numpy.ndarray, keys: numpy.ndarray
) -> tuple[numpy.ndarray, float, float]:
    """The cells of ``frame``, without what is not among ``rows`` and ``keys``, True for each that is; the mean share of the keys
    that are left out; and the largest error."""
    cells, done, lost, error = Cells(frame.shape), 0, [0.0], 0.0
    for block in blocks:
        kept = rows[done : done + len(block.values)]
        lost += [_sum(row[~keys]) for row in block.shares[kept]]
        values = numpy.where(kept[:, None] & keys, block.values, -math.inf)
        cells.add(reduced(frame.queries, frame.keys, frame.queries.start + done, values, 0))
        done, error = done + len(values), max(error, block.error)
    return cells.values(frame.pool), sum(lost) / max(len(lost) - 1, 1), error


def _chosen(positions: Sequence[int], some: Sequence[int]) -> numpy.ndarray:
    """Whether each of ``positions`` is one of ``some``."""
    return numpy.isin(numpy.asarray(positions), numpy.asarray(some))


def _mean(shares: numpy.ndarray) -> numpy.ndarray:
    """The mean of each column, in which −∞ counts as 0; −∞ where there is nothing else."""
    there = shares > -math.inf
    return numpy.where(there.any(axis=0), numpy.where(there, shares, 0.0).mean(axis=0), -math.inf)


def _sum(shares: numpy.ndarray) -> float:
    """The sum of what is not −∞."""
    return float(shares[shares > -math.inf].sum())
