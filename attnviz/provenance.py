"""What a trace says of the model it comes from, and how exactly it holds what that model computed."""

from __future__ import annotations

from attnviz.trace import Layer, Trace


def model_name(trace: Trace) -> str:
    """The model that the trace was taken from, or "" where there was none."""
    return str(trace.source.get("model", ""))


def layer_error(trace: Trace, layer: Layer) -> float | None:
    """How far the outputs recomputed for ``layer`` are from the model's own, in parts of a head's largest; None: unknown.

    The largest difference over the heads and the queries that were compared (sources/agreement.py).
    """
    errors = trace.source.get("agreement", {}).get("errors", {})
    return errors.get(layer.title)  # type: ignore[no-any-return]


def agreement(trace: Trace) -> str:
    """One line that says of which model the numbers are, and how exactly; "" for a trace of no model."""
    known = trace.source.get("agreement")
    if not known:
        return ""
    return exactness(model_name(trace), known["largest_error"])


def exactness(model: str, error: float) -> str:
    """The same, for a ``model`` and its largest ``error``."""
    return f"{model}, recomputed to within {error:.1e} of its own outputs"
