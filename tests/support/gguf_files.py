"""A tiny model in a .gguf file, written with ggml's own library as llama.cpp converts one."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy
import torch
import transformers
from tiny_models import CONFIGS, model, tokenizer

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OUTSIDE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
CONFIG = CONFIGS["Llama"]
Q8 = gguf.GGMLQuantizationType.Q8_0


def gguf_llama(path: Path, packed: bool = False, architecture: str = "llama", **facts: int) -> Path:
    """``path`` with the tiny Llama in it; ``packed``: what can be is in blocks of 8-bit numbers. ``facts`` say something else
    of it."""
    writer = gguf.GGUFWriter(path, architecture)
    said = {
        "vocab_size": CONFIG["vocab_size"],
        "block_count": CONFIG["num_hidden_layers"],
        "context_length": CONFIG["max_position_embeddings"],
        "embedding_length": CONFIG["hidden_size"],
        "feed_forward_length": CONFIG["intermediate_size"],
        "attention.head_count": CONFIG["num_attention_heads"],
        "attention.head_count_kv": CONFIG["num_key_value_heads"],
    } | facts
    for name, number in said.items():
        writer.add_uint32(f"{architecture}.{name}", number)
    config = model("Llama").config
    writer.add_float32(f"{architecture}.attention.layer_norm_rms_epsilon", config.rms_norm_eps)
    writer.add_float32(f"{architecture}.rope.freq_base", 10000.0)
    _add_vocabulary(writer)
    for name, array in arrays().items():
        if packed and is_packed(array):
            writer.add_tensor(name, gguf.quants.quantize(array, Q8), raw_dtype=Q8)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def arrays() -> dict[str, numpy.ndarray]:
    """The weights of the tiny Llama as llama.cpp names and turns them."""
    found = {}
    for name, tensor in model("Llama").state_dict().items():
        array = tensor.numpy()
        if name in OUTSIDE or name == "lm_head.weight":
            found[OUTSIDE.get(name, "output.weight")] = array
            continue
        _, _, layer, part = name.removesuffix(".weight").split(".", 3)
        if part.endswith(("q_proj", "k_proj")):
            array = turned(array, CONFIG["num_attention_heads" if "q_proj" in part else "num_key_value_heads"])
        found[f"blk.{layer}.{NAMES[part]}.weight"] = array
    return found


def turned(array: numpy.ndarray, heads: int) -> numpy.ndarray:
    """The rows of W_Q or W_K in the order of llama.cpp: the two halves that RoPE turns together are interleaved there."""
    rows, columns = array.shape
    halves = array.reshape(heads, 2, rows // heads // 2, columns)
    return numpy.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))


def is_packed(array: numpy.ndarray) -> bool:
    """Whether rows fit into blocks."""
    return array.ndim == 2 and array.shape[1] % 32 == 0


def rounded(tensor: torch.Tensor) -> torch.Tensor:
    """What a weight is after it was packed and unpacked, by ggml's own library."""
    array = tensor.numpy()
    if not is_packed(array):
        return tensor
    return torch.from_numpy(gguf.quants.dequantize(gguf.quants.quantize(array, Q8), Q8).copy())


def rounded_llama() -> transformers.PreTrainedModel:
    """The tiny Llama with its weights rounded so; each row is rounded alone, so the order of rows does not matter."""
    made = transformers.LlamaForCausalLM(model("Llama").config)
    made.load_state_dict({name: rounded(tensor) for name, tensor in model("Llama").state_dict().items()})
    return made.eval()


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    known = json.loads(tokenizer().backend_tokenizer.to_str())["model"]
    tokens = sorted(known["vocab"], key=known["vocab"].__getitem__)
    tokens += [f"<unused {place}>" for place in range(len(tokens), CONFIG["vocab_size"])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_merges([" ".join(pair) for pair in known["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
