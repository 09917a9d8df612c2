"""A page of all heads, from weights that are computed here: seconds to make it (imports apart), and its size.

python page.py attnviz|bertviz|circuitsvis LAYERS HEADS TOKENS causal|full

attnviz gets query, key and value, and computes the weights within its time; the others get the weights.
"""

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as pages are written; the peers multiply nothing

import numpy

who, layers, heads, tokens, mask = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
draw = numpy.random.default_rng(0)
arrays = [[draw.standard_normal((heads, tokens, 64), dtype="float32") for _ in range(3)] for _ in range(layers)]
names = [f"word{place}" for place in range(tokens)]

if who == "attnviz":
    from attnviz import Layer, Rule, Trace
    from attnviz.renderers.page import page  # noqa: F401  (imports apart)

    rule = Rule(causal=mask == "causal")
    trace = Trace(tuple(names), tuple(Layer(*qkv, rule, index=index) for index, qkv in enumerate(arrays)))
    began = time.perf_counter()
    content = trace.to_html()
else:
    import torch

    from attnviz import attend

    weights = [torch.from_numpy(attend(*qkv, causal=mask == "causal").weights) for qkv in arrays]
    if who == "bertviz":
        from bertviz import head_view

        began = time.perf_counter()
        content = head_view([layer[None] for layer in weights], names, html_action="return").data
    else:
        from circuitsvis.attention import attention_heads

        began = time.perf_counter()
        content = str(attention_heads(torch.cat(weights), names))
print(time.perf_counter() - began, len(content.encode()))
