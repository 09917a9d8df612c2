"""Other libraries' attention beside attend(): what each needs to run, and where it differs, and why.

A difference is listed in one place. A suite says each time that it meets one, and at its end that it met every one of its own:
so what is no longer different leaves the list.
"""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

import pytest

DIFFERENCES = {
    "onnx: a window of two lengths": "attnviz's window reaches as far ahead as behind, unless causal: given as a mask",
    "onnx: lengths of its own": "nonpad_kv_seqlen hides the keys behind a text's end, each text of a batch its own: given as a mask",
    "torch: a result in half precision": "torch computes in float32 and rounds the result to 8 or 11 bits; attend() leaves it in float32",
    "torch: weights in half precision": "its fused kernel also rounds the weights, before it multiplies them with the values",
    "torch: dropout": "it takes weights away at random: attend() shows those that it draws from, so its rate is set to 0",
    "torch: one more key of zeros or of a bias": "add_zero_attn and bias_k, bias_v are inputs of attention: put beside the other keys",
    "torch: NaN where a query sees nothing": "multi_head_attention_forward has the softmax of a row of −∞; attend() has 0, and says blind",
    "jax: weights in half precision": "jax rounds the weights to the type of the key before it multiplies them with the values",
    "jax: a window of two lengths": "as ONNX's",
    "jax: lengths of its own": "query_seq_lengths and key_value_seq_lengths, each text of a batch its own: given as a mask",
    "jax: a mean where a query sees nothing": "jax hides with −0.7 · the largest number, so that a row of it has equal weights on all keys",
    "jax: a bias that hides": "to jax a bias of −∞ in a whole row is NaN; attend() hides the row",
    "keras: a mean where a query sees nothing": "without return_attention_scores, keys that are hidden all alike are weighed alike",
    "transformers: a window that counts the distance": "bidirectional windows are told how far they reach; attend()'s counts the query itself",
    "transformers: chunks": "attnviz has no rule for attention within chunks (Llama 4): given as a mask",
}


def library(name: str) -> Any:
    """The module of this name; a test of tests/foreign fails where it is missing, so that CI leaves none out."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        pytest.fail(f"{error}: pip install -e '.[dev,foreign]'")


class Suite:
    """Counts the cases of one library, and the differences that they met."""

    def __init__(self, name: str, of: str = "") -> None:
        self.name, self.of = name, of or name
        self.cases = 0
        self.met: Counter[str] = Counter()

    def differs(self, what: str) -> None:
        """One of the cases differs in this, which the list must hold."""
        difference = f"{self.of}: {what}"
        assert difference in DIFFERENCES
        self.met[difference] += 1

    def require(self, cases: int, *differences: str) -> None:
        """Raise AssertionError unless there were so many cases, and they met just these ``differences``."""
        print(f"{self.name}: {self.cases} cases; {dict(self.met)}")
        assert self.cases == cases
        assert set(self.met) == {f"{self.of}: {what}" for what in differences}
