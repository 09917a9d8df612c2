"""A bare loop of NumPy and orjson over the lines of a file: python lines.py FILE

It prints the JSON that attnviz explain --lines prints of toy attention (tests/benchmarks sees that the numbers are the
same), for this one case: words apart at spaces, one head, nothing hidden. No checks, no options, nothing else.
"""

import math
import random
import sys
from functools import lru_cache

import numpy
import orjson


@lru_cache(maxsize=16384)
def vector(word):
    draw = random.Random(f"0 {word}").random
    numbers = []
    while len(numbers) < 3:
        radius, angle = math.sqrt(-2 * math.log(1 - draw())), 2 * math.pi * draw()
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return [round(number, 1) + 0.0 for number in numbers[:3]]


def record(words):
    inputs = numpy.array([vector(word) for word in words])
    scores = inputs @ inputs.T
    scaled = scores * (1 / math.sqrt(3))
    exponentials = numpy.exp(scaled - scaled.max(axis=-1, keepdims=True))
    weights = exponentials / exponentials.sum(axis=-1, keepdims=True)
    head = {
        "head": 0,
        "kv_head": 0,
        "query": inputs,
        "key": inputs,
        "value": inputs,
        "scores": scores,
        "scaled": scaled,
        "masked": scaled,
        "weights": weights,
        "output": weights @ inputs,
    }
    layer = {"layer": 0, "name": "toy", "kind": "self", "causal": False, "scale": 1 / math.sqrt(3)}
    return {"attnviz": 1, "tokens": words, "layers": [layer | {"embeddings": inputs, "heads": [head]}]}


for line in open(sys.argv[1], encoding="utf-8"):
    sys.stdout.buffer.write(
        orjson.dumps(record(line.split()), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
    )
    sys.stdout.buffer.flush()
