"""The public call that names the mistake in an implementation of attention."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from attnviz.arguments import member
from attnviz.choices import Language

if TYPE_CHECKING:
    from attnviz.analysis.diagnosis.result import Diagnosis


def diagnose(
    query: Any,
    key: Any,
    value: Any,
    output: Any = None,
    *,
    weights: Any = None,
    scale: float | None = None,
    causal: bool = False,
    query_offset: int | None = None,
    window: int | None = None,
    softcap: float | None = None,
    mask: Any = None,
    bias: Any = None,
    sinks: Any = None,
    rope_theta: float | None = None,
    rope_dims: int | None = None,
    rope_interleaved: bool = False,
    positions: Any = None,
    dtype: str | None = None,
    language: str = "en",
) -> Diagnosis:
    """What is wrong with ``output``, or ``weights``, of attention that was meant to be as the rest says.

    query    (heads, queries, d_k) or (items, heads, queries, d_k); (queries, d_k) for one head
    key      (kv_heads, keys, d_k), value (kv_heads, keys, d_v), with as many axes
    output   (heads, queries, d_v), as an implementation gave it; NaN is a symptom and not refused
    weights  (heads, queries, keys), instead of the output
    scale … sinks   what was meant, as of ``Rule``; mask and bias may have an axis of items before that of heads
    rope_theta, rope_dims, rope_interleaved, positions   a rotation that was meant: query and key come as before it.
             rope_dims is all of d_k unless given; positions, (keys,) or (items, keys), count from 0 unless given
    dtype    the arithmetic of the implementation: "float64", "float32", "tf32", "float16" or "bfloat16"; None: that of the
             output, or the narrower one on whose numbers all of it lies
    language in which it prints, "en" or "vi"

    A name is given only where it explains the output to rounding. AttnvizError where shapes do not fit or numbers that go
    in are not finite.
    """
    from attnviz.analysis.diagnosis.diagnose import diagnose as diagnosed

    spoken = member(Language, language, "language")
    rule = {"scale": scale, "causal": causal, "query_offset": query_offset, "window": window, "softcap": softcap}
    arrays = {"weights": weights, "mask": mask, "bias": bias, "sinks": sinks, "positions": positions}
    rotation = {"rope_theta": rope_theta, "rope_dims": rope_dims, "rope_interleaved": rope_interleaved}
    meant: dict[str, Any] = rule | arrays | rotation
    return replace(diagnosed(query, key, value, output, **meant, dtype=dtype), language=spoken)
