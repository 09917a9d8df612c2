"""The formula of attention, step by step, written once for NumPy and torch.

    output = softmax(QKᵀ · scale + bias) V        Vaswani et al. 2017, "Attention Is All You Need", equation 1

with what later models added to it: causal masks and key/value caches (query_offset), sliding windows (Mistral),
capped scores (Gemma 2, 2408.00118), grouped key/value heads (Ainslie et al. 2023, 2305.13245) and sinks
(Xiao et al. 2023, 2309.17453, as gpt-oss learns them).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, as_floating, is_torch, like, namespace, overflow_unspoken
from attnviz.attention.checks import (
    all_finite,
    bias_beside,
    boolean_mask,
    checked_inputs,
    of_scores,
    require_softcap_in,
    sink_logits,
    too_large,
)
from attnviz.attention.heads import grouped_product
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Visibility, lowering


class Steps(NamedTuple):
    """The five steps of one or more heads, each an array of the kind that came in.

    scores    QKᵀ                                              (…, heads, queries, keys)
    scaled    scores × scale, then softcap                     (…, heads, queries, keys)
    masked    scaled + bias, hidden cells −∞                   (…, heads, queries, keys)
    weights   softmax of masked; sinks take their share        (…, heads, queries, keys)
    output    weights V                                        (…, heads, queries, d_v)
    """

    scores: Array
    scaled: Array
    masked: Array
    weights: Array
    output: Array

    @property
    def hidden(self) -> Array:
        """True for each cell that its query cannot see (attention/visibility.py).  (…, heads, queries, keys)"""
        return self.masked == -math.inf

    @property
    def blind(self) -> Array:
        """True for each query whose keys are all hidden: its weights and output are 0.  (…, heads, queries)"""
        return namespace(self.masked).max(self.masked, axis=-1) == -math.inf


def attend(
    query: Any,
    key: Any,
    value: Any,
    *,
    scale: float | None = None,
    causal: bool = False,
    query_offset: int | None = None,
    window: int | None = None,
    softcap: float | None = None,
    mask: Any = None,
    bias: Any = None,
    sinks: Any = None,
) -> Steps:
    """Compute attention and return all five steps of it.

    query  (…, heads, queries, d_k)      or (queries, d_k) for one head
    key    (…, kv_heads, keys, d_k)      head h reads kv head h // (heads / kv_heads)
    value  (…, kv_heads, keys, d_v)

    NumPy arrays (or nested lists) in, NumPy arrays out; torch tensors in, torch tensors out, on their device and
    differentiable. Arrays of any other library that speaks DLPack (JAX, array-api-strict, …) are read from the CPU, and
    NumPy arrays come out. Masked arrays are refused: say with ``mask`` what may be seen. The options are those of ``Rule``.
    Half precision is computed in float32, and what is wider than float64 in float64.

    A query whose keys are all hidden gets weights and output 0, never NaN. AttnvizError when shapes do not fit, when
    an input is not finite, or when causal or window would have to guess the query_offset.
    """
    rule = Rule(scale, causal, query_offset, window, softcap, mask, bias, sinks)
    xp = namespace(query, key, value)
    query, key, value = checked_inputs(xp, query, key, value)
    with overflow_unspoken():
        steps = _steps(xp, query, key, value, rule)
    _require_no_overflow(xp, steps, rule)
    return steps


def outputs_alone(query: Array, key: Array, value: Array, rule: Rule, visible: Array | None) -> Array | None:
    """The output of ``attend`` alone; None where a query sees no key, or a number is not finite: ``attend`` knows what to do then.

    query, key, value are torch tensors of one type that nobody differentiates, (heads, tokens, d); ``rule`` has neither bias nor
    sinks, and of it scale and softcap count: ``visible`` says which query sees which key, None: all see all. The steps overwrite each other, and what went wrong in one is seen in the last: NaN stays NaN. So it takes half as long.
    """
    xp = namespace(query)
    weights = weights_of(query, key, rule, None if visible is None else hiding(visible))
    output = grouped_product(xp, weights, as_floating(value, "value"))  # of a query that sees nothing NaN
    return output if all_finite(xp, output) else None


def weights_of(query: Array, key: Array, rule: Rule, added: Array | None) -> Array:
    """The weights of ``attend`` alone, where ``added`` hides cells and ``rule`` says but scale and softcap; NaN of a query that sees
    nothing. The arrays are as those of ``outputs_alone``, with any axes in front."""
    xp = namespace(query)
    query, key = as_floating(query, "query"), as_floating(key, "key")
    logits = grouped_product(xp, query * rule.scale_for(query.shape[-1]), xp.matrix_transpose(key))
    if rule.softcap is not None:
        require_softcap_in(logits.dtype, xp, rule.softcap)
        logits.div_(rule.softcap).tanh_().mul_(rule.softcap)
    if added is not None:
        logits += added
    weights: Array = logits.softmax(-1)
    return weights


def hiding(visible: Array) -> Array:
    """What, added to scores, hides those that are not ``visible``."""
    return namespace(visible).where(visible, 0.0, -math.inf)


def _steps(xp: Any, query: Array, key: Array, value: Array, rule: Rule) -> Steps:
    """The formula itself."""
    scores = grouped_product(xp, query, xp.matrix_transpose(key))  # (…, heads, queries, keys)

    scaled = scores * rule.scale_for(query.shape[-1])
    if rule.softcap is not None:
        require_softcap_in(scaled.dtype, xp, rule.softcap)
        scaled = rule.softcap * xp.tanh(scaled / rule.softcap)

    masked = _masked(xp, scaled, query, key, rule)
    sinks = None if rule.sinks is None else sink_logits(xp, like(query, as_floating(rule.sinks, "sinks")), query)
    weights = softmax(masked, sinks)
    return Steps(scores, scaled, masked, weights, grouped_product(xp, weights, value))


def _masked(xp: Any, scaled: Array, query: Array, key: Array, rule: Rule) -> Array:
    """``scaled`` plus the bias, hidden cells −∞."""
    visibility = _visibility(xp, scaled, query, rule)
    masked = scaled
    if rule.bias is not None:
        bias = of_scores(bias_beside(query, rule.bias), "bias", tuple(scaled.shape))
        masked = masked + bias
        lowered = lowering(query, key, rule, bias, visibility)
        if lowered is not None:
            masked = xp.where(lowered.hides(bias), -math.inf, masked)
    visible = _visible(xp, visibility, query)
    return masked if visible is None else xp.where(visible, masked, -math.inf)


def _visibility(xp: Any, scaled: Array, query: Array, rule: Rule) -> Visibility:
    """Which of the cells of ``scaled`` the ``rule`` shows, before any bias."""
    shape, mask = tuple(scaled.shape), None
    queries, keys = shape[-2:]
    if rule.mask is not None:
        mask = of_scores(like(query, boolean_mask(rule.mask), dtype=xp.bool), "mask", shape)
    return Visibility.of(rule, queries, keys, mask)


def _visible(xp: Any, visibility: Visibility, query: Array) -> Array | None:
    """Whether each query sees each key, (…, queries, keys), bool; None where all see all."""
    return visibility.block(slice(0, visibility.queries), slice(0, visibility.keys), xp, query.device)


def softmax(masked: Array, sink: Array | None = None) -> Array:
    """softmax over the last axis, shifted by the row's maximum so that no exponential overflows.

    A row that is −∞ throughout yields 0. A ``sink`` (…, 1) takes its share and is left out.
    """
    xp = namespace(masked)
    largest = xp.max(masked, axis=-1, keepdims=True)  # (…, heads, queries, 1)
    if sink is None and is_torch(masked) and not bool(xp.any(largest == -math.inf)):
        # torch's exp takes 7 times as long of −∞, and 80 of what leaves a denormal number; its softmax does not.
        return masked.softmax(-1)
    if sink is not None:
        largest = xp.maximum(largest, sink)
    largest = xp.where(largest == -math.inf, 0.0, largest)  # a row that sees nothing: exp(−∞ − 0) = 0
    exponentials = xp.exp(masked - largest)
    total = xp.sum(exponentials, axis=-1, keepdims=True)
    if sink is not None:
        total = total + xp.exp(sink - largest)
    return exponentials / xp.where(total == 0, 1.0, total)


def log_softmax(logits: Array) -> Array:
    """The natural logarithm of softmax over the last axis, which does not round a small share to 0 first."""
    xp = namespace(logits)
    below = logits - xp.max(logits, axis=-1, keepdims=True)
    result: Array = below - xp.log(xp.sum(xp.exp(below), axis=-1, keepdims=True))
    return result


def _require_no_overflow(xp: Any, steps: Steps, rule: Rule) -> None:
    """Raise the AttnvizError that names the first step with numbers too large for its dtype."""
    # Scores are finite where the scaled are, unless a cap hides them; masked too, unless a bias is added; and so are the
    # weights of finite logits. Each look is one more pass over queries × keys.
    fine = all_finite(xp, steps.scaled) and all_finite(xp, steps.output)
    fine = fine and (rule.softcap is None or all_finite(xp, steps.scores))
    if fine and (rule.bias is None or all_finite(xp, steps.masked, hidden=True)):
        return
    for name, array in zip(Steps._fields, steps, strict=True):
        if not all_finite(xp, array, hidden=name == "masked"):
            raise too_large(name, array.dtype)
