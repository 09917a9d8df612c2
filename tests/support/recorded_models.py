"""Families of transformers whose attention does not go through its interface, tiny; what each says of itself is the oracle."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import transformers
from tiny_models import VOCABULARY

BERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
XLM = {"vocab_size": VOCABULARY, "emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64}
SEQUENCES = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
WHOLE: dict[str, dict[str, Any]] = {
    "BigBird": {**BERT, "attention_type": "original_full"},
    "Bloom": {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4},
    "Falcon": {**BERT, "alibi": False},
    "Falcon alibi": {**BERT, "alibi": True},
    "Falcon new": {**BERT, "new_decoder_architecture": True, "num_kv_heads": 2},
    "Mpt": {"vocab_size": VOCABULARY, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 64},
    "XLM": XLM,
    "Flaubert": XLM,
    "MPNet": BERT,
    "SqueezeBert": {**BERT, "embedding_size": 32, "q_groups": 1},
    "SqueezeBert grouped": {**BERT, "embedding_size": 32},
    "RoFormer": {**BERT, "embedding_size": 32},
    "ConvBert": {**BERT, "embedding_size": 32},
    "OpenAIGPT": GPT,
    "GPTNeo": {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 4,
        "max_position_embeddings": 64,
    },
    "GPTNeoXJapanese": BERT,
    "IBert": BERT,
    "Luke": {**BERT, "entity_vocab_size": 10, "entity_emb_size": 16},
    "MegatronBert": BERT,
    "RemBert": {**BERT, "input_embedding_size": 32, "output_embedding_size": 32},
    "Tapas": BERT,
    "FSMT": {
        **{name: value for name, value in SEQUENCES.items() if not name.startswith(("bos", "eos", "pad"))},
        "langs": ["en", "de"],
        "src_vocab_size": VOCABULARY,
        "tgt_vocab_size": VOCABULARY,
        "max_position_embeddings": 64,
    },
    "Mvp": {**SEQUENCES, "vocab_size": VOCABULARY, "max_position_embeddings": 64},
    "XGLM": {
        "vocab_size": VOCABULARY,
        "d_model": 32,
        "num_layers": 2,
        "attention_heads": 4,
        "ffn_dim": 48,
        "max_position_embeddings": 64,
    },
}
ALONE: dict[str, dict[str, Any]] = {
    "Deberta": {**BERT, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": -1},
    "DebertaV2": {
        **BERT,
        "relative_attention": True,
        "pos_att_type": ["c2p", "p2c"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
    },
    "XLNet": {"vocab_size": VOCABULARY, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
}
IN_PIECES: dict[str, dict[str, Any]] = {
    "Longformer": {**BERT, "attention_window": 4},
    "BigBird sparse": {**BERT, "attention_type": "block_sparse", "block_size": 2, "num_random_blocks": 1},
    "Nystromformer": {**BERT, "segment_means_seq_len": 40, "num_landmarks": 4},
}
WITHOUT: dict[str, dict[str, Any]] = {
    "FNet": {name: value for name, value in BERT.items() if name != "num_attention_heads"},
    "Rwkv": {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "attention_hidden_size": 32},
    "Mamba": {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
}
RETURN_SCORES = ("SqueezeBert", "SqueezeBert grouped")  # in place of weights, as attentions


@lru_cache
def recorded_model(name: str) -> torch.nn.Module:
    """A model of the family ``name``, its weights so large that its attention is far from even; the same one each time."""
    own = (WHOLE | ALONE | IN_PIECES | WITHOUT)[name]
    config = getattr(transformers, f"{name.partition(' ')[0]}Config")(**own)
    torch.manual_seed(0)
    made = transformers.AutoModel.from_config(config, attn_implementation="eager" if "Falcon" in name else None)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return made.eval()


def read_by(network, tokens: int = 12) -> dict[str, torch.Tensor]:
    """What ``network`` reads."""
    generator = torch.Generator().manual_seed(1)
    given = {"input_ids": torch.randint(3, VOCABULARY, (1, tokens), generator=generator)}
    if network.config.is_encoder_decoder:
        given["decoder_input_ids"] = torch.randint(3, VOCABULARY, (1, 7), generator=generator)
    return given


def own_attentions(name: str, network, given) -> list[torch.Tensor]:
    """What ``network`` itself returns as its attentions, in the order of a trace's layers."""
    options = {"use_cache": False} if network.config.is_encoder_decoder else {}
    with torch.inference_mode():
        outputs = network(**given, output_attentions=True, **options)
    stacks = ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions")
    found = [layer[0] for stack in stacks for layer in outputs.get(stack) or ()]
    return [scores.softmax(-1) for scores in found] if name in RETURN_SCORES else found
