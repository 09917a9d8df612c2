"""The steps of a trace from the tokens to W_O, and their vectors, as NumPy has them: what the page's player is held to."""

from __future__ import annotations

from attnviz import Trace
from attnviz.attention.arrays import to_numpy

VECTOR_NUMBERS = 6  # of a vector that the page writes out


def stages_of(trace: Trace, layer: int = 0) -> list[str]:
    """The steps that the page's player has, known or not."""
    own = trace.layers[layer]
    before = ["embeddings", *(["inputs"] if own.positions is not None else []), "query", "key", "value"]
    after = [*(["concat"] if own.heads > 1 else []), *([] if own.bare else ["projected"])]
    last = ["contribution"] if "output" in own.projections or own.bare else []
    return [*before, "scores", "scaled", "masked", "weights", "output", *after, *last]


def is_known(trace: Trace, stage: str, layer: int = 0) -> bool:
    """Whether the trace holds what a step needs."""
    own = trace.layers[layer]
    lacks = {"embeddings": own.embeddings is None, "projected": "output" not in own.projections}
    return not lacks.get(stage, False)


def rows_of(trace, layer, head, stage):
    """What stands in the list of vectors of a step, (rows, d); of concat the outputs of all heads for the last query."""
    own = trace.layers[layer]
    if stage == "embeddings":
        return to_numpy(own.embeddings)
    if stage == "inputs":
        return to_numpy(own.inputs)
    if stage == "concat":
        return to_numpy(own.steps().output)[:, -1]
    if stage == "projected":
        return to_numpy(own.projected(own.concat(own.steps().output)))[-1:]
    return to_numpy(getattr(own, stage))[head if stage == "query" else own.kv_head(head)]
