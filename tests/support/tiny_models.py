"""Models of every kind, tiny and with random weights, and a tokenizer: nothing is downloaded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

torch.set_num_threads(1)  # threads wait for each other longer than such models take

VOCABULARY = 330
ENDS = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
LAYERS = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
PLAIN = {"vocab_size": VOCABULARY, **LAYERS, **ENDS}
GROUPED = {**PLAIN, "num_key_value_heads": 2}
TWO_STACKS = {
    "vocab_size": VOCABULARY,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "Llama": {**GROUPED, "max_position_embeddings": 64},
    "Mistral": {**GROUPED, "sliding_window": 4},
    "Gemma2": {
        **GROUPED,
        "head_dim": 8,
        "sliding_window": 4,
        "attn_logit_softcapping": 2.0,
        "query_pre_attn_scalar": 5,
    },
    "GptOss": {**GROUPED, "head_dim": 8, "sliding_window": 4, "num_local_experts": 2, "num_experts_per_tok": 1},
    "Qwen2": GROUPED,
    "Qwen3": {**GROUPED, "head_dim": 8},
    "GPT2": {
        "vocab_size": VOCABULARY,
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 64,
        "bos_token_id": 0,
        "eos_token_id": 0,
    },
    "Bert": PLAIN,
    "ModernBert": {**PLAIN, "local_attention": 4, "cls_token_id": 0, "sep_token_id": 0},
    "Albert": {**PLAIN, "embedding_size": 16},
    "Splinter": PLAIN,  # plain code alone, and no mask: nothing may be taken for causal
    "NllbMoe": {**TWO_STACKS, "num_experts": 2},
    "ViT": {**LAYERS, "image_size": 32, "patch_size": 8},
    "T5": {
        "vocab_size": VOCABULARY,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 48,
        "num_heads": 4,
        "num_layers": 2,
        "num_decoder_layers": 3,
        "decoder_start_token_id": 0,
        "relative_attention_num_buckets": 8,
    },
    "Bart": {**TWO_STACKS, "max_position_embeddings": 64},
    "XLNet": {"vocab_size": VOCABULARY, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
}
HEADS = {
    "Bert": "BertForMaskedLM",
    "ModernBert": "ModernBertForMaskedLM",
    "Albert": "AlbertForMaskedLM",
    "ViT": "ViTForImageClassification",
    "T5": "T5ForConditionalGeneration",
    "Bart": "BartForConditionalGeneration",
    "NllbMoe": "NllbMoeForConditionalGeneration",
    "Splinter": "SplinterModel",
    "GPT2": "GPT2LMHeadModel",
    "XLNet": "XLNetModel",
}
TEXTS = ("Your journey starts with one step", "the cat sat on the mat, and the cat slept")
TEMPLATE = "{% for turn in messages %}<|{{ turn.role }}|>{{ turn.content }}\n{% endfor %}<|assistant|>"


@lru_cache
def model(name: str, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """A model of the architecture ``name``, its weights so large that its attention is far from even; the same one each time."""
    config = getattr(transformers, f"{name}Config")(**CONFIGS[name])
    generator = torch.Generator().manual_seed(0)
    made = getattr(transformers, HEADS.get(name, f"{name}ForCausalLM"))(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return made.to(dtype).eval()


def inputs(name: str, tokens: int = 12, targets: int = 7) -> dict[str, torch.Tensor]:
    """What such a model reads."""
    generator = torch.Generator().manual_seed(1)
    if name == "ViT":
        return {"pixel_values": torch.randn(1, 3, 32, 32, generator=generator)}
    ids = {"input_ids": torch.randint(3, VOCABULARY, (1, tokens), generator=generator)}
    if name in ("T5", "Bart", "NllbMoe"):
        ids["decoder_input_ids"] = torch.randint(3, VOCABULARY, (1, targets), generator=generator)
    return ids


@lru_cache
def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE as GPT-2 has it, trained on two sentences, with a chat template."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator([*TEXTS] * 3, trainer)
    ends = {"eos_token": "<|endoftext|>", "additional_special_tokens": ["<|user|>", "<|assistant|>"]}
    return PreTrainedTokenizerFast(tokenizer_object=made, chat_template=TEMPLATE, **ends)


def saved(name: str, folder: Path, with_tokenizer: bool = True) -> Path:
    """A folder with such a model, as save_pretrained writes it."""
    logging = transformers.utils.logging
    logging.disable_progress_bar()
    model(name).save_pretrained(folder)
    logging.enable_progress_bar()
    if with_tokenizer:
        tokenizer().save_pretrained(folder)
    return folder
