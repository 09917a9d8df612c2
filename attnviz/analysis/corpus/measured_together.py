"""Texts that a model reads together, measured while it reads them: all heads of a layer of all texts at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy

from attnviz.analysis.blocks import Block, ratio
from attnviz.analysis.corpus.layer_state import OfText
from attnviz.analysis.corpus.measured_text import MeasuredText, NamedHeads
from attnviz.analysis.corpus.top_texts import excerpt_of
from attnviz.analysis.head_names import CHANCED
from attnviz.analysis.metrics import Metric
from attnviz.analysis.over_queries import even_sums, over_queries
from attnviz.attention.arrays import Array, to_numpy
from attnviz.choices import Pool
from attnviz.trace.origin import Origin
from attnviz.trace.weights_of_texts import WeightsOfTexts

NO_TOKEN = -1  # the id of padding


class MeasuredTogether:
    """What is measured of all heads of several texts over all of their tokens, layer after layer.

    ids       of the tokens of each text
    near, metrics, pool  as of ``State``
    excerpts  whether it is kept how each text begins
    """

    def __init__(
        self, ids: Sequence[Sequence[int]], near: int, metrics: Sequence[Metric], pool: Pool, excerpts: bool
    ) -> None:
        self._near, self._metrics, self._pool, self._excerpts = near, metrics, pool, excerpts
        self._lengths = list(map(len, ids))
        longest = max(self._lengths)
        tokens = numpy.full((len(ids), longest), NO_TOKEN)
        for row, own in zip(tokens, ids, strict=True):
            row[: len(own)] = own
        places = numpy.arange(longest)
        self._queries = (places < numpy.array(self._lengths)[:, None])[:, None]  # (texts, 1, tokens)
        self._distance = places[:, None] - places
        self._same = tokens[:, :, None] == tokens[:, None]  # (texts, tokens, tokens)
        self._follows = (tokens[:, :, None] == tokens[:, None, places - 1]) & (places > 0)
        self._heads: list[NamedHeads] = []
        self._values: list[numpy.ndarray] = []  # (metrics, texts, heads) of each layer, as all below
        self._counts: list[numpy.ndarray] = []
        self._even: list[numpy.ndarray] = []  # sums, of CHANCED
        self._even_of: tuple[Array, numpy.ndarray] | None = None  # of an even head, by what is visible
        self._whole: tuple[numpy.ndarray, numpy.ndarray] | None = None

    def take(self, layer: WeightsOfTexts) -> None:
        """The weights of the next layer."""
        block = self._block(layer)
        found = over_queries(block, self._queries, self._metrics, (), self._pool)
        values = ratio(found.sums, found.counts) if self._pool is Pool.MEAN else found.largest
        counts = {metric: count for metric, count in zip(self._metrics, found.counts, strict=True) if metric in CHANCED}
        texts, heads = layer.weights.shape[:2]
        none = numpy.zeros((texts, heads), int)
        self._values.append(values)
        self._counts.append(numpy.array([counts.get(metric, none) for metric in CHANCED]))
        self._even.append(numpy.broadcast_to(self._even_sums(block, layer.visible), (len(CHANCED), texts, heads)))
        self._heads.append(NamedHeads(layer.title, layer.number, tuple(range(heads))))

    def of_text(self, place: int, source: Origin, tokens: Sequence[str]) -> MeasuredText:
        """What was measured of one of the texts."""
        if self._whole is None:
            values, counts, even = (
                numpy.concatenate(some, axis=-1) for some in (self._values, self._counts, self._even)
            )
            self._whole = values, OfText.against_chance(ratio(even, counts), counts)
        values, chance = self._whole
        return MeasuredText(
            [(self._heads, OfText(values[:, place], chance[:, :, place]))],
            left_out=math.nan,
            tokens=self._lengths[place],
            excerpt=excerpt_of(source, tokens) if self._excerpts else "",
            source=source,
            regions=frozenset(),
            skips_tokens=False,
            toward="",
        )

    def _block(self, layer: WeightsOfTexts) -> Block:
        weights = to_numpy(layer.weights)
        return Block(
            weights,
            numpy.zeros(weights.shape[:-1], weights.dtype),
            numpy.broadcast_to(to_numpy(layer.visible), weights.shape),
            self._distance,
            self._same,
            self._follows,
            self._near,
            0,  # padding stands behind, and the first query sees itself
            layer.weights,
        )

    def _even_sums(self, block: Block, visible: Array) -> numpy.ndarray:
        """Of each of CHANCED what an even head would have, (metrics, texts, 1); NaN of those that are not measured."""
        if self._even_of is None or self._even_of[0] is not visible:
            asked = [metric for metric in CHANCED if metric in self._metrics]
            one = dict(zip(asked, even_sums(block, self._queries, asked)[..., :1], strict=True))
            none = numpy.full((len(self._lengths), 1), math.nan)
            self._even_of = visible, numpy.array([one.get(metric, none) for metric in CHANCED])
        return self._even_of[1]
