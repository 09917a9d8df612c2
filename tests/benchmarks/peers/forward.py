"""One forward pass: python forward.py plain|eager|capture TOKENS [small] → seconds, peak MiB.

The model is of GPT-2's size, or a small one with grouped heads.
"""

import resource
import sys
import time

import torch
from transformers import LlamaConfig, LlamaModel

how, tokens = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
small = "small" in sys.argv
config = LlamaConfig(
    vocab_size=1000,
    hidden_size=512 if small else 768,
    intermediate_size=2048,
    num_hidden_layers=4 if small else 12,
    num_attention_heads=8 if small else 12,
    num_key_value_heads=2 if small else 12,
    max_position_embeddings=8192,
)
config._attn_implementation = "eager" if how == "eager" else "sdpa"
model = LlamaModel(config).eval()
ids = torch.randint(1000, (1, tokens))


def run():
    if how == "capture":
        from attnviz import trace_model

        return trace_model(model, ids)
    with torch.inference_mode():
        return model(ids, use_cache=False, output_attentions=how == "eager")


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


kept = run()
times = []
for _ in range(3):
    kept = None  # the trace of the last run, which none of the two would hold twice
    began = time.perf_counter()
    kept = run()
    times.append(time.perf_counter() - began)
print(min(times), peak())
