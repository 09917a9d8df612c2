"""Watching a model that writes: every pass has new queries, and each key and value is kept once, as it comes.

A cache hands out what it holds: all keys so far, only a window of them, or a buffer with room for those to come. Which of
these are new, and where they stand, follows from how many queries there have been.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch

from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor, call_rule
from attnviz.sources.huggingface.joined_rule import JoinedRule, Pass
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.huggingface.turns import Turn, Turns, explains
from attnviz.sources.huggingface.watch import Watch, require_one_text
from attnviz.sources.recording.agreement import require_agreement
from attnviz.sources.recording.comparing import Kept
from attnviz.sources.recording.sampled import EACH, SAMPLED
from attnviz.trace.layer import WRITING, Layer
from attnviz.trace.rotation import Rotation
from attnviz.trace.slices import some_queries


class LayerSteps:
    """One layer of a model that writes, pass after pass."""

    def __init__(self, address: LayerAddress, number: int) -> None:
        self.address, self.number = address, number
        self.is_cross = address.stack == "cross"  # its keys are those of another text, the same in every pass
        self.count = 0  # queries so far
        self._queries: list[torch.Tensor] = []  # (heads, queries, d_k) of each pass, as all below
        self._keys: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []
        self._outputs: list[torch.Tensor] = []  # (queries, heads, d_v): the model's own
        self._rule = JoinedRule()
        self._plain = False
        self.rotary = False  # whether queries and keys are turned
        self._rotation: Rotation | None = None  # by which angles, as the first pass proves it
        self._turn: Turn | None = None  # of the last pass, which must say the same
        self._known: tuple[Any, Rule] | None = None

    def add(self, call: AttentionCall, output: torch.Tensor, once: OncePerTensor) -> None:
        """Keep what is new in ``call``, whose ``output`` the model itself computed."""
        end = call.keys if self.is_cross else min(self.count + call.queries, call.keys)
        if not self.is_cross and self.count and call.queries == call.keys > 1:
            raise AttnvizError(
                "{kind} reads the whole text again in every step",
                "only a model with a key/value cache can be watched while it writes",
                kind=type(call.module).__name__,
            )
        call = _without_room(call, end)
        first = 0 if self.is_cross else self.count + call.queries - end
        rule = self._rule_of(call, once)
        if self.is_cross and self.count:
            self._require_same_keys(call, rule.mask)
        else:
            new = slice(None) if self.is_cross else slice(end - call.queries, end)
            self._keys.append(_own(call.key[0, :, new], call.queries))
            self._values.append(_own(call.value[0, :, new], call.queries))
            self._padding = rule.mask
        if not self.is_cross or not self.count:
            self._rule.add(Pass(self.count, call.queries, first, end, rule))
        self._queries.append(_own(call.query[0], call.queries))
        self._outputs.append(_own(output[0], call.queries))
        self._plain = call.rounds_each_step
        self.count += call.queries

    def note_turn(self, turns: Turns) -> None:
        """Note how the queries and keys that were just added had been turned; the rotation is proved by the first pass."""
        turned, self._turn = turns.happened()
        self.rotary |= turned
        if len(self._queries) == 1 and self._turn is not None and not self.is_cross:
            self._rotation = turns.rotation(self._turn, self._queries[0], self._keys[0])

    def _rotation_of_all(self) -> Rotation | None:
        """The rotation of the first pass, where the last was turned by it, too: a long text may change the frequencies."""
        if self._rotation is None or self._turn is None:
            return None
        start = self.count - self._queries[-1].shape[1]
        last = self._turn, self._queries[-1], self._keys[-1]
        return self._rotation if explains(self._rotation, *last, start) else None

    def _rule_of(self, call: AttentionCall, once: OncePerTensor) -> Rule:
        """The rule of ``call``; that of one query without a mask is the same in every step."""
        if call.queries > 1 or call.mask is not None or call.options.get("position_bias") is not None:
            return call_rule(call, once)
        said = [call.options.get(name) for name in ("scaling", "softcap", "s_aux")]
        if self._known is None or any(one is not other for one, other in zip(said, self._known[0], strict=True)):
            self._known = said, call_rule(call, once)
        return self._known[1]

    def _require_same_keys(self, call: AttentionCall, mask: Any) -> None:
        """Refuse a cross layer that sees other keys of the other text than it did before."""
        before = self._padding
        same = mask is before if mask is None or before is None else torch.equal(mask.cpu(), before.cpu())
        if not same or call.keys != self._keys[0].shape[1]:
            raise AttnvizError("it sees other keys of its text from step to step, so its steps make no one map")

    def layer(self, count: int, last: int | None = None) -> Layer:
        """The layer of the first ``count`` queries, or of the ``last`` so many of these, over all of their keys."""
        with torch.inference_mode(False):
            start = 0 if last is None else max(0, count - last)
            queries = _joined(self._queries, 1, start, count)
            key, value = (
                _joined(arrays, 1, 0, None if self.is_cross else count) for arrays in (self._keys, self._values)
            )
            rule = self._rule.rule(count)
            tensors: dict[str, Any] = {
                name: array for name in RULE_ARRAYS if isinstance(array := getattr(rule, name), torch.Tensor)
            }
            rule = replace(rule, **{name: array.to("cpu", copy=True) for name, array in tensors.items()})
        if start:
            rule = rule.of_queries(start, count, count, key.shape[1])
        named = self.address.name_and_kind(self.number)
        rotation = None if last is not None else self._rotation_of_all()
        return Layer(queries, key, value, rule, self.number, *named, rotary=self.rotary, rotation=rotation)

    def checked(self, count: int) -> tuple[Layer, float]:
        """The whole layer, and how far its outputs are from the model's own; every query that was written is compared."""
        layer = self.layer(count)
        outputs = _joined(self._outputs, 0, 0, count)  # (queries, heads, d_v)
        prompt = self._queries[0].shape[1]
        parts = (0, prompt, SAMPLED), (prompt, count, EACH)
        return layer, max(
            require_agreement(
                some_queries(layer, start, stop), outputs[start:stop], plain=self._plain, comparison=comparison
            )
            for start, stop, comparison in parts
            if start < stop
        )


@dataclass
class StepWatch(Watch):
    """What the passes of a model that writes left of its layers, in ``steps``, by stack and number."""

    steps: dict[tuple[str, int], LayerSteps] = field(default_factory=dict)

    def begin_pass(self) -> None:
        """Another pass begins: its layers are the same ones again."""
        self.runs.clear()
        self._once = OncePerTensor()

    def _kept(self, call: AttentionCall, address: LayerAddress, number: int, output: torch.Tensor) -> Kept:
        require_one_text(call, address)
        place = (address.stack, number)
        steps = self.steps.get(place)
        if steps is None:
            steps = self.steps[place] = LayerSteps(address, number)
        try:
            steps.add(call, output, self._once)
            steps.note_turn(self.turns)
        except AttnvizError as error:
            raise AttnvizError("{path}: {reason}", error.hint, path=address.path, reason=error.message) from None
        return Kept()

    def _forget(self, path: str) -> None:
        super()._forget(path)
        self.steps = {place: one for place, one in self.steps.items() if one.address.path != path}

    @property
    def count(self) -> int:
        """How many positions have run of what the model writes after, and of what it wrote."""
        return max((one.count for one in self.steps.values() if one.address.stack in WRITING), default=0)

    def rows(self, last: int) -> tuple[Layer, ...]:
        """The layers that write, with only their ``last`` queries so far."""
        writing = [one for one in self.steps.values() if one.address.stack in WRITING]
        writing.sort(key=lambda one: WRITING.index(one.address.stack))  # as a trace has them: stack by stack
        return tuple(one.layer(one.count, last) for one in writing)

    def layers(self, count: int) -> list[tuple[Layer, float]]:
        """Each layer, and how far it is from the model's own output; of those that write, the first ``count`` queries."""
        checked = []
        for one in self.steps.values():
            writes = one.address.stack in WRITING
            if writes and one.count < count:
                raise AttnvizError(
                    "{path} ran {count} of {of} positions, so its steps make no one map",
                    "only a model whose every layer reads every token can be watched while it writes",
                    path=one.address.path,
                    count=one.count,
                    of=count,
                )
            layer, error = one.checked(count if writes else one.count)
            checked.append((self.projected(layer), error))
        return checked


def _without_room(call: AttentionCall, end: int) -> AttentionCall:
    """``call`` with only its first ``end`` keys: the rest is room that a static cache keeps for tokens to come."""
    if end == call.keys:
        return call
    options, bias = call.options, call.options.get("position_bias")
    if bias is not None and bias.shape[-1] == call.keys:
        options = options | {"position_bias": bias[..., :end]}
    mask = call.mask if call.mask is None or call.mask.shape[-1] != call.keys else call.mask[..., :end]
    return call._replace(key=call.key[..., :end, :], value=call.value[..., :end, :], mask=mask, options=options)


def _own(array: torch.Tensor, queries: int) -> torch.Tensor:
    """``array`` in memory of its own: what is long on the CPU, what is of one query where it is, since moving it is dear."""
    return array.to("cpu", copy=True) if queries > 1 else array.clone()


def _joined(arrays: list[torch.Tensor], axis: int, start: int, stop: int | None) -> torch.Tensor:
    """The parts together on the CPU, from ``start`` to ``stop``, without those that lie outside."""
    whole = torch.cat([array.cpu() for array in arrays], dim=axis)
    index = (slice(None),) * axis + (slice(start, stop),)
    return whole[index].contiguous()
