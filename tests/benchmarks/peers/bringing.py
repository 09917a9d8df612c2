"""Seconds of all heads, contributions and then weights: bringing.py RUNS WHAT LOOK TOKENS LAYERS.

WHAT is how long contributions are (length), how far they go along the logit of a token (toward), or the sum over heads
(summed); LOOK is the maps of the heads (map), or their metrics (stats)."""

import sys
import time
from collections import deque

import numpy

from attnviz import Layer, Projection, Rule, Trace
from attnviz.analysis.maps import framed, head_maps
from attnviz.analysis.together import measured_together
from attnviz.choices import MapStep, MeasuredStep
from attnviz.trace.direction import Direction
from attnviz.trace.selection import Selection, select

HEADS, DIMENSION = 12, 64
LOOKS: dict[str, type[MapStep | MeasuredStep]] = {"map": MapStep, "stats": MeasuredStep}


def main(runs: int, what: str, look: str, tokens: int, layers: int) -> None:
    draw = numpy.random.default_rng(0).standard_normal
    width = HEADS * DIMENSION
    toward = Direction("x", draw(width).astype("float32"), 1 + abs(draw(tokens).astype("float32")))
    made = []
    for index in range(layers):
        query, key, value = (draw((HEADS, tokens, DIMENSION)).astype("float32") for _ in range(3))
        output = Projection((draw((width, width)) / 30).astype("float32"))
        along = toward if what == "toward" else None
        made.append(Layer(query, key, value, Rule(causal=True), index, projections={"output": output}, toward=along))
    trace = Trace(tuple(map(str, range(tokens))), tuple(made))
    selection = select(trace)
    for run in range(runs + 1):  # the first is not counted
        times = []
        for step in (LOOKS[look].SUMMED if what == "summed" else LOOKS[look].CONTRIBUTION, LOOKS[look].WEIGHTS):
            began = time.perf_counter()
            seen(trace, selection, step)
            times.append(time.perf_counter() - began)
        if run:
            print(*times)


def seen(trace: Trace, selection: Selection, step: MapStep | MeasuredStep) -> None:
    """Look at all layers of ``trace``."""
    if isinstance(step, MeasuredStep):
        deque(measured_together(trace, selection.layers, step=step), maxlen=0)
        return
    for selected in selection.layers:
        head_maps(selected, step, framed(selected, 512))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
