"""Taking down the attentions that run: each is compared with what the module computed, and what agrees is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from attnviz.sources.recording.agreement import dtype_name
from attnviz.sources.recording.by_hand import captured, layout_of, met, with_query_axis
from attnviz.sources.recording.captured import Captured, Copies
from attnviz.sources.recording.chain import Chain
from attnviz.sources.recording.contraction import Contraction
from attnviz.sources.recording.flex import flex
from attnviz.sources.recording.fused import SDPA, sdpa
from attnviz.sources.recording.grouping import Grouping
from attnviz.sources.recording.known import Labels, tensors_in
from attnviz.sources.recording.outgoing import RecordedProjections
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.scores import UnnamedError, reason_of
from attnviz.text.message import Message
from attnviz.trace.recorded import How, Kept, RecordedLayer


@dataclass(frozen=True, eq=False)
class Entry:
    """One attention that ran: its facts, and what is kept of it, on the CPU.

    kind     "self", or "cross" where the queries come from something else than the keys
    whole    all that it computed with
    weights  (items, heads, queries, keys), where these alone are kept
    """

    facts: RecordedLayer
    kind: str = "self"
    dtype: str = ""
    device: str = ""
    whole: Captured | None = None
    weights: torch.Tensor | None = None

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to show."""
        return self.facts.kept is not Kept.NOTHING


class Taking:
    """Takes down what runs.

    wanted  whether the attention of a number, in the module of a path, is to be kept
    """

    def __init__(self, running: Running, wanted: Callable[[int, str], bool]) -> None:
        self.entries: list[Entry] = []
        self._running, self._wanted = running, wanted
        self._calls: dict[str, int] = {}
        self._copies = Copies()
        self.projections = RecordedProjections(self._regroup)

    def end(self) -> None:
        """The recording has ended: nothing is awaited any more."""
        self._copies = Copies()
        self.projections.end()

    def fused(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any, sides: tuple[Labels, Labels]
    ) -> None:
        """Take down an attention that torch computed in one call."""
        with self._entry(How.SDPA if name == SDPA else How.FLEX) as facts:
            if facts is not None:
                _require_readable(*list(tensors_in([*args, *kwargs.values()]))[:3], *tensors_in(result))
                running = self._running
                found = sdpa(args, kwargs, result, running) if name == SDPA else flex(args, result[0])
                self._keep(facts, found, sides)

    def by_hand(self, chain: Chain, product: Contraction, is_left: bool, result: torch.Tensor) -> None:
        """Take down an attention that was written by hand."""
        with self._entry(How.BY_HAND) as facts:
            if facts is None:
                return
            _require_readable(chain.root.result, result)
            chain = with_query_axis(chain)
            lay, scores, reason = layout_of(chain.root)
            lay = lay.ordered(self._running.order(lay.lead))
            weights = lay.flat(chain.root.result)
            items, heads = self._running.split(lay.lead)
            weights = weights.reshape(items, heads, *weights.shape[1:])
            try:
                if scores is None or chain.spoiled:
                    raise UnnamedError(reason or chain.spoiled)
                found = captured(scores, met(chain, product, is_left, result, lay), self._running.split)
                self._keep(facts, found, chain.sides[::-1] if lay.swapped else chain.sides)
            except Exception as problem:
                self._keep_weights(facts, weights, reason_of(problem))
                with suppress(UnnamedError):  # where they met no values at once, nothing says whose they are
                    output = met(replace(chain, spoiled=""), product, is_left, result, lay).output
                    self.projections.leave_ungrouped(facts.number, output.reshape(items, heads, *output.shape[1:]))

    @contextmanager
    def _entry(self, how: How) -> Iterator[RecordedLayer | None]:
        """The facts of the attention that runs now, None where it is not asked for. Whatever goes wrong inside the block, it
        has its number and its line."""
        path = self._running.path
        call = self._calls.get(path, 0)
        self._calls[path] = call + 1
        facts = RecordedLayer(len(self.entries), path, call, how)
        if not self._wanted(facts.number, path):
            self._leave_out(facts, Message("not asked for"))
            yield None
            return
        try:
            yield facts
        except Exception as problem:
            self._leave_out(facts, reason_of(problem))

    def _leave_out(self, facts: RecordedLayer, reason: str) -> None:
        self.entries.append(Entry(replace(facts, notes=(reason,))))

    def _keep(self, facts: RecordedLayer, found: Captured, sides: tuple[Labels, Labels]) -> None:
        """Compare what was ``found`` with what the module computed, and keep it; AttnvizError where it does not agree."""
        items, heads, queries, d_k = found.query.shape
        error = found.error()
        facts = replace(
            facts,
            items=items,
            windows=self._running.windows(items),
            heads=heads,
            kv_heads=found.key.shape[1],
            queries=queries,
            keys=found.key.shape[2],
            d_k=d_k,
            d_v=found.value.shape[-1],
            kept=Kept.WHOLE,
            error=error,
            notes=(Message("dropout was on: its outputs are not compared"),) if found.dropped else (),
        )
        query = found.query
        if found.output is not None:
            self.projections.leave(facts.number, found.output)
        self.entries.append(
            Entry(facts, _kind(*sides), dtype_name(query), str(query.device), whole=found.apart(self._copies))
        )

    def _regroup(self, number: int, grouping: Grouping) -> None:
        """The items and heads of an attention are others than they were taken for."""
        entry = self.entries[number]
        whole = None if entry.whole is None else entry.whole.grouped(grouping)
        weights = None if entry.weights is None else grouping.of(entry.weights)
        items = entry.facts.items * entry.facts.heads // grouping.heads
        facts = replace(
            entry.facts,
            items=items,
            windows=self._running.windows(items),
            heads=grouping.heads,
            kv_heads=grouping.heads if whole is None else whole.key.shape[1],
        )
        self.entries[number] = replace(entry, facts=facts, whole=whole, weights=weights)

    def _keep_weights(self, facts: RecordedLayer, weights: torch.Tensor, reason: str) -> None:
        items, heads, queries, keys = weights.shape
        facts = replace(
            facts,
            items=items,
            windows=self._running.windows(items),
            heads=heads,
            kv_heads=heads,
            queries=queries,
            keys=keys,
            kept=Kept.WEIGHTS,
            notes=(reason,),
        )
        with torch.inference_mode(False):
            own = weights.detach().to("cpu", copy=True)
        self.entries.append(Entry(facts, "self", dtype_name(weights), str(weights.device), weights=own))


def _require_readable(*arrays: torch.Tensor) -> None:
    """``UnnamedError`` where there are no numbers to look at."""
    if any(torch._C._functorch.is_batchedtensor(array) for array in arrays):
        raise UnnamedError(Message("it ran inside torch.vmap, which hides the items: record the module without it"))
    if any(array.numel() == 0 for array in arrays if not array.is_nested):
        raise UnnamedError(Message("it is empty: it has no items, no queries or no keys"))


def _kind(query: Labels, key: Labels) -> str:
    """ "cross" where queries come from something that the keys do not come from."""
    return "cross" if query - key or (key and not query) else "self"
