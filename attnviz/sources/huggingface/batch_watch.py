"""Watching a model while it reads several texts at once, padded to the length of the longest.

What is compared with the model's own output is the batch as one layer, of the heads of each text below each other; each text
is cut out of it afterwards, padding dropped, and looks as if it had been read alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy
import torch

from attnviz.attention.arrays import like
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.attention.visibility import Visibility
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import call_rule
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.huggingface.watch import Watch
from attnviz.sources.recording.agreement import require_agreement
from attnviz.sources.recording.sampled import compared_queries
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import with_facts


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
    checked  how many queries of each text were compared with the model's own, in the layer with the fewest
    """

    lengths: Sequence[int] = ()
    checked: list[int] = field(default_factory=list)
    batched: list[BatchedLayer] = field(default_factory=list)

    def kept_of(self, text: int) -> list[tuple[Layer, float]]:
        """What ``Watch.kept`` is of one text."""
        length = self.lengths[text]
        return [(self.projected(one.layer(text, length)), one.error) for one in self.batched]

    def _kept(
        self, call: AttentionCall, address: LayerAddress, number: int, output: torch.Tensor
    ) -> tuple[Layer | None, float]:
        texts, _, tokens, _ = call.query.shape
        if texts != len(self.lengths) or tokens != max(self.lengths) or call.keys != tokens:
            raise AttnvizError("{path} attends to something else than these texts", path=address.path)
        rules = tuple(call_rule(_of_text(call, text, length), self._once) for text, length in enumerate(self.lengths))
        rotary, rotation = self.turns.taken(call)
        error = self._agreed(call, rules, number, output)
        query, key, value = map(self._memory.copied, (call.query, call.key, call.value))
        own = tuple(self._on_the_cpu(rule) for rule in rules)
        place = list(self.lengths).index(tokens)
        arrays, named = (query[place], key[place], value[place]), address.name_and_kind(number)
        longest = Layer(*arrays, own[place], number, *named, rotary=rotary, rotation=rotation)
        self.batched.append(BatchedLayer(longest, query, key, value, own, error))
        return None, error

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
        first, heads = rules[0], call.query.shape[1]
        said = {(rule.causal, rule.window, rule.query_offset) for rule in rules}
        if len(said) > 1 or any(rule.mask is not None or rule.bias is not None for rule in rules):
            return None
        sinks = None if first.sinks is None else first.sinks.repeat(len(rules))
        return replace(first, sinks=sinks, mask=self._there(heads, call) if len({*self.lengths}) > 1 else None)

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

    def _there(self, heads: int, call: AttentionCall) -> torch.Tensor:
        """Whether each key of each head is a token of its text, (texts · heads, 1, tokens)."""
        lengths = torch.tensor(self.lengths, device=call.query.device)
        there = torch.arange(max(self.lengths), device=lengths.device) < lengths[:, None]
        return there.repeat_interleave(heads, dim=0)[:, None]

    def _on_the_cpu(self, rule: Rule) -> Rule:
        moved = {
            name: self._once(array, torch.Tensor.cpu)
            for name in RULE_ARRAYS
            if isinstance(array := getattr(rule, name), torch.Tensor)
        }
        return replace(rule, **moved) if moved else rule


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
