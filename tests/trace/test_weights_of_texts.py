"""The weights of texts that a model reads together: what takes them takes layer after layer, and tells of each text."""

from __future__ import annotations

import numpy

from attnviz import trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.trace.weights_of_texts import StartWeighing, WeightsOfTexts


def test_what_weighs_is_started_with_the_ids_of_each_text_and_given_layer_after_layer():
    start: StartWeighing = Statistics().together
    weighing = start([[1, 2, 3], [4]])
    weights = numpy.tile(numpy.tril(numpy.ones((3, 3))) / numpy.arange(1, 4)[:, None], (2, 2, 1, 1))
    for number in range(2):
        weighing.take(WeightsOfTexts(f"layer {number}", number, weights, numpy.tril(numpy.ones((1, 1, 3, 3), bool))))
    source = trace_text("a").source
    texts = [weighing.of_text(place, source, labels) for place, labels in enumerate((["a", "b", "c"], ["d"]))]
    assert [text.tokens for text in texts] == [3, 1]
    assert [(one.title, one.number, one.heads) for one in texts[0].layers[0][0]] == [
        ("layer 0", 0, (0, 1)),
        ("layer 1", 1, (0, 1)),
    ]
