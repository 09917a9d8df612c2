"""270 heads of a model of 30 layers, taken away by attnviz, and as many passes of it as that takes at least, in turn:
python headless.py RUNS → their seconds.

One process and one thread, so that both meet the same model, the same memory and the same drift of the machine.
"""

import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from attnviz.analysis.effects import measure_effects
from attnviz.sources.huggingface.predicted import TOGETHER
from attnviz.sources.huggingface.predictor import load_predictor

TOKENS, LAYERS, HEADS = 16, 30, 9

torch.set_num_threads(1)
torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=49_152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=LAYERS,
    num_attention_heads=HEADS,
    num_key_value_heads=3,
)
model = LlamaForCausalLM(config).eval()
ids = torch.randint(3, 49_152, (1, TOKENS))
rows = TOGETHER // TOKENS


def plain():
    with torch.inference_mode():
        for start in range(0, LAYERS * HEADS, rows):
            model(ids.expand(min(rows, LAYERS * HEADS - start), -1), use_cache=False)


def ours():
    text = load_predictor(model).read(ids)
    text.label = str
    return measure_effects(text)


def seconds(run):
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


plain(), ours()
for _ in range(int(sys.argv[1])):
    print(seconds(ours), seconds(plain))
