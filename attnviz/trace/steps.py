"""Which steps there are of a layer."""

from __future__ import annotations

from attnviz.choices import Step
from attnviz.trace.layer import Layer


def available(layer: Layer) -> set[Step]:
    """The steps that can be shown of ``layer``."""
    known = set(Step)
    if layer.embeddings is None:
        known -= {Step.EMBEDDINGS}
    if layer.positions is None:
        known -= {Step.POSITIONS, Step.INPUTS}
    if not {"query", "key", "value"} <= layer.projections.keys():
        known -= {Step.PROJECTIONS}
    if layer.heads == 1:
        known -= {Step.CONCAT}
    return known if "output" in layer.projections else known - {Step.PROJECTED}
