"""What tiny models predict without some heads, by plain hooks of torch and its own losses: one text and one pass at a time."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import torch
from asked_models import END, word_tokenizer
from tiny_models import model, tokenizer
from tokenizers import processors
from torch.nn.functional import cross_entropy, kl_div
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from attnviz.choices import Ablation
from attnviz.sources.huggingface.model import Model

HEADS = 4
PLAIN = ("Llama", "Mistral", "Gemma2", "GptOss", "Qwen2", "Qwen3")
GAPS = ("Bert", "ModernBert")
TWO_STACKS = ("T5", "Bart", "NllbMoe")
NAMES = (*PLAIN, "GPT2", *GAPS, *TWO_STACKS)
_TWO = {
    "encoder": "model.encoder.layers.{}.self_attn.out_proj",
    "decoder": "model.decoder.layers.{}.self_attn.out_proj",
}
_TWO["cross"] = "model.decoder.layers.{}.encoder_attn.out_proj"
# Where W_O stands, of each stack.
PROJECTIONS: dict[str, Mapping[str, str]] = {
    **{name: {"layer": "model.layers.{}.self_attn.o_proj"} for name in PLAIN},
    "GPT2": {"layer": "transformer.h.{}.attn.c_proj"},
    "Bert": {"layer": "bert.encoder.layer.{}.attention.output.dense"},
    "ModernBert": {"layer": "model.layers.{}.attn.Wo"},
    "T5": {
        "encoder": "encoder.block.{}.layer.0.SelfAttention.o",
        "decoder": "decoder.block.{}.layer.0.SelfAttention.o",
        "cross": "decoder.block.{}.layer.1.EncDecAttention.o",
    },
    "Bart": _TWO,
    "NllbMoe": {**_TWO, "cross": "model.decoder.layers.{}.cross_attention.out_proj"},
}


@lru_cache
def gap_tokenizer() -> PreTrainedTokenizerFast:
    """Words between two special tokens, as BERT's, and a token for a gap."""
    made = copy.deepcopy(word_tokenizer(closed=True))
    made.add_special_tokens({"mask_token": "[MASK]"})
    made.bos_token = None  # what ends a text stands between the two of a pair
    single = f"{END} $A {END}"
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=single, pair=f"{single} $B:1 {END}:1", special_tokens=[(END, 0)]
    )
    return made


def network(name: str) -> PreTrainedModel:
    """A tiny model in float64; the experts of one family are computed in no more than float32."""
    return model(name, torch.float32 if name == "GptOss" else torch.float64)


def predicting(name: str) -> Model:
    """The same with a tokenizer."""
    return Model(network(name), name, gap_tokenizer() if name in GAPS else tokenizer())


def projection(name: str, title: str) -> torch.nn.Module:
    """W_O of the layer that is spoken of as ``title``."""
    stack, number = title.split()
    return network(name).get_submodule(PROJECTIONS[name][stack].format(number))


@contextmanager
def without(name: str, title: str, heads: Collection[int], values: torch.Tensor) -> Iterator[None]:
    """Inside the block W_O of a layer reads ``values``, (heads, d_v), in the place of these heads' outputs."""

    def change(_: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        changed = given[0].clone().unflatten(-1, (HEADS, -1))
        changed[..., list(heads), :] = values[list(heads)]
        return (changed.flatten(-2), *given[1:])

    with ExitStack() as stack:
        stack.callback(projection(name, title).register_forward_pre_hook(change).remove)
        yield


def means(name: str, title: str, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The mean of each head's outputs over a text, (heads, d_v)."""
    kept: list[torch.Tensor] = []
    hook = projection(name, title).register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    logits(network(name), inputs)
    hook.remove()
    return kept[0].reshape(-1, HEADS, kept[0].shape[-1] // HEADS).mean(0)


def logits(made: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """What a model that nobody watches says of one text, (tokens, vocabulary)."""
    with torch.no_grad():
        result: torch.Tensor = made(**inputs).logits[0]
    return result


def predicted(name: str, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of each prediction, and the targets of all that have one: they stand first. The last is asked for."""
    made = network(name)
    if name in GAPS:
        return _in_gaps(made, inputs)
    ids = inputs.get("decoder_input_ids", inputs["input_ids"])[0]
    return logits(made, inputs), ids[1:]


def _in_gaps(made: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Each token that is neither special nor the gap, hidden; then the gap as it stands."""
    ids, gap = inputs["input_ids"][0], gap_tokenizer().mask_token_id
    own = [place for place, number in enumerate(ids.tolist()) if number not in (0, gap)]
    rows = []
    for place in own:
        hidden = ids.clone()
        hidden[place] = gap
        rows.append(logits(made, {"input_ids": hidden[None]})[place])
    rows += [logits(made, inputs)[place] for place, number in enumerate(ids.tolist()) if number == gap]
    return torch.stack(rows), ids[own]


def effects(
    name: str, inputs: Mapping[str, torch.Tensor], title: str, head: int, ablation: Ablation, answer: int
) -> tuple[float, float, float]:
    """The change of the loss and of the answer's probability, and the divergence, by torch's own functions."""
    values = means(name, title, inputs)
    if ablation is Ablation.ZERO:
        values = torch.zeros_like(values)
    whole, targets = predicted(name, inputs)
    with without(name, title, [head], values):
        changed, _ = predicted(name, inputs)
    loss = [float(cross_entropy(rows[: len(targets)], targets)) for rows in (changed, whole)]
    chance = [float(rows[-1].softmax(-1)[answer]) for rows in (changed, whole)]
    apart = kl_div(changed.log_softmax(-1), whole.log_softmax(-1), reduction="batchmean", log_target=True)
    return loss[0] - loss[1], chance[0] - chance[1], float(apart)
