"""The layers through which attention is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from attnviz.analysis.across.passing import Passing
from attnviz.choices import RESIDUAL, HeadsAs
from attnviz.errors import AttnvizError
from attnviz.text.message import AND, Message, joined
from attnviz.trace.layer import WRITING, Layer
from attnviz.trace.layer_facts import layer_words
from attnviz.trace.selection import Selection
from attnviz.trace.selectors import layers_meant
from attnviz.trace.trace import Trace


@dataclass(frozen=True)
class Way:
    """The layers that attention is followed through, from the last to the first.

    heads     of each of them the heads that count
    heads_as  how these become one
    residual  what of a token goes past the heads, from 0 to 1; the heads add the rest
    """

    layers: tuple[Layer, ...]
    heads: tuple[tuple[int, ...], ...]
    heads_as: HeadsAs = HeadsAs.MEAN
    residual: float = RESIDUAL

    @property
    def tokens(self) -> int:
        """How many tokens there are; each is a query and a key."""
        return self.layers[0].queries

    @property
    def leaves_sinks_out(self) -> bool:
        """Whether some of the weight goes to what is no token, and is left out."""
        return any(layer.rule.sinks is not None for layer in self.layers)

    def passing(self, number: int) -> Passing:
        """What layer ``number`` of the way hands on, counted from the last."""
        return Passing(self.layers[number], self.heads[number], self.heads_as, self.residual)


def way_through(
    trace: Trace, selection: Selection, heads_as: HeadsAs = HeadsAs.MEAN, residual: float = RESIDUAL
) -> Way:
    """The way through the layers that are selected of ``trace``, from the last to the first.

    AttnvizError where nothing can go from one of them to the next: a layer between them is missing, or one's queries are
    other tokens than its keys or than another's.
    """
    stack = _stack_of([selected.layer for selected in selection.layers])
    of_stack = (selected for selected in selection.layers if selected.layer.stack == stack)
    chosen = sorted(of_stack, key=lambda selected: -selected.layer.index)
    layers = tuple(selected.layer for selected in chosen)
    _require_the_same_tokens(trace, layers)
    for upper, lower in pairwise(layers):
        if upper.index - lower.index != 1:
            raise AttnvizError(
                "attention is followed from each layer to the one before, and between {upper} and {lower} some are missing",
                "choose layers that follow each other, such as --layer 0-3",
                upper=layer_words(upper.title),
                lower=layer_words(lower.title),
            )
    return Way(layers, tuple(selected.heads for selected in chosen), heads_as, residual)


def in_one_stack(trace: Trace, layer: Sequence[str] = ()) -> Trace:
    """``trace`` with the layers alone of the stack that ``layer`` means, so that a query is looked for among its tokens.

    Without a word for a stack it is the only one or, of a model that reads pictures or sounds too, that of its text.
    AttnvizError where it could be several.
    """
    meant = layers_meant(layer, [(one.stack, one.index) for one in trace.layers], Message("the trace"))
    stack = _stack_of([trace.layers[place] for place in meant])
    kept = tuple(one for one in trace.layers if one.stack == stack)
    if len(kept) == len(trace.layers):
        return trace
    if stack in WRITING:
        return replace(trace, layers=kept)
    return replace(trace, layers=kept, predictions=(), generation=None)


def _stack_of(layers: Sequence[Layer]) -> str:
    """The one stack that ``layers`` are of, or that of the text, which no --layer could name alone."""
    stacks = list(dict.fromkeys(layer.stack for layer in layers))
    if "" in stacks:
        return ""
    if len(stacks) > 1:
        raise AttnvizError(
            "attention is followed through the layers of one stack, and these are of {stacks}",
            "choose one with --layer, such as --layer {first}",
            stacks=joined(stacks, AND),
            first=next(stack for stack in stacks if stack != "cross"),
        )
    return stacks[0]


def _require_the_same_tokens(trace: Trace, layers: Sequence[Layer]) -> None:
    tokens = trace.query_tokens(layers[0])
    for layer in layers:
        if layer.kind == "cross" or trace.key_tokens(layer) != trace.query_tokens(layer):
            raise AttnvizError(
                "the queries of {layer} are other tokens than its keys, so attention cannot be followed through it",
                "choose layers in which a text attends to itself with --layer",
                layer=layer_words(layer.title),
            )
        if trace.query_tokens(layer) != tokens:
            raise AttnvizError(
                "{both} have different tokens, so attention cannot be followed from one to the other",
                "choose layers of the same tokens with --layer",
                both=joined((layer_words(layers[0].title), layer_words(layer.title)), AND),
            )
