"""Which layers, heads, tokens and steps to show."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from attnviz.choices import CONTRIBUTIONS, USUAL_STEPS, Step
from attnviz.errors import AttnvizError
from attnviz.text.message import OR, Message, joined
from attnviz.trace.boxes import boxes_of_queries
from attnviz.trace.contribution import require_known
from attnviz.trace.layer import Layer
from attnviz.trace.selectors import layers_meant, numbers_meant, positions_meant
from attnviz.trace.steps import STEPS, Owner, available
from attnviz.trace.trace import Trace

PAIRS = 1 << 20  # of queries and keys in a head: more would make a table that is too long to read


class LayerSelection(NamedTuple):
    """What to show of one layer.

    layer, heads   the layer, and which of its heads
    query, key     the one position among its queries, or among its keys, that is asked for; None for all
    queries, keys  the positions that are not left out, in their order; None for all
    region         the ranges of queries and of keys that are looked at; None for all

    The layer itself stays whole: what is computed of it is what its model computed, whatever is shown.
    """

    layer: Layer
    heads: tuple[int, ...]
    query: int | None = None
    key: int | None = None
    queries: tuple[int, ...] | None = None
    keys: tuple[int, ...] | None = None
    region: tuple[range, range] | None = None

    @property
    def ranges(self) -> tuple[range, range]:
        """All positions that are looked at, of the queries and of the keys: the region, or the whole layer."""
        return self.region or (range(self.layer.queries), range(self.layer.keys))

    @property
    def query_positions(self) -> Sequence[int]:
        """The positions of the queries that are looked at and not left out."""
        return _inside(self.ranges[0], self.queries)

    @property
    def key_positions(self) -> Sequence[int]:
        """The positions of the keys that are looked at and not left out."""
        return _inside(self.ranges[1], self.keys)

    @property
    def all_queries(self) -> Sequence[int]:
        """The positions of the queries that are not left out, whichever of them are looked at."""
        return _inside(range(self.layer.queries), self.queries)

    @property
    def all_keys(self) -> Sequence[int]:
        """The positions of the keys that are not left out, whichever of them are looked at."""
        return _inside(range(self.layer.keys), self.keys)

    @property
    def narrows_queries(self) -> bool:
        """Whether some queries are asked for, and not all."""
        return self.query is not None or len(self.ranges[0]) < self.layer.queries

    @property
    def narrows_keys(self) -> bool:
        """Whether some keys are asked for, and not all."""
        return self.key is not None or len(self.ranges[1]) < self.layer.keys

    @property
    def shown_queries(self) -> Sequence[int]:
        """The positions of the queries that are shown: the one asked for, or all that are not left out."""
        return self.query_positions if self.query is None else (self.query,)

    @property
    def shown_keys(self) -> Sequence[int]:
        """The positions of the keys that are shown."""
        return self.key_positions if self.key is None else (self.key,)

    @property
    def skips_tokens(self) -> bool:
        """Whether some positions are left out."""
        return self.queries is not None or self.keys is not None

    @property
    def whole(self) -> bool:
        """Whether all queries and keys of the layer are looked at."""
        return self.region is None

    def as_region(self) -> LayerSelection:
        """The same, with the one query or key that is asked for as a region of its own: for a map, or a measure."""
        queries, keys = self.ranges
        if self.query is not None:
            queries = range(self.query, self.query + 1)
        if self.key is not None:
            keys = range(self.key, self.key + 1)
        whole = range(self.layer.queries), range(self.layer.keys)
        region = None if (queries, keys) == whole else (queries, keys)
        return self._replace(query=None, key=None, region=region)

    def maps(self, step: str) -> tuple[int | None, ...]:
        """The heads that a map of ``step`` is of, one each; None for the one map of a step that all heads share."""
        return (None,) if is_of_all_heads(step) else self.heads

    @property
    def pair(self) -> tuple[int, int] | None:
        """The query and the key whose arithmetic is asked for."""
        return None if self.query is None or self.key is None else (self.query, self.key)


class Selection(NamedTuple):
    """What to show of a trace: parts of some layers, and which steps of each."""

    layers: tuple[LayerSelection, ...]
    steps: tuple[Step, ...] = USUAL_STEPS

    @property
    def heads(self) -> int:
        """How many heads of all layers there are to show."""
        return sum(len(selected.heads) for selected in self.layers)

    def maps(self, step: str) -> int:
        """How many maps of ``step`` of all layers there are to show."""
        return sum(len(selected.maps(step)) for selected in self.layers)

    @property
    def pairs(self) -> int:
        """How many pairs of a query and a key there are to show, in all heads."""
        return sum(
            len(selected.heads) * len(selected.shown_queries) * len(selected.shown_keys) for selected in self.layers
        )

    def as_region(self) -> Selection:
        """The same, with each single query or key as a region: for what draws or measures all that it is given."""
        return self._replace(layers=tuple(selected.as_region() for selected in self.layers))

    @property
    def unprojected(self) -> list[Layer]:
        """The layers of which W_O is not known."""
        return [selected.layer for selected in self.layers if "output" not in selected.layer.projections]

    @property
    def missing(self) -> list[Step]:
        """The steps that none of the layers has."""
        there = set().union(*(available(selected.layer) for selected in self.layers))
        return [step for step in self.steps if step not in there]


def select(
    trace: Trace,
    *,
    layer: Sequence[str] = (),
    head: Sequence[str] = (),
    step: Iterable[Step] = (),
    query: str | range | None = None,
    key: str | range | None = None,
    skip_special: bool = False,
) -> Selection:
    """The selection that the words of a command line mean for ``trace``; AttnvizError names what there is instead.

    ``layer`` and ``head`` are numbers, ranges ("4-7"), lists of them ("0,4-7") or "all"; nothing means all. Where a
    model has several stacks, a number is the layer of that number in each; "cross 0,4-7" or "cross" is of one stack.
    ``query`` and ``key`` are a token, a position ("3", "@3"), positions "A:B" or range(A, B), or a pixel "x,y" of the picture, looked up in each of the layers.
    ``skip_special`` leaves out special tokens, but not one that ``query`` or ``key`` names.
    """
    meant = layers_meant(layer, [(one.stack, one.index) for one in trace.layers], Message("the trace"))
    chosen = [trace.layers[position] for position in meant]
    selected_layers = tuple(
        _asked(
            LayerSelection(
                one, numbers_meant("head", head, range(one.heads), Message("layer {layer}", layer=one.index))
            ),
            None if query is None else positions_meant("query", query, trace.query_tokens(one), boxes_of_queries(one)),
            None if key is None else positions_meant("key", key, trace.key_tokens(one), one.boxes),
        )
        for one in chosen
    )
    if skip_special:
        selected_layers = tuple(_without_special(trace, selected) for selected in selected_layers)
    for selected in selected_layers:
        if not (selected.query_positions and selected.key_positions):
            raise AttnvizError("these positions hold only special tokens: nothing is left", "leave out --skip-special")
    steps = set(step)
    selection = Selection(selected_layers, tuple(name for name in Step if name in (steps or USUAL_STEPS)))
    if steps and len(selection.missing) == len(steps):
        if steps.intersection(CONTRIBUTIONS):
            require_contributions(trace, selection)
        raise AttnvizError(none_here(steps), _why_missing(trace, selection))
    return selection


def first_layer(trace: Trace) -> str:
    """The first layer as ``select`` is asked for it: what a table or a picture shows where none is named."""
    first = trace.layers[0]
    return f"{first.stack} {first.index}".strip()


def _why_missing(trace: Trace, selection: Selection) -> str:
    """What is said beside the error that none of the steps is there."""
    if trace.source.merged:
        return "of words only the weights are known: leave out --words"
    if all(selected.layer.weights_alone for selected in selection.layers):
        return "only the weights of the layer are known: save query, key and value as well"
    unknown = trace.source.without_projection(selection.unprojected) if Step.PROJECTED in selection.steps else ""
    return unknown or "choose other steps with --step"


def is_of_all_heads(step: str) -> bool:
    """Whether there is one of ``step`` for all heads of a layer together."""
    return STEPS[Step(step)].owner is Owner.HEADS


def require_all_heads(selection: Selection, step: str) -> None:
    """Refuse a choice of heads where only ``step`` is shown, which all heads share."""
    if is_of_all_heads(step) and any(len(selected.heads) < selected.layer.heads for selected in selection.layers):
        raise AttnvizError(
            "--step {step} is of all heads of a layer together, and --head chooses some", "leave out --head", step=step
        )


def require_contributions(trace: Trace, selection: Selection) -> None:
    """Raise the AttnvizError that names the first layer of ``selection`` of which W_O is not known, and says why."""
    for selected in selection.layers:
        require_known(selected.layer, trace.source.without_projection(selection.unprojected))


def none_here(steps: Iterable[Step]) -> str:
    """What is said of steps that no layer has."""
    return Message("there is nothing to show for {steps}", steps=joined(sorted(steps), OR))


def is_long(layer: Layer) -> bool:
    """Whether a head of ``layer`` has more pairs than a table of them would serve."""
    return bool(layer.queries * layer.keys > PAIRS)


def _without_special(trace: Trace, selected: LayerSelection) -> LayerSelection:
    """``selected`` without the special tokens among its queries and keys, except for those that are asked for."""
    layer = selected.layer
    queries = _ordinary(trace.special_queries(layer), layer.queries, selected.query)
    keys = _ordinary(trace.special_keys(layer), layer.keys, selected.key)
    return selected._replace(queries=queries, keys=keys)


def _ordinary(special: frozenset[int], count: int, wanted: int | None) -> tuple[int, ...] | None:
    """The positions among ``count`` tokens that are not special, and the one that is ``wanted``; None where that is all."""
    left = {position for position in range(count) if position not in special}
    if not left:
        raise AttnvizError("the text holds only special tokens: nothing is left to show", "leave out --skip-special")
    left |= {wanted} if wanted is not None else set()
    return None if len(left) == count else tuple(sorted(left))


def _inside(span: range, places: tuple[int, ...] | None) -> Sequence[int]:
    """Those of ``places``, in their order, that lie in ``span``; None is all."""
    if places is None:
        return span
    return places[bisect_left(places, span.start) : bisect_left(places, span.stop)]


def _asked(selected: LayerSelection, query: int | range | None, key: int | range | None) -> LayerSelection:
    """``selected`` with the query and the key that are asked for, one position each or a range of them."""
    whole = selected.ranges
    region = query if isinstance(query, range) else whole[0], key if isinstance(key, range) else whole[1]
    return selected._replace(
        query=query if isinstance(query, int) else None,
        key=key if isinstance(key, int) else None,
        region=None if region == whole else region,
    )
