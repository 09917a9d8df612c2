"""Watching a model's attention through transformers' own extension point, AttentionInterface.

The model runs as it always does, its kernel computes the output; meanwhile query, key and value (after rotary
embedding, heads still grouped) and all that is done to the scores are kept for the layers that are asked for.
https://huggingface.co/docs/transformers/attention_interface
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import torch
from transformers import PreTrainedModel

from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.attention.threads import on_cpu
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor, call_rule
from attnviz.sources.huggingface.layer_runs import LayerRun, forget, next_number
from attnviz.sources.huggingface.linear_maps import following_linear_maps
from attnviz.sources.huggingface.module_calls import ModuleCalls, following_calls
from attnviz.sources.huggingface.native_attention import CELLS, attention_output
from attnviz.sources.huggingface.seams import implementations
from attnviz.sources.huggingface.stacks import LayerAddress, LayerAddresses
from attnviz.sources.huggingface.stopping import ending
from attnviz.sources.huggingface.turns import Turns, TurnSample, following_turns
from attnviz.sources.huggingface.windows import in_windows, joined
from attnviz.sources.recording.agreement import require_agreement
from attnviz.sources.recording.comparing import Comparing, Kept
from attnviz.sources.recording.output_projection import OutputProjections
from attnviz.sources.recording.own_memory import OwnMemory
from attnviz.sources.recording.sampled import SAMPLED, Comparison
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import with_facts
from attnviz.trace.rotation import Rotation

Kind = TypeVar("Kind", bound="Watch")
Wanted = Callable[[str, int], bool]  # (stack, index) → whether that layer is kept


@dataclass
class Watch:
    """What one forward pass left of the layers that are wanted.

    runs          every layer that ran, in that order; what is kept of them is on the CPU, still without tokens
    calls.unseen  the modules that compute attention in their own way, and are not among them
    cells         of scores that the model's own plain code holds at a time
    projections   W_O by stack and number; None where nobody asks for it
    one_picture   whether one picture is read, so that several parts at once are windows or crops of it
    comparison    which queries are compared with the model's own outputs
    until         the layers behind which the pass ends (stopping.py); none: it runs to its end
    """

    model: PreTrainedModel
    wanted: Wanted = lambda *_: True
    progress: Callable[[int], None] = lambda _: None
    cells: int = CELLS
    runs: list[LayerRun] = field(default_factory=list)
    calls: ModuleCalls = field(default_factory=ModuleCalls)
    turns: Turns = field(default_factory=Turns)
    projections: OutputProjections | None = field(default_factory=OutputProjections)
    one_picture: bool = False
    comparison: Comparison = SAMPLED
    until: frozenset[tuple[str, int]] = frozenset()
    because: Mapping[str, str] = field(default_factory=dict)  # no layer is of weights alone
    _turned: dict[tuple[str, int], TurnSample | None] = field(default_factory=dict)

    def start(self) -> None:
        """Take down how the model is before it is switched: another thread may hold it until now."""
        self._addresses = LayerAddresses(self.model)
        self._implementations = implementations(self.model)
        self._begin()

    @property
    def kept(self) -> list[tuple[Layer, float]]:
        """The layers that are wanted, and how far each is from the model's own output (recording/agreement.py)."""
        runs = [(run, run.layer) for run in self.runs if run.layer is not None]
        rotations = self.turns.rotations([self._turned.get((run.stack, run.number)) for run, _ in runs])
        return [
            (self.projected(layer, rotation), run.error) for (run, layer), rotation in zip(runs, rotations, strict=True)
        ]

    def projected(self, layer: Layer, rotation: Rotation | None = None) -> Layer:
        """``layer`` with its W_O, if that was found, and with the ``rotation`` of its queries and keys."""
        found = None if self.projections is None else self.projections.found.get((layer.stack, layer.index))
        facts: dict[str, Any] = {} if found is None else {"projections": {"output": found}}
        facts |= {} if rotation is None else {"rotation": rotation}
        return with_facts(layer, **facts) if facts else layer

    @contextmanager
    def following(self, current: Callable[[], Watch]) -> Iterator[None]:
        """Follow what the model does around its attention inside the block, for the watch that is ``current`` then."""
        with ExitStack() as stack:
            stack.enter_context(following_calls(self.model, lambda: current().calls))
            stack.enter_context(following_turns(self.model, lambda: current().turns))
            if self.projections is not None and not self.projections.settled:
                stack.enter_context(following_linear_maps(self.model, lambda: current().projections))
            ran, projected = (lambda: current()._ran()), (lambda: current()._projected())
            stack.enter_context(ending(self.model, self._addresses, self.until, ran, projected))
            yield

    def beside(self: Kind, **changed: Any) -> Kind:
        """A watch over another pass of the same model at the same time, of which nothing is known yet."""
        fresh: dict[str, Any] = {"runs": [], "calls": ModuleCalls(), "turns": Turns(), "_turned": {}}
        if self.projections is not None and not self.projections.settled:
            fresh["projections"] = OutputProjections()  # what is under way in one pass is not in the other
        other = replace(self, **(fresh | changed))
        other._addresses, other._implementations = self._addresses, self._implementations
        other._begin()
        return other

    def _begin(self) -> None:
        self._once, self._memory, self._comparing = OncePerTensor(), OwnMemory(), Comparing(self.comparison)

    def _ran(self) -> set[tuple[str, int]]:
        return {(run.stack, run.number) for run in self.runs}

    def _projected(self) -> set[tuple[str, int]]:
        return {place for place in self._ran() if self.projections is None or place in self.projections.found}

    def implementation(self, config: Any) -> str | None:
        """What ``config`` asks for when it is not watched."""
        return self._implementations.get(id(config))

    def attention(self, call: AttentionCall) -> torch.Tensor:
        """What the model's own kernel computes, (batch, queries, heads, d_v); the layer is kept if it is wanted."""
        output = attention_output(call, self.cells)
        address = self._addresses.of(call.module)
        if self.calls.count_interface_call() > 1:
            self._forget(address.path)
            return output
        number = next_number(self.runs, address)
        kept, windows = Kept(), call.query.shape[0]
        if self.wanted(address.stack, number):
            whole = joined(call, output) if self.one_picture and in_windows(call) else (call, output)
            kept = self._kept(whole[0], address, number, whole[1])
            if self.projections is not None:
                self.projections.leave((address.stack, number), output)
        self.runs.append(LayerRun(address.stack, number, address.path, kept, windows))
        self.progress(len(self.runs))
        return output

    def _kept(self, call: AttentionCall, address: LayerAddress, number: int, output: torch.Tensor) -> Kept:
        """What is kept of a layer that is wanted, and was compared with ``output``, the model's own, or will be."""
        require_one_text(call, address)
        rule = call_rule(call, self._once)
        arrays, named = (call.query[0], call.key[0], call.value[0]), address.name_and_kind(number)
        query, key, value = map(self._memory.copied, arrays)
        rotary, self._turned[address.stack, number] = self.turns.taken(query, key)
        if on_cpu(call.query):
            layer = partial(Layer, query, key, value, rule, number, *named, rotary=rotary)
            return self._comparing.add(call.alike, layer, output[0], call.rounds_each_step)
        there = Layer(*arrays, rule, number, *named, rotary=rotary)
        error = require_agreement(there, output[0], plain=call.rounds_each_step, comparison=self.comparison)
        return Kept(replace(there, query=query, key=key, value=value, rule=self._on_the_cpu(rule)), error)

    def settle(self) -> None:
        """A pass has ended: compare what of it was not yet. AttnvizError where something is not what the model computed."""
        self._comparing.settle()

    def _forget(self, path: str) -> None:
        forget(self.runs, self.calls, path)

    def _on_the_cpu(self, rule: Rule) -> Rule:
        """``rule`` with its arrays, which layers share, on the CPU."""
        moved = {
            name: self._once(array, torch.Tensor.cpu)
            for name in RULE_ARRAYS
            if isinstance(array := getattr(rule, name), torch.Tensor)
        }
        return replace(rule, **moved) if moved else rule


def require_one_text(call: AttentionCall, address: LayerAddress) -> None:
    """Refuse a batch."""
    if call.query.shape[0] != 1:
        raise AttnvizError(
            "{path} attends to {query} texts, or parts of one, at once",
            "give one text, or one image",
            path=address.path,
            query=call.query.shape[0],
        )
