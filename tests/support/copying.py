"""A writer that copies needles, whose heads look where they are told: the first at the token that it copies."""

from __future__ import annotations

import re
from typing import Any

import numpy

from attnviz import Layer, Rule, Trace
from attnviz.analysis.copied import hidden_needles
from attnviz.analysis.retrieval import RetrievalStatistics
from attnviz.text.needles import needles
from attnviz.trace.generation import Generation
from attnviz.trace.selection import select
from attnviz.trace.token_facts import TokenFacts

TOKEN = re.compile(r"\w+|[^\w\s]")
HEADS = 3  # of which the first looks at what is copied, the second at the first token, the third at the token before the copied one


def writes(text: str, tokens: int, *, lost: int = 0, **_: Any) -> Trace:
    """What such a model makes of a text that ends with a needle's cue: the needle's answer, without its ``lost`` last words."""
    found = [(one[0], one.span()) for one in TOKEN.finditer(text)]
    words = [word for word, _ in found]
    cue, answer = next((one.cue, TOKEN.findall(one.answer)) for one in needles() if text.endswith(one.cue))
    start = len(TOKEN.findall(text[: text.index(cue) + len(cue)]))  # where the answer begins in the text
    chosen = [*answer[: max(len(answer) - lost, 0)], *["nothing"] * tokens][:tokens]
    read = words + chosen[:-1]
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(word, len(numbers)) for word in read]
    keys = numpy.zeros((HEADS, len(read)), dtype=int)  # what each head looks at
    for place in range(len(answer)):
        keys[0, len(words) - 1 + place] = start + place
        keys[2, len(words) - 1 + place] = start + place - 1
    key = numpy.broadcast_to(numpy.eye(len(read)), (HEADS, len(read), len(read)))
    layer = Layer(1e3 * numpy.eye(len(read))[keys], key, key[..., :2], Rule(causal=True))
    spans = (*(span for _, span in found), *[None] * (len(read) - len(words)))
    source = {"kind": "model", "model": "copier", "ids": ids, "special": [], "agreement": {"largest_error": 1e-7}}
    generation = Generation(tuple(chosen), text=" ".join(chosen))
    return Trace(tuple(read), (layer,), source, generation=generation, facts=TokenFacts(spans=spans))


def measured(count: int = 4, words: int = 40, lost: int = 0, threshold: float = 0.1) -> RetrievalStatistics:
    """The statistics of so many needles."""
    statistics = RetrievalStatistics(threshold)
    for needle in hidden_needles(count, [words]):
        trace = writes(needle.text, 12, lost=lost)
        statistics.add(trace, needle, select(trace))
    return statistics
