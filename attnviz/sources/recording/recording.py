"""A recording: every attention that runs inside a block, of any module of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.recording.flex import flex_in_sight
from attnviz.sources.recording.following import Following
from attnviz.sources.recording.mode import SeeingMode
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.sampled import OF_UNKNOWN_CODE, agreement
from attnviz.sources.recording.scores import one_line
from attnviz.sources.recording.taking import Entry, Taking
from attnviz.text.display import shorten
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.recorded import RecordedLayer, RecordedLayers
from attnviz.trace.selectors import are_numbers, layer_filter, layers_meant
from attnviz.trace.trace import Trace, numbered

RECORDING = Message("the recording")  # as errors call what has layers


class Recording:
    """Every attention that ran inside the block; see ``attnviz.record``."""

    def __init__(
        self,
        module: torch.nn.Module | None = None,
        *,
        layers: Sequence[str] = (),
        modules: Sequence[str] = (),
    ) -> None:
        wanted = layer_filter(layers)
        self._module = module
        self._running = Running(module)
        self._taking = Taking(
            self._running, lambda number, path: wanted("", number) and (not modules or _lies_in(path, modules))
        )
        self._following = Following(self._taking)
        self._running.outermost = lambda one: self._following.known.is_constant(one.buffers())
        self._notes: dict[str, None] = {}
        self._open: ExitStack | None = None

    def __enter__(self) -> Recording:
        if self._open is not None:
            raise AttnvizError("this recording runs already", "call attnviz.record() again for another")
        self._open = ExitStack()
        self._open.enter_context(self._running.following())
        self._open.enter_context(flex_in_sight(self._lost_flex))
        self._open.enter_context(SeeingMode(self._saw))
        return self

    def __exit__(self, *error: Any) -> None:
        assert self._open is not None
        self._open.close()
        self._open = None
        self._following = Following(self._taking)  # lets go of what was followed
        self._taking.end()

    @property
    def layers(self) -> RecordedLayers:
        """The attentions that ran, in order, as a table: what each is, how exactly it is kept, and if not, why."""
        return RecordedLayers(
            tuple(entry.facts for entry in self._taking.entries), (*self._running.notes, *self._notes)
        )

    def trace(
        self,
        tokens: Sequence[str] | str | None = None,
        *,
        item: int = 0,
        window: int = 0,
        layers: Sequence[str] | str | int = (),
    ) -> Trace:
        """One item of the batch as a Trace.

        tokens  the words of the positions, or a text that is split at its spaces; None: their numbers. Where queries or keys are
                others, these are numbered
        item    which of the batch
        window  which window of the item, where the module cuts each into several (Swin)
        layers  numbers and ranges ("0,4-7") of ``layers``; nothing is all that is kept

        AttnvizError where there is no such item, window or layer, or nothing of it is kept.
        """
        chosen = self._chosen(layers)
        words = tokens.split() if isinstance(tokens, str) else tokens
        of = self._taking.projections.of
        made = [replace(_layer(entry, item, window, words), projections=of(entry.facts.number)) for entry in chosen]
        own = made[0].tokens or ()
        if words is not None and all(len(words) not in (layer.queries, layer.keys) for layer in made):
            raise AttnvizError(
                "{tokens} tokens, but the layers have {queries} queries and {keys} keys",
                "give one token for each position",
                tokens=len(words),
                queries=made[0].queries,
                keys=made[0].keys,
            )
        return Trace(own, tuple(_beside(layer, own) for layer in made), self._origin(chosen))

    def __repr__(self) -> str:
        return repr(self.layers)

    def _repr_html_(self) -> str:
        return self.layers._repr_html_()

    def _chosen(self, layers: Sequence[str] | str | int) -> list[Entry]:
        """The entries that are meant, each of which is kept."""
        entries = self._taking.entries
        if not entries:
            raise AttnvizError(
                "no attention was seen in this recording",
                "call the module inside the with block; `attnviz manual record` says what cannot be seen",
            )
        selectors = [str(layers)] if isinstance(layers, str | int) else list(map(str, layers))
        if not are_numbers(selectors):
            raise AttnvizError(
                "{name} is {given}: expected {expected}",
                name="layers",
                given=shorten(repr(layers), 60),
                expected=Message("numbers and ranges such as 3, '0,4-7' or [0, 3]"),
            )
        meant = [
            entries[place]
            for place in layers_meant(selectors, [("", place) for place in range(len(entries))], RECORDING)
        ]
        if selectors and (lost := [entry for entry in meant if not entry.is_kept]):
            facts = lost[0].facts
            raise AttnvizError("layer {number} is not kept: {reason}", number=facts.number, reason=facts.notes[0])
        if not (kept := [entry for entry in meant if entry.is_kept]):
            raise AttnvizError("no layer of this recording is kept: {reason}", reason=entries[0].facts.notes[0])
        return kept

    def _saw(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """What the mode hands over. Nothing that goes wrong here may reach the module."""
        try:
            with torch.no_grad(), torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
                self._following.saw(name, func, args, kwargs, result)
                self._taking.projections.saw(name, args, kwargs, result)
        except Exception as error:
            self._notes[Message("{name} could not be followed: {reason}", name=name, reason=one_line(error))] = None

    def _lost_flex(self) -> None:
        self._notes[Message("flex_attention cannot be seen where gradients are asked for: use torch.no_grad()")] = None

    def _origin(self, chosen: Sequence[Entry]) -> Origin:
        errors = {f"layer {entry.facts.number}": entry.facts.error for entry in chosen if entry.facts.error is not None}
        name = "" if self._module is None else type(self._module).__name__
        layers = [entry.whole.layer(0, entry.facts.number) for entry in chosen if entry.whole is not None]
        agreed = agreement(errors, layers, OF_UNKNOWN_CODE)
        facts: dict[str, Any] = {"dtype": chosen[0].dtype, "device": chosen[0].device, "agreement": agreed.facts()}
        return Origin(kind="model", model=name, architecture=name, **facts)


def _layer(entry: Entry, item: int, part: int, tokens: Sequence[str] | None) -> Layer:
    """The layer of one item, with its tokens."""
    facts = entry.facts
    place = _place(facts, item, part)
    named: dict[str, Any] = {"tokens": _named(tokens, facts.queries), "key_tokens": _named(tokens, facts.keys)}
    if entry.whole is None:
        assert entry.weights is not None
        return Layer(weights=entry.weights[place], index=facts.number, name=facts.path, kind=entry.kind, **named)
    return replace(entry.whole.layer(place, facts.number, facts.path, entry.kind), **named)


def _place(facts: RecordedLayer, item: int, part: int) -> int:
    """Where an item, and a window of it, stands in the batch; AttnvizError where there is no such one."""
    batch = facts.items // facts.windows
    if item not in range(batch):
        raise AttnvizError(
            "item {item} does not exist: layer {number} has items 0 to {last}",
            item=item,
            number=facts.number,
            last=batch - 1,
        )
    if part not in range(facts.windows):
        raise AttnvizError(
            "window {window} does not exist: layer {number} has windows 0 to {last}",
            window=part,
            number=facts.number,
            last=facts.windows - 1,
        )
    return item * facts.windows + part


def _named(tokens: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """The tokens, if there are as many; else positions."""
    return tuple(tokens) if tokens is not None and len(tokens) == count else numbered(count)


def _beside(layer: Layer, tokens: tuple[str, ...]) -> Layer:
    """``layer`` with tokens only where they are not the trace's."""
    return replace(
        layer,
        tokens=None if layer.tokens == tokens else layer.tokens,
        key_tokens=None if layer.key_tokens == layer.tokens else layer.key_tokens,
    )


def _lies_in(path: str, modules: Sequence[str]) -> bool:
    return any(path == module or path.startswith(f"{module}.") for module in modules)
