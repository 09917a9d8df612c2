"""Tiny models that write, and what they write when nobody watches."""

from __future__ import annotations

import copy
from typing import Any

import torch
import transformers
from tiny_models import CONFIGS, model, tokenizer

from attnviz.sources.huggingface.generate import generate
from attnviz.sources.huggingface.model import Model
from attnviz.trace.trace import Trace
from attnviz.trace.written import Sampling

TEXT = "Your journey starts with one step, and"  # longer than the windows of tiny_models
WRITERS = ("Llama", "GPT2", "Mistral", "Gemma2", "GptOss", "Qwen3", "T5", "Bart")


def network(name: str, cache: str | None = None, dtype: torch.dtype = torch.float32) -> Any:
    """A model of its own, which nothing ends; its cache is the one that its settings ask for."""
    if name == "T5":  # transformers takes the encoder's number of layers for the cache of the decoder
        torch.manual_seed(0)
        made = transformers.T5ForConditionalGeneration(transformers.T5Config(**CONFIGS["T5"] | {"num_layers": 3}))
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.copy_(0.4 * torch.randn(parameter.shape))
        made = made.to(dtype).eval()
    else:
        made = copy.deepcopy(model(name, dtype))
    made.generation_config.eos_token_id = None
    made.generation_config.cache_implementation = cache
    return made


def written(made: Any, text: Any = TEXT, tokens: int = 6, **options: Any) -> Trace:
    """What it writes, watched."""
    return generate(Model(made, "tiny", tokenizer()), text, tokens, **{"alternatives": 5} | options)


def unwatched(made: Any, text: str = TEXT, tokens: int = 6, sampling: Sampling = Sampling()) -> list[int]:  # noqa: B008
    """The ids that its own generate() gives, those that it began with among them."""
    ids = tokenizer()(text, return_tensors="pt").input_ids
    draw = {"temperature": sampling.temperature or 1.0, "top_k": sampling.top_k or 0, "top_p": sampling.top_p or 1.0}
    torch.manual_seed(sampling.seed)
    [row] = made.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=tokens,
        num_beams=1,
        pad_token_id=0,
        do_sample=sampling.draws,
        **(draw if sampling.draws else {}),
    )
    return [int(number) for number in row]
