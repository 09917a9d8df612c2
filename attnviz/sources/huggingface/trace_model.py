"""A real model's attention, exactly: any head of any Hugging Face model, at memory that grows with the text's length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch
import transformers

from attnviz.attention.memory import lacks_memory
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.inputs import Reading, Text, read
from attnviz.sources.huggingface.labels import Tokens
from attnviz.sources.huggingface.loading.errors import one_line
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.seams import accepted, closed
from attnviz.sources.huggingface.stacks import known_layers, layer_count
from attnviz.sources.huggingface.watch import Watch, watching
from attnviz.sources.recording.agreement import checked_queries, dtype_name
from attnviz.trace.layer import TOWERS, Layer
from attnviz.trace.origin import Agreement, Origin, TokenIds
from attnviz.trace.selectors import layer_filter, layers_meant
from attnviz.trace.trace import Trace

MODEL = "the model"  # as errors call what has layers
LayerProgress = Callable[[int, int | None], None]  # how many layers are done, of how many; None: unknown


def trace(
    model: Model,
    text: Text,
    *,
    layer: Sequence[str] = (),
    target: Text | None = None,
    chat: bool = False,
    progress: LayerProgress = lambda *_: None,
) -> Trace:
    """The trace of one text that ``model`` reads; see ``attnviz.trace_model``."""
    reading = read(model, text, target, chat)
    layers = layer_count(model.model.config)
    if (known := known_layers(model.model)) is not None:
        layers_meant(layer, known, MODEL)  # before the model runs, which may take long
    with watching(model.model, layer_filter(layer), lambda done: progress(done, layers)) as watch:
        _run(model, reading)
    _require_seen(layer, watch)
    kept = tuple(_with_tokens(one, reading) for one, _ in watch.kept)
    return Trace(kept[0].tokens or (), _grouped(kept), _origin(model, watch, reading))


def _run(model: Model, reading: Reading) -> None:
    """One forward pass, without anything that a generation or a training would keep."""
    options = accepted(model.model, {"use_cache": False, "logits_to_keep": 1})
    inputs = {name: value.to(model.model.device) for name, value in reading.inputs.items()}
    surroundings = closed() if model.found else nullcontext()
    with surroundings, _evaluating(model.model), torch.inference_mode(), _model_errors(model):
        model.model(**inputs, **options)


@contextmanager
def _model_errors(model: Model) -> Iterator[None]:
    """Turn what a model raises while it runs into one line."""
    try:
        yield
    except AttnvizError:
        raise
    except Exception as error:  # models refuse what they are given in every way there is
        if lacks_memory(error):
            raise AttnvizError(
                "not enough memory for this text in this model",
                "give a shorter text, --dtype bfloat16 or --device-map auto",
            ) from None
        raise AttnvizError(
            f"{type(model.model).__name__} cannot read this: {one_line(error)}",
            "a model of images or sound needs them too: from Python, give trace_model() all of its inputs by name",
        ) from error


def _require_seen(layer: Sequence[str], watch: Watch) -> None:
    """Refuse layers that do not exist, or cannot be watched."""
    try:
        layers_meant(layer, [(run.stack, run.number) for run in watch.runs], MODEL)
    except AttnvizError as error:
        if unseen := ", ".join(watch.calls.unseen):
            raise AttnvizError(
                error.message, f"{unseen} computes attention in its own way, which cannot be watched"
            ) from None
        raise


def _origin(model: Model, watch: Watch, reading: Reading) -> Origin:
    layers, errors = zip(*watch.kept, strict=True)
    queries = max(layer.query.shape[1] for layer in layers)
    return Origin.of_model(
        model=Path(model.name).name or model.name,
        architecture=type(model.model).__name__,
        dtype=dtype_name(layers[0].query),
        device=str(model.model.device),
        transformers=transformers.__version__,
        agreement=Agreement(max(errors), checked_queries(queries), {layer.title: error for layer, error in watch.kept}),
        unseen=watch.calls.unseen,
        text=_token_ids(reading.tokens),
        target=_token_ids(reading.target),
    )


def _token_ids(tokens: Tokens | None) -> TokenIds | None:
    return None if tokens is None else TokenIds(tokens.ids, frozenset(tokens.special))


def _with_tokens(layer: Layer, reading: Reading) -> Layer:
    """``layer`` with the labels of what it reads: the decoder's text, the encoder's, or neither (image, sound)."""
    queries, keys = layer.query.shape[1], layer.key.shape[1]
    if layer.stack in TOWERS:
        return replace(layer, tokens=reading.labels(None, queries), key_tokens=reading.labels(None, keys))
    own = reading.target if layer.stack in ("decoder", "cross") and reading.target is not None else reading.tokens
    other = reading.tokens if layer.kind == "cross" else own
    return replace(layer, tokens=reading.labels(own, queries), key_tokens=reading.labels(other, keys))


def _grouped(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layers of each stack together, as they are numbered; tokens only where they are not the trace's."""
    stacks = list(dict.fromkeys(layer.stack for layer in layers))
    tokens = layers[0].tokens
    ordered = sorted(layers, key=lambda layer: stacks.index(layer.stack))
    return tuple(
        replace(
            layer,
            tokens=None if layer.tokens == tokens else layer.tokens,
            key_tokens=None if layer.key_tokens == layer.tokens else layer.key_tokens,
        )
        for layer in ordered
    )


@contextmanager
def _evaluating(model: transformers.PreTrainedModel) -> Iterator[None]:
    """Without dropout, whatever the model was doing before."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
