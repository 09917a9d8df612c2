"""A recording: every attention that runs inside a block, of any module of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.recording.agreement import checked_queries, dtype_name
from attnviz.sources.recording.by_hand import captured, layout_of, met
from attnviz.sources.recording.captured import Captured
from attnviz.sources.recording.chain import Chain
from attnviz.sources.recording.contraction import Contraction
from attnviz.sources.recording.following import Following
from attnviz.sources.recording.fused import sdpa
from attnviz.sources.recording.known import Labels
from attnviz.sources.recording.mode import SeeingMode
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.scores import UnnamedError
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Agreement, Origin
from attnviz.trace.recorded import How, Kept, RecordedLayer, RecordedLayers
from attnviz.trace.selectors import layer_filter, layers_meant
from attnviz.trace.trace import Trace, numbered

RECORDING = Message("the recording")  # as errors call what has layers


@dataclass(frozen=True, eq=False)
class Entry:
    """One attention that ran: its facts, and what is kept of it."""

    facts: RecordedLayer
    kind: str = "self"
    dtype: str = ""
    device: str = ""
    whole: Captured | None = None
    weights: torch.Tensor | None = None  # (items, heads, queries, keys)


class Recording:
    """Every attention that ran inside the block; see ``attnviz.record``."""

    def __init__(
        self,
        module: torch.nn.Module | None = None,
        *,
        layers: Sequence[str] = (),
        modules: Sequence[str] = (),
    ) -> None:
        self._module, self._wanted, self._modules = module, layer_filter(layers), tuple(modules)
        self._running = Running(module)
        self._following = Following(self)
        self._entries: list[Entry] = []
        self._calls: dict[str, int] = {}
        self._notes: dict[str, None] = {}
        self._open: ExitStack | None = None

    def __enter__(self) -> Recording:
        self._open = ExitStack()
        self._open.enter_context(self._running.following())
        self._open.enter_context(SeeingMode(self._saw))
        return self

    def __exit__(self, *error: Any) -> None:
        assert self._open is not None
        self._open.close()
        self._open = None
        self._following = Following(self)  # lets go of what it followed

    @property
    def layers(self) -> RecordedLayers:
        """The attentions that ran, in order, as a table: what each is, how exactly it is kept, and if not, why."""
        return RecordedLayers(tuple(entry.facts for entry in self._entries), tuple(self._notes))

    def __repr__(self) -> str:
        return repr(self.layers)

    def _repr_html_(self) -> str:
        return self.layers._repr_html_()

    def _saw(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """What the mode hands over. Nothing that goes wrong here may reach the module."""
        try:
            with torch.no_grad(), torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
                if name == "scaled_dot_product_attention":
                    self._fused(args, kwargs, result)
                self._following.saw(name, func, args, kwargs, result)
        except Exception as error:
            self._notes[Message("{name} could not be followed: {reason}", name=name, reason=_one_line(error))] = None

    def _fused(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: torch.Tensor) -> None:
        labels = [
            self._following.known.labels(one) for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)
        ]
        facts = self._facts(How.SDPA)
        if not self._is_wanted(facts):
            return
        try:
            found = sdpa(args, kwargs, output, self._running.split)
        except UnnamedError as reason:
            self._add(Entry(replace(facts, notes=(reason.args[0],))))
            return
        self._keep(facts, found, (labels[0], labels[1]), None)

    def by_hand(self, chain: Chain, product: Contraction, is_left: bool, result: torch.Tensor) -> None:
        """Take down an attention that was written by hand."""
        facts = self._facts(How.BY_HAND)
        if not self._is_wanted(facts):
            return
        lay, scores, reason = layout_of(chain.root)
        reason = reason or chain.spoiled
        weights = lay.flat(chain.root.result)
        items, heads = self._running.split(lay.lead)
        weights = weights.reshape(items, heads, *weights.shape[1:])
        try:
            if reason or scores is None:
                raise UnnamedError(reason)
            found = captured(scores, met(chain, product, is_left, result, lay), self._running.split)
        except UnnamedError as unnamed:
            self._keep_weights(facts, weights, unnamed.args[0])
            return
        self._following.known.set_apart(frozenset().union(*(one.labels for one in scores.addends)) - scores.labels)
        sides = self._following.known.labels(scores.product.left), self._following.known.labels(scores.product.right)
        self._keep(facts, found, sides[::-1] if lay.swapped else sides, weights)

    def _keep(
        self, facts: RecordedLayer, found: Captured, labels: tuple[Labels, Labels], weights: torch.Tensor | None
    ) -> None:
        """Compare what was ``found`` with what the module computed, and keep what agrees."""
        facts = self._sized(facts, found.query, found.key, found.value)
        try:
            error = found.error()
        except AttnvizError as problem:
            if weights is not None:
                self._keep_weights(facts, weights, problem.message)
            else:
                self._add(Entry(replace(facts, notes=(problem.message,))))
            return
        notes = (Message("dropout was on: its outputs are not compared"),) if found.dropped else ()
        compared = None if found.dropped and found.weights is None else error
        facts = replace(facts, kept=Kept.WHOLE, error=compared, notes=notes)
        kind = _kind(*labels)
        self._add(Entry(facts, kind, dtype_name(found.query), str(found.query.device), whole=found.apart()))

    def _keep_weights(self, facts: RecordedLayer, weights: torch.Tensor, reason: str) -> None:
        items, heads, queries, keys = weights.shape
        facts = replace(facts, items=items, heads=heads, kv_heads=heads, queries=queries, keys=keys)
        facts = replace(facts, windows=self._windows(items), kept=Kept.WEIGHTS, notes=(reason,))
        with torch.inference_mode(False):
            own = weights.detach().to("cpu", copy=True)
        self._add(Entry(facts, "self", dtype_name(weights), str(weights.device), weights=own))

    def _facts(self, how: How) -> RecordedLayer:
        """The facts of the attention that runs now, as far as they are known before it is looked at."""
        path = self._running.path
        call = self._calls.get(path, 0)
        self._calls[path] = call + 1
        return RecordedLayer(len(self._entries), path, call, how)

    def _is_wanted(self, facts: RecordedLayer) -> bool:
        """Whether it is to be kept; its number counts in any case."""
        wanted = self._wanted("", facts.number) and (
            not self._modules or any(_lies_in(facts.path, one) for one in self._modules)
        )
        if not wanted:
            self._add(Entry(replace(facts, notes=(Message("not asked for"),))))
        return wanted

    def _sized(
        self, facts: RecordedLayer, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> RecordedLayer:
        items, heads, queries, d_k = query.shape
        return replace(
            facts, items=items, windows=self._windows(items), heads=heads, kv_heads=key.shape[1], queries=queries,
            keys=key.shape[2], d_k=d_k, d_v=value.shape[-1],
        )  # fmt: skip

    def _windows(self, items: int) -> int:
        """How many of the items belong to one item of the module's input."""
        batch = self._running.batch
        return items // batch if batch and items > batch and items % batch == 0 else 1

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def trace(
        self,
        tokens: Sequence[str] | None = None,
        *,
        item: int = 0,
        window: int = 0,
        layers: Sequence[str] = (),
    ) -> Trace:
        """One item of the batch as a trace; see ``attnviz.record``."""
        if not self._entries:
            raise AttnvizError("no attention ran in this recording", "call the module inside the with block")
        positions = layers_meant(layers, [("", entry.facts.number) for entry in self._entries], RECORDING)
        chosen = [self._entries[place] for place in positions if layers or self._entries[place].whole is not None]
        made = [_layer(entry, item, window, tokens) for entry in chosen]
        if not made:
            raise AttnvizError("no layer of this recording is kept: {reason}", reason=self._entries[0].facts.notes[0])
        own = made[0].tokens or ()
        kept = tuple(
            replace(
                layer,
                tokens=None if layer.tokens == own else layer.tokens,
                key_tokens=None if layer.key_tokens == layer.tokens else layer.key_tokens,
            )
            for layer in made
        )
        return Trace(own, kept, self._origin(chosen))

    def _origin(self, chosen: Sequence[Entry]) -> Origin:
        errors = {f"layer {entry.facts.number}": entry.facts.error for entry in chosen if entry.facts.error is not None}
        name = "" if self._module is None else type(self._module).__name__
        agreement = Agreement(
            max(errors.values(), default=None),
            max(checked_queries(entry.facts.queries) for entry in chosen),
            errors,
        )
        return Origin(
            kind="model", model=name, architecture=name, dtype=chosen[0].dtype, device=chosen[0].device,
            agreement=agreement._asdict(),
        )  # fmt: skip


def _layer(entry: Entry, item: int, window: int, tokens: Sequence[str] | None) -> Layer:
    facts = entry.facts
    if entry.whole is None:
        raise AttnvizError("layer {number} is not kept: {reason}", number=facts.number, reason=facts.notes[0])
    place = _place(facts, item, window)
    layer = entry.whole.layer(place, facts.number, facts.path, entry.kind)
    return replace(layer, tokens=_named(tokens, facts.queries), key_tokens=_named(tokens, facts.keys))


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


def _kind(query: Labels, key: Labels) -> str:
    """ "cross" where queries come from something that the keys do not come from."""
    return "cross" if query - key or (key and not query) else "self"


def _lies_in(path: str, module: str) -> bool:
    return path == module or path.startswith(f"{module}.")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
