"""64 tokens of a model of 30 layers, written in turn by generate() and by attnviz: python generating.py RUNS → their seconds.

One process, so that both meet the same model, the same memory and the same drift of the machine.
"""

import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from attnviz import generate

PROMPT, TOKENS = 16, 64

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=16_384,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    eos_token_id=None,
    pad_token_id=0,
)
model = LlamaForCausalLM(config).eval()
ids = torch.randint(3, 16_384, (1, PROMPT))


def plain():
    with torch.inference_mode():
        return model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False)


def watched():
    return generate(model, ids, TOKENS)


def seconds(run):
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


plain(), watched()
for _ in range(int(sys.argv[1])):
    print(seconds(watched), seconds(plain))
