"""What capturing adds to a forward pass, by turns: python capturing.py MODEL TOKENS TURNS [LAYERS] → JSON.

MODEL is "smollm2", a decoder of the size of SmolLM2's 30 layers (9 heads, 576 numbers a token), or "small": 8 layers of 6 heads, 384
numbers a token; their weights are drawn, which costs the same. Both sides run the very same network (without
its language head, which capture does not ask for), sdpa, without gradients, on the same ids:

plain    the forward pass alone
capture  trace_model of the ids: the pass, what is kept of each layer (or of LAYERS), and the comparison with the model's own outputs
saved    the same, written to a .safetensors file

For each: seconds on the clock and of all processors, the least and the median; and the ratio to the plain pass beside it.

Capture / plain, the median ratio: on the clock and of all processors, with two threads, on two cores of which others took a part that
changed; and, since the forward pass gains by the second thread and what is beside it hardly does, processor time with one thread
(OMP_NUM_THREADS=1), measured before maps were used again:

                             two threads                     one thread
smollm2    512 tokens        1.17 and 1.18 × (11 turns)      1.15 × (15 turns)
small       64 tokens        1.86 × (31)                     1.65 × (31)
           512 tokens        1.24 and 1.29 × (31)            1.14 × (21)
         2,048 tokens        1.06 × (5)                      1.07 × (3)

Of smollm2, layers 0-1 alone take 0.06 × (5 turns, one thread).

Of some 110 ms that a pass of smollm2 takes longer at 512 tokens, where it takes 560 by itself, comparing takes some 45 (72 queries of
each head: 31 of it in products and softmax), looking for W_O 18, copies 13 (40 before maps of dropped traces were used again), which
queries are compared 8, rules and rotations 8, and the trace itself 5. What is left is the model's own, whose caches are taken from it.

Tried, and not kept: half as many queries at a time, each over only the keys that they see (1.00 to 1.03 times as long a pass); comparing
all layers behind the pass, some at once (smollm2 0.95 and 1.02, small 1.05 and 0.99 times as long, in two trials each: noise); a softmax
in place; keeping the model's own arrays instead of copies, which costs as many new pages.
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
