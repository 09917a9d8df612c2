"""How a model is to write: its own settings, as far as one text grows by one token a step, and the draw that is asked for."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import GenerationConfig

from attnviz.errors import AttnvizError
from attnviz.progress import Notice
from attnviz.text.message import Message
from attnviz.trace.written import Sampling

ONE_AT_A_TIME = ("greedy_search", "sample")  # the ways to write in which one text grows by one token a step


def generation_settings(network: Any, tokens: int, sampling: Sampling, notice: Notice) -> GenerationConfig:
    """The model's own settings, but one text that grows by one token a step, and the draw that is asked for."""
    settings: GenerationConfig = copy.deepcopy(network.generation_config)
    if (settings.num_beams or 1) > 1:
        notice(
            Message(
                "the model's settings ask for {num_beams} beams; attnviz follows one text, without beams",
                num_beams=settings.num_beams,
            )
        )
    settings.update(
        max_new_tokens=tokens,
        num_beams=1,
        num_return_sequences=1,
        do_sample=sampling.draws,
        use_cache=True,
        return_dict_in_generate=False,
        output_attentions=False,
        disable_compile=True,
    )
    if sampling.draws:
        settings.update(
            temperature=1.0 if sampling.temperature is None else sampling.temperature,
            top_k=0 if sampling.top_k is None else sampling.top_k,
            top_p=1.0 if sampling.top_p is None else sampling.top_p,
        )
    if settings.pad_token_id is None and settings.eos_token_id is not None:  # as generate() does, but aloud
        ends = settings.eos_token_id
        settings.pad_token_id = ends[0] if isinstance(ends, list) else ends
    mode = settings.get_generation_mode()
    if mode not in ONE_AT_A_TIME:
        raise AttnvizError(
            "the model's settings ask for {mode}, which does not write one token a step",
            "change its generation_config.json",
            mode=mode.replace("_", " "),
        )
    if settings.cache_implementation == "quantized":
        raise AttnvizError(
            "the model's settings ask for a quantised cache, whose keys change from step to step: no one map holds them",
            "take cache_implementation out of its generation_config.json",
        )
    return settings


@contextmanager
def drawn_from(sampling: Sampling, device: torch.device) -> Iterator[None]:
    """Tokens are drawn from the seed that is asked for, and what others draw afterwards is what they would have drawn."""
    if not sampling.draws:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else [], device_type="cuda"):
        torch.manual_seed(sampling.seed)
        yield
