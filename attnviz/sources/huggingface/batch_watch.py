"""Watching a model while it reads several texts at once, padded to the length of the longest.

What is compared with the model's own output is the batch as one layer, of the heads of each text below each other; each text
is cut out of it afterwards, padding dropped, and looks as if it had been read alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.attention.arrays import like, namespace
from attnviz.attention.formula import hiding, weights_of
from attnviz.attention.heads import grouped_product
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Visibility
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import call_rule
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.huggingface.watch import Watch
from attnviz.sources.recording.agreement import require_agreement, require_same_outputs
from attnviz.sources.recording.comparing import Kept
from attnviz.sources.recording.sampled import compared_queries
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import with_facts
from attnviz.trace.weights_of_texts import Weighing, WeightsOfTexts


class NeedsTraceError(AttnvizError):
    """More must be known of a layer than its weights: the texts must be read again, and all of it kept."""


class Shown(NamedTuple):
    """What all texts of a batch share in a layer.

    rule     of the heads of each text; None where texts differ in more than their length
    visible  whether each query may see each key, (texts or 1, 1, tokens or 1, tokens)
    added    what hides the others, or None: there are none
    """

    rule: Rule | None
    visible: torch.Tensor
    added: torch.Tensor | None


class BatchedLayer(NamedTuple):
    """One layer of all texts of a batch.

    longest            that of a text without padding
    query, key, value  (texts, heads, tokens, d), in memory of their own on the CPU
    rules              each text's own
    error              how far the furthest of them is from the model's own output
    """

    longest: Layer
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    rules: tuple[Rule, ...]
    error: float

    def layer(self, text: int, length: int) -> Layer:
        """That of one text, which has so many tokens."""
        query, key, value = (array[text, :, :length] for array in (self.query, self.key, self.value))
        made: Layer = with_facts(self.longest, query=query, key=key, value=value, rule=self.rules[text])
        return made


@dataclass
class BatchWatch(Watch):
    """What one forward pass over several texts left.

    lengths  how many tokens each text has; what stands behind them is padding
    weighing what takes the weights of each layer, which are all that is wanted of it; None: the layers are kept
    checked  how many queries of each text were compared with the model's own, in the layer with the fewest
    """

    lengths: Sequence[int] = ()
    weighing: Weighing | None = None
    errors: dict[str, float] = field(default_factory=dict)
    checked: list[int] = field(default_factory=list)
    batched: list[BatchedLayer] = field(default_factory=list)
    _shown_of: dict[Any, Shown] = field(default_factory=dict)

    def beside(self, **changed: Any) -> BatchWatch:
        """The same over other texts, whose ``lengths`` are told."""
        return super().beside(**({"checked": [], "batched": [], "errors": {}, "_shown_of": {}} | changed))

    def kept_of(self, text: int) -> list[tuple[Layer, float]]:
        """What ``Watch.kept`` is of one text."""
        length = self.lengths[text]
        return [(self.projected(one.layer(text, length)), one.error) for one in self.batched]

    def _kept(self, call: AttentionCall, address: LayerAddress, number: int, output: torch.Tensor) -> Kept:
        texts, _, tokens, _ = call.query.shape
        if texts != len(self.lengths) or tokens != max(self.lengths) or call.keys != tokens:
            raise AttnvizError("{path} attends to something else than these texts", path=address.path)
        if self.weighing is not None:
            self.turns.happened()
            return Kept(None, self._weighed(self.weighing, call, address, number, output))
        rules = self._rules(call)
        rotary, turned = self.turns.taken(call.query[0], call.key[0])
        rotation = self.turns.rotations([turned])[0]
        error = self._agreed(call, rules, number, output)
        query, key, value = map(self._memory.copied, (call.query, call.key, call.value))
        own = tuple(self._on_the_cpu(rule) for rule in rules)
        place = list(self.lengths).index(tokens)
        arrays, named = (query[place], key[place], value[place]), address.name_and_kind(number)
        longest = Layer(*arrays, own[place], number, *named, rotary=rotary, rotation=rotation)
        self.batched.append(BatchedLayer(longest, query, key, value, own, error))
        return Kept(None, error)

    def _rules(self, call: AttentionCall) -> tuple[Rule, ...]:
        """The rule of each text."""
        return tuple(call_rule(_of_text(call, text, length), self._once) for text, length in enumerate(self.lengths))

    def _weighed(
        self, weighing: Weighing, call: AttentionCall, address: LayerAddress, number: int, output: torch.Tensor
    ) -> float:
        """Hand on the weights of a layer, and nothing else; how far its outputs are from the model's own."""
        shown = self._shown(call)
        if shown.rule is None or shown.rule.sinks is not None:
            raise NeedsTraceError("{path} needs more than its weights", path=address.path)
        title = f"{address.stack or 'layer'} {number}"
        weights = weights_of(call.query, call.key, shown.rule, shown.added)
        ours = grouped_product(namespace(weights), weights, call.value.to(weights.dtype))
        there = None if len({*self.lengths}) == 1 else self._there(call.query.device)[:, None]
        error = require_same_outputs(title, ours, output.transpose(1, 2), there, plain=call.rounds_each_step)
        self.checked, self.errors[title] = list(self.lengths), error
        weighing.take(WeightsOfTexts(title, number, weights, shown.visible))
        return error

    def _shown(self, call: AttentionCall) -> Shown:
        """What the texts share in a layer; of layers that are called alike the same."""
        if (alike := call.alike) is None:
            return Shown(None, torch.ones(1, 1, 1, 1), None)
        if alike not in self._shown_of:
            rule = self._rule_of_all(self._rules(call), call)  # which keeps the mask, and so its address
            self._shown_of[alike] = (
                Shown(None, torch.ones(1, 1, 1, 1), None) if rule is None else self._cells(rule, call)
            )
        return self._shown_of[alike]

    def _cells(self, rule: Rule, call: AttentionCall) -> Shown:
        device, tokens = call.query.device, call.keys
        every = slice(0, tokens)
        own = Visibility.of(rule, tokens, tokens, None).block(every, every, torch, device)
        own = None if own is None else own[None, None]  # (1, 1, tokens, tokens)
        padded = len({*self.lengths}) > 1 and not rule.causal  # which is behind what any query of a text looks at
        there = self._there(device)[:, None, None] if padded else None
        seen = [one for one in (own, there) if one is not None]
        if not seen:
            return Shown(rule, torch.ones(1, 1, 1, tokens, dtype=torch.bool, device=device), None)
        visible = seen[0] if len(seen) == 1 else seen[0] & seen[1]
        return Shown(rule, visible, hiding(visible))

    def _agreed(self, call: AttentionCall, rules: Sequence[Rule], number: int, output: torch.Tensor) -> float:
        """How far the furthest of the texts is from the model's own output; AttnvizError where that is too far."""
        query, key, value = (array.flatten(0, 1) for array in (call.query, call.key, call.value))
        by_heads = output.transpose(1, 2).flatten(0, 1).transpose(0, 1)  # (tokens, texts · heads, d_v)
        error = None
        if (rule := self._rule_of_all(rules, call)) is not None:
            with suppress(AttnvizError):  # padding may see what it likes: the texts alone decide
                error = self._compared(call, Layer(query, key, value, rule, number), by_heads)
        if error is None:
            error = self._compared(call, Layer(query, key, value, self._rule(rules, call), number), by_heads)
        return error

    def _compared(self, call: AttentionCall, whole: Layer, output: torch.Tensor) -> float:
        """The same of the heads of all texts below each other, and of what the model computed, (tokens, texts · heads, d_v)."""
        error = require_agreement(whole, output, plain=call.rounds_each_step, comparison=self.comparison)
        self._count(compared_queries(whole, self.comparison))
        return error

    def _count(self, queries: numpy.ndarray) -> None:
        """Note that these queries of each text were compared in one layer more."""
        counts = [int((queries < length).sum()) for length in self.lengths]
        self.checked = list(map(min, self.checked or counts, counts))

    def _rule_of_all(self, rules: Sequence[Rule], call: AttentionCall) -> Rule | None:
        """The rule of all heads of all texts, in which padding sees what stands before it, as it does in most models: a row that
        sees something is computed several times as fast as one that sees nothing. None where texts differ in more than length."""
        longest, heads = rules[list(self.lengths).index(max(self.lengths))], call.query.shape[1]
        if any(rule.mask is not None or rule.bias is not None for rule in rules):
            return None
        if not all(_shows_the_same(longest, *one) for one in zip(rules, self.lengths, strict=True)):
            return None
        sinks = None if longest.sinks is None else longest.sinks.repeat(len(rules))
        mask = None
        if len({*self.lengths}) > 1:  # (texts · heads, 1, tokens)
            mask = self._there(call.query.device).repeat_interleave(heads, dim=0)[:, None]
        return replace(longest, sinks=sinks, mask=mask)

    def _rule(self, rules: Sequence[Rule], call: AttentionCall) -> Rule:
        """The rule of all heads of all texts, in which padding sees nothing."""
        first, (texts, heads, tokens, _) = rules[0], call.query.shape
        sinks = None if first.sinks is None else first.sinks.repeat(texts)
        seen = torch.zeros(texts, heads, tokens, tokens, dtype=torch.bool, device=call.query.device)
        bias = torch.zeros(seen.shape, device=seen.device) if any(rule.bias is not None for rule in rules) else None
        for text, (rule, length) in enumerate(zip(rules, self.lengths, strict=True)):
            some = slice(0, length)
            shown = Visibility.of(rule, length, length, rule.mask).block(some, some, torch, seen.device)
            seen[text, :, some, some] = True if shown is None else shown
            if bias is not None and rule.bias is not None:
                bias[text, :, some, some] = like(bias, rule.bias)
        return replace(
            first,
            causal=False,
            window=None,
            query_offset=None,
            sinks=sinks,
            mask=seen.flatten(0, 1),
            bias=None if bias is None else bias.flatten(0, 1),
        )

    def _there(self, device: torch.device) -> torch.Tensor:
        """Whether each place is one of a token of its text, (texts, tokens)."""
        lengths = torch.tensor(self.lengths, device=device)
        return torch.arange(max(self.lengths), device=device) < lengths[:, None]


def _shows_the_same(longer: Rule, rule: Rule, tokens: int) -> bool:
    """Whether ``longer``, the rule of a longer text, shows of so many tokens what the ``rule`` of these shows: a text within the window
    tells nothing of it, and one token has nothing behind it."""
    if (longer.causal, longer.window, longer.query_offset) == (rule.causal, rule.window, rule.query_offset):
        return True
    every = slice(0, tokens)
    shown = [Visibility.of(one, tokens, tokens, None).block(every, every, numpy, "cpu") for one in (longer, rule)]
    mine, theirs = (numpy.ones((tokens, tokens), bool) if cells is None else cells for cells in shown)
    return bool((mine == theirs).all())


def _of_text(call: AttentionCall, text: int, length: int) -> AttentionCall:
    """The call as it would be of one text alone."""
    one, some = slice(text, text + 1), slice(0, length)
    options = dict(call.options)
    mask = call.mask
    if mask is not None:
        mask = _square(mask, text, length)
    if isinstance(bias := options.get("position_bias"), torch.Tensor):
        options["position_bias"] = _square(bias, text, length)
    query, key, value = (array[one, :, some] for array in (call.query, call.key, call.value))
    return call._replace(query=query, key=key, value=value, mask=mask, options=options)


def _square(array: torch.Tensor, text: int, length: int) -> torch.Tensor:
    """(texts or 1, heads, tokens or 1, tokens) → (1, heads, length or 1, length), of one text."""
    one = slice(text, text + 1) if len(array) > 1 else slice(None)
    rows = slice(0, length) if array.shape[-2] > 1 else slice(None)
    return array[one, :, rows, :length]
