"""How many texts a model reads at once, and several of them as one padded reading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import NamedTuple

import torch
from transformers import PreTrainedModel

from attnviz.attention.memory import allowance
from attnviz.sources.given import Given
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.stacks import layer_count

MOST = 32  # texts at once, where no processor's cache says how many
# Tokens at once, padding included, on a processor: beyond them its cache is too small for what a layer makes. SmolLM2-135M on one
# core, milliseconds a token: 2.6 of 4 texts of 16 tokens, 2.0 of 8, 1.8 of 16 texts of 32 tokens, and 2.1 of 32.
TOKENS = 512
# Tokens that one more pass costs as much as, there: the model's own pass costs 40 of them before its first (0.09 s of 8 tokens, 0.92 s
# of 512), and watching it in 30 layers half as much.
PASS = 32
LEAST = 256  # tokens at once all the same, where a few texts are parted among several passes that run side by side
BYTES_A_NUMBER = 24  # of one token in one layer: what is kept, what runs, and what is compared


class Asked(NamedTuple):
    """One text of many, and how it is read."""

    number: int
    given: Given
    reading: Reading

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return int(self.reading.inputs["input_ids"].shape[1])

    @property
    def is_plain(self) -> bool:
        """Whether ids, and the kinds of their segments, are all that is read."""
        return self.reading.inputs.keys() <= {"input_ids", "token_type_ids"} and self.reading.target is None


class AtOnce:
    """How many texts ``network`` reads at once.

    asked  as many as somebody wants; None: as many as memory allows and its processor's cache serves
    fits   tokens, padding included: half of those that once did not fit
    serves tokens, padding included, that are worth running at once on a processor
    """

    def __init__(self, network: PreTrainedModel, asked: int | None) -> None:
        self.network, self.asked = network, asked
        self.fits: float = math.inf
        self.serves = TOKENS

    def part(self, tokens: int, parts: int) -> None:
        """So many ``tokens`` are to run, in at least so many ``parts``, that none waits for another at the end."""
        self.serves = max(LEAST, min(TOKENS, tokens // parts))

    def most(self, length: int) -> int:
        """How many texts of this length may run at once."""
        count = self.asked or self._usual(length)
        return int(max(1, min(count, self.fits // length)))

    def together(self, lengths: Sequence[int]) -> int:
        """How many of texts of these ``lengths``, the longest first, run at once: no more than ``most``; and on a processor none of
        those that would fill the batch with more padding than another pass costs, unless somebody wants so many."""
        most = self.most(lengths[0])
        if self.asked is not None or not self._on_processor:
            return most
        padding = accumulate(lengths[0] - length for length in lengths[:most])
        return sum(1 for _ in takewhile(lambda tokens: tokens <= PASS, padding))

    def did_not_fit(self, texts: int, length: int) -> None:
        """So many texts of this length took more memory than there is."""
        self.fits = min(self.fits, texts * length // 2)

    def bytes_a_token(self) -> int:
        """What a token takes in all layers together."""
        config = self.network.config.get_text_config()
        return (layer_count(config) or 1) * int(getattr(config, "hidden_size", 1024)) * BYTES_A_NUMBER

    @property
    def _on_processor(self) -> bool:
        return self.network.device.type == "cpu"

    def _usual(self, length: int) -> int:
        serves = self.serves // length if self._on_processor else MOST
        return min(serves, allowance() // (length * self.bytes_a_token()))


def padded(some: Sequence[Asked], padding: int) -> Reading:
    """One pass over all of them, the padding behind each."""
    longest = max(one.length for one in some)
    inputs = {
        name: torch.cat(
            [_filled(one.reading.inputs[name], longest, padding if name == "input_ids" else 0) for one in some]
        )
        for name in some[0].reading.inputs
    }
    if any(one.length < longest for one in some):
        there = [_filled(torch.ones_like(one.reading.inputs["input_ids"]), longest, 0) for one in some]
        inputs["attention_mask"] = torch.cat(there)
    return Reading(inputs)


def _filled(numbers: torch.Tensor, length: int, value: int) -> torch.Tensor:
    """(1, tokens) → (1, length)."""
    return torch.nn.functional.pad(numbers, (0, length - numbers.shape[1]), value=value)
