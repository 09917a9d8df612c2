"""What capturing adds to a forward pass, by turns: python capturing.py MODEL TOKENS TURNS [LAYERS] → JSON.

MODEL is "smollm2", a decoder of the size of SmolLM2's 30 layers (9 heads, 576 numbers a token), or "small": 8 layers of 6 heads, 384
numbers a token; their weights are drawn, which costs the same. Both sides run the very same network (without
its language head, which capture does not ask for), sdpa, without gradients, on the same ids:

plain    the forward pass alone
capture  trace_model of the ids: the pass, what is kept of each layer (or of LAYERS), and the comparison with the model's own outputs
saved    the same, written to a .safetensors file

For each: seconds on the clock and of all processors, the least and the median; and the ratio to the plain pass beside it.

Capture / plain, the median ratio. On two quiet cores, two threads, on the clock and of all processors; and, since the forward pass gains
by the second thread and what is beside it hardly does, with one thread on a loaded machine, processor time (OMP_NUM_THREADS=1):

                             two threads                     one thread
smollm2    512 tokens        1.23 × and 1.27 × (9 turns)     1.15 × (15 turns)
small       64 tokens        1.96 × and 1.90 × (31)          1.65 × (31)
           512 tokens        1.28 × and 1.27 × (21)          1.14 × (21)
         2,048 tokens        1.10 × and 1.14 × (5)           1.07 × (3)

Of smollm2, layers 0-1 alone take 0.06 × (5 turns, one thread). Of the 211 ms that a quiet pass of 512 tokens takes longer, the
comparison is some 47, looking for W_O 45, copies 25, and following who calls whom 27: each left out by itself.

In passes of 6 layers of smollm2 a layer takes 36 to 38 ms at 512 tokens. Beside it the comparison of 72 queries of each head takes some
2.6 ms, copies and the proof of the rotation 0.7 each, and looking for W_O 0.8.

Tried, and not kept: half as many queries at a time, each over only the keys that they see, and no layer made for each. Alone the
comparison then takes some 1.6 ms instead of 1.9, but a pass (12 layers, by turns in one process) took 1.00 to 1.03 times as long as
before. Comparing all layers behind the pass took 0.98 to 1.00 of the time for smollm2 and 1.02 to 1.03 for small: noise.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from by_turns import timed
from transformers import LlamaConfig, LlamaModel

from attnviz import trace_model

name, tokens, turns, *layers = sys.argv[1:]
SIZES = {
    "smollm2": {
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
    },
    "small": {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 8, "num_attention_heads": 6},
}
torch.manual_seed(0)
model = LlamaModel(LlamaConfig(vocab_size=1000, max_position_embeddings=4096, **SIZES[name])).eval()
ids = torch.randint(1000, (1, int(tokens)))


def plain() -> None:
    with torch.inference_mode():
        model(ids, use_cache=False)


def capture() -> object:
    return trace_model(model, ids, layer=layers)


def saved() -> None:
    with tempfile.TemporaryDirectory() as folder:
        capture().save(Path(folder) / "trace.safetensors")


ways = {run.__name__: run for run in (plain, capture, saved)}
for run in (*ways.values(), *ways.values()):
    run()
print(json.dumps(timed(ways, int(turns))))
