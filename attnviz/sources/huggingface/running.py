"""How a model runs while it is watched: nothing else is read or fetched, nothing is trained, and what it raises is one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import transformers

from attnviz.attention.memory import lacks_memory
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.loading.errors import one_line
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.seams import closed, unpickling_nothing


class LacksMemoryError(AttnvizError):
    """There is too little memory for what the model was to read at once."""


@contextmanager
def running(model: Model) -> Iterator[None]:
    """Inside the block ``model`` runs as it does for somebody who only reads, and its errors are AttnvizErrors."""
    with made_ready(model), running_here(model):
        yield


@contextmanager
def made_ready(model: Model) -> Iterator[None]:
    """Inside the block any thread may let ``model`` run, each inside ``running_here``."""
    with closed() if model.found else nullcontext(), _evaluating(model.model):
        yield


@contextmanager
def running_here(model: Model) -> Iterator[None]:
    """``running`` for this thread, of a model that is ``made_ready``."""
    with unpickling_nothing() if model.found else nullcontext(), torch.inference_mode(), _model_errors(model):
        yield


@contextmanager
def _model_errors(model: Model) -> Iterator[None]:
    """Turn what a model raises while it runs into one line."""
    try:
        yield
    except AttnvizError:
        raise
    except Exception as error:  # models refuse what they are given in every way there is
        if lacks_memory(error):
            raise LacksMemoryError(
                "not enough memory for this text in this model",
                "give a shorter text, --dtype bfloat16 or --device-map auto",
            ) from None
        raise AttnvizError(
            "{kind} cannot read this: {reason}",
            "a model of images or sound needs them too: from Python, give trace_model() all of its inputs by name",
            kind=type(model.model).__name__,
            reason=one_line(error),
        ) from error


@contextmanager
def _evaluating(model: transformers.PreTrainedModel) -> Iterator[None]:
    """Without dropout, whatever the model was doing before."""
    training = [module for module in model.modules() if module.training]
    if training:
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
