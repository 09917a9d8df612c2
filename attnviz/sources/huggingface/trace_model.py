"""A real model's attention, exactly: any head of any Hugging Face model, at memory that grows with the text's length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any

import torch

from attnviz.choices import Verify
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.assembling import assembled, completed
from attnviz.sources.huggingface.inputs import Reading, Text, read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.model_recording import ModelRecording
from attnviz.sources.huggingface.next_tokens import foreseen, predicted
from attnviz.sources.huggingface.patches.found import found_in_picture
from attnviz.sources.huggingface.running import running
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.huggingface.seeing import PIXELS
from attnviz.sources.huggingface.stacks import known_layers, layer_count
from attnviz.sources.huggingface.stopping import Enough, Place, layers_before_end, may_end_behind
from attnviz.sources.huggingface.switching import UnwatchedError, watched_by
from attnviz.sources.huggingface.watch import Wanted, Watch
from attnviz.sources.recording.sampled import Comparison
from attnviz.text.message import Message
from attnviz.trace.selectors import layer_filter, layers_meant
from attnviz.trace.trace import Trace

MODEL = Message("the model")  # as errors call what has layers
Surroundings = Callable[[Model], AbstractContextManager[None]]  # of a pass
LayerProgress = Callable[[int, int | None], None]  # how many layers are done, of how many; None: unknown


def trace(
    model: Model,
    text: Text,
    *,
    layer: Sequence[str] = (),
    target: Text | None = None,
    chat: bool = False,
    image: Any = None,
    pair: str | None = None,
    verify: Verify = Verify.SAMPLE,
    toward: str | None = None,
    predictions: int | None = None,
    progress: LayerProgress = lambda *_: None,
) -> Trace:
    """The trace of one text that ``model`` reads; see ``attnviz.trace_model``."""
    reading = read(model, text, target, chat, image, pair)
    made = trace_of(model, text, reading, layer, Comparison(verify), progress, predictions)
    if toward is not None:
        from attnviz.sources.huggingface.direction import directed

        made = directed(model, reading, made, toward)
    return made if pair is None else replace(made, source=made.source.of_text(text, pair))


def trace_of(
    model: Model,
    text: Text,
    reading: Reading,
    layer: Sequence[str],
    comparison: Comparison,
    progress: LayerProgress = lambda *_: None,
    predictions: int | None = None,
) -> Trace:
    """The trace of one ``text``, which is read as ``reading`` says, with so many ``predictions`` after each position."""
    wanted, until = layer_filter(layer), last_layers(model, layer, predictions)
    layers = layers_before_end(until) or layer_count(model.model.config)
    random = torch.get_rng_state()
    with foreseen(model, predictions) as found:
        seen = _seen(model, reading, wanted, lambda done: progress(done, layers), comparison, until)
    _require_seen(layer, seen)
    recorded = isinstance(seen, ModelRecording)
    places = None if recorded else found_in_picture(model, reading.inputs, reading.pictured, seen.runs, random)
    made = assembled(model, seen.kept, seen.calls.unseen, reading, places, seen.because, seen.comparison)
    return completed(made, made.source.of_text(text), predicted(made, found, reading))


def last_layers(model: Model, layer: Sequence[str], predictions: int | None = None) -> frozenset[Place]:
    """The layers behind which a pass may end where only ``layer`` is asked for, and no ``predictions``, for which it must run to its
    end. ChoiceError where it is known that there is no such layer, before the model runs, which may take long."""
    known = known_layers(model.model)
    meant = () if known is None else layers_meant(layer, known, MODEL)
    return frozenset() if predictions is not None else may_end_behind(model.model, known, meant)


def _seen(
    model: Model,
    reading: Reading,
    wanted: Wanted,
    told: Callable[[int], None],
    comparison: Comparison,
    until: frozenset[Place],
) -> Watch | ModelRecording:
    """What was seen of the model's attention: through transformers' interface; or, where more of it does not go there, recorded."""
    watch = None if model.recorded else _watched(model, reading, wanted, told, comparison, until)
    if watch is not None and not watch.calls.unseen:
        model.recorded = False
    if watch is not None and (model.recorded is False or not watch.calls.unseen or PIXELS in reading.inputs):
        return watch  # where the patches of an image stand is asked through the interface
    recording = ModelRecording(model.model, reading, wanted, told)
    with recording.following():
        run(model, reading)
    model.recorded = watch is None or len(recording.runs) > len(watch.runs)
    if watch is not None and not model.recorded:
        return watch
    _require_recorded(model, recording)
    return recording


def _watched(
    model: Model,
    reading: Reading,
    wanted: Wanted,
    told: Callable[[int], None],
    comparison: Comparison,
    until: frozenset[Place],
) -> Watch | None:
    watch = Watch(model.model, wanted, told, comparison=comparison, until=until)
    watch.one_picture = reading.shows_one_picture
    try:
        with watched_by(watch):
            run(model, reading, behind=watch.settle)
    except UnwatchedError:
        return None
    return watch


def _require_recorded(model: Model, recording: ModelRecording) -> None:
    """Refuse a model that has no attention of which a map can be made."""
    if recording.runs:
        return
    raise AttnvizError(
        "{kind} computes attention in pieces, so no map of it is whole"
        if recording.normalised
        else "{kind} has no attention with a softmax over its keys, so there are no weights to show",
        "models whose every query has one softmax over its keys can be shown: Llama, GPT-2, BERT, T5, BLOOM, DeBERTa, …",
        kind=type(model.model).__name__,
    )


def run(
    model: Model, reading: Reading, surroundings: Surroundings = running, behind: Callable[[], None] = lambda: None
) -> None:
    """One forward pass, without anything that a generation or a training would keep, as far as whoever watches it wants it; and what is
    to be done ``behind`` it, whose lack of memory is told as the model's own."""
    options = accepted(model.model, {"use_cache": False, "logits_to_keep": 1})
    inputs = {name: value.to(model.model.device) for name, value in reading.inputs.items()}
    with surroundings(model):
        with suppress(Enough):
            model.model(**inputs, **options)
        behind()


def _require_seen(layer: Sequence[str], watch: Watch | ModelRecording) -> None:
    """Refuse layers that do not exist, or cannot be watched."""
    try:
        layers_meant(layer, [(run.stack, run.number) for run in watch.runs], MODEL)
    except AttnvizError as error:
        if unseen := ", ".join(watch.calls.unseen):
            raise AttnvizError(
                error.message, "{unseen} computes attention in its own way, which cannot be watched", unseen=unseen
            ) from None
        raise
