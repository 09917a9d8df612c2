"""Seconds of the maps of all heads of a layer, contributions and then weights: bringing.py RUNS TOKENS."""

import sys
import time

import numpy

from attnviz import Layer, Projection, Rule, Trace
from attnviz.analysis.maps import framed, head_maps
from attnviz.choices import MapStep
from attnviz.trace.selection import select

HEADS, DIMENSION = 12, 64


def main(runs: int, tokens: int) -> None:
    draw = numpy.random.default_rng(0).standard_normal
    query, key, value = (draw((HEADS, tokens, DIMENSION)).astype("float32") for _ in range(3))
    output = Projection((draw((HEADS * DIMENSION, HEADS * DIMENSION)) / 30).astype("float32"))
    layer = Layer(query, key, value, Rule(causal=True), projections={"output": output})
    selected = select(Trace(tuple(map(str, range(tokens))), (layer,))).layers[0]
    frame = framed(selected, 512)
    for run in range(runs + 1):  # the first is not counted
        times = []
        for step in (MapStep.CONTRIBUTION, MapStep.WEIGHTS):
            began = time.perf_counter()
            head_maps(selected, step, frame)
            times.append(time.perf_counter() - began)
        if run:
            print(*times)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
