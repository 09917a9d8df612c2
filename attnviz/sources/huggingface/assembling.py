"""From the layers that were watched to a trace: their tokens, their order, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import transformers

from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.patches.found import InPicture
from attnviz.sources.huggingface.patches.labels import patch_labels
from attnviz.sources.huggingface.tokens import Tokens
from attnviz.sources.recording.agreement import dtype_name
from attnviz.sources.recording.sampled import SAMPLED, Comparison, agreement
from attnviz.trace.generation import Predictions
from attnviz.trace.layer import TOWERS, Layer, valid_tokens
from attnviz.trace.layer_facts import with_facts
from attnviz.trace.origin import Origin, TokenIds, read_origin
from attnviz.trace.token_facts import NO_FACTS
from attnviz.trace.trace import Trace, numbered

NO_REASONS: Mapping[str, str] = MappingProxyType({})


def assembled(
    model: Model,
    kept: Sequence[tuple[Layer, float | None]],
    unseen: Sequence[str],
    reading: Reading,
    places: InPicture | None = None,
    because: Mapping[str, str] = NO_REASONS,
    comparison: Comparison = SAMPLED,
) -> Trace:
    """The trace of the layers that were ``kept`` of what ``model`` read, each with how far it is from the model's own output;
    ``unseen`` are the modules that could not be watched, and ``places`` where tokens stand in a picture; ``because``
    says why of a layer only the weights are known."""
    layers = tuple(_placed(with_tokens(layer, reading), places) for layer, _ in kept)
    origin = _origin(model, kept, unseen, reading, because, comparison)
    if places is not None and any(layer.boxes is not None for layer in layers):
        origin = _seeing(origin, layers, places)
    own, target = (NO_FACTS if tokens is None else tokens.facts for tokens in (reading.tokens, reading.target))
    return Trace(layers[0].tokens or (), _grouped(layers), origin, facts=own, target_facts=target)


def completed(trace: Trace, source: Origin, predictions: tuple[Predictions, ...] = ()) -> Trace:
    """``trace`` with its whole ``source``, and its ``predictions``: its layers, which were looked at, are not again. Of a short text
    that takes longer than its part of the model's pass."""
    if predictions:
        return replace(trace, source=source, predictions=predictions)
    other = copy(trace)
    vars(other).update(source=read_origin(source))
    return other


def _seeing(origin: Origin, layers: Sequence[Layer], places: InPicture) -> Origin:
    """``origin`` of a picture that was read; a token that shows a part of it is not one that stands for nothing."""
    shown = {
        place
        for layer in layers
        if layer.stack not in TOWERS and layer.boxes is not None and len(layer.boxes) == len(origin.text.ids)
        for place, box in enumerate(layer.boxes)
        if not math.isnan(box[0])
    }
    special = sorted(origin.text.special - shown)
    picture = {"picture": dict(zip(("width", "height"), places.size, strict=True))}
    return Origin(origin | picture | ({"special": special} if origin.text.ids else {}))


def _placed(layer: Layer, places: InPicture | None) -> Layer:
    """``layer`` with where its tokens stand in the picture, and named by it: of a text alone as they are."""
    both = None if places is None else places.patches.get((layer.stack, layer.index))
    if both is None or not (both[1].there.any() or both[0].there.any()):
        return layer
    queries, keys = both
    own = layer.stack not in TOWERS and layer.tokens != numbered(len(layer.tokens or ()))
    return replace(
        layer,
        tokens=patch_labels(queries, layer.tokens if own or not queries.there.any() else None),
        key_tokens=patch_labels(keys, layer.key_tokens if own or not keys.there.any() else None),
        boxes=keys.boxes,
        query_boxes=None if layer.kind == "self" else queries.boxes,
    )


def _origin(
    model: Model,
    kept: Sequence[tuple[Layer, float | None]],
    unseen: Sequence[str],
    reading: Reading,
    because: Mapping[str, str],
    comparison: Comparison,
) -> Origin:
    layers = [layer for layer, _ in kept]
    errors = {layer.title: error for layer, error in kept if error is not None}
    return Origin.of_model(
        model=Path(model.name).name or model.name,
        architecture=type(model.model).__name__,
        dtype=dtype_name(layers[0].queried),
        device=str(model.model.device),
        transformers=transformers.__version__,
        agreement=agreement(errors, layers, comparison),
        unseen=unseen,
        unprojected=[layer.title for layer in layers if "output" not in layer.projections and not layer.weights_alone],
        because={layer.title: because[layer.title] for layer in layers if layer.title in because},
        adapter=model.adapter and (Path(model.adapter).name or model.adapter),
        text=_token_ids(reading.tokens),
        target=_token_ids(reading.target),
    )


def _token_ids(tokens: Tokens | None) -> TokenIds | None:
    return None if tokens is None else TokenIds(tokens.ids, frozenset(tokens.special))


def read_by(stack: str, reading: Reading) -> tuple[Tokens | None, Tokens | None]:
    """What the queries of a ``stack`` read, and what its keys are: the decoder's text, the encoder's, or None (image, sound)."""
    if stack in TOWERS:
        return None, None
    own = reading.target if stack in ("decoder", "cross") and reading.target is not None else reading.tokens
    return own, reading.tokens if stack == "cross" else own


def with_tokens(layer: Layer, reading: Reading, whole: int | None = None) -> Layer:
    """``layer`` with the labels of what it reads: the decoder's text, the encoder's, or neither (image, sound).

    Its queries may be the last of a ``whole`` of so many.
    """
    queries, keys = layer.queries if whole is None else whole, layer.keys
    own, other = read_by(layer.stack, reading)
    tokens = reading.labels(own, queries)[queries - layer.queries :]
    both = {"tokens": tokens, "key_tokens": reading.labels(other, keys)}
    own_layer: Layer = with_facts(layer, **{name: valid_tokens(labels) for name, labels in both.items()})
    return own_layer


def _grouped(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layers of each stack together, as they are numbered; tokens only where they are not the trace's."""
    stacks = list(dict.fromkeys(layer.stack for layer in layers))
    tokens = layers[0].tokens
    ordered = sorted(layers, key=lambda layer: stacks.index(layer.stack))
    return tuple(
        with_facts(
            layer,
            tokens=None if layer.tokens == tokens else layer.tokens,
            key_tokens=None if layer.key_tokens == layer.tokens else layer.key_tokens,
        )
        for layer in ordered
    )
